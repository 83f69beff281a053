"""Early stopping: the choice is validation's, the gain is held-out data's, and the oracle flatters itself."""

import numpy as np
import pytest

from benign.curves.early_stopping import mean_intervals, stop_early
from benign.foundation.errors import InvalidArgument

TIMES = np.array([1.0, 3.0, 10.0, 30.0])


def test_validation_chooses_and_held_out_data_judge():
    validation = np.array([[[0.6, 0.3, 0.4, 0.5], [0.6, 0.5, 0.4, 0.3]]])
    held_out = np.array([[[0.6, 0.35, 0.25, 0.5], [0.6, 0.5, 0.45, 0.4]]])
    stopping = stop_early(validation, held_out)
    np.testing.assert_array_equal(stopping.chosen_times(TIMES), [[3.0, 30.0]])
    np.testing.assert_allclose(stopping.stopped, [[0.35, 0.4]])
    np.testing.assert_allclose(stopping.gain, [[0.15, 0.0]])
    np.testing.assert_allclose(stopping.oracle_gain, [[0.25, 0.0]])


def test_of_equal_times_the_earliest_is_chosen():
    flat = np.full((2, 1, 4), 0.4)
    np.testing.assert_array_equal(stop_early(flat, flat).chosen_times(TIMES), np.ones((2, 1)))


def test_stopping_can_harm():
    stopping = stop_early(np.array([[[0.2, 0.3]]]), np.array([[[0.5, 0.3]]]))
    np.testing.assert_allclose(stopping.gain, [[-0.2]])
    np.testing.assert_allclose(stopping.oracle_gain, [[0.0]])


def test_a_network_that_diverges_has_no_gain():
    nan = np.nan
    validation = np.array([[[0.5, 0.3, nan, nan]], [[nan, nan, nan, nan]]])
    stopping = stop_early(validation, validation)
    np.testing.assert_array_equal(stopping.chosen, [[1], [-1]])
    np.testing.assert_array_equal(stopping.stopped, [[0.3], [nan]])
    np.testing.assert_array_equal(stopping.oracle, [[0.3], [nan]])
    assert np.isnan(stopping.gain).all()
    assert np.isnan(stopping.chosen_times(TIMES)[1, 0])


def test_shapes_must_agree():
    with pytest.raises(InvalidArgument, match="same times"):
        stop_early(np.ones((2, 1, 4)), np.ones((2, 1, 3)))


def _noisy_flat_curves(random, trainings):
    """Twelve times of one and the same risk, 0.4, on 1,500 validation and 1,500 held-out samples: nothing to gain."""
    return [random.binomial(1500, 0.4, (trainings, 1, 12)) / 1500 for _ in range(2)]


def test_chosen_on_validation_the_gain_is_unbiased_and_the_oracles_is_not():
    stopping = stop_early(*_noisy_flat_curves(np.random.default_rng(0), 4000))
    error = stopping.gain.std(ddof=1) / np.sqrt(len(stopping.gain))
    assert abs(stopping.gain.mean()) < 4 * error
    # The least of 12 normal numbers lies 1.63 standard deviations below their mean.
    deviation = np.sqrt(0.4 * 0.6 / 1500)
    assert stopping.oracle_gain.mean() == pytest.approx(1.63 * deviation, rel=0.05)


def test_intervals_cover_a_true_gain_of_zero():
    validation, held_out = _noisy_flat_curves(np.random.default_rng(1), 6 * 2000)
    chosen = stop_early(validation, held_out)
    covered = {}
    for name, gain in (("validation", chosen.gain), ("oracle", chosen.oracle_gain)):
        _, low, high = mean_intervals(gain.reshape(6, 2000))
        covered[name] = np.mean((low <= 0.0) & (high >= 0.0))
    assert covered["validation"] == pytest.approx(0.95, abs=0.02)
    assert covered["oracle"] < 0.6


def test_intervals_are_student_s_and_need_every_replicate():
    values = np.array([[1.0, 0.0], [2.0, np.nan], [3.0, 1.0]])
    mean, low, high = mean_intervals(values)
    np.testing.assert_allclose([mean[0], low[0], high[0]], [2.0, -0.484, 4.484], atol=1e-3)
    assert np.isnan([mean[1], low[1], high[1]]).all()
