"""Pure functions on arrays: intervals over replicates, the peak test, landmarks, and findings."""

from benign.curves.cross_fitting import cross_fitted_difference, lowest_median
from benign.curves.findings import Finding, Verdict, holm
from benign.curves.halvings import Estimate
from benign.curves.intervals import (
    bootstrap_counts,
    bootstrap_interval,
    bootstrap_medians,
    mean_interval,
    percentile_interval,
)
from benign.curves.landmarks import Landmark, Landmarks, find_landmarks
from benign.curves.paired_claims import higher_claim, interval_claim, paired_claim
from benign.curves.peak_place import PeakEnd, PeakPlace, peak_place
from benign.curves.peak_test import PeakTest, PeakVerdict, peak_test

__all__ = [
    "Estimate",
    "Finding",
    "Landmark",
    "Landmarks",
    "PeakEnd",
    "PeakPlace",
    "PeakTest",
    "PeakVerdict",
    "Verdict",
    "bootstrap_counts",
    "bootstrap_interval",
    "bootstrap_medians",
    "cross_fitted_difference",
    "find_landmarks",
    "higher_claim",
    "holm",
    "interval_claim",
    "lowest_median",
    "mean_interval",
    "paired_claim",
    "peak_place",
    "peak_test",
    "percentile_interval",
]
