"""Landmarks of closed-form curves, their intervals and their invariances."""

from __future__ import annotations

import dataclasses
import inspect
import time
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign.curves import Landmark, PeakVerdict, find_landmarks
from benign.foundation.conventions import TOLERANCE
from benign.foundation.errors import InvalidArgument

T = TypeVar("T")
POSITIONS = np.arange(1.0, 101.0)
# Falls to 1 at 11, rises to 9 at 41, falls to 0.3 at 91, rises to 3; below 1 from 80 on.
CURVE = np.interp(POSITIONS, [1, 11, 41, 91, 100], [5.0, 1.0, 9.0, 0.3, 3.0])
TRAIN = np.interp(POSITIONS, [1, 41, 100], [2.0, 0.0, 0.0])
NAMES = ("classical_minimum", "peak", "second_descent", "first_better")


def measured(*, R=10, spread=0.05, seed=0, curve=CURVE):
    random = np.random.default_rng(seed)
    return curve * np.exp(spread * (random.normal(size=(R, 1)) + 0.2 * random.normal(size=(R, len(curve)))))


def all_of(landmarks) -> dict[str, Landmark]:
    return {name: getattr(landmarks, name) for name in NAMES}


def by_median(*arguments):
    return find_landmarks(*arguments, estimator="median")


def there(landmark: T | None) -> T:
    assert landmark is not None
    return landmark


def test_noise_free_landmarks_are_exact():
    risk = np.tile(CURVE, (6, 1))
    expected = {"classical_minimum": 11, "peak": 41, "second_descent": 91, "first_better": 87}
    found = find_landmarks(POSITIONS, risk, np.tile(TRAIN, (6, 1)), np.full(6, 2.0))
    medians = by_median(POSITIONS, risk, np.tile(TRAIN, (6, 1)), np.full(6, 2.0))
    for one, interval in ((found, (41.0, 41.0)), (medians, (40.0, 41.0))):
        # Train objective 2 (1 - (p - 1) / 40) <= 0.02 * 2 from p = 40.2 on.
        assert there(one.threshold).value == 41
        assert there(one.threshold).interval == interval
    assert (there(found.threshold).estimator, there(medians.threshold).estimator) == ("mean", "median")
    first_better = int(POSITIONS[np.argmax((CURVE < 1.0) & (POSITIONS > 41))])
    assert {name: mark.position for name, mark in all_of(found).items()} == expected
    assert first_better == 87
    for name, mark in all_of(found).items():
        # What lies between two measured positions was not seen: a crossing was before, an extremum on either side.
        gap = (mark.position - 1.0, mark.position + (0.0 if name == "first_better" else 1.0))
        np.testing.assert_equal(mark.position_interval, (np.nan, np.nan) if name == "second_descent" else gap)
        assert mark.position == POSITIONS[mark.index]
    assert there(found.peak).value == 9.0
    assert there(found.peak).value_interval == (9.0, 9.0)
    assert found.peak_test.verdict is PeakVerdict.PEAK


def test_noisy_landmarks_lie_in_their_intervals():
    found = by_median(POSITIONS, measured(), measured(curve=TRAIN), np.full(10, 2.0))
    low, high = there(found.threshold).interval
    assert low <= 41 <= high
    assert low <= there(found.threshold).value <= high
    truth = {"classical_minimum": 11, "peak": 41, "second_descent": 91, "first_better": 87}
    for name, mark in all_of(found).items():
        low, high = mark.position_interval
        if name != "second_descent":
            assert low <= truth[name] <= high, name
            assert low <= mark.position <= high, name
        assert mark.value_interval[0] <= mark.value <= mark.value_interval[1]


def test_a_place_at_the_end_of_the_axis_is_bounded_by_its_last_position():
    found = by_median(POSITIONS, measured(curve=POSITIONS), measured(curve=1e-3 + 0.0 * POSITIONS), np.ones(10))
    assert there(found.classical_minimum).position_interval == (1.0, 2.0)
    assert there(found.threshold).interval == (1.0, 1.0)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31))
def test_a_threshold_is_not_moved_by_what_happens_to_be_fitted_far_from_it(seed):
    random = np.random.default_rng(seed)
    train = np.where(POSITIONS >= 50.0, 0.01, 0.04) * np.exp(0.02 * random.normal(size=(10, 100)))
    calm = by_median(POSITIONS, measured(), train, np.ones(10))
    train[:, random.choice(45, size=3, replace=False)] = 0.001
    moved = by_median(POSITIONS, measured(), train, np.ones(10))
    assert there(calm.threshold).value == there(moved.threshold).value == 50.0


def test_without_a_peak_only_threshold_and_minimum_remain():
    found = find_landmarks(POSITIONS, measured(curve=(POSITIONS - 30.0) ** 2 + 10.0), None, None)
    assert found.peak_test.verdict is PeakVerdict.NO_PEAK
    assert found.threshold is None
    assert found.peak is found.second_descent is found.first_better is None
    assert abs(there(found.classical_minimum).position - 30) <= 1


def test_a_second_descent_that_beats_nothing_has_no_first_better():
    found = find_landmarks(POSITIONS, measured(curve=CURVE + np.where(POSITIONS > 41, 2.0, 0.0)), None, None)
    assert found.second_descent is not None
    assert found.first_better is None


def test_landmarks_read_as_sentences():
    """What stands beside the second descent says whether it beats the minimum: its name alone reads as success."""
    better = find_landmarks(POSITIONS, measured(), None, None)
    first, second, third, last = str(better).splitlines()
    assert first.startswith(f"classical minimum at {there(better.classical_minimum).place}: ")
    assert second == f"peak at {better.peak}"
    place = there(better.first_better).place
    assert third == f"second descent at {better.second_descent}, below the minimum from {place} on"
    assert last == better.peak_test.sentence
    worse = find_landmarks(POSITIONS, measured(curve=CURVE + np.where(POSITIONS > 41, 2.0, 0.0)), None, None)
    assert str(worse).splitlines()[2] == f"second descent at {worse.second_descent}, not below the minimum"


def test_first_better_has_no_upper_end_if_some_resamples_never_beat_it():
    curve = np.interp(POSITIONS, [1, 11, 41, 91, 100], [5.0, 1.0, 9.0, 0.97, 3.0])
    found = find_landmarks(POSITIONS, measured(curve=curve, spread=0.2), None, None)
    assert found.first_better is not None
    assert there(found.first_better).position_interval[1] == np.inf
    assert np.isfinite(there(found.first_better).position_interval[0])


def test_one_replicate_has_no_intervals_and_no_peak():
    found = by_median(POSITIONS, measured(R=1), TRAIN[None], np.array([2.0]))
    assert found.peak_test.verdict is PeakVerdict.UNDECIDED
    assert found.peak is None
    assert np.isnan(there(found.threshold).interval).all()
    assert np.isnan(there(found.classical_minimum).value_interval).all()


def test_training_that_never_fits_has_no_threshold():
    for estimator in ("mean", "median"):
        found = find_landmarks(POSITIONS, measured(), np.ones((10, 100)), np.ones(10), estimator=estimator)
        assert found.threshold is None


def test_nothing_but_nan_has_no_landmarks():
    found = find_landmarks(POSITIONS, np.full((10, 100), np.nan), np.full((10, 100), np.nan), np.ones(10))
    assert all(mark is None for mark in (found.threshold, *all_of(found).values()))


@settings(max_examples=10)
@given(seed=st.integers(0, 2**31))
def test_axis_columns_of_nan_and_their_place_do_not_matter(seed):
    random = np.random.default_rng(seed)
    risk, train, constant = measured(seed=seed), measured(curve=TRAIN, seed=seed), np.full(10, 2.0)
    found = by_median(POSITIONS, risk, train, constant)
    curved = by_median(np.exp(POSITIONS / 20.0), risk, train, constant)
    assert curved.peak_test.searched == found.peak_test.searched
    at = np.sort(random.choice(100, size=4, replace=False))
    places, kept = np.insert(POSITIONS, at, POSITIONS[at] - 0.5), np.delete(np.arange(104), at + np.arange(4))
    padded_risk, padded_train = np.full((10, 104), np.nan), np.full((10, 104), np.nan)
    padded_risk[:, kept], padded_train[:, kept] = risk, train
    padded = by_median(places, padded_risk, padded_train, constant)
    assert padded.threshold == found.threshold
    np.testing.assert_allclose(there(curved.threshold).interval, np.exp(np.array(there(found.threshold).interval) / 20))
    for name, mark in all_of(found).items():
        twin, other = getattr(padded, name), getattr(curved, name)
        assert repr(twin) == repr(dataclasses.replace(mark, index=int(kept[mark.index])))  # NaN is not equal to itself
        assert other.index == mark.index
        assert other.value_interval == mark.value_interval
        np.testing.assert_allclose(other.position_interval, np.exp(np.array(mark.position_interval) / 20.0))


def test_the_order_of_replicates_moves_no_landmark():
    risk = measured()
    found, turned = (find_landmarks(POSITIONS, rows, None, None) for rows in (risk, risk[::-1].copy()))
    assert turned.peak_test == found.peak_test
    for name in ("classical_minimum", "peak", "second_descent", "first_better"):
        assert getattr(turned, name).index == getattr(found, name).index


def test_many_positions_are_found_where_all_of_them_say_and_in_time():
    K, n = 20_000, 2000.0
    positions, random = np.arange(1.0, K + 1.0), np.random.default_rng(0)
    logs = 3.0 * np.exp(-np.abs(np.log(positions / n)) / 0.1) - np.minimum(positions, 400.0) / 400.0
    logs -= np.maximum(np.log(positions / n), 0.0)
    risk = np.exp(logs + 0.1 * random.normal(size=(10, 1)) + 0.02 * random.normal(size=(10, K)))
    train = np.maximum(1.0 - positions / n, 0.0) * np.exp(0.1 * random.normal(size=(10, 1)))
    start = time.process_time()
    found = by_median(positions, risk, train, np.ones(10))
    assert time.process_time() - start < 4.0  # 0.5 s alone on this machine
    by_mean = there(find_landmarks(positions, risk, train, np.ones(10)).threshold)
    assert by_mean.value == np.ceil(by_mean.value)
    assert abs(by_mean.value / there(found.threshold).value - 1.0) < 0.01
    median = np.median(risk, axis=0)
    assert abs(there(found.peak).position - n) <= 2
    assert there(found.second_descent).index == int(np.argmin(median[2100:])) + 2100
    assert there(found.threshold).value == positions[np.argmax(np.median(train, axis=0) <= TOLERANCE)]
    assert there(found.threshold).interval[1] - there(found.threshold).interval[0] < 20.0
    # The noise-free curve is back at its minimum where log(p / n) = 3 exp(-10 log(p / n)).
    assert abs(there(found.first_better).position - 2568.0) < 40.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": POSITIONS[::-1].copy()}, "`positions` must increase"),
        ({"positions": POSITIONS[:50]}, "`test_risk` and `train_objective` must be"),
        ({"constant_objective": np.zeros(10)}, "`constant_objective` must hold 10 positive"),
        ({"tolerance": 0.0}, "`tolerance` must lie"),
        ({"level": 1.0}, "`level` must lie"),
        ({"seed": -1}, "`seed` must be"),
    ],
)
def test_bad_input_gets_a_sentence(change, message):
    usual = {
        "positions": POSITIONS,
        "constant_objective": np.ones(10),
        "tolerance": TOLERANCE,
        "level": 0.95,
        "seed": 0,
    }
    arguments = usual | change
    positions, constant = arguments.pop("positions"), arguments.pop("constant_objective")
    with pytest.raises(InvalidArgument, match=message):
        # Without the tests' own check of shapes, which would refuse bad input before the function can say why.
        inspect.unwrap(find_landmarks)(positions, measured(), measured(curve=TRAIN), constant, **arguments)
