"""The peak test: closed cases, bad input and invariances. Its level and power: test_peak_calibration.py."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign.curves import PeakVerdict, peak_test
from benign.foundation.errors import InvalidArgument

AXIS = np.linspace(0.0, 1.0, 60)
DOUBLE_DESCENT = np.exp(-AXIS + 2.0 * np.exp(-(((AXIS - 0.4) / 0.05) ** 2)))


def measured(curve, *, R=10, spread=0.1, seed=0):
    random = np.random.default_rng(seed)
    return curve * np.exp(spread * random.normal(size=(R, len(curve))) + random.normal(size=(R, 1)))


def test_double_descent_has_a_peak():
    test = peak_test(measured(DOUBLE_DESCENT))
    assert test.verdict is PeakVerdict.PEAK
    assert test.p_value < 1e-6
    assert test.is_log
    assert test.replicates == 10
    assert test.positions == 60
    assert test.indices is not None
    i, j, k = test.indices
    assert i < j < k
    assert abs(j - int(np.argmax(DOUBLE_DESCENT[5:])) - 5) <= 1
    true_rise = np.log(DOUBLE_DESCENT[5:].max() / DOUBLE_DESCENT[:20].min())
    assert test.rise.interval[0] < true_rise < test.rise.interval[1]
    assert "peak: the risk rises by a factor" in test.sentence


@pytest.mark.parametrize(
    "curve",
    [np.exp(-AXIS), np.exp(AXIS), np.exp((2 * AXIS - 1) ** 2), np.where(AXIS < 0.5, 1.0, 0.2), np.ones(60)],
    ids=["falls", "rises", "U", "cliff", "flat"],
)
def test_curves_without_a_peak_are_refused(curve):
    test = peak_test(measured(curve))
    assert test.verdict is PeakVerdict.NO_PEAK
    assert "could have been missed" in test.sentence


@pytest.mark.parametrize("curve", [np.ones(60), AXIS, -AXIS], ids=["constant", "line up", "line down"])
def test_noise_free_curves_without_a_peak_are_refused(curve):
    assert peak_test(np.tile(curve, (10, 1))).verdict is PeakVerdict.NO_PEAK


def test_rounding_is_no_peak():
    values = np.tile(np.full(60, 1e6), (10, 1))
    values[:, 30] += 1e-9
    assert peak_test(values).verdict is PeakVerdict.NO_PEAK
    values[:, 30] += 1.0
    assert peak_test(values).verdict is PeakVerdict.PEAK


def test_negative_values_are_taken_as_they_are():
    values = np.random.default_rng(0).normal(size=(10, 60)) * 0.1 + np.log(DOUBLE_DESCENT) - 5.0
    test = peak_test(values)
    assert test.verdict is PeakVerdict.PEAK
    assert not test.is_log


@pytest.mark.parametrize("R", [1, 2, 3])
def test_few_replicates_are_undecided(R):
    test = peak_test(measured(DOUBLE_DESCENT, R=R))
    assert test.verdict is PeakVerdict.UNDECIDED
    assert np.isnan(test.p_value)
    assert test.indices is not None
    assert test.sentence == f"undecided: {R} of 4 replicates that the test for a peak needs."


@pytest.mark.parametrize("R", [4, 5, 7, 11])
def test_a_clear_peak_is_found_from_four_replicates(R):
    assert peak_test(measured(DOUBLE_DESCENT, R=R, spread=0.02)).verdict is PeakVerdict.PEAK


@pytest.mark.parametrize("K", [0, 1, 2])
def test_fewer_than_three_positions_are_undecided(K):
    test = peak_test(np.ones((10, K)))
    assert test.verdict is PeakVerdict.UNDECIDED
    assert test.indices is None


def test_a_weak_peak_is_neither_claimed_nor_refused():
    verdicts = {peak_test(measured(DOUBLE_DESCENT**0.25, spread=spread)).verdict for spread in np.geomspace(0.1, 5, 25)}
    assert verdicts == set(PeakVerdict)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), R=st.integers(4, 12))
def test_the_order_of_replicates_and_columns_of_nan_do_not_matter(seed, R):
    random = np.random.default_rng(seed)
    values = measured(DOUBLE_DESCENT, R=R, spread=0.5, seed=seed)
    reference = peak_test(values)
    assert peak_test(values[random.permutation(R)]) == reference
    at = np.sort(random.choice(61, size=3, replace=False))
    padded = peak_test(np.insert(values, at, np.where(random.uniform(size=(R, 3)) < 0.5, np.nan, np.inf), axis=1))
    assert padded.p_value == reference.p_value
    kept = np.delete(np.arange(63), at + np.arange(3))
    assert reference.indices is not None
    assert padded.indices == tuple(int(kept[index]) for index in reference.indices)


def test_an_offset_for_each_replicate_and_a_unit_do_not_matter():
    values = measured(DOUBLE_DESCENT, spread=0.5)
    factors = np.exp(np.random.default_rng(5).normal(size=(10, 1)))
    # The canonical order follows the values; with 10 replicates all halvings are used whatever the order.
    assert peak_test(values * factors).p_value == pytest.approx(peak_test(values).p_value, rel=1e-6)


def test_a_level_that_is_no_probability_is_refused():
    with pytest.raises(InvalidArgument, match="`level`"):
        peak_test(np.ones((10, 5)), level=5.0)


def test_a_stricter_level_asks_for_more():
    values = measured(DOUBLE_DESCENT**0.25, spread=0.25)
    p = peak_test(values).p_value
    assert 1e-4 < p < 0.3
    assert peak_test(values, level=1.0 - 0.9 * p).verdict is not PeakVerdict.PEAK
    assert peak_test(values, level=1.0 - 1.1 * p).verdict is PeakVerdict.PEAK


def test_twenty_thousand_positions_take_a_fraction_of_a_second():
    values = np.exp(np.random.default_rng(0).normal(size=(10, 20_000)).cumsum(axis=1) / 100.0)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        peak_test(values)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0  # 0.06 s alone on this machine; other work may run beside the tests
