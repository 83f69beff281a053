"""Claims about landmarks, shared by the figures: where a peak is, and that there is none."""

from __future__ import annotations

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


def no_peak_claim(*, name: str, claim: str, landmarks: Landmarks, paper: str) -> Finding:
    """That the peak test finds no peak; undecided where it cannot tell."""
    test = landmarks.peak_test
    verdict = {
        PeakVerdict.NO_PEAK: Verdict.HOLDS,
        PeakVerdict.PEAK: Verdict.FAILS,
        PeakVerdict.UNDECIDED: Verdict.UNDECIDED,
    }[test.verdict]
    return Finding(
        name=name, claim=claim, verdict=verdict, effect=test.p_value, interval=(float("nan"), float("nan")),
        unit="p-value of a peak", test=_PEAK_TEST, replicates=test.replicates, paper=paper, needed_replicates=None,
    )  # fmt: skip
