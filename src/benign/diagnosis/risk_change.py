"""How a risk changed from one training to another: a log ratio and its error, from paired losses of single samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benign.diagnosis.verdict import ALIKE

PRIOR_FOLDS = 4.0
"""How many folds the prior of their spread is worth."""
NO_LOSS = 1e-6
"""Of the best constant's loss: less is none."""
ONE_SAMPLE = 0.5
"""Of the change: what one held-out sample may make of it before that is said."""

Losses = Float[np.ndarray, "trainings m"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldLosses:
    """Losses of one fold's held-out samples, a row for each training.

    Attributes:
        before: of the trainings before the change; ``after``: of those after it, on the same samples.
    """

    before: Float[np.ndarray, "trainings_before m"]
    after: Float[np.ndarray, "trainings_after m"]


@dataclass(frozen=True, kw_only=True)
class RiskChange:
    """The logarithm of a ratio of risks.

    Attributes:
        d: log of the risk after over that before.
        se: standard error, over held-out samples and over training sets.
        folds: on how many it rests.
        rests_on_one_sample: whether a single held-out sample makes half of it or more.
        is_nothing: whether no loss of any sample changed.
    """

    d: float
    se: float
    folds: int
    rests_on_one_sample: bool = False
    is_nothing: bool = False


def risk_change(
    folds: Sequence[FoldLosses], *, floor: float, spread: float = 0.1, is_geometric: bool = True, rounds: int = 1
) -> RiskChange:
    r"""The log ratio of risks, with a jackknife error over samples and one over folds; the larger counts.

    Leaving out each held-out sample in turn gives the error of a ratio of means even where one sample, say a wrong
    answer of great certainty, makes most of both: the delta method then sees none. The spread between folds, which
    holds that between training sets, is drawn towards a prior where folds are few.

    Source: Efron and Stein 1981 (Annals of Statistics 9:586), the jackknife estimate of variance.

    Args:
        folds: at least one.
        floor: added to all risks: what is below it is none.
        spread: standard deviation of a fold's log ratio from one training set to another, before any was seen.
        is_geometric: whether risks of trainings are averaged as logarithms, so that one training that went astray, as
            they do near a peak, does not decide; else plainly, as errors are, of which a small fold may have none.
        rounds: how often each held-out sample is among the folds: it counts once.
    """
    means = _log_means if is_geometric else _plain_means
    d, by_fold, without = means(folds, floor)
    samples = rounds * (len(without) - 1) / len(without) * float(np.sum((without - without.mean()) ** 2))
    F = len(folds)
    prior = PRIOR_FOLDS * (spread**2 + F * samples)
    between = (prior + float(np.sum((by_fold - by_fold.mean()) ** 2))) / (PRIOR_FOLDS + F - 1) / F
    return RiskChange(
        d=d,
        se=math.sqrt(max(samples, between)),
        folds=F,
        rests_on_one_sample=bool(np.abs(without).max() > ONE_SAMPLE * max(abs(d), ALIKE)),
        is_nothing=all(bool((fold.before[:1] == each).all()) for fold in folds for each in (fold.before, fold.after)),
    )


Means = tuple[float, Float[np.ndarray, " folds"], Float[np.ndarray, " samples"]]
"""A log ratio, its jackknife values over folds, and by how much leaving out each sample moves it."""


def _log_means(folds: Sequence[FoldLosses], floor: float) -> Means:
    """Of means of logarithms."""
    by_fold = np.array([_log_risk(fold.after, floor) - _log_risk(fold.before, floor) for fold in folds])
    moved = [(_moved(fold.after, floor) - _moved(fold.before, floor)) / len(folds) for fold in folds]
    return float(by_fold.mean()), by_fold, np.concatenate(moved)


def _log_risk(losses: Losses, floor: float) -> float:
    return float(np.log(losses.mean(axis=1) + floor).mean())


def _moved(losses: Losses, floor: float) -> Float[np.ndarray, " m"]:
    """By how much the log risk moves without each sample."""
    return np.log(_without_each(losses) + floor).mean(axis=0) - _log_risk(losses, floor)


def _without_each(losses: Losses) -> Losses:
    """The mean loss of the other samples."""
    return np.maximum(losses.sum(axis=1, keepdims=True) - losses, 0.0) / max(losses.shape[1] - 1, 1)


def _plain_means(folds: Sequence[FoldLosses], floor: float) -> Means:
    """Of means over all folds and trainings."""
    F = len(folds)
    before = np.array([fold.before.mean() for fold in folds]) + floor
    after = np.array([fold.after.mean() for fold in folds]) + floor
    d = float(np.log(after.mean() / before.mean()))
    moved = []
    for fold in folds:
        A = before.mean() + (_without_each(fold.before).mean(axis=0) - fold.before.mean()) / F
        B = after.mean() + (_without_each(fold.after).mean(axis=0) - fold.after.mean()) / F
        moved.append(np.log(B / A) - d)
    if F < 2:
        return d, np.array([d]), np.concatenate(moved)
    left_before, left_after = (F * before.mean() - before) / (F - 1), (F * after.mean() - after) / (F - 1)
    return d, -(F - 1) * np.log(left_after / left_before), np.concatenate(moved)
