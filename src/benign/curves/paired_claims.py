"""Claims on paired replicates: one risk above another, a mean or median against a margin, a number within a range."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from benign.curves.findings import LEVEL, Finding, Verdict, as_factor, scaled_replicates, without_number
from benign.curves.intervals import check_level
from benign.curves.mean_tests import (
    guarded_bound,
    guarded_p_values,
    is_too_skewed,
    median_bound,
    replicates_for_mean,
    replicates_for_median,
    sign_p_values,
    student_bound,
    student_p_values,
)
from benign.foundation.arguments import checked_name
from benign.foundation.arrays import number_array
from benign.foundation.errors import InvalidArgument, invalid

Statistic = Literal["mean", "median", "log ratio"]
Side = Literal["above", "below"]
# How far each test can be trusted, where its verdict is printed.
_TESTS = {
    "log ratio": "mean log ratio by Student's t",
    "mean": "mean by the guarded t (at most 5 % wrong up to an exponential's skewness, 7 % at a log-normal's)",
    "median": "median by the sign test",
}
_BOUNDS = {"log ratio": student_bound, "mean": guarded_bound, "median": median_bound}
_P_VALUES = {"log ratio": student_p_values, "mean": guarded_p_values, "median": sign_p_values}


def higher_claim(
    *,
    name: str,
    claim: str,
    higher: Float[np.ndarray, " R"],
    lower: Float[np.ndarray, " R"],
    factor: float = 1.0,
    level: float = LEVEL,
    unit: str = "",
    paper: str = "",
) -> Finding:
    """The claim that one risk is higher than another, or more than ``factor`` times as high, paired over replicates.

    Positive risks are compared by the mean of their log ratio, "in the typical run, by a factor": the logarithm takes a
    risk's skewness away, and Student's t keeps its level on what is left. The effect is then the factor. Where a risk
    is zero or negative in some replicate it is :func:`paired_claim` on the differences. Equivalent to
    ``scipy.stats.ttest_1samp(log(higher / lower), log(factor))``, one-sided.

    Args:
        name: identifier.
        claim: sentence without full stop.
        higher: the risk that is claimed to be higher, one number a replicate.
        lower: the other.
        factor: how many times as high.
        level: 1 minus the share of such findings that may be wrong.
        unit: of the risks.
        paper: the paper's number or statement.

    Raises:
        InvalidArgument: if ``level`` cannot be used, the numbers of replicates differ or there is none.
    """
    higher, lower = number_array("higher", higher, axes=1), number_array("lower", lower, axes=1)
    if len(higher) != len(lower):
        raise InvalidArgument(
            f"`higher` and `lower` must hold the same replicates, got {len(higher)} and {len(lower)}; pair them."
        )
    known = np.isfinite(higher) & np.isfinite(lower)
    if not (np.all(higher[known] > 0.0) and np.all(lower[known] > 0.0)):
        return paired_claim(
            name=name, claim=claim, differences=higher - factor * lower, level=level, unit=unit, paper=paper
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log(higher) - np.log(lower)
    margin = math.log(factor)
    return as_factor(_judged(name, claim, ratios, margin, level, "log ratio", "above", unit, paper), unit)


def paired_claim(
    *,
    name: str,
    claim: str,
    differences: Float[np.ndarray, " R"],
    margin: float = 0.0,
    level: float = LEVEL,
    unit: str = "",
    paper: str = "",
    statistic: Statistic = "mean",
    side: Side = "above",
) -> Finding:
    """The claim that the mean (or median) of paired differences is above (or below) ``margin``.

    Holds where a one-sided test at 1 - ``level`` says so, fails where the test of the other side does, else undecided:
    of these two errors only one is possible, so at most 1 - ``level`` of such findings are wrong. The ends of the
    interval are the two tests' bounds, each at ``level``. Ours; the guarded t is built on that of Hall 1992.

    * Mean: the guarded t (:mod:`benign.curves.mean_tests`). A sample more skewed than 95 % of log-normal(1) ones is an
      estimate without a verdict.
    * Log ratio: Student's t on the mean of differences that are logarithms of ratios.
    * Median: the sign test, for heavy tails; it decides nothing below 5 replicates at 0.95.

    A difference that is NaN is counted against either verdict by the median, and leaves a claim on a mean undecided:
    leaving it out might favour a side. Differences that are all the same decide nothing of a mean, whose test lives on
    their spread; signs need none.

    Raises:
        InvalidArgument: if ``level``, ``statistic``, ``side`` or ``margin`` cannot be used or there is no replicate.
    """
    check_level(level)
    differences = number_array("differences", differences, axes=1)
    checked_name("statistic", statistic, _TESTS)
    checked_name("side", side, ("above", "below"))
    return _judged(name, claim, differences, margin, level, statistic, side, unit, paper)


def _judged(
    name: str,
    claim: str,
    values: Float[np.ndarray, " R"],
    margin: float,
    level: float,
    statistic: str,
    side: Side,
    unit: str,
    paper: str,
) -> Finding:
    check_level(level)
    R = len(values)
    if R == 0 or not math.isfinite(margin):
        raise InvalidArgument(
            f"`differences` and `margin` must hold a number, got {R} differences and {margin!r}; pass one difference a "
            "replicate."
        )
    test = _test_words(values, margin, level, statistic, side)
    finding = without_number(name, claim, unit, test, R, paper)
    missing = ~np.isfinite(values)
    if missing.all() or (missing.any() and statistic != "median"):
        return finding
    known = values[~missing]
    effect = float(np.median(known) if statistic == "median" else np.mean(known))
    bound = _BOUNDS[statistic]
    finding = replace(finding, effect=effect, interval=(bound(values, level), -bound(-values, level)))
    if statistic != "median" and (not np.ptp(known) > 0.0 or (statistic == "mean" and is_too_skewed(values))):
        return finding
    above, below = (float(_P_VALUES[statistic](sign * values[None], sign * margin)[0]) for sign in (1.0, -1.0))
    if min(above, below) > 1.0 - level:
        needed = (
            replicates_for_median(values, margin, level)
            if statistic == "median"
            else replicates_for_mean(known, margin, level, _P_VALUES[statistic])
        )
        return replace(finding, p_value=min(above, below), needed_replicates=needed)
    is_claimed = (above < below) == (side == "above")
    return replace(finding, p_value=min(above, below), verdict=Verdict.HOLDS if is_claimed else Verdict.FAILS)


def _test_words(values: Float[np.ndarray, " R"], margin: float, level: float, statistic: str, side: Side) -> str:
    words = [f"{_TESTS[statistic]}, level {level:g}"]
    if margin or side == "below":
        words.append(f"{side} a margin of {margin:g}")
    missing = int(np.count_nonzero(~np.isfinite(values)))
    if missing:
        against = ", counted against either verdict" if statistic == "median" else ""
        words.append(f"{missing} differences are no number{against}")
    elif statistic != "median" and not np.ptp(values) > 0.0:
        words.append("the replicates do not differ, which decides nothing")
    elif statistic == "mean" and is_too_skewed(values):
        words.append("an estimate without a verdict: the differences are too skewed for a test of their mean")
    return "; ".join(words)


def interval_claim(
    *,
    name: str,
    claim: str,
    estimate: float,
    interval: tuple[float, float],
    allowed: tuple[float, float],
    unit: str = "",
    test: str = "",
    replicates: int,
    paper: str = "",
    level: float = LEVEL,
    is_place: bool = False,
) -> Finding:
    """The claim that a number lies within ``allowed``, ends included.

    Holds if its interval (of ``level``) lies inside, fails if it lies wholly outside, undecided otherwise or without an
    interval: as Schuirmann 1987 tests equivalence, and as often wrong as the interval is. The interval of a place
    (``is_place``) holds gaps of a grid, which more replicates do not narrow: then no number of them is named.

    Raises:
        InvalidArgument: if ``allowed`` or ``interval`` ends before it starts.
    """
    if not allowed[0] <= allowed[1]:
        raise invalid("allowed", f"must be (low, high) with low <= high, got {allowed}; swap its ends.")
    low, high = interval
    if low > high:
        raise invalid("interval", f"must be (low, high) with low <= high, got {interval}; swap its ends.")
    test = test or f"interval inside {allowed[0]:g} to {allowed[1]:g}"
    finding = replace(without_number(name, claim, unit, test, replicates, paper), effect=estimate, interval=interval)
    if allowed[0] <= low and high <= allowed[1]:
        return replace(finding, verdict=Verdict.HOLDS, p_value=1.0 - level)
    if high < allowed[0] or low > allowed[1]:
        return replace(finding, verdict=Verdict.FAILS, p_value=1.0 - level)
    edges = [edge for edge in allowed if low <= edge <= high and not is_place]
    needed = max((scaled_replicates(replicates, estimate, interval, edge) or 0 for edge in edges), default=0) or None
    return replace(finding, needed_replicates=needed)
