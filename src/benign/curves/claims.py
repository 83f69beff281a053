"""Claims shared by the figures: where a peak is, that there is none, equivalence from above, shares, the best."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from benign.curves import (
    Finding,
    Landmarks,
    PeakTest,
    Verdict,
    cross_fitted_difference,
    interval_claim,
    paired_claim,
)
from benign.curves.findings import LEVEL, without_number

# A peak that stands less than this factor above its higher side counts as none. An error lies between 0 and chance and
# peaks far lower than a loss: the published peaks of networks stand 5 to 25 % above their higher side.
RELEVANT_FACTOR = 1.25
RELEVANT_FACTOR_OF_ERRORS = 1.05


def peak_position_claim(
    *,
    name: str,
    claim: str,
    landmarks: Landmarks,
    scale: float,
    allowed: tuple[float, float],
    paper: str,
    scale_word: str = "n",
    unit: str = "",
    factor: float = RELEVANT_FACTOR,
    level: float = LEVEL,
) -> Finding:
    """That a peak exists and lies at ``allowed`` times ``scale``; fails also where a relevant peak is excluded.

    ``unit`` is what the place is counted in: give it where ``scale`` is measured, and may be 1 by chance. Unless given,
    it is ``scale_word`` for a scale of 1, that is for none, and times that for any other.
    """
    test, unit = landmarks.peak_test, unit or (scale_word if scale == 1.0 else f"times {scale_word}")
    if landmarks.peak is None:
        is_refused = _prominence(test)[2] < factor
        return replace(
            without_number(name, claim, unit, test.method, test.replicates, paper),
            verdict=Verdict.FAILS if is_refused else Verdict.UNDECIDED,
            p_value=1.0 - level if is_refused else 1.0,
        )
    low, high = landmarks.peak.position_interval
    return interval_claim(
        name=name,
        claim=claim,
        estimate=landmarks.peak.position / scale,
        interval=(low / scale, high / scale),
        allowed=allowed,
        unit=unit,
        replicates=test.replicates,
        level=level,
        is_place=True,
        test=f"{test.method}; interval of its position inside {allowed[0]:.3g} to {allowed[1]:.3g} {scale_word}",
        paper=paper,
    )


def no_peak_claim(
    *,
    name: str,
    claim: str,
    landmarks: Landmarks,
    paper: str,
    factor: float = RELEVANT_FACTOR,
    level: float = LEVEL,
) -> Finding:
    """That a curve has no peak that stands a ``factor`` or more above both its sides: a test of equivalence.

    Holds if the upper bound of the prominence is below the factor, fails if its lower bound is above, and is undecided
    otherwise: not to see a peak is no evidence that there is none. Where the upper bound is below 1, it says so.
    """
    test = landmarks.peak_test
    effect, low, high = _prominence(test)
    verdict = Verdict.HOLDS if high < factor else Verdict.FAILS if low > factor else Verdict.UNDECIDED
    return Finding(
        name=name,
        claim=claim,
        verdict=verdict,
        effect=effect,
        interval=(low, high),
        unit=f"times the higher side{': no peak of any height' if high < 1.0 else ''}",
        replicates=test.replicates,
        paper=paper,
        needed_replicates=None,
        test=f"cross-fitted prominence, one-sided bounds at {level:g}, against a factor {factor:g}",
        p_value=1.0 if verdict is Verdict.UNDECIDED else 1.0 - level,
    )


def below_margin_claim(
    *,
    name: str,
    claim: str,
    differences: Float[np.ndarray, " R"],
    margin: float,
    unit: str,
    paper: str,
    opposite: str = "",
) -> Finding:
    """The claim that the mean is below ``margin``: a test of equivalence from above.

    Where the interval lies below zero, the number is followed by ``opposite``, the word for that: "it rises".
    """
    found = paired_claim(
        name=name, claim=claim, differences=differences, margin=margin, unit=unit, paper=paper, side="below"
    )
    return replace(found, unit=f"{unit}; negative: {opposite}") if opposite and found.interval[1] < 0.0 else found


def more_than_half_claim(
    *, name: str, claim: str, part: Float[np.ndarray, " R"], whole: Float[np.ndarray, " R"], unit: str, paper: str
) -> Finding:
    """The claim that ``part`` is more than half of ``whole`` in the mean, paired over replicates.

    Undecided unless the whole itself lies above zero by its own interval: nothing has no half.
    """
    finding = paired_claim(
        name=name, claim=claim, differences=part - 0.5 * whole, unit=f"{unit} (part - half of the whole)", paper=paper
    )
    total = paired_claim(name=name, claim=claim, differences=whole)
    if total.verdict is Verdict.HOLDS:
        return replace(finding, test=f"{finding.test}; the whole is above zero at the same level")
    # More replicates decide it only where they would show the whole to be above zero.
    needed = (total.needed_replicates, finding.needed_replicates or 0) if total.effect > 0.0 else (None, 0)
    return replace(
        finding,
        verdict=Verdict.UNDECIDED,
        p_value=1.0,
        test=f"{finding.test}; the whole is not shown to be above zero",
        needed_replicates=None if needed[0] is None else max(needed[0], needed[1]),
    )


def below_the_best_claim(
    *,
    name: str,
    claim: str,
    references: Float[np.ndarray, "R K"],
    candidate: Float[np.ndarray, " R"] | Float[np.ndarray, "R L"],
    unit: str,
    paper: str,
) -> Finding:
    """The claim that the best candidate is below the best of the ``references``, cross-fitted.

    Undecided where a number is missing: to leave its position out, as the test would, might favour a side.
    """
    missing = ~(np.isfinite(references).all(axis=1) & np.isfinite(candidate.reshape(len(candidate), -1)).all(axis=1))
    if not missing.any():
        return cross_fitted_difference(name=name, claim=claim, values=(references, candidate), unit=unit, paper=paper)
    test = f"cross-fitted over halvings; replicates without a number: {np.count_nonzero(missing)}"
    return without_number(name, claim, unit, test, len(candidate), paper)


def rises_claim(
    *,
    name: str,
    claim: str,
    values: Float[np.ndarray, "R K"],
    peak: Float[np.ndarray, " R"],
    unit: str,
    paper: str,
) -> Finding:
    """The claim that a risk rises from the lowest of earlier ``values`` to its ``peak``.

    Where it is lowest is chosen on one half of the replicates and compared on the other.
    """
    return below_the_best_claim(
        name=name, claim=claim, references=peak[:, None], candidate=values, unit=unit, paper=paper
    )


def _prominence(test: PeakTest) -> tuple[float, float, float]:
    """How many times higher the most prominent peak is than its higher side, with one-sided bounds; NaN if unknown.

    The smaller one of rise and fall, each on replicates that did not choose the positions.
    """
    if not test.is_log:
        return float("nan"), float("nan"), float("nan")
    low, high = (min(test.rise.interval[end], test.fall.interval[end]) for end in (0, 1))
    value = min(test.rise.value, test.fall.value)
    return _factor(value), _factor(low), _factor(high)


def _factor(logarithm: float) -> float:
    """exp, infinite where float64 has no number."""
    return math.exp(logarithm) if not logarithm > 709.0 else math.inf
