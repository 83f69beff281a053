r"""The risk on new samples, from one to a few folds, with an interval that counts samples and training sets.

The variance of the mean over F folds is :math:`s^2 + s_f^2 / F`: that of single samples' numbers over their count, and
that of the folds' means over theirs. The second holds the first once more where training sets do not matter, which is
the price of so few folds: no unbiased estimate exists (Bengio and Grandvalet 2004). Degrees of freedom are those of
Welch and Satterthwaite. Of one fold the spread between training sets is unknown, and its interval is of that one model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from benign.diagnosis.answers import Estimate

_TAIL = 0.025


@dataclass(frozen=True, kw_only=True)
class _Spread:
    """Mean, its variance, and by how many normal standard deviations a 95 % interval reaches."""

    mean: float
    variance: float
    reach: float


def mean_loss(folds: Sequence[Float[np.ndarray, " m"]], *, rounds: int = 1) -> Estimate:
    """The mean loss with its 95 % interval, symmetric in its logarithm: losses are skewed.

    Args:
        folds: losses of held-out samples, of one fold or more.
        rounds: how often each held-out sample is among the folds: it counts once.
    """
    found = _spread(folds, rounds)
    if found.mean <= 0.0 or not math.isfinite(found.mean):
        return Estimate(value=found.mean, interval=(found.mean, found.mean))
    factor = math.exp(min(700.0, found.reach * math.sqrt(found.variance) / found.mean))
    return Estimate(value=found.mean, interval=(found.mean / factor, found.mean * factor))


def mean_error(folds: Sequence[Bool[np.ndarray, " m"]], *, rounds: int = 1) -> Estimate:
    """The share of wrong labels with its 95 % interval.

    Clopper and Pearson's of as many samples as would have that variance, and no more than there are: exact of one fold
    where the model is given, and not empty where nothing is wrong.

    Args:
        folds: whether each held-out sample's label is wrong, of one fold or more.
        rounds: how often each held-out sample is among the folds: it counts once.
    """
    found = _spread([fold.astype(np.float64) for fold in folds], rounds)
    samples = sum(map(len, folds)) / rounds
    if 0.0 < found.mean < 1.0:
        normal = float(special.ndtri(1.0 - _TAIL))
        alike = found.mean * (1.0 - found.mean) / (found.variance * (found.reach / normal) ** 2)
        samples = min(samples, alike)
    wrong = found.mean * samples
    low = float(special.betaincinv(wrong, samples - wrong + 1.0, _TAIL)) if wrong > 0.0 else 0.0
    right = samples - wrong
    high = float(special.betaincinv(wrong + 1.0, right, 1.0 - _TAIL)) if right > 0.0 else 1.0
    return Estimate(value=found.mean, interval=(low, high))


def _spread(folds: Sequence[Float[np.ndarray, " m"]], rounds: int) -> _Spread:
    samples, means = np.concatenate(folds), np.array([fold.mean() for fold in folds])
    count, F = len(samples), len(folds)
    if count < 2:
        return _Spread(mean=float(means.mean()), variance=math.inf, reach=1.0)
    single = rounds * float(samples.var(ddof=1)) / count
    between = float(means.var(ddof=1)) / F if F > 1 else 0.0
    variance = single + between
    terms = single**2 / (count - 1) + (between**2 / (F - 1) if F > 1 else 0.0)
    degrees = variance**2 / terms if terms > 0.0 else math.inf
    return _Spread(mean=float(samples.mean()), variance=variance, reach=float(special.stdtrit(degrees, 1.0 - _TAIL)))
