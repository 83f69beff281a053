r"""Is a mean of few, possibly skewed, paired differences above a margin? Two rules, for many samples at once.

*Student's t*, for what is normal enough: log ratios of positive risks, whose skewness the logarithm takes away.

*Guarded t*, for other differences. Student's t is wrong in 18 % of samples of a few log-normal(1) differences, at 2.5 %
a side: where none of the long tail was drawn, mean and spread look small together. So a mean counts as above the margin
only if three tests agree: Student's t and Hall's (1992) t at a fifth of the level, and from five replicates on the sign
test at the level itself. Hall's statistic takes the sample skewness g out of T = (mean - margin) / s, s with
divisor R:

.. math:: Z = \sqrt{R - 1} \left(T + g T^2 / 3 + g^2 T^3 / 27 + g / (6 R)\right), \quad Z \sim t_{R-1}.

It is wrong in at most 5 % up to the skewness of an exponential and in at most 7 % for log-normal(1), measured in
``benchmarks/statistics.py``; no rule for a mean keeps a level for heavier tails, or for an event that the sample does
not hold. A sample without any spread decides nothing: replicates that agree to the last digit tell of no other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from benign.curves.intervals import student_quantile
from benign.foundation.randomness import generator

_SHARE = 5.0  # Student's and Hall's t are tested at this part of the level
FEWEST_FOR_SIGNS = 5
POWER = 0.8  # of fresh samples that must decide, where a number of replicates is named
MOST_REPLICATES = 1_000_000  # beyond, a number of replicates is no advice
_TRIALS, _LARGEST_TRIAL = 2000, 400  # fresh samples, and replicates up to which they are drawn
_TOO_SKEWED = 0.95  # quantile, of samples of a log-normal(1)

PValues = Callable[[Float[np.ndarray, "S R"], float], Float[np.ndarray, "S"]]


def student_p_values(samples: Float[np.ndarray, "S R"], margin: float) -> Float[np.ndarray, "S"]:
    """One-sided p-value of "the mean is above the margin" by Student's t; 1 without two values or any spread."""
    mean, spread = _moments(samples, margin)
    return _spread_or_one(_student(mean, spread, samples.shape[1]), samples)


def guarded_p_values(samples: Float[np.ndarray, "S R"], margin: float) -> Float[np.ndarray, "S"]:
    """One-sided p-value of "the mean is above the margin" by the guarded t."""
    R = samples.shape[1]
    mean, spread = _moments(samples, margin)
    student, hall = _student(mean, spread, R), _hall(mean / spread, sample_skewness(samples), R)
    signs = sign_p_values(samples, margin) if R >= FEWEST_FOR_SIGNS else np.zeros(len(samples))
    return _spread_or_one(np.maximum(np.minimum(_SHARE * np.maximum(student, hall), 1.0), signs), samples)


def hall_p_values(samples: Float[np.ndarray, "S R"], margin: float) -> Float[np.ndarray, "S"]:
    """One-sided p-value of "the mean is above the margin" by Hall's t, which takes out the sample skewness."""
    mean, spread = _moments(samples, margin)
    return _hall(mean / spread, sample_skewness(samples), samples.shape[1])


def _student(mean: Float[np.ndarray, "S"], spread: Float[np.ndarray, "S"], R: int) -> Float[np.ndarray, "S"]:
    return np.asarray(special.stdtr(R - 1, -np.sqrt(max(R - 1, 0)) * mean / spread))


def _hall(T: Float[np.ndarray, "S"], skewness: Float[np.ndarray, "S"], R: int) -> Float[np.ndarray, "S"]:
    T = np.clip(T, -1e6, 1e6)  # beyond this it is certain, and its cube still a number
    corrected = T + skewness * T**2 / 3.0 + skewness**2 * T**3 / 27.0 + skewness / (6.0 * R)
    return np.asarray(special.stdtr(R - 1, -np.sqrt(max(R - 1, 0)) * corrected))


def sign_p_values(samples: Float[np.ndarray, "S R"], margin: float) -> Float[np.ndarray, "S"]:
    """One-sided p-value of "the median is above the margin" by the sign test; NaN and ties count against it."""
    R = samples.shape[1]
    return np.asarray(special.bdtr(R - np.count_nonzero(samples > margin, axis=1), R, 0.5))


def is_most(samples: Float[np.ndarray, "S R"], margin: float, share: float) -> Bool[np.ndarray, "S"]:
    """Whether a ``share`` of up to 20 values is above the margin, or of more the part that is as sure a majority.

    A guard: a mean that a few replicates make, or a tail that most of them lack, is no evidence of all.
    """
    R = samples.shape[1]
    needed = 0.5 + (share - 0.5) * math.sqrt(20.0 / max(R, 20))
    return np.asarray((samples > margin).mean(axis=1) >= needed)


def student_bound(sample: Float[np.ndarray, " R"], level: float) -> float:
    """The largest margin above which Student's t puts the mean at 1 - ``level``; minus infinity below two values."""
    R = len(sample)
    if R < 2:
        return -math.inf
    return float(sample.mean() - student_quantile(level, R - 1) * sample.std(ddof=1) / math.sqrt(R))


def guarded_bound(sample: Float[np.ndarray, " R"], level: float) -> float:
    """The largest margin above which the guarded t puts the mean at 1 - ``level``."""
    R = len(sample)
    if R < 2 or not sample.std() > 0.0:
        return -math.inf
    strict = 1.0 - (1.0 - level) / _SHARE
    g, z = float(sample_skewness(sample[None])[0]), student_quantile(strict, R - 1) / math.sqrt(R - 1)
    # Hall's cubic is ((1 + g T / 3)^3 - 1) / g; with the last term, solved for T.
    T = 3.0 / g * (np.cbrt(1.0 + g * (z - g / (6.0 * R))) - 1.0) if abs(g) > 1e-8 else z
    bounds = [student_bound(sample, strict), float(sample.mean() - T * sample.std())]
    return min([*bounds, median_bound(sample, level)] if R >= FEWEST_FOR_SIGNS else bounds)


def median_bound(sample: Float[np.ndarray, " R"], level: float) -> float:
    """The largest margin above which the sign test puts the median; NaN counts as minus infinity."""
    R = len(sample)
    k = int(np.count_nonzero(special.bdtr(np.arange(R), R, 0.5) <= 1.0 - level))
    return float(np.sort(np.where(np.isnan(sample), -np.inf, sample))[k - 1]) if k else -math.inf


def sample_skewness(samples: Float[np.ndarray, "S R"]) -> Float[np.ndarray, "S"]:
    """Third central moment over the cube of the standard deviation, both with divisor R; 0 without spread."""
    centred = samples - samples.mean(axis=1, keepdims=True)
    spread = np.maximum(samples.std(axis=1), np.finfo(float).tiny ** 0.25)
    # A power is rounded once, and takes twenty times as long: where there are many samples, that is all their time.
    cubes = centred**3 if len(samples) == 1 else centred * centred * centred
    return np.asarray(cubes.mean(axis=1) / spread**3)


def is_too_skewed(sample: Float[np.ndarray, " R"]) -> bool:
    """Whether a sample is more skewed than 95 % of samples of a log-normal(1), where the guarded t keeps no level."""
    return len(sample) > 2 and bool(abs(sample_skewness(sample[None])[0]) > _largest_skewness(min(len(sample), 1000)))


@lru_cache
def _largest_skewness(R: int) -> float:
    samples = np.exp(generator(0, "skewness", R).standard_normal((2000, R)))
    return float(np.quantile(sample_skewness(samples), _TOO_SKEWED))


def replicates_for_mean(sample: Float[np.ndarray, " R"], margin: float, level: float, p_values: PValues) -> int | None:
    """How many replicates would decide 80 % of fresh samples, drawn from this one; None beyond a million.

    Beyond 400, in proportion to the square of spread over distance.
    """
    distance = abs(float(np.mean(sample)) - margin)
    spread = float(np.std(sample, ddof=1)) if len(sample) > 1 else 0.0
    if not (spread > 0.0 and distance > 0.0):
        return None
    fresh = sample.mean() + (sample - sample.mean()) * math.sqrt(len(sample) / (len(sample) - 1.0))
    side = 1.0 if sample.mean() > margin else -1.0
    chosen = generator(0, "fresh samples").integers(len(sample), size=(_TRIALS, _LARGEST_TRIAL))

    def power(R: int, values: Float[np.ndarray, " R0"]) -> float:
        return float(np.mean(p_values(side * values[chosen[:, :R]], side * margin) <= 1.0 - level))

    # The farther the mean, the fewer replicates: found where trials are small, then carried over by the square.
    enlarged = max(1.0, 3.5 * spread / distance / math.sqrt(_LARGEST_TRIAL))
    nearer = fresh + side * (enlarged - 1.0) * distance
    found = _smallest(lambda R: power(R, nearer) >= POWER, 2, _LARGEST_TRIAL)
    if found is None:
        return None
    needed = math.ceil(found * enlarged**2)
    return needed if needed <= MOST_REPLICATES else None


def replicates_for_median(sample: Float[np.ndarray, " R"], margin: float, level: float) -> int | None:
    """How many replicates would decide 80 % of fresh samples by the sign test; None beyond a million.

    A replicate without a number (NaN) counts against either side, as in the test.
    """
    share = max(float(np.mean(sample > margin)), float(np.mean(sample < margin)))

    def has_power(R: int) -> bool:
        tolerated = int(np.count_nonzero(special.bdtr(np.arange(min(R, 4000)), R, 0.5) <= 1.0 - level)) - 1
        if R > 4000:
            tolerated = math.floor(0.5 * R - normal_quantile(level) * 0.5 * math.sqrt(R))
        return bool(tolerated >= 0 and special.bdtr(tolerated, R, 1.0 - share) >= POWER)

    return _smallest(has_power, 2, MOST_REPLICATES) if share > 0.5 else None


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return float(special.ndtri(probability))


def _smallest(is_enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """Smallest number that is enough, as far as doubling and a bisection can tell."""
    top = low
    while not is_enough(top):
        if top == high:
            return None
        low, top = top, min(2 * top, high)
    low, high = low - (low == top), top
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _moments(samples: Float[np.ndarray, "S R"], margin: float) -> tuple[Float[np.ndarray, "S"], Float[np.ndarray, "S"]]:
    """Mean above the margin, and standard deviation with divisor R, never zero."""
    return samples.mean(axis=1) - margin, np.maximum(samples.std(axis=1), np.finfo(float).tiny ** 0.5)


def _spread_or_one(p_values: Float[np.ndarray, "S"], samples: Float[np.ndarray, "S R"]) -> Float[np.ndarray, "S"]:
    return np.where(np.ptp(samples, axis=1) > 0.0, p_values, 1.0) if samples.shape[1] > 1 else np.ones(len(samples))
