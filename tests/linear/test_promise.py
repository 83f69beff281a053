"""|loss - exact| <= tolerance * max(loss, mean |y|^2), against the normal equations in 150 digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.foundation.outcomes import Outcome
from benign.linear import size_path
from tests.linear.oracles import classification, exact_losses, risks


def assert_kept(train, targets, test, test_targets, *, sizes, ridge=0.0):
    """The promise, at every size that holds a number for a problem of full rank; returns the path."""
    path = size_path(train, targets, test, test_targets, ridge=ridge, predict_at=sizes)
    assert path.predictions is not None
    scale = np.mean(np.sum(targets**2, axis=1))
    for row, k in enumerate(sizes):
        if path.outcome[k - 1] != Outcome.CONVERGED:
            continue
        train_loss, test_loss, predicted = exact_losses(train[:, :k], targets, test[:, :k], test_targets, ridge)
        tolerance = path.tolerance[k - 1]
        assert abs(path.train_loss[k - 1] - train_loss) <= tolerance * max(train_loss, scale)
        assert abs(path.test_loss[k - 1] - test_loss) <= tolerance * max(test_loss, scale)
        error = np.mean(np.sum((path.predictions[row] - predicted) ** 2, axis=1))
        assert np.sqrt(error) <= tolerance * np.sqrt(max(test_loss, scale))
    return path


def ill_conditioned(random, n, columns, condition):
    """A matrix whose singular values fall geometrically, and its left singular vectors."""
    left, _ = np.linalg.qr(random.standard_normal((n, n)))
    right, _ = np.linalg.qr(random.standard_normal((columns, columns)))
    rank = min(n, columns)
    return (left[:, :rank] * np.geomspace(1.0, 1.0 / condition, rank)) @ right[:, :rank].T, left


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("ridge", [0.0, 1e-10])
def test_vandermonde_of_a_smooth_function(noise, ridge):
    """Without noise the loss at 21 columns is 1e-21: no relative digit of it is known, and none is promised."""
    random = np.random.default_rng(0)
    inputs, test_inputs = random.uniform(-1, 1, 30), random.uniform(-1, 1, 20)
    targets = (np.sin(3 * inputs) + noise * random.standard_normal(30))[:, None]
    train, test = (np.vander(x, 21, increasing=True) for x in (inputs, test_inputs))
    path = assert_kept(train, targets, test, np.sin(3 * test_inputs)[:, None], sizes=[2, 8, 15, 21], ridge=ridge)
    assert np.all(path.outcome == Outcome.CONVERGED)


@pytest.mark.parametrize("condition", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("most", [0.0, 2e5], ids=["float64 alone", "many digits"])
def test_targets_in_the_leading_directions_and_noise(monkeypatch, condition, most):
    """What is left unfitted reaches the predictions with the square of the condition number."""
    monkeypatch.setattr("benign.linear.many_digits._MOST_MULTIPLICATIONS", most)
    random = np.random.default_rng(1)
    train, left = ill_conditioned(random, 30, 15, condition)
    targets = left[:, :1] + left[:, 15:] @ random.standard_normal((15, 1))
    path = assert_kept(train, targets, random.standard_normal((20, 15)), np.zeros((20, 1)), sizes=[5, 10, 15])
    assert (path.outcome[14] == Outcome.ILL_CONDITIONED) == (condition > 1e3 and not most)


@pytest.mark.parametrize("ridge", [1e-2, 1e-6, 1e-10, 1e-14])
@pytest.mark.parametrize("test_rows", ["of the same rank", "any"])
def test_low_rank_with_ridge(ridge, test_rows):
    random = np.random.default_rng(2)
    mixture, targets = random.standard_normal((4, 30)), random.standard_normal((12, 2))
    train = random.standard_normal((12, 4)) @ mixture
    test = random.standard_normal((9, 4)) @ mixture if test_rows != "any" else random.standard_normal((9, 30))
    path = assert_kept(train, targets, test, np.zeros((9, 2)), sizes=[3, 5, 11, 12, 13, 30], ridge=ridge)
    if test_rows != "any":
        assert np.all(path.outcome == Outcome.CONVERGED)


def test_ridge_that_leaves_directions_unfitted_is_answered():
    """Rank 12, n = 100, ridge 1e-6, conditions of 1e6: the features are never left by the test rows."""
    random = np.random.default_rng(3)
    mixture = random.standard_normal((12, 300))
    train, test = random.standard_normal((100, 12)) @ mixture, random.standard_normal((50, 12)) @ mixture
    _, targets, _, test_targets = classification(random, 100, 50, 1)
    path = size_path(train, targets, test, test_targets, ridge=1e-6)
    assert np.all(path.outcome == Outcome.CONVERGED)
    assert path.tolerance.max() < 1e-7
    for k in (5, 12, 13, 60, 100, 101, 200, 300):
        _, test_loss, *_ = risks(train, targets, test, test_targets, size=k, ridge=1e-6)
        assert path.test_loss[k - 1] == pytest.approx(test_loss, rel=1e-9)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 9),
    columns=st.integers(1, 14),
    digits=st.floats(0.0, 9.0),
    ridge=st.sampled_from([0.0, 1e-2, 1e-6, 1e-9, 1e-12]),
    is_aligned=st.booleans(),
)
def test_any_problem(seed, n, columns, digits, ridge, is_aligned):
    random = np.random.default_rng(seed)
    train, left = ill_conditioned(random, n, columns, 10.0**digits)
    targets = random.standard_normal((n, 2))
    if is_aligned:
        targets[:, 1] = left[:, 0] + left[:, min(n, columns) :] @ random.standard_normal(max(n - columns, 0))
    test = random.standard_normal((5, columns))
    assert_kept(train, targets, test, random.standard_normal((5, 2)), sizes=sorted({1, (columns + 1) // 2, columns}),
                ridge=ridge)  # fmt: skip
