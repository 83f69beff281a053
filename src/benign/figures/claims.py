"""Claims about landmarks, shared by the figures: where a peak is, and that there is none."""

from __future__ import annotations

import math

from benign.curves import Finding, Landmarks, PeakTest, Verdict, interval_claim

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
