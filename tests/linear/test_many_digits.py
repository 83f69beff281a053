"""Small sizes that float64 does not answer, against normal equations in 150 digits and leave-one-out refits."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from benign.foundation.outcomes import Outcome
from benign.linear import PolynomialFeatures, size_path
from benign.linear.trust import TOLERANCE
from tests.linear.oracles import classification, exact_losses
from tests.linear.test_promise import ill_conditioned

LEGENDRE = PolynomialFeatures(low=-1, high=1)


def legendre(seed, n, noise=0.0):
    """A smooth function of uniform inputs, its degrees up to 30."""
    random = np.random.default_rng([n, seed])
    inputs, test_inputs = random.uniform(-1, 1, (n, 1)), random.uniform(-1, 1, (20, 1))
    targets = np.sin(3 * inputs) + noise * random.standard_normal((n, 1))
    return LEGENDRE.columns(inputs, 0, 31), targets, LEGENDRE.columns(test_inputs, 0, 31), np.sin(3 * test_inputs)


def assert_exact(path, row, problem, ridge=0.0):
    """Losses and predictions of one size to the stated tolerance, the norm likewise."""
    train, targets, test, test_targets = problem
    k = path.sizes[row]
    train_loss, test_loss, predicted = exact_losses(train[:, :k], targets, test[:, :k], test_targets, ridge)
    scale, tolerance = np.mean(np.sum(targets**2, axis=1)), path.tolerance[row]
    assert abs(path.train_loss[row] - train_loss) <= tolerance * max(train_loss, scale)
    assert abs(path.test_loss[row] - test_loss) <= tolerance * max(test_loss, scale)
    error = np.mean(np.sum((path.predictions[row] - predicted) ** 2, axis=1))
    assert np.sqrt(error) <= tolerance * np.sqrt(max(test_loss, scale))
    if tolerance == TOLERANCE:
        _, _, weights = exact_losses(train[:, :k], targets, np.eye(k), np.zeros((k, targets.shape[1])), ridge)
        assert path.norm[row] == pytest.approx(np.linalg.norm(weights), rel=1e-8, nan_ok=ridge > 0)


@pytest.mark.parametrize("n", [10, 20, 25, 30, 35, 60, 100])
def test_polynomials_of_degree_up_to_30_lose_at_most_one_size_in_a_hundred(n):
    paths = [size_path(*legendre(seed, n)) for seed in range(20)]
    assert np.mean([path.outcome == Outcome.ILL_CONDITIONED for path in paths]) <= 0.01


@settings(max_examples=15)
@example(seed=32434, n=25, noise=0.0, ridge=0.0)  # sizes beyond n after one of dependent columns
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from([25, 30]), noise=st.sampled_from([0.0, 0.1]),
       ridge=st.sampled_from([0.0, 0.0, 1e-25]))  # fmt: skip
def test_the_worst_two_sizes_of_a_polynomial_are_exact(seed, n, noise, ridge):
    problem = legendre(seed, n, noise)
    path = size_path(*problem, sizes=np.arange(20, 32), predict_at=np.arange(20, 32), ridge=ridge)
    numbered = np.flatnonzero(path.outcome == Outcome.CONVERGED)
    for row in numbered[np.argsort(path.condition[numbered])[-2:]]:
        assert_exact(path, row, problem, ridge=ridge)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 9),
    columns=st.integers(1, 14),
    digits=st.floats(9.0, 15.0),
    ridge=st.sampled_from([0.0, 1e-2, 1e-12, 1e-20, 1e-28]),
)
def test_any_small_problem_is_exact(seed, n, columns, digits, ridge):
    random = np.random.default_rng(seed)
    train, _ = ill_conditioned(random, n, columns, 10.0**digits)
    problem = train, random.standard_normal((n, 2)), random.standard_normal((3, columns)), np.zeros((3, 2))
    path = size_path(*problem, ridge=ridge, sizes=[columns], predict_at=[columns], leave_one_out=True)
    assume(path.outcome[0] == Outcome.CONVERGED)
    assert_exact(path, 0, problem, ridge=ridge)
    if path.condition[0] > 1e12 and np.isfinite(path.leave_one_out[0]):
        others = [np.arange(n) != i for i in range(n)]
        refits = [exact_losses(train[o], problem[1][o], train[~o], problem[1][~o], ridge)[1] for o in others]
        assert path.leave_one_out[0] == pytest.approx(np.mean(refits), rel=1e-7)


def test_a_nearly_dependent_column_is_answered_whatever_else_is_asked():
    train, targets, test, test_targets = classification(np.random.default_rng(8), 30, 10, 90)
    train[:, 12] = train[:, 3] * (1.0 + 1e-13 * np.random.default_rng(9).standard_normal(30))
    problem = train, targets, test, test_targets
    every = size_path(*problem, predict_at=np.arange(1, 91), leave_one_out=True)
    for k in (13, 20, 30, 31):
        assert_exact(every, k - 1, problem)
        assert every.condition[k - 1] == pytest.approx(
            np.sqrt(np.sum(train[:, :k] ** 2)) / np.linalg.svd(train[:, :k], compute_uv=False)[-1], rel=0.2
        )
        alone = size_path(*problem, sizes=[k], leave_one_out=True)
        for name in ("outcome", "train_loss", "test_loss", "norm", "leave_one_out"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(every, name)[k - 1])


def test_well_conditioned_sizes_never_come_here(monkeypatch):
    monkeypatch.setattr("benign.linear.many_digits.many_digits", None)
    path = size_path(*classification(np.random.default_rng(0), 20, 10, 50), ridge=1.0)
    assert np.all(path.outcome == Outcome.CONVERGED)
