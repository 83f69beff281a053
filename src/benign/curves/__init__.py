"""Pure functions on arrays: intervals over replicates, the peak test, landmarks, and findings."""

from benign.curves.findings import (
    Finding,
    Verdict,
    cross_fitted_difference,
    interval_claim,
    lowest_median,
    paired_claim,
)
from benign.curves.halvings import Estimate
from benign.curves.intervals import (
    bootstrap_counts,
    bootstrap_interval,
    bootstrap_medians,
    mean_interval,
    median_interval,
    percentile_interval,
)
from benign.curves.landmarks import Landmark, Landmarks, find_landmarks
from benign.curves.peak_test import PeakTest, PeakVerdict, peak_test

__all__ = [
    "Estimate",
    "Finding",
    "Landmark",
    "Landmarks",
    "PeakTest",
    "PeakVerdict",
    "Verdict",
    "bootstrap_counts",
    "bootstrap_interval",
    "bootstrap_medians",
    "cross_fitted_difference",
    "find_landmarks",
    "interval_claim",
    "lowest_median",
    "mean_interval",
    "median_interval",
    "paired_claim",
    "peak_test",
    "percentile_interval",
]
