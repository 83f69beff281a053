import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.noise import Noise, beyond, normal
from tests.histories.recorded_runs import linear_run


def noise(**changes):
    known = {"iterate_sd": 0.02, "window": 5, "level_sd": 0.01, "base": 0.1, "growth": 2.0, "validation_samples": 1000}
    return Noise(**(known | {"samples_told": True} | changes))


@given(st.floats(-8, 8))
def test_the_normal_distribution_is_the_integral_of_its_density(z):
    grid = np.linspace(-12, z, 20_001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    assert normal(z) == pytest.approx(float(np.trapezoid(density, grid)), abs=1e-6)


@given(st.floats(0, 2), st.floats(0, 1), st.integers(10, 10**7))
def test_the_standard_error_is_the_formula(way, sd, samples):
    variance = 3 * sd**2 + (0.1 + 2 * way) / samples
    assert noise(level_sd=sd, validation_samples=samples).se(way) ** 2 == pytest.approx(variance)


@pytest.mark.parametrize(("first", "last"), [(10, 20), (20, 60), (60, 250)])
def test_the_sampling_error_of_a_rise_grows_with_the_way(first, last):
    """Of linear gradient descent on 40 validation sets each, whose risk is known."""
    ratios = []
    for seed in range(40):
        run = linear_run(seed, train_samples=120, small=0.06, noise=1.0, weight=1.0, samples=400, jitter=0.0)
        log_risk, log_loss = np.log(run.risk), np.log(run.validation_loss)
        way = float(np.abs(np.diff(log_risk[first : last + 1])).sum())
        missed = (log_loss[last] - log_loss[first]) - (log_risk[last] - log_risk[first])
        ratios.append(400 * missed**2 / way)
    assert 0.3 < np.mean(ratios) < 5


def test_paired_differences_replace_the_sampling_term_alone():
    assert noise(paired_se=0.03, level_sd=0.0).se(0.5) == pytest.approx(0.03)
    assert noise(paired_se=0.03).se(0.5) == pytest.approx(math.hypot(0.03, 0.01 * math.sqrt(3)))


def test_rounding_keeps_an_error_that_no_sample_lowers():
    rounded = noise(level_sd=0.0, step=0.1, validation_samples=10**9)
    assert rounded.se(0.0) == pytest.approx(0.1 / math.sqrt(6), rel=1e-3)  # sd of the difference of two roundings


@given(st.floats(0.005, 0.5), st.floats(0, 3))
def test_the_deciding_samples_decide(error, way):
    asked = noise(level_sd=0.001)
    needed = asked.samples_for(error, way)
    assert needed is not None
    enough, one_less = (noise(level_sd=0.001, validation_samples=max(1, needed - less)) for less in (0, 1))
    assert enough.se(way) <= error * (1 + 1e-9)
    assert one_less.se(way) >= error * (1 - 1e-9) or needed == 1


def test_no_sample_decides_what_jitter_hides():
    assert noise(level_sd=1.0).samples_for(0.03, 0.03) is None
    assert noise().samples_for(0.0, 0.03) is None


def test_without_error_the_sign_decides():
    assert [beyond(x, 0.0) for x in (-1e-9, 0.0, 1e-9)] == [0.0, 0.5, 1.0]
    assert beyond(1.96, 1.0) == pytest.approx(0.975, abs=1e-4)


@pytest.mark.parametrize("count", [2, 5, 20, 100])
def test_luck_is_the_expected_lowest_of_so_many_means(count):
    rng = np.random.default_rng(count)
    lowest = -rng.normal(size=(20_000, count)).min(axis=1).mean()
    assert noise(level_sd=1.0, window=3).luck(3 * count) == pytest.approx(lowest, abs=0.1)
