"""The peak test: does a curve rise from an earlier minimum to a peak and fall again beyond it?"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.curves.halvings import (
    LEAST_REPLICATES,
    Estimate,
    canonical_order,
    combined_estimate,
    combined_p_value,
    halvings,
    one_sided_p_values,
    rounding,
    standard_errors,
)
from benign.curves.intervals import check_level
from benign.curves.shape import log_if_positive, prominent_triples, steady_triples

NO_PEAK_ABOVE = 0.3  # p-value; a peak of five standard errors exceeds it in fewer than 5 % of measurements
DETECTABLE = 5.0  # standard errors at which the test says "peak" in nine of ten measurements with 10 replicates


class PeakVerdict(enum.Enum):
    """What the peak test says."""

    PEAK = "peak"
    NO_PEAK = "no peak"
    UNDECIDED = "undecided"

    @property
    def sentence(self) -> str:
        """The sentence for the user."""
        return _SENTENCES[self]


_SENTENCES = {
    PeakVerdict.PEAK: "the curve rises from an earlier minimum to a peak and falls again beyond it",
    PeakVerdict.NO_PEAK: "there is no sign of a rise that is followed by a fall",
    PeakVerdict.UNDECIDED: "whether there is a peak cannot be told from these replicates; measure more of them",
}


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
        sentence: the result in words.
    """

    verdict: PeakVerdict
    p_value: float
    rise: Estimate
    fall: Estimate
    is_log: bool
    indices: tuple[int, int, int] | None
    replicates: int
    positions: int
    sentence: str


def peak_test(values: Float[np.ndarray, "replicates positions"], *, level: float = 0.95) -> PeakTest:
    r"""Test whether the curve has a peak: positions i < j < k with :math:`f_j > f_i` and :math:`f_j > f_k`.

    f is the mean over replicates of the log risk if all values are positive, since risks near the interpolation
    threshold are heavy-tailed (their mean may be infinite) and multiplicative there, and a monotone scale leaves
    "rises" and "falls" as they are; of the values themselves otherwise. "No peak" are all curves that only fall, only
    rise, are flat, or fall and then rise.

    The replicates are halved. One half chooses i, j and k, the ones with the largest min(t of rise, t of fall); the
    other is tested there for a rise and for a fall, both of which must be significant (an intersection-union test, so
    alpha is not divided), by Student's t on paired differences; and the other way round. See
    :mod:`benign.curves.halvings` for how all halvings are combined, and why.

    * PEAK: p <= 1 - level. Wrong in at most 5 % of curves without a peak (measured).
    * NO_PEAK: p > 0.3. A true peak whose rise and fall are each five standard errors of the paired difference is
      called so in fewer than 5 % of measurements (measured); a smaller one may hide, and the sentence says how small.
    * UNDECIDED: between, or fewer than 4 replicates, or fewer than 3 usable positions.

    Args:
        values: risk along a fixed ordered axis, one row a replicate; rows are independent, columns need not be.
            Columns with NaN or infinity in any row are left out.
        level: 1 minus the share of curves without a peak that may be called PEAK.

    Returns:
        The :class:`PeakTest`. It does not depend on the order of the rows.

    Raises:
        InvalidArgument: if ``level`` is not strictly between 0.5 and 1.

    Cost: O(R K) for each of at most 252 halves, and 64 x 64 pairs for each.
    """
    check_level(level)
    usable = np.flatnonzero(np.isfinite(values).all(axis=0))
    R, K = len(values), len(usable)
    risk, is_log = log_if_positive(values[:, usable])
    if K < 3:
        return _untested(R, K, is_log, None, f"only {K} positions hold a number in every replicate; a peak needs three")
    indices = _described(risk, usable)
    if R < LEAST_REPLICATES:
        return _untested(R, K, is_log, indices, f"{R} replicates are too few to test for a peak; measure at least 10")
    return _tested(risk[canonical_order(risk)], is_log=is_log, indices=indices, level=level)


def _described(risk: Float[np.ndarray, "R K"], usable: Int[np.ndarray, "K"]) -> tuple[int, int, int]:
    i, j, k = prominent_triples(np.median(risk, axis=0)[None])
    return int(usable[i[0]]), int(usable[j[0]]), int(usable[k[0]])


def _untested(R: int, K: int, is_log: bool, indices: tuple[int, int, int] | None, reason: str) -> PeakTest:
    nothing = Estimate(value=math.nan, interval=(math.nan, math.nan))
    return PeakTest(
        verdict=PeakVerdict.UNDECIDED, p_value=math.nan, rise=nothing, fall=nothing, is_log=is_log, indices=indices,
        replicates=R, positions=K, sentence=f"undecided: {reason}.",
    )  # fmt: skip


def _tested(risk: Float[np.ndarray, "R K"], *, is_log: bool, indices: tuple[int, int, int], level: float) -> PeakTest:
    first = halvings(len(risk))
    rise, fall = _held_out(risk, first)
    tie = rounding(risk)
    p = combined_p_value(np.maximum(one_sided_p_values(rise, tie), one_sided_p_values(fall, tie)))
    if p <= 1.0 - level:
        verdict = PeakVerdict.PEAK
    else:
        verdict = PeakVerdict.NO_PEAK if p > NO_PEAK_ABOVE else PeakVerdict.UNDECIDED
    rising, falling = combined_estimate(rise, level=level), combined_estimate(fall, level=level)
    hidden = DETECTABLE * float(np.median(np.maximum(standard_errors(rise), standard_errors(fall))))
    return PeakTest(
        verdict=verdict, p_value=p, rise=rising, fall=falling, is_log=is_log, indices=indices, replicates=len(risk),
        positions=risk.shape[1], sentence=_sentence(verdict, p, rising, falling, hidden, is_log=is_log, R=len(risk)),
    )  # fmt: skip


def _held_out(
    risk: Float[np.ndarray, "R K"], first: Bool[np.ndarray, "S R"]
) -> tuple[Float[np.ndarray, "S R"], Float[np.ndarray, "S R"]]:
    """Rise and fall of each replicate at the positions that the half without it chose."""
    rise, fall = np.empty(first.shape), np.empty(first.shape)
    by_position = risk.T
    for chosen in (first, ~first):
        i, j, k = steady_triples(risk, chosen)
        rise[~chosen] = (by_position[j] - by_position[i])[~chosen]
        fall[~chosen] = (by_position[j] - by_position[k])[~chosen]
    return rise, fall


def _sentence(
    verdict: PeakVerdict, p: float, rise: Estimate, fall: Estimate, hidden: float, *, is_log: bool, R: int
) -> str:
    evidence = f"p = {p:.2g}, {R} replicates"
    if verdict is PeakVerdict.PEAK:
        up, down = _size(rise.value, is_log=is_log), _size(fall.value, is_log=is_log)
        return f"peak: the risk rises by {up} from an earlier minimum and falls by {down} beyond the peak ({evidence})."
    if verdict is PeakVerdict.NO_PEAK:
        size = _size(hidden, is_log=is_log)
        return (
            f"no peak: no rise that is followed by a fall ({evidence}); one whose rise and fall are below {size} "
            "could have been missed."
        )
    return f"undecided: {verdict.sentence} ({evidence})."


def _size(difference: float, *, is_log: bool) -> str:
    return f"a factor {math.exp(min(difference, 700.0)):.3g}" if is_log else f"{difference:.3g}"
