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
    mean_interval,
    paired_claim,
)

_PEAK_TEST = "cross-fitted peak test on paired differences, level 0.95"
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
    factor: float = RELEVANT_FACTOR,
) -> Finding:
    """That a peak exists and lies at ``allowed`` times ``scale``; fails also where a relevant peak is excluded."""
    test = landmarks.peak_test
    if landmarks.peak is None:
        verdict = Verdict.FAILS if _prominence(test)[2] < factor else Verdict.UNDECIDED
        return Finding(
            name=name, claim=claim, verdict=verdict, effect=float("nan"), interval=(float("nan"), float("nan")),
            unit=f"position / {scale_word}", test=_PEAK_TEST, replicates=test.replicates, paper=paper,
            needed_replicates=None,
        )  # fmt: skip
    low, high = landmarks.peak.position_interval
    return interval_claim(
        name=name, claim=claim, estimate=landmarks.peak.position / scale, interval=(low / scale, high / scale),
        allowed=allowed, unit=f"position / {scale_word}", replicates=test.replicates,
        test=(
            f"{_PEAK_TEST}; bootstrap interval of its position inside "
            f"{allowed[0]:.3g} to {allowed[1]:.3g} {scale_word}"
        ), paper=paper,
    )  # fmt: skip


def no_peak_claim(
    *, name: str, claim: str, landmarks: Landmarks, paper: str, factor: float = RELEVANT_FACTOR
) -> Finding:
    """That a curve has no peak that stands a ``factor`` or more above both its sides: a test of equivalence.

    Holds if the upper bound of the prominence is below the factor, fails if its lower bound is above, and is undecided
    otherwise: not to see a peak is no evidence that there is none.
    """
    test = landmarks.peak_test
    effect, low, high = _prominence(test)
    verdict = Verdict.HOLDS if high < factor else Verdict.FAILS if low > factor else Verdict.UNDECIDED
    return Finding(
        name=name, claim=claim, verdict=verdict, effect=effect, interval=(low, high),
        unit="times (peak against its higher side)", replicates=test.replicates, paper=paper, needed_replicates=None,
        test=f"cross-fitted prominence, one-sided bounds at 0.95, against a factor {factor:g}",
    )  # fmt: skip


def below_margin_claim(
    *, name: str, claim: str, differences: Float[np.ndarray, " R"], margin: float, unit: str, paper: str
) -> Finding:
    """The claim that the mean is below ``margin``: a test of equivalence from above, by Student's interval."""
    return interval_claim(
        name=name, claim=claim, estimate=float(np.mean(differences)), interval=mean_interval(differences),
        allowed=(-math.inf, margin), unit=unit, replicates=len(differences), paper=paper,
        test=f"Student t, level 0.95, below a margin of {margin:g}",
    )  # fmt: skip


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
        finding, verdict=Verdict.UNDECIDED, test=f"{finding.test}; the whole is not shown to be above zero",
        needed_replicates=None if needed[0] is None else max(needed[0], needed[1]),
    )  # fmt: skip


def below_the_best_claim(
    *,
    name: str,
    claim: str,
    references: Float[np.ndarray, "R K"],
    candidate: Float[np.ndarray, " R"],
    unit: str,
    paper: str,
) -> Finding:
    """The claim that ``candidate`` is below the best of the ``references``, cross-fitted.

    Undecided where a number is missing: to leave its position out, as the test would, might favour a side.
    """
    missing = ~(np.isfinite(references).all(axis=1) & np.isfinite(candidate))
    if not missing.any():
        return cross_fitted_difference(
            name=name, claim=claim, values=(references, candidate), unit=unit, paper=paper
        )  # fmt: skip
    return Finding(
        name=name, claim=claim, verdict=Verdict.UNDECIDED, effect=math.nan, interval=(math.nan, math.nan), unit=unit,
        test=f"cross-fitted over halvings; replicates without a number: {np.count_nonzero(missing)}",
        replicates=len(candidate), paper=paper, needed_replicates=None,
    )  # fmt: skip


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
