"""The peak test: does a curve rise from an earlier minimum to a peak and fall again beyond it?"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.curves.halvings import (
    LEAST_REPLICATES,
    MEDIAN_FACTOR,
    Estimate,
    canonical_order,
    combined_estimate,
    halvings,
    one_sided_p_values,
    rounding,
    standard_errors,
)
from benign.curves.intervals import check_level
from benign.curves.mean_tests import hall_p_values, is_most
from benign.curves.peak_at_threshold import FACTOR, PeakAtThreshold, peak_at_threshold
from benign.curves.shape import log_if_positive, prominent_triples, steady_triples
from benign.foundation.arrays import number_array
from benign.foundation.errors import InvalidArgument, invalid

NO_PEAK_ABOVE = 0.3  # p-value; a peak of five standard errors exceeds it in fewer than 5 % of measurements
DETECTABLE = 5.0  # standard errors at which the search says "peak" in four of five measurements with 10 replicates
_SEARCHED = 0.1  # part of the level that is left for the search where training risk names a place
# A skewed column fools the search: its replicates agree by luck. So four of five must rise and fall, Hall's t must
# agree at twice the level, and below ten replicates, where luck is common, at a stricter one, as Student's must.
_MOST = 0.8
_HALL_SHARE = 0.5
_FEW_FACTORS = {4: 50.0, 5: 9.0, 6: 9.0, 7: 4.0, 8: 4.0, 9: 4.0}


class PeakVerdict(enum.Enum):
    """What the peak test says."""

    PEAK = "peak"
    NO_PEAK = "no peak"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class PeakTest:
    """Result of :func:`peak_test`.

    Attributes:
        verdict: PEAK, NO_PEAK or UNDECIDED.
        p_value: of "the curve has no peak"; NaN if it could not be tested.
        rise: peak minus earlier minimum, on held-out replicates; NaN if it could not be tested. Its two ends are
            one-sided bounds at ``level`` each.
        fall: peak minus later minimum, likewise.
        is_log: ``rise`` and ``fall`` are differences of natural logarithms (else of the values).
        indices: columns of the earlier minimum, the peak and the later minimum that all replicates together would
            choose, a description; the test chose its own on other replicates than it tested them on. None if fewer
            than three columns are finite.
        replicates: number of rows.
        positions: number of columns that were used (no NaN or infinity in any replicate).
        searched: p-value of the search alone, before the level is split; NaN if it could not be tested.
        hidden: a peak whose rise and fall are below it could have been missed; NaN likewise.
        level: of the test.
        at_threshold: the test where training risk says that a peak must be; None where none was given, or it is silent.
    """

    verdict: PeakVerdict
    p_value: float
    rise: Estimate
    fall: Estimate
    is_log: bool
    indices: tuple[int, int, int] | None
    replicates: int
    positions: int
    searched: float
    at_threshold: PeakAtThreshold | None
    hidden: float
    level: float

    def __str__(self) -> str:
        """The result in words."""
        return self.sentence

    @property
    def method(self) -> str:
        """What was tested, and at which level."""
        if self.at_threshold is None:
            return f"cross-fitted peak test, level {self.level:g}"
        low, high = (f"{end:,.6g}" for end in self.at_threshold.place)
        place = f"risk at {low} to {high}, where the fit becomes exact, against both sides (factor {FACTOR:g})"
        return f"peak test: {place}, else a cross-fitted search, level {self.level:g}"

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.positions < 3:
            return f"undecided: only {self.positions} positions hold a number in every replicate; a peak needs three."
        if self.replicates < LEAST_REPLICATES:
            return f"undecided: {self.replicates} of {LEAST_REPLICATES} replicates that the test for a peak needs."
        return _sentence(self)


def peak_test(
    values: Float[np.ndarray, "replicates positions"],
    *,
    training: Float[np.ndarray, "replicates positions"] | None = None,
    positions: Float[np.ndarray, " positions"] | None = None,
    level: float = 0.95,
) -> PeakTest:
    r"""Test whether the curve has a peak: positions i < j < k with :math:`f_j > f_i` and :math:`f_j > f_k`.

    f is the mean over replicates of the log risk if all values are positive, since risks near the interpolation
    threshold are heavy-tailed (their mean may be infinite) and multiplicative there, and a monotone scale leaves
    "rises" and "falls" as they are; of the values themselves otherwise. "No peak" are all curves that only fall, only
    rise, are flat, or fall and then rise. Ours, with the t of Student 1908 and of Hall 1992.

    *Where training risk names the place* (``training`` is given, falls to nothing inside the curve, and all values are
    positive), the curve is tested there, without any search, at nine tenths of 1 - ``level``:
    :mod:`benign.curves.peak_at_threshold`. The search has the rest.

    *The search*. The replicates are halved. One half chooses i, j and k, the ones with the largest min(t of rise, t of
    fall); the other is tested there for a rise and for a fall, both of which must be significant (an intersection-union
    test, so alpha is not divided), by Student's and Hall's t on paired differences; and the other way round. See
    :mod:`benign.curves.halvings` for how all halvings are combined, and why.

    * PEAK: p <= 1 - level. Wrong in at most 5 % of curves without a peak, measured for 4 to 20 replicates.
    * NO_PEAK: p > 0.3 by Student's t. A true peak whose rise and fall are each five standard errors of the paired
      difference is called so in fewer than 5 % of measurements (measured); a smaller one may hide, and the sentence
      says how small.
    * UNDECIDED: between, or fewer than 4 replicates, or fewer than 3 usable positions.

    Args:
        values: risk along a fixed ordered axis, one row a replicate; rows are independent, columns need not be.
            Columns with NaN or infinity in any row are left out.
        training: training risk over the best constant predictor's, of the same replicates and positions.
        positions: of the columns, positive and increasing, which blocks beside a named place are cut by; 1, 2, 3, ...
            unless given.
        level: 1 minus the share of curves without a peak that may be called PEAK.

    Returns:
        The :class:`PeakTest`. It does not depend on the order of the rows.

    Raises:
        InvalidArgument: if ``level`` is not strictly between 0.5 and 1, or shapes differ.

    Cost: O(R K) for each of at most 252 halves, and 64 x 64 pairs for each.
    """
    check_level(level)
    values = number_array("values", values, axes=2)
    training = None if training is None else number_array("training", training, axes=2)
    positions = None if positions is None else number_array("positions", positions, axes=1)
    R, K = values.shape
    if R < 1:
        raise invalid("values", "must hold a row for each replicate, got none.")
    places = np.arange(1.0, K + 1.0) if positions is None else positions
    if len(places) != K or (training is not None and training.shape != (R, K)):
        raise InvalidArgument(
            f"`training` and `positions` must be of the same {K} positions as `values`; give them for the same columns."
        )
    usable = np.flatnonzero(np.isfinite(values).all(axis=0))
    risk, is_log = log_if_positive(values[:, usable])
    untested = _untested(risk, usable, level, is_log=is_log)
    if len(usable) < 3 or R < LEAST_REPLICATES:
        return untested
    known = None
    if training is not None and is_log:
        known = peak_at_threshold(places[usable], risk, training[:, usable])
    return _tested(untested, risk[canonical_order(risk)], known, level)


def _untested(risk: Float[np.ndarray, "R K"], usable: Int[np.ndarray, "K"], level: float, *, is_log: bool) -> PeakTest:
    """What is known before any test."""
    R, K = risk.shape
    nothing = Estimate(value=math.nan, interval=(math.nan, math.nan))
    return PeakTest(
        verdict=PeakVerdict.UNDECIDED,
        p_value=math.nan,
        rise=nothing,
        fall=nothing,
        is_log=is_log,
        indices=None if K < 3 else _described(risk, usable),
        replicates=R,
        positions=K,
        searched=math.nan,
        at_threshold=None,
        hidden=math.nan,
        level=level,
    )


def _described(risk: Float[np.ndarray, "R K"], usable: Int[np.ndarray, "K"]) -> tuple[int, int, int]:
    i, j, k = prominent_triples(np.median(risk, axis=0)[None])
    return int(usable[i[0]]), int(usable[j[0]]), int(usable[k[0]])


def _tested(
    untested: PeakTest, risk: Float[np.ndarray, "R K"], known: PeakAtThreshold | None, level: float
) -> PeakTest:
    first = halvings(len(risk))
    held_out = _held_out(risk, first)
    rise, fall = held_out
    searched, plain = _search_p_values(held_out, rounding(risk))
    p = searched
    if known is not None:
        p = min(1.0, known.p_value / (1.0 - _SEARCHED), searched / _SEARCHED)
    if p <= 1.0 - level:
        verdict = PeakVerdict.PEAK
    else:
        verdict = PeakVerdict.NO_PEAK if min(p, plain) > NO_PEAK_ABOVE else PeakVerdict.UNDECIDED
    hidden = DETECTABLE * float(np.median(standard_errors(np.concatenate(held_out)).reshape(2, -1).max(axis=0)))
    return replace(
        untested,
        verdict=verdict,
        p_value=p,
        searched=searched,
        at_threshold=known,
        rise=combined_estimate(rise, level=level),
        fall=combined_estimate(fall, level=level),
        hidden=hidden,
    )


def _search_p_values(held_out: Float[np.ndarray, "2 S R"], tie: float) -> tuple[float, float]:
    """The search's p-value, and the one by Student's t alone."""
    _, S, R = held_out.shape
    both = held_out.reshape(2 * S, R)
    student = one_sided_p_values(both, tie).reshape(2, S).max(axis=0)
    hall = hall_p_values(both, 0.0).reshape(2, S).max(axis=0)
    strict = np.maximum(student, (1.0 if R in _FEW_FACTORS else _HALL_SHARE) * hall)
    is_common = np.mean(is_most(both, 0.0, _MOST).reshape(2, S).all(axis=0)) >= 0.5
    p = _FEW_FACTORS.get(R, MEDIAN_FACTOR) * float(np.median(strict)) if is_common else 1.0
    return min(1.0, p), min(1.0, MEDIAN_FACTOR * float(np.median(student)))


def _held_out(risk: Float[np.ndarray, "R K"], first: Bool[np.ndarray, "S R"]) -> Float[np.ndarray, "2 S R"]:
    """Rise and fall of each replicate at the positions that the half without it chose."""
    are_equal = len(risk) % 2 == 0  # halves of as many replicates choose together
    halves = [np.concatenate([first, ~first])] if are_equal else [first, ~first]
    triples = zip(*(steady_triples(risk, chosen) for chosen in halves), strict=True)
    i, j, k = (np.concatenate(index).reshape(2, -1) for index in triples)
    by_position = risk.T
    differences = (by_position[j] - by_position[lower] for lower in (i, k))
    return np.stack([np.where(first, by_second, by_first) for by_first, by_second in differences])


def _sentence(test: PeakTest) -> str:
    evidence, is_log, known = f"p = {test.p_value:.2g}, {test.replicates} replicates", test.is_log, test.at_threshold
    if test.verdict is PeakVerdict.PEAK and known is not None and known.p_value / (1.0 - _SEARCHED) <= test.p_value:
        up, down, (low, high) = _size(known.rise, is_log=True), _size(known.fall, is_log=True), known.place
        return (
            f"peak: at {low:,.6g} to {high:,.6g}, where the fit becomes exact, the risk is higher than before it by "
            f"{up} and than beyond it by {down}; tested is a factor {FACTOR:g} ({evidence})."
        )
    if test.verdict is PeakVerdict.PEAK:
        up, down = _size(test.rise.value, is_log=is_log), _size(test.fall.value, is_log=is_log)
        return f"peak: the risk rises by {up} from an earlier minimum and falls by {down} beyond the peak ({evidence})."
    if test.verdict is PeakVerdict.NO_PEAK:
        size = _size(test.hidden, is_log=is_log)
        return (
            f"no peak: no rise that is followed by a fall ({evidence}); one whose rise and fall are below {size} "
            "could have been missed."
        )
    return (
        f"undecided: whether there is a peak cannot be told from these replicates; measure more of them ({evidence})."
    )


def _size(difference: float, *, is_log: bool) -> str:
    return f"a factor {math.exp(min(difference, 700.0)):.3g}" if is_log else f"{difference:.3g}"
