"""The best constant of every objective: no other constant has a smaller loss, and a search finds none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from benign.procedures import objectives

OF_CLASSES = ("squared", "cross-entropy", "hinge", "squared hinge", "pairwise hinge", "exponential")
OF_VALUES = (
    "squared",
    "absolute",
    "quantile 0.3",
    "epsilon-insensitive 0.2",
    "squared epsilon-insensitive 0.2",
    "poisson",
    "gamma",
)


def mean_loss(objective, outputs, targets):
    return objectives.losses(objective, np.tile(outputs, (len(targets), 1)), targets).mean()


@pytest.mark.parametrize("objective", OF_VALUES)
def test_no_value_is_better(objective):
    targets = np.random.default_rng(0).exponential(size=(41, 1)) + 0.1
    best = objectives.best_constant(objective, targets)
    found = optimize.minimize_scalar(
        lambda value: mean_loss(objective, [value], targets), bounds=(0.05, 6.0), method="bounded"
    )
    assert objectives.constant_loss(objective, targets) == mean_loss(objective, best, targets)
    assert mean_loss(objective, best, targets) <= found.fun + 1e-9


@pytest.mark.parametrize("objective", OF_CLASSES)
@pytest.mark.parametrize("classes", [2, 3])
def test_no_scores_are_better(objective, classes):
    random = np.random.default_rng(1)
    targets = np.eye(classes)[random.choice(classes, size=60, p=[0.6, 0.4] if classes == 2 else [0.5, 0.3, 0.2])]
    best = objectives.best_constant(objective, targets)
    least = mean_loss(objective, best, targets)
    assert objectives.constant_loss(objective, targets) == least
    for scale in (0.01, 0.1, 1.0):
        for _ in range(50):
            step = scale * random.normal(size=best.shape)
            if objective in ("cross-entropy", "exponential"):  # probabilities of sum 1, scores of sum 0
                step -= step.mean()
            if objective == "pairwise hinge" and classes == 3:  # the score of i against j is minus that of j against i
                step = (step.reshape(3, 3) - step.reshape(3, 3).T).ravel()
            tried = best + step
            if objective == "cross-entropy" and tried.min() <= 0.0:
                continue
            assert mean_loss(objective, tried, targets) >= least - 1e-12


@pytest.mark.parametrize("objective", OF_CLASSES)
def test_a_single_class_costs_a_constant_nothing_and_a_new_one_something(objective):
    targets = np.eye(3)[[0, 0, 0]]
    assert objectives.constant_loss(objective, targets) == 0.0
    best = objectives.best_constant(objective, targets)
    assert np.isfinite(mean_loss(objective, best, np.eye(3)))
    assert mean_loss(objective, best, np.eye(3)[1:]) > 0.5
