"""Whether a candidate adds skill: logistic regressions with it and without it, scored where they were not fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, log_ndtr
from scipy.stats import rankdata

Features = Float[np.ndarray, "cuts features"]
Vector = Float[np.ndarray, " cuts"]
Answers = Bool[np.ndarray, " cuts"]

_RIDGE = 1.0  # on standardised features: a few events more
_FARTHEST = 3.0  # standard deviations
_ROUNDS = 30
_LEAST = 1e-3  # a probability below this is said of nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class Logistic:
    """Fitted log odds of standardised features.

    Attributes:
        center, scale: of the features.
        weights: the constant first.
    """

    center: Float[np.ndarray, " features"]
    scale: Float[np.ndarray, " features"]
    weights: Float[np.ndarray, " features+1"]

    def __call__(self, features: Features) -> Vector:
        """The probabilities."""
        chances: Vector = expit(_design(features, self.center, self.scale) @ self.weights)
        return np.clip(chances, _LEAST, 1 - _LEAST)


def fitted(features: Features, came: Answers) -> Logistic:
    """By Newton's method, with a ridge on all weights but the constant; of no feature the base rate."""
    center = features.mean(0)
    scale = np.where(features.std(0) > 0, features.std(0), 1.0)
    design = _design(features, center, scale)
    ridge = np.full(design.shape[1], _RIDGE)
    ridge[0] = 1e-3
    weights = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        chances = expit(design @ weights)
        gradient = design.T @ (came - chances) - ridge * weights
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-8:
            break
    return Logistic(center=center, scale=scale, weights=weights)


def _design(
    features: Features, center: Float[np.ndarray, " features"], scale: Float[np.ndarray, " features"]
) -> Float[np.ndarray, "cuts features+1"]:
    standard = np.clip((features - center) / scale, -_FARTHEST, _FARTHEST)
    return np.column_stack([np.ones(len(features)), standard])


def left_out(features: Features, came: Answers, folds: Int[np.ndarray, " cuts"]) -> Vector:
    """For each cut the probability by a fit to the other folds."""
    chances = np.empty(len(came))
    for fold in np.unique(folds):
        within = folds == fold
        chances[within] = fitted(features[~within], came[~within])(features[within])
    return chances


def log_loss(chances: Vector, came: Answers) -> Vector:
    """Of each cut, in nats."""
    return -np.log(np.where(came, chances, 1 - chances))


def brier(chances: Vector, came: Answers) -> Vector:
    """Of each cut."""
    return (chances - came) ** 2


def area(chances: Vector, came: Answers) -> float:
    """Under the curve: how often a cut where it came has the larger odds than one where it did not."""
    positive = int(came.sum())
    if not 0 < positive < came.size:
        return float("nan")
    ranks = float(rankdata(chances)[came].sum())
    return (ranks - positive * (positive + 1) / 2) / (positive * (came.size - positive))


def chance_of(gains: Vector, owners: Sequence[str]) -> float:
    """How probable a mean gain as large as this is if there is none: one-sided, normal, trainings as the units."""
    _, places = np.unique(np.asarray(owners, str), return_inverse=True)
    sums = np.bincount(places, weights=gains - gains.mean())
    error = float(np.sqrt(np.sum(sums**2)))
    return float(np.exp(log_ndtr(-float(gains.sum()) / error))) if error > 0 else 1.0


def holm(chances: Sequence[float]) -> list[float]:
    """The same after Holm's correction for how many were tried.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(chances, kind="stable")
    corrected, largest = [0.0] * len(chances), 0.0
    for done, place in enumerate(order):
        largest = max(largest, min(1.0, (len(chances) - done) * float(chances[place])))
        corrected[int(place)] = largest
    return corrected
