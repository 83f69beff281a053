"""Traces of matrices and networks: exact where they must be, unbiased, and inside their intervals as often as said."""

import numpy as np
import pytest
from scipy import stats

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import jax
import jax.numpy as jnp

from benign.foundation.errors import InvalidArgument
from benign.implicit.curvature.hessian import dense_hessian, parameter_loss
from benign.implicit.curvature.trace import estimate_trace, sampled_trace, spending_of, student_interval
from tests.implicit.small_losses import small_loss

M, REPEATS = 60, 2000


def spectrum(name):
    return {
        "falling": np.arange(1.0, M + 1) ** -2.0,
        "flat": np.linspace(1.0, 2.0, M),
        "indefinite": np.linspace(-1.0, 1.3, M),
        "few large": np.where(np.arange(M) < 5, 50.0, 0.5) * np.linspace(1.0, 2.0, M),
    }[name]


def rotated(values):
    Q = np.linalg.qr(np.random.default_rng(8).standard_normal((M, M)))[0]
    return (Q * values) @ Q.T


@pytest.mark.parametrize("method", ["hutch++", "hutchinson"])
@pytest.mark.parametrize("name", ["falling", "flat", "indefinite", "few large"])
def test_the_interval_holds_the_trace_as_often_as_it_says(method, name):
    matrix, products = rotated(spectrum(name)), 30
    with jax.enable_x64(True):
        A = jnp.asarray(matrix)

        @jax.jit
        @jax.vmap
        def estimates(key):
            return sampled_trace(lambda rows: rows @ A, like=A[0], key=key, method=method, products=products)

        found = jax.tree.map(np.asarray, estimates(jax.random.split(jax.random.key(4), REPEATS)))
    terms = spending_of(M, method, products).terms
    half = student_interval(0.0, 1.0, terms=terms, level=0.95)[1] * found.standard_error
    covered = np.mean(np.abs(found.value - np.trace(matrix)) <= half)
    # Four standard errors of a share of 2,000, and 1.5 points for terms that are not quite normal.
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / REPEATS) + 0.015
    assert abs(np.mean(found.value) - np.trace(matrix)) < 4 * np.std(found.value) / np.sqrt(REPEATS)
    assert np.mean(found.standard_error**2) == pytest.approx(np.var(found.value), rel=0.15)


def test_a_sketch_makes_the_interval_narrow_where_few_values_are_large():
    loss = parameter_loss(lambda p: 0.5 * p @ jnp.asarray(rotated(spectrum("few large"))) @ p, np.ones(M))
    plain, sketched = (estimate_trace(loss, method=name, products=45) for name in ("hutchinson", "hutch++"))
    assert sketched.standard_error < plain.standard_error / 10


def test_of_low_rank_and_with_enough_products_it_is_exact():
    values = np.where(np.arange(M) < 4, 3.0, 0.0)
    low = parameter_loss(lambda p: 0.5 * p @ jnp.asarray(rotated(values)) @ p, np.ones(M))
    assert estimate_trace(low, products=15).value == pytest.approx(12.0, rel=1e-12)
    full = parameter_loss(lambda p: 0.5 * p @ jnp.asarray(rotated(spectrum("flat"))) @ p, np.ones(M))
    found = estimate_trace(full, products=90)
    assert found.value == pytest.approx(spectrum("flat").sum(), rel=1e-13)
    assert found.interval[0] <= spectrum("flat").sum() <= found.interval[1]
    assert found.interval[1] - found.interval[0] < 1e-10
    assert found.products == M


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", ["hutch++", "hutchinson"])
def test_the_trace_of_a_network_is_inside_its_interval(method, dtype):
    exact = np.trace(dense_hessian(small_loss()))
    found = estimate_trace(small_loss(dtype=dtype), method=method, products=60, level=0.99)
    assert found.interval[0] <= exact <= found.interval[1]
    assert found.interval[1] - found.interval[0] < (0.4 if method == "hutch++" else 2.0) * exact
    half = (found.interval[1] - found.interval[0]) / 2
    terms = 20 if method == "hutch++" else 60
    assert half == pytest.approx(stats.t.ppf(0.995, terms - 1) * found.standard_error)


def test_the_same_seed_gives_the_same_bits_and_another_another_estimate():
    loss = small_loss()
    one, same, other = (estimate_trace(loss, products=12, seed=seed).value for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"products": 8}, "`products` must be at least 9, got 8"),
        ({"products": 9.5}, "`products` must be a positive integer"),
        ({"method": "xtrace"}, "unknown method 'xtrace'"),
        ({"level": 1.0}, "`level` must be strictly between 0 and 1"),
        ({"seed": -1}, "`seed` must be"),
    ],
)
def test_bad_input_gets_a_sentence(unchecked, settings, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        estimate_trace(parameter_loss(lambda p: p @ p, np.ones(30)), **settings)


def test_a_loss_that_is_not_finite_is_refused():
    loss = parameter_loss(lambda p: jnp.sum(jnp.log(p)), np.array([1.0, 0.0]))
    with pytest.raises(InvalidArgument, match="`loss` cannot be measured"):
        estimate_trace(loss)
