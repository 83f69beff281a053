"""How a risk changed from one training to another: a log ratio and its error, from paired losses of single samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

PRIOR_SPREAD = 0.12
"""Standard deviation of a log ratio between training sets, before any was seen."""
PRIOR_DEGREES = 2.0
"""How many trainings that is worth."""
_ONE_SAMPLE = 0.5  # of the change: what one held-out sample may make before it is said


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldLosses:
    """Losses of one fold's held-out samples before and after, means over the trainings of either kind.

    Attributes:
        before: of each sample; ``after``: of the same samples.
    """

    before: Float[np.ndarray, " m"]
    after: Float[np.ndarray, " m"]


@dataclass(frozen=True, kw_only=True)
class RiskChange:
    """The logarithm of a ratio of risks.

    Attributes:
        d: log of the mean risk after over that before.
        se: standard error, over held-out samples and over training sets.
        folds: on how many it rests.
        rests_on_one_sample: whether a single held-out sample makes half of it or more.
    """

    d: float
    se: float
    folds: int
    rests_on_one_sample: bool = False


def risk_change(folds: Sequence[FoldLosses], *, floor: float, rounds: int = 1) -> RiskChange:
    r"""The log ratio of mean risks, with a jackknife error over samples and one over folds; the larger counts.

    Leaving out each held-out sample in turn gives the error of a ratio of means even where one sample, say a wrong
    answer of great certainty, makes most of both: the delta method then sees none. The spread between folds, which
    holds that between training sets, is drawn towards a prior where folds are few.

    Source: Efron and Stein 1981 (Annals of Statistics 9:586), the jackknife estimate of variance.

    Args:
        folds: at least one.
        floor: added to both risks: differences below it are none.
        rounds: how often each held-out sample is among the folds: it counts once.
    """
    before = np.array([fold.before.mean() for fold in folds]) + floor
    after = np.array([fold.after.mean() for fold in folds]) + floor
    d = float(np.log(after.mean() / before.mean()))
    without = _without_each_sample(folds, before, after)
    samples = rounds * (len(without) - 1) / len(without) * float(np.sum((without - without.mean()) ** 2))
    spread = _variance_over_folds(before, after, samples)
    return RiskChange(
        d=d,
        se=math.sqrt(max(samples, spread)),
        folds=len(folds),
        rests_on_one_sample=bool(np.abs(without - d).max() > _ONE_SAMPLE * max(abs(d), 0.02)),
    )


def _without_each_sample(
    folds: Sequence[FoldLosses], before: Float[np.ndarray, " folds"], after: Float[np.ndarray, " folds"]
) -> Float[np.ndarray, " samples"]:
    """The log ratio without each held-out sample."""
    parts = []
    for fold, was, became in zip(folds, before, after, strict=True):
        left = max(len(fold.before) - 1, 1) * len(folds)
        A = before.mean() + (fold.before.mean() - fold.before) / left
        B = after.mean() + (fold.after.mean() - fold.after) / left
        least = np.finfo(np.float64).tiny
        parts.append(np.log(np.maximum(B, least) / np.maximum(A, least)))
        del was, became
    return np.concatenate(parts)


def _variance_over_folds(
    before: Float[np.ndarray, " folds"], after: Float[np.ndarray, " folds"], samples: float
) -> float:
    """Of the log ratio, from its jackknife pseudo-values over folds and the prior."""
    F = len(before)
    prior = PRIOR_DEGREES * (PRIOR_SPREAD**2 + F * samples)
    if F < 2:
        return prior / PRIOR_DEGREES
    A, B = (F * before.mean() - before) / (F - 1), (F * after.mean() - after) / (F - 1)
    pseudo = -(F - 1) * np.log(B / A)
    return float((prior + np.sum((pseudo - pseudo.mean()) ** 2)) / (PRIOR_DEGREES + F - 1) / F)
