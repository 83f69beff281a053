"""By how much one model's held-out risk is that of another: a log ratio, its error over samples and over folds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from benign.diagnosis.risk_change import ONE_SAMPLE, RiskChange
from benign.diagnosis.verdict import ALIKE


def gain_of(
    before: Sequence[Float[np.ndarray, " m"]],
    after: Sequence[Float[np.ndarray, " m"]],
    *,
    floor: float,
    grain: float = 0.0,
) -> RiskChange:
    r"""The log ratio of mean losses; its variance is the jackknife's over samples plus the jackknife's over folds.

    Folds share training rows, so that neither alone holds all of the spread between training sets; no unbiased estimate
    exists (Bengio and Grandvalet 2004). Measured with five folds of 30 samples on pairs of ridges, nearest neighbours,
    least squares beside its threshold and heavy tails, Student's interval with 2 F - 1 degrees of freedom, F folds,
    holds 94 to 99 % of differences.

    Source: Efron and Stein 1981 (Annals of Statistics 9:586), the jackknife estimate of variance.

    Args:
        before: losses of the model as it is, single samples of each fold, two folds or more.
        after: of the other, on the same samples.
        floor: added to both means: what is below it is none.
        grain: by how much a sample's loss changes if at all: so much of one sample is the least error of a sum, where
            losses are counts of which few may differ.
    """
    was, became = np.concatenate(before), np.concatenate(after)
    d = math.log((became.mean() + floor) / (was.mean() + floor))
    of_samples = _without_each(was, became, np.ones(len(was)), floor)
    sums = [np.array([fold.sum() for fold in folds]) for folds in (before, after)]
    of_folds = _without_each(sums[0], sums[1], np.array([float(len(fold)) for fold in before]), floor)
    return RiskChange(
        d=d,
        se=math.hypot(math.sqrt(_jackknife(of_samples) + _jackknife(of_folds)), grain / (was.sum() + floor * len(was))),
        folds=len(before),
        rests_on_one_sample=bool(np.abs(of_samples - d).max() > ONE_SAMPLE * max(abs(d), ALIKE)),
    )


def _without_each(
    was: Float[np.ndarray, " groups"],
    became: Float[np.ndarray, " groups"],
    counts: Float[np.ndarray, " groups"],
    floor: float,
) -> Float[np.ndarray, " groups"]:
    """The log ratio without each group of samples, of which sums of losses are given."""
    left = counts.sum() - counts
    risks = [np.maximum(losses.sum() - losses, 0.0) / left + floor for losses in (was, became)]
    return np.log(risks[1] / risks[0])


def _jackknife(without: Float[np.ndarray, " groups"]) -> float:
    return float((len(without) - 1) / len(without) * np.sum((without - without.mean()) ** 2))
