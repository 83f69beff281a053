r"""The mean of a number over held-out samples of a few folds, with an interval that counts samples and training sets.

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
class HeldOutMean:
    """A mean over held-out samples.

    Attributes:
        value: the mean.
        error: its standard error.
        reach: how many standard errors a 95 % interval reaches to either side.
    """

    value: float
    error: float
    reach: float

    @property
    def estimate(self) -> Estimate:
        """With its 95 % interval.

        Measured on ten pairs of learners (ridges, least squares beside its threshold, nearest neighbours, heavy tails)
        with five folds of 30 samples: 92 to 99 % of intervals of 1.96 errors hold the difference of risks; that of
        single samples alone holds 76 to 95 %.
        """
        half = self.reach * self.error
        return Estimate(value=self.value, interval=(self.value - half, self.value + half))


def held_out_mean(folds: Sequence[Float[np.ndarray, " m"]], *, rounds: int = 1, least: float = 0.0) -> HeldOutMean:
    """The mean of all samples, with its error.

    Args:
        folds: one array of single samples' numbers a fold, of one fold or more.
        rounds: how often each held-out sample is among the folds: it counts once.
        least: of the error of single samples, where they are too few to show one.
    """
    samples, means = np.concatenate(folds), np.array([fold.mean() for fold in folds])
    count, F = len(samples), len(folds)
    if count < 2:
        return HeldOutMean(value=float(means.mean()), error=math.inf, reach=1.0)
    single = max(rounds * float(samples.var(ddof=1)) / count, least**2)
    between = float(means.var(ddof=1)) / F if F > 1 else 0.0
    terms = single**2 / (count - 1) + (between**2 / (F - 1) if F > 1 else 0.0)
    degrees = (single + between) ** 2 / terms if terms > 0.0 else math.inf
    return HeldOutMean(
        value=float(samples.mean()),
        error=math.sqrt(single + between),
        reach=float(special.stdtrit(degrees, 1.0 - _TAIL)),
    )


def mean_loss(folds: Sequence[Float[np.ndarray, " m"]], *, rounds: int = 1) -> Estimate:
    """The mean loss with its 95 % interval, symmetric in its logarithm: losses are skewed.

    Args:
        folds: losses of held-out samples, of one fold or more.
        rounds: how often each held-out sample is among the folds: it counts once.
    """
    found = held_out_mean(folds, rounds=rounds)
    if found.value <= 0.0 or not math.isfinite(found.value):
        return Estimate(value=found.value, interval=(found.value, found.value))
    factor = math.exp(min(700.0, found.reach * found.error / found.value))
    return Estimate(value=found.value, interval=(found.value / factor, found.value * factor))


def mean_error(folds: Sequence[Bool[np.ndarray, " m"]], *, rounds: int = 1) -> Estimate:
    """The share of wrong labels with its 95 % interval.

    Clopper and Pearson's of as many samples as would have that variance, and no more than there are: exact of one fold
    where the model is given, and not empty where nothing is wrong.

    Args:
        folds: whether each held-out sample's label is wrong, of one fold or more.
        rounds: how often each held-out sample is among the folds: it counts once.
    """
    found = held_out_mean([fold.astype(np.float64) for fold in folds], rounds=rounds)
    samples = sum(map(len, folds)) / rounds
    if 0.0 < found.value < 1.0:
        normal = float(special.ndtri(1.0 - _TAIL))
        alike = found.value * (1.0 - found.value) / (found.error * found.reach / normal) ** 2
        samples = min(samples, alike)
    wrong = found.value * samples
    low = float(special.betaincinv(wrong, samples - wrong + 1.0, _TAIL)) if wrong > 0.0 else 0.0
    right = samples - wrong
    high = float(special.betaincinv(wrong + 1.0, right, 1.0 - _TAIL)) if right > 0.0 else 1.0
    return Estimate(value=found.value, interval=(low, high))
