import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benign.histories.smoothing import blur, iterate_sd, level_sd, smoothed, window

CURVES = arrays.arrays(np.float64, st.integers(3, 60), elements=st.floats(-1e6, 1e6, width=32))


def definition(values: np.ndarray, width: int) -> list[float]:
    points = len(values)
    medians = [values[0], *(sorted(values[i - 1 : i + 2])[1] for i in range(1, points - 1)), values[-1]]
    means = []
    for i in range(points):
        radius = min(width // 2, i, points - 1 - i)
        means.append(math.fsum(medians[i - radius : i + radius + 1]) / (2 * radius + 1))
    return means


@given(CURVES)
def test_smoothing_is_its_definition(values):
    np.testing.assert_allclose(smoothed(values), definition(values, window(values.size)), rtol=1e-9, atol=1e-6)


@given(CURVES, st.integers(1, 7))
def test_any_width_is_its_definition(values, half):
    width = min(2 * half + 1, values.size - 1 + values.size % 2)
    np.testing.assert_allclose(smoothed(values, width), definition(values, width), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("points", [0, 1, 2])
def test_fewer_than_three_points_stay(points):
    np.testing.assert_array_equal(smoothed(np.arange(float(points))), np.arange(float(points)))


def test_a_spike_of_thirty_orders_harms_its_neighbours_alone():
    values = np.ones(2000)
    values[500:503] = 1e30
    np.testing.assert_array_equal(smoothed(values)[600:], 1.0)


def test_windows_of_the_study_and_of_long_logs():
    assert [window(points) for points in (1, 14, 39, 40, 80, 279, 280, 1500)] == [3, 3, 3, 3, 5, 13, 15, 15]
    assert all(window(points) % 2 for points in range(1, 5000))
    assert window(10**6) == pytest.approx(10**4, rel=1e-3)


def test_the_jitter_is_found_below_any_smooth_curve():
    rng = np.random.default_rng(0)
    times = np.arange(1.0, 4001.0)
    curve = np.log(times) + np.sin(times / 300)
    assert iterate_sd(curve + 0.03 * rng.standard_normal(times.size)) == pytest.approx(0.03, rel=0.05)
    assert iterate_sd(curve) < 1e-4


def test_one_decimal_is_rounded_and_three_are_not():
    rng = np.random.default_rng(1)
    curve = 0.5 + np.exp(-np.arange(100) / 20) + 0.005 * rng.standard_normal(100)
    assert blur(np.round(curve, 1)).kind == "rounded"
    assert blur(np.round(curve, 1)).step == pytest.approx(0.1)
    assert blur(np.round(curve, 3)).kind == ""
    assert blur(curve).kind == ""
    assert blur(np.full(50, 0.7)).kind == ""
    assert blur(np.repeat(rng.standard_normal(10), 10)).kind == ""  # stands still, on no grid


def exponential_mean(values: np.ndarray, decay: float) -> np.ndarray:
    out = values.copy()
    for i in range(1, out.size):
        out[i] = decay * out[i - 1] + (1 - decay) * values[i]
    return out


def test_an_exponential_mean_is_told_from_jitter_and_from_a_smooth_curve():
    rng = np.random.default_rng(2)
    times = np.arange(1.0, 401.0)
    curve = 0.5 + times**-0.5
    rough = [curve + 0.02 * rng.standard_normal(times.size) for _ in range(100)]
    told = [blur(exponential_mean(run, 0.9)).kind == "smoothed" for run in rough]
    assert np.mean(told) > 0.8
    assert sum(blur(run).kind == "smoothed" for run in rough) <= 1
    assert sum(blur(exponential_mean(run, 1 / 3)).kind == "smoothed" for run in rough) <= 2
    assert blur(curve).kind == ""  # deterministic training


@pytest.mark.parametrize("points", [60, 120, 400])
@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 1.0, 1.45), (0.3, 0.75, 1.1), (0.6, 0.45, 1.05)])
def test_the_jitter_of_a_mean_is_found_whatever_its_neighbours_share(points, share, low, high):
    rng = np.random.default_rng(points)
    runs = rng.normal(size=(400, points))
    for i in range(1, points):
        runs[:, i] = share * runs[:, i - 1] + (1 - share**2) ** 0.5 * runs[:, i]
    smooth = [smoothed(run) for run in runs]
    ends = np.std([run[-(window(points) // 2) :].mean() for run in smooth])
    middle = np.std([run[points // 2] for run in smooth])
    assert 1.2 < ends / middle < 2.0  # twice the variance
    found = np.median([level_sd(run, mean) for run, mean in zip(runs, smooth, strict=True)])
    assert low < found / middle < high
