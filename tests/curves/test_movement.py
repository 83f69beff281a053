"""Places known to a gap between positions, and how far they move in the mean over replicates."""

import numpy as np
import pytest

from benign.curves.movement import Places, fitted_from, highest, mean_ratio

POSITIONS = np.array([1.0, 2.0, 4.0, 8.0])


def ends(places):
    return np.exp([places.value, places.low, places.high]).T.tolist()


def test_the_highest_risk_lies_between_the_neighbours():
    risk = np.array([[0.0, 3.0, 1.0, 0.0], [5.0, 3.0, 1.0, 0.0], [0.0, 0.0, 1.0, 2.0], [np.nan, 3.0, 1.0, 0.0]])
    found = highest(POSITIONS, risk)
    np.testing.assert_allclose(ends(found)[:3], [[2.0, 1.0, 4.0], [1.0, 0.0, 2.0], [8.0, 4.0, np.inf]])
    assert np.isnan(found.value[3])


def test_what_is_fitted_is_so_between_the_last_that_is_not_and_the_next():
    share = np.array(
        [[0.9, 0.5, 0.01, 0.0], [0.9, 0.01, 0.5, 0.0], [0.01, 0.0, 0.0, 0.0], [0.9, 0.5, 0.4, 0.3], [0.9, np.nan, 0, 0]]
    )
    found = fitted_from(POSITIONS, share, 0.02)
    expected = [[4.0, 2.0, 4.0], [8.0, 4.0, 8.0], [1.0, 0.0, 1.0], [np.nan] * 3, [4.0, 2.0, 4.0]]
    np.testing.assert_allclose(ends(found), expected)


def test_a_ratio_takes_the_ends_that_widen_it():
    few, more = (Places(value=np.log([x]), low=np.log([x / 2]), high=np.log([3 * x])) for x in (10.0, 20.0))
    np.testing.assert_allclose(ends(more.over(few)), [[2.0, 1.0 / 3.0, 12.0]])


def moved(values, gap=1.05):
    logs = np.log(np.asarray(values))
    return Places(value=logs, low=logs - np.log(gap), high=logs + np.log(gap))


def test_the_interval_holds_the_gap():
    assert mean_ratio(moved([2.0] * 10, 1.2), 0.95) == pytest.approx((2.0, 2.0 / 1.2, 2.0 * 1.2))
    _, low, high = mean_ratio(moved([1.8, 2.2] * 5, 1.2), 0.95)
    assert low < 1.8 / 1.1
    assert high > 2.2 * 1.1


def test_an_open_gap_bounds_nothing():
    places = moved([2.0] * 5)
    open_ended = places._replace(high=np.append(places.high[:-1], np.inf))
    _, low, high = mean_ratio(open_ended, 0.95)
    assert low == pytest.approx(2.0 / 1.05)
    assert high == np.inf


def test_a_replicate_without_a_place_leaves_no_number():
    assert np.isnan(mean_ratio(moved([2.0] * 9 + [np.nan]), 0.95)).all()
    assert np.isnan(mean_ratio(moved([2.0]), 0.95)).all()
