"""Intervals over replicates: bootstrap percentiles of medians, and Student's of means."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from benign.foundation.arrays import number_array
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_number
from benign.foundation.randomness import generator

_CHUNK = 4_000_000  # entries of one block of resamples; one byte each


def check_level(level: float) -> None:
    """Refuse a level that is no probability.

    Raises:
        InvalidArgument: if ``level`` is not strictly between 0.5 and 1.
    """
    if not 0.5 < checked_number("level", level) < 1.0:
        raise invalid("level", f"must lie strictly between 0.5 and 1, got {level!r}; 0.95 is usual.")


def bootstrap_counts(replicates: int, resamples: int, *, seed: int, address: int = 0) -> Int[np.ndarray, "B R"]:
    """How often each replicate occurs in each bootstrap resample of all replicates; rows sum to ``replicates``.

    The resamples of Efron 1979, as counts (resamples x replicates): multinomial, each replicate as likely. The draw's
    address is (seed, "bootstrap", address): curves that share it are resampled together.

    Raises:
        InvalidArgument: if ``replicates``, ``resamples`` (1 or more) or ``seed`` cannot be used.
    """
    if replicates < 1 or resamples < 1:
        raise InvalidArgument(
            f"`resamples` and the number of replicates must be at least 1, got {resamples} and {replicates}; use 1,000."
        )
    random = generator(seed, "bootstrap", address)
    return random.multinomial(replicates, np.full(replicates, 1.0 / replicates), size=resamples)


def bootstrap_medians(values: Float[np.ndarray, "R K"], counts: Int[np.ndarray, "B R"]) -> Float[np.ndarray, "B K"]:
    r"""Median over replicates of every resample at every position.

    Equivalent to ``numpy.median(values[rows], axis=0)`` with row r repeated ``counts[b, r]`` times. Each column is
    sorted once; a resample's median is then read from the running sum of the counts in that order, in O(B R K) byte
    operations on rows of resamples.

    Args:
        values: one row a replicate, without NaN.
        counts: as :func:`bootstrap_counts` gives them.
    """
    R, K = values.shape
    order = np.argsort(values, axis=0, kind="stable")
    ascending = np.take_along_axis(values, order, axis=0)
    small = np.ascontiguousarray(counts.T, dtype=np.uint8 if R < 256 else np.int64)
    medians = np.empty((len(counts), K))
    step = max(1, _CHUNK // len(counts))
    for start in range(0, K, step):
        columns = slice(start, start + step)
        running, lower, upper = np.zeros((3, *order[0, columns].shape, len(counts)), dtype=small.dtype)
        for next_larger in order[:, columns]:
            running += small[next_larger]
            lower += running < (R + 1) // 2
            upper += running < R // 2 + 1
        places = np.arange(K)[columns, None]
        medians[:, columns] = 0.5 * (ascending[lower, places] + ascending[upper, places]).T
    return medians


def percentile_interval(resampled: Float[np.ndarray, "B"], *, level: float = 0.95) -> tuple[float, float]:
    """The interval between two order statistics of resampled numbers, at least ``level`` of them inside.

    The percentile interval of Efron and Tibshirani 1993, section 13.3.
    No interpolation, so infinite entries ("never in this resample") may stand at either end.

    Raises:
        InvalidArgument: if ``level`` is not strictly between 0.5 and 1, or ``resampled`` is empty or holds NaN.
    """
    check_level(level)
    resampled = number_array("resampled", resampled, axes=1)
    if resampled.size == 0 or np.isnan(resampled).any():
        raise invalid("resampled", "must hold at least one number and no NaN; drop the resamples without a value.")
    ascending = np.sort(resampled)
    cut = _cut(len(ascending), level)
    return float(ascending[cut]), float(ascending[len(ascending) - 1 - cut])


def bootstrap_interval(
    values: Float[np.ndarray, "R K"], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Float[np.ndarray, "2 K"]:
    """Pointwise percentile interval of the median over replicates (Efron and Tibshirani 1993, section 13.3).

    Too narrow below about five replicates, as every bootstrap is; NaN for one replicate and in columns with NaN.

    Returns:
        Lower and upper ends, (2 x K).

    Raises:
        InvalidArgument: if ``level``, ``resamples`` or ``seed`` cannot be used.
    """
    check_level(level)
    values = number_array("values", values, axes=2)
    ends = np.full((2, values.shape[1]), np.nan)
    usable = np.isfinite(values).all(axis=0)
    if len(values) < 2 or not usable.any():
        return ends
    medians = np.sort(bootstrap_medians(values[:, usable], bootstrap_counts(len(values), resamples, seed=seed)), axis=0)
    cut = _cut(resamples, level)
    ends[:, usable] = medians[[cut, resamples - 1 - cut]]
    return ends


def mean_interval(differences: Float[np.ndarray, "R"], *, level: float = 0.95) -> tuple[float, float]:
    r"""Student's interval for the mean of paired differences, :math:`\bar d \pm t_{R-1} s / \sqrt R`.

    Equivalent to ``scipy.stats.ttest_1samp(differences, 0.0).confidence_interval(level)``. The whole line for fewer
    than two differences.

    Raises:
        InvalidArgument: if ``level`` is not strictly between 0.5 and 1.

    >>> low, high = mean_interval(np.array([1.0, 2.0, 3.0]))
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    check_level(level)
    differences = number_array("differences", differences, axes=1)
    R = len(differences)
    if R < 2:
        return -np.inf, np.inf
    half = student_quantile(0.5 * (1.0 + level), R - 1) * float(np.std(differences, ddof=1)) / np.sqrt(R)
    mean = float(np.mean(differences))
    return float(mean - half), float(mean + half)


def student_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t."""
    return float(special.stdtrit(degrees, probability))


def _cut(count: int, level: float) -> int:
    """How many of ``count`` resampled numbers lie below the interval; 0.05 x 1,000 is 50 in spite of rounding."""
    return int(np.floor(0.5 * (1.0 - level) * count + 1e-9))
