"""Means over cuts with intervals over trainings: the cuts of one training stay together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.foundation.randomness import generator

DRAWS = 2000
_OUTSIDE = 0.05


@dataclass(frozen=True, kw_only=True)
class Mean:
    """Of so many cuts, with a 95 % interval; NaN where there are none."""

    mean: float
    low: float
    high: float
    cuts: int


def mean_of(values: Sequence[float] | Float[np.ndarray, " cuts"], owners: Sequence[str]) -> Mean:
    """The mean over cuts; trainings are drawn anew for its interval.

    Args:
        values: one for each cut.
        owners: the training of each cut.
    """
    if not len(values):
        return Mean(mean=float("nan"), low=float("nan"), high=float("nan"), cuts=0)
    numbers = np.asarray(values, float)
    names, places = np.unique(np.asarray(owners, str), return_inverse=True)
    sums, cuts = np.bincount(places, weights=numbers), np.bincount(places)
    drawn = _drawn(names.size)
    low, high = np.quantile((drawn @ sums) / (drawn @ cuts), [_OUTSIDE / 2, 1 - _OUTSIDE / 2])
    return Mean(mean=float(numbers.mean()), low=float(low), high=float(high), cuts=numbers.size)


def share_of(hits: Sequence[bool] | Bool[np.ndarray, " cuts"], owners: Sequence[str]) -> Mean:
    """The share of cuts in which something holds.

    Where all cuts agree no draw differs: then each training counts as one answer, and the interval is the exact one.
    """
    answers = np.asarray(hits, bool)
    found = mean_of(answers.astype(float), owners)
    if not answers.size or answers.any() != answers.all():
        return found
    reach = 1 - (_OUTSIDE / 2) ** (1 / len(set(owners)))
    low, high = (1 - reach, 1.0) if answers.all() else (0.0, reach)
    return Mean(mean=found.mean, low=low, high=high, cuts=found.cuts)


@lru_cache(maxsize=4)  # the shares of one question are of the same trainings
def _drawn(trainings: int) -> Int[np.ndarray, "draws trainings"]:
    """How often each training is in each draw of as many as there are."""
    return generator(0, "trainings drawn anew").multinomial(trainings, np.full(trainings, 1 / trainings), DRAWS)
