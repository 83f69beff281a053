"""Claims about landmarks, shared by the figures: where a peak is, and that there is none."""

from __future__ import annotations

import numpy as np

from benign.curves import Finding, Landmarks, PeakVerdict, Verdict, interval_claim

_PEAK_TEST = "cross-fitted peak test on paired differences, level 0.95"


def peak_position_claim(
    *, name: str, claim: str, landmarks: Landmarks, scale: float, allowed: tuple[float, float], paper: str
) -> Finding:
    """That a peak exists and lies at ``allowed`` times ``scale``; fails where the peak test refuses a peak."""
    test = landmarks.peak_test
    if landmarks.peak is None:
        verdict = Verdict.FAILS if test.verdict is PeakVerdict.NO_PEAK else Verdict.UNDECIDED
        return Finding(
            name=name, claim=claim, verdict=verdict, effect=float("nan"), interval=(float("nan"), float("nan")),
            unit="position / n", test=_PEAK_TEST, replicates=test.replicates, paper=paper, needed_replicates=None,
        )  # fmt: skip
    low, high = landmarks.peak.position_interval
    return interval_claim(
        name=name, claim=claim, estimate=landmarks.peak.position / scale, interval=(low / scale, high / scale),
        allowed=allowed, unit="position / n", replicates=test.replicates,
        test=f"{_PEAK_TEST}; bootstrap interval of its position inside {allowed[0]:g} to {allowed[1]:g} n", paper=paper,
    )  # fmt: skip


def no_peak_claim(*, name: str, claim: str, landmarks: Landmarks, paper: str, factor: float = 1.25) -> Finding:
    """That a curve has no peak that stands ``factor`` or more above both its sides: a test of equivalence.

    The prominence of the most prominent peak is the smaller one of its rise and fall, on held-out replicates. The claim
    holds if its upper bound is below ``factor``, fails if its lower bound is above, and is undecided otherwise: not to
    see a peak is no evidence that there is none.
    """
    test = landmarks.peak_test
    ends = np.array([test.rise.interval, test.fall.interval]).min(axis=0)
    low, high = np.exp(ends) if test.is_log else (np.nan, np.nan)
    effect = float(np.exp(min(test.rise.value, test.fall.value))) if test.is_log else float("nan")
    verdict = Verdict.HOLDS if high < factor else Verdict.FAILS if low > factor else Verdict.UNDECIDED
    return Finding(
        name=name, claim=claim, verdict=verdict, effect=effect, interval=(float(low), float(high)),
        unit="times (peak against its higher side)", replicates=test.replicates, paper=paper, needed_replicates=None,
        test=f"cross-fitted prominence, one-sided bounds at 0.95, against a factor {factor:g}",
    )  # fmt: skip
