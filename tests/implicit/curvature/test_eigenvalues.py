"""The Lanczos core on matrices with a known spectrum, and Hessians against their dense eigenvalues."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import jax
import jax.numpy as jnp

from benign.foundation.errors import InvalidArgument
from benign.implicit.curvature.eigenvalues import KrylovOutcome, lanczos, top_eigenvalues
from benign.implicit.curvature.hessian import dense_hessian, parameter_loss
from tests.implicit.small_losses import small_loss


def quadratic(matrix):
    """The loss whose Hessian is a symmetric matrix."""
    return parameter_loss(lambda p: 0.5 * p @ jnp.asarray(matrix) @ p, np.ones(len(matrix)))


def rotated(values, seed=0):
    """A dense symmetric matrix with these eigenvalues."""
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))[0]
    return (Q * np.asarray(values)) @ Q.T


@partial(jax.jit, static_argnames=("k", "which", "size"))
def _solve(A, tolerance, most, *, k, which, size):
    return lanczos(
        lambda v: A @ v,
        like=A[0],
        word=jnp.uint32(3),
        k=k,
        which=which,
        tolerance=tolerance,
        most_products=most,
        size=size,
    )


def solve(matrix, k, *, which="largest", tolerance=1e-9, size=None, most=2000, dtype=np.float64):
    with jax.enable_x64(dtype == np.float64):
        found = _solve(jnp.asarray(matrix, dtype), jnp.asarray(tolerance, dtype), most, k=k, which=which, size=size)
        return jax.tree.map(np.asarray, found)


def ordered(values, which):
    rank = {"largest": values, "smallest": -values, "magnitude": np.abs(values)}[which]
    return values[np.argsort(-rank)]


@pytest.mark.parametrize("which", ["largest", "smallest", "magnitude"])
@pytest.mark.parametrize("size", [None, 8, 12], ids=["basis fills the space", "8 in the basis", "12 in the basis"])
def test_the_outermost_values_are_those_of_a_dense_solver(which, size):
    random = np.random.default_rng(1)
    values = random.standard_normal(50)
    matrix = rotated(values)
    found = solve(matrix, 4, which=which, size=size)
    assert found.outcome == KrylovOutcome.CONVERGED
    np.testing.assert_allclose(found.values, ordered(values, which)[:4], rtol=1e-8)
    true = np.linalg.norm(found.vectors @ matrix - found.values[:, None] * found.vectors, axis=1)
    np.testing.assert_array_less(true, found.residuals + 1e-12)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(4), atol=1e-10)


@settings(max_examples=40)
@given(
    values=st.lists(st.integers(-30, 30), min_size=8, max_size=8, unique=True),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    which=st.sampled_from(["largest", "smallest", "magnitude"]),
    seed=st.integers(0, 5),
)
def test_any_small_matrix_is_solved_for_all_its_values(values, scale, which, seed):
    exact = scale * np.array(values, dtype=float)
    found = solve(rotated(exact, seed), len(values), which=which)
    assert found.outcome == KrylovOutcome.CONVERGED
    np.testing.assert_allclose(np.sort(found.values), np.sort(exact), atol=1e-10 * scale * 30)
    rank = {"largest": found.values, "smallest": -found.values, "magnitude": np.abs(found.values)}[which]
    assert np.all(np.diff(rank) <= 1e-10 * scale * 30)


@pytest.mark.parametrize(
    "values", [[2.0] * 9, [0.0] * 9, [5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0], [-1.0] * 8 + [3.0]]
)
def test_a_krylov_space_that_ends_early_is_left_for_the_rest(values):
    found = solve(rotated(values), 4)
    np.testing.assert_allclose(found.values, np.sort(values)[::-1][:4], atol=1e-12)
    assert found.outcome == KrylovOutcome.CONVERGED


def test_a_small_basis_restarts_and_needs_more_products():
    values = np.linspace(0.0, 1.0, 300) ** 3
    large, small = solve(np.diag(values), 3, tolerance=1e-7), solve(np.diag(values), 3, tolerance=1e-7, size=10)
    assert large.products + 20 < small.products
    for found in (large, small):
        np.testing.assert_allclose(found.values, values[::-1][:3], rtol=1e-10)


def test_a_spent_budget_is_told_and_the_residuals_still_hold():
    values = np.linspace(0.0, 1.0, 300)
    found = solve(np.diag(values), 3, tolerance=1e-12, size=8, most=30)
    assert found.outcome == KrylovOutcome.BUDGET_SPENT
    assert 30 <= found.products <= 34
    assert "a larger one may be missing" in KrylovOutcome.BUDGET_SPENT.sentence
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert residual > 1e-12
        assert np.abs(values - value).min() <= residual


def test_float32_gives_six_digits():
    values = np.concatenate([np.geomspace(10.0, 0.5, 10), 0.3 * np.random.default_rng(0).random(190)])
    found = solve(rotated(values), 10, tolerance=1e-4, dtype=np.float32)
    assert found.values.dtype == np.float32
    assert found.outcome == KrylovOutcome.CONVERGED
    np.testing.assert_allclose(found.values, np.sort(values)[::-1][:10], rtol=3e-6)


@pytest.mark.parametrize(
    ("loss_name", "which"), [("cross-entropy", "largest"), ("cross-entropy", "smallest"), ("squared", "magnitude")]
)
def test_eigenvalues_of_a_network_are_those_of_its_dense_hessian(loss_name, which):
    loss = small_loss(loss=loss_name, rows=16)
    exact, vectors = np.linalg.eigh(dense_hessian(loss))
    found = top_eigenvalues(loss, k=5, which=which)
    assert found.outcome == KrylovOutcome.CONVERGED
    np.testing.assert_allclose(found.values, ordered(exact, which)[:5], rtol=1e-7)
    leading = vectors[:, np.argmin(np.abs(exact - found.values[0]))]
    assert abs(leading @ found.vectors[0]) == pytest.approx(1.0, abs=1e-10)


def test_eigenvalues_of_a_float32_network_are_those_of_its_float64_twin():
    found = top_eigenvalues(small_loss(dtype=np.float32), k=5)
    exact = np.linalg.eigvalsh(dense_hessian(small_loss()))[::-1]
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, exact[:5], rtol=1e-5)


def test_the_same_seed_gives_the_same_bits_and_another_the_same_values():
    loss = small_loss()
    one, same, other = (top_eigenvalues(loss, k=3, seed=seed) for seed in (1, 1, 2))
    assert one.vectors.tobytes() == same.vectors.tobytes()
    assert one.vectors.tobytes() != other.vectors.tobytes()
    np.testing.assert_allclose(one.values, other.values, rtol=1e-8)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"k": 4}, "`k` must be at most the number of parameters, 3, got 4"),
        ({"k": 0}, "`k` must be a positive integer"),
        ({"k": 1, "which": "LM"}, "unknown end of the spectrum 'LM'"),
        ({"k": 1, "tolerance": 0.0}, "`tolerance` must be a positive number"),
        ({"k": 1, "most_products": 0}, "`most_products` must be a positive integer"),
        ({"k": 1, "seed": -1}, "`seed` must be"),
    ],
)
def test_bad_input_gets_a_sentence(unchecked, settings, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        top_eigenvalues(quadratic(np.eye(3)), **settings)


def test_a_loss_that_is_not_finite_is_refused():
    loss = parameter_loss(lambda p: jnp.sum(jnp.log(p)), np.array([1.0, 0.0]))
    with pytest.raises(InvalidArgument, match="`loss` cannot be measured: a product with the Hessian is no finite"):
        top_eigenvalues(loss, k=1)
