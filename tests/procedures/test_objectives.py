"""Objectives: losses by their definitions, best constants against numerical minimisation, classes by votes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.metrics import (
    hinge_loss,
    log_loss,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
)
from sklearn.svm import SVC

from benign.foundation.errors import InvalidArgument, UnknownName
from benign.procedures import objectives

RANDOM = np.random.default_rng(0)
OF_CLASSES = ("squared", "cross-entropy", "hinge", "squared hinge", "pairwise hinge", "exponential")
OF_VALUES = ("squared", "absolute", "quantile 0.9", "epsilon-insensitive 0.7", "squared epsilon-insensitive 0.7")
OF_COUNTS = ("poisson", "gamma")


def _one_hot(labels, classes):
    return np.eye(classes)[labels]


def _constant_outputs(objective, free, classes):
    """Outputs of a constant, parametrised without constraints."""
    if objective == "cross-entropy":
        return np.exp(free) / np.exp(free).sum()
    if objective == "exponential":  # margins of scores that sum to 0
        return (free - free.mean()) / max(1, classes - 1)
    if objective == "pairwise hinge" and classes > 2:
        pairs = np.zeros((classes, classes))
        pairs[np.triu_indices(classes, 1)] = free
        return (pairs - pairs.T).ravel()
    if objective in ("hinge", "squared hinge", "pairwise hinge") and classes == 2:
        return np.array([-free[0], free[0]])
    return free


def _least(objective, targets, outputs_of, start):
    """By Nelder and Mead, begun again where they end: the losses have corners."""

    def mean_loss(free):
        outputs = np.tile(outputs_of(free), (len(targets), 1))
        return float(objectives.losses(objective, outputs, targets).mean())

    best = start
    for _ in range(6):
        best = minimize(
            mean_loss, best, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-10, "fatol": 1e-12}
        ).x
    return mean_loss(best)


@pytest.mark.parametrize("objective", OF_CLASSES)
@pytest.mark.parametrize("classes", [2, 3])
def test_the_best_constant_of_classes(objective, classes):
    targets = _one_hot(RANDOM.choice(classes, size=60, p=[0.6, 0.4] if classes == 2 else [0.5, 0.3, 0.2]), classes)
    free = classes * (classes - 1) // 2 if objective == "pairwise hinge" else classes
    found = _least(objective, targets, lambda one: _constant_outputs(objective, one, classes), np.full(free, 0.1))
    assert objectives.constant_loss(objective, targets) == pytest.approx(found, rel=1e-5)


@pytest.mark.parametrize("objective", [*OF_VALUES, *OF_COUNTS])
def test_the_best_constant_of_values(objective):
    targets = np.exp(RANDOM.normal(size=(41, 2)))
    start = targets.mean(axis=0)
    found = _least(objective, targets, np.abs, start)
    assert objectives.constant_loss(objective, targets) == pytest.approx(found, rel=1e-6)


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30),
    width=st.floats(0.0, 100.0),
    other=st.floats(-2e3, 2e3),
)
def test_no_constant_beats_the_best_one(values, width, other):
    targets = np.array(values)[:, None]
    for objective in ("squared", "absolute", "quantile 0.25", f"epsilon-insensitive {width}"):
        of_other = objectives.losses(objective, np.full_like(targets, other), targets).mean()
        assert objectives.constant_loss(objective, targets) <= of_other * (1.0 + 1e-9) + 1e-9
    squared = f"squared epsilon-insensitive {width}"
    of_other = objectives.losses(squared, np.full_like(targets, other), targets).mean()
    assert objectives.constant_loss(squared, targets) <= of_other * (1.0 + 1e-9) + 1e-6


@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=30), scores=st.lists(st.floats(-5.0, 5.0), min_size=4))
def test_no_constant_scores_beat_the_best_ones(labels, scores):
    targets, outputs = _one_hot(np.array(labels), 4), np.tile(np.array(scores[:4]), (len(labels), 1))
    for objective in ("squared", "hinge", "squared hinge"):
        other = objectives.losses(objective, outputs, targets).mean()
        assert objectives.constant_loss(objective, targets) <= other * (1.0 + 1e-9) + 1e-12
    other = objectives.losses("cross-entropy", outputs, targets).mean()
    assert objectives.constant_loss("cross-entropy", targets) <= other * (1.0 + 1e-9) + 1e-12


def test_losses_are_those_of_scikit_learn():
    labels = RANDOM.choice(3, size=50)
    shares = RANDOM.dirichlet(np.ones(3), size=50)
    shares[0] = np.eye(3)[(labels[0] + 1) % 3]  # certain, and wrong
    assert objectives.losses("cross-entropy", shares, _one_hot(labels, 3)).mean() == pytest.approx(
        log_loss(labels, shares, labels=[0, 1, 2])
    )
    margins, signs = RANDOM.normal(size=50), np.where(labels > 0, 1, -1)
    both = np.stack([-margins, margins], axis=1)
    two = _one_hot((signs > 0).astype(int), 2)
    assert objectives.losses("hinge", both, two).mean() == pytest.approx(hinge_loss(signs, margins))
    assert objectives.losses("pairwise hinge", both, two).mean() == pytest.approx(hinge_loss(signs, margins))
    y, f = np.exp(RANDOM.normal(size=(50, 1))), np.exp(RANDOM.normal(size=(50, 1)))
    counts = np.floor(y)
    assert (counts == 0.0).any()
    for objective, targets, of_sklearn in (
        ("absolute", y, mean_absolute_error(y, f)),
        ("quantile 0.9", y, mean_pinball_loss(y, f, alpha=0.9)),
        ("poisson", counts, mean_poisson_deviance(counts, f) / 2.0),
        ("gamma", y, mean_gamma_deviance(y, f) / 2.0),
    ):
        assert objectives.losses(objective, f, targets).mean() == pytest.approx(of_sklearn), objective


def test_cross_entropy_takes_log_odds_too():
    """What networks give are log-odds; rows that are no probabilities are taken for these."""
    labels, odds = RANDOM.choice(4, size=30), RANDOM.normal(scale=3.0, size=(30, 4))
    shares = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    of_odds, of_shares = (objectives.losses("cross-entropy", one, _one_hot(labels, 4)) for one in (odds, shares))
    np.testing.assert_allclose(of_odds, of_shares, rtol=1e-10)


@pytest.mark.parametrize("classes", [3, 5])
def test_a_pairwise_hinge_is_what_a_support_vector_machine_minimises(classes):
    """The sum over pairs of classes of the hinge losses of the samples of either, and the class that most choose."""
    X, y = RANDOM.normal(size=(80, 2)), RANDOM.choice(classes, size=80)
    model = SVC(decision_function_shape="ovo").fit(X, y)
    scores = model.decision_function(X)
    pairs = np.zeros((80, classes, classes))
    expected = np.zeros(80)
    for column, (i, j) in enumerate(zip(*np.triu_indices(classes, 1), strict=True)):
        pairs[:, i, j], pairs[:, j, i] = scores[:, column], -scores[:, column]
        expected += np.where(y == i, np.maximum(0, 1 - scores[:, column]), 0)
        expected += np.where(y == j, np.maximum(0, 1 + scores[:, column]), 0)
    outputs = pairs.reshape(80, -1)
    np.testing.assert_allclose(objectives.losses("pairwise hinge", outputs, _one_hot(y, classes)), expected)
    np.testing.assert_array_equal(objectives.predicted_classes(outputs, classes), model.predict(X))
    np.testing.assert_array_equal(objectives.wrong(outputs, _one_hot(y, classes)), model.predict(X) != y)


def test_a_margin_beyond_all_numbers_is_a_number_still():
    assert np.isfinite(objectives.losses("exponential", np.array([[-1e4, 1e4]]), np.array([[1.0, 0.0]]))).all()


@pytest.mark.parametrize("objective", OF_CLASSES)
def test_one_class_costs_the_best_constant_nothing(objective):
    assert objectives.constant_loss(objective, _one_hot(np.zeros(5, int), 3)) == pytest.approx(0.0, abs=1e-12)


def test_every_objective_has_a_sentence_and_a_test():
    tested = {name.rsplit(" ", 1)[0] if name[-1].isdigit() else name for name in (*OF_CLASSES, *OF_VALUES, *OF_COUNTS)}
    assert tested == set(objectives.NAMES)
    assert all(objectives.NAMES.values())


@pytest.mark.parametrize(
    "name", ["brier", "quantile", "quantile 1.5", "squared 2", "epsilon-insensitive x", "", " 0.5"]
)
def test_what_there_is_not_is_refused(name):
    with pytest.raises((UnknownName, InvalidArgument), match="objective"):
        objectives.check_objective("objective", name)
