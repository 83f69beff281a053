"""A threshold read by the mean and by the median, along sizes, their inverses and samples."""

import inspect
import math

import numpy as np
import pytest

from benign.curves.fitting_threshold import ThresholdOutcome
from benign.curves.threshold_reading import read_threshold
from benign.foundation.errors import InvalidArgument

SIZES = [10.0, 20.0, 40.0, 80.0]
# One draw of five is never fitted before 80: the mean falls to the tolerance there, the median at 20.
SKEW = np.array([[0.5] * 5, [0.01] * 4 + [0.9], [0.0] * 4 + [0.5], [0.0] * 5])


@pytest.mark.parametrize(("estimator", "value", "low", "high"), [("mean", 70, 11, np.inf), ("median", 20, 10, 80)])
def test_the_mean_counts_a_rare_large_risk_and_the_median_does_not(estimator, value, low, high):
    found = read_threshold(SIZES, SKEW, estimator=estimator)
    assert found.outcome is ThresholdOutcome.FOUND
    assert found.value == value
    assert low <= found.interval[0] <= found.interval[1] <= high
    risk = f"at which the {estimator} training objective is at most 0.02 of the best constant predictor's"
    if estimator == "median":
        assert found.sentence.startswith(f"Threshold: {found.value:.0f} units (95 % interval: ")
        assert f" are the fewest {risk}" in found.sentence
    else:  # 70 is where the interpolated mean crosses, and nothing bounds it from above
        assert found.sentence == f"Threshold: the fewest units {risk}: {found.ends}."


@pytest.mark.parametrize("estimator", ["mean", "median"])
def test_samples_are_sizes_seen_from_the_other_side(estimator):
    along_sizes = read_threshold(1.0 / np.array(SIZES[::-1]), SKEW[::-1], estimator=estimator, is_fitted_below=True)
    found = read_threshold(SIZES, SKEW, estimator=estimator, interpolated=True)
    assert along_sizes.value == pytest.approx(1.0 / found.value)
    assert along_sizes.interval == pytest.approx((1.0 / found.interval[1], 1.0 / found.interval[0]))
    assert along_sizes.outcome is found.outcome


@pytest.mark.parametrize("estimator", ["mean", "median"])
@pytest.mark.parametrize(
    ("risk", "is_fitted_below", "value", "outcome"),
    [
        (0.0, False, 10.0, ThresholdOutcome.ALL_FITTED),
        (0.0, True, 80.0, ThresholdOutcome.ALL_FITTED),
        (0.5, False, math.inf, ThresholdOutcome.NONE_FITTED),
        (0.5, True, 0.0, ThresholdOutcome.NONE_FITTED),
        (math.nan, False, math.inf, ThresholdOutcome.UNDECIDED),
    ],
)
def test_where_there_is_no_crossing(estimator, risk, is_fitted_below, value, outcome):
    found = read_threshold(SIZES, np.full((4, 6), risk), estimator=estimator, is_fitted_below=is_fitted_below)
    assert (found.value, found.outcome, found.estimator) == (value, outcome, estimator)


def test_only_whole_numbers_are_rounded():
    whole = read_threshold([1.0, 4.0], [np.full(4, 0.04), np.zeros(4)])
    assert (whole.value, whole.interval) == (2.0, (2.0, 4.0))
    assert read_threshold([1.0, 4.0], [np.full(4, 0.04), np.zeros(4)], interpolated=True).value == pytest.approx(2.0)
    assert read_threshold([0.5, 2.0], [np.full(4, 0.04), np.zeros(4)]).value == pytest.approx(1.0)


def test_a_position_without_a_number_is_left_out():
    risks = np.array([[0.5] * 4, [np.nan, 0.0, 0.0, 0.0], [0.0] * 4])
    assert read_threshold([1.0, 2.0, 3.0], risks) == read_threshold([1.0, 3.0], risks[[0, 2]])


def test_an_unknown_estimator_gets_a_sentence():
    with pytest.raises(InvalidArgument, match="unknown estimator 'mode'; did you mean 'mean'"):
        inspect.unwrap(read_threshold)(SIZES, SKEW, estimator="mode")


def test_one_position_that_some_resamples_do_not_fit():
    share = np.array([[0.01] * 5 + [0.5] * 4])
    assert read_threshold([30.0], share, estimator="median").interval == (30.0, math.inf)
    assert read_threshold([30.0], share, estimator="median", is_fitted_below=True).interval == (0.0, 30.0)
