import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.noise import Noise, beyond, normal


def noise(**changes):
    known = {"iterate_sd": 0.02, "window": 5, "base": 0.2, "growth": 2.0, "validation_samples": 1000}
    return Noise(**(known | {"samples_told": True} | changes))


@given(st.floats(-8, 8))
def test_the_normal_distribution_is_the_integral_of_its_density(z):
    grid = np.linspace(-12, z, 20_001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    assert normal(z) == pytest.approx(float(np.trapezoid(density, grid)), abs=1e-6)


@given(st.floats(-1, 1), st.floats(0, 1), st.integers(10, 10**7))
def test_the_standard_error_is_the_formula(rise, sd, samples):
    variance = 2 * sd**2 * 2 / 5 + (0.2 + 2 * rise**2) / samples
    assert noise(iterate_sd=sd, validation_samples=samples).se(rise) ** 2 == pytest.approx(variance)


def test_paired_differences_replace_the_sampling_term_alone():
    assert noise(paired_se=0.03, iterate_sd=0.0).se(0.5) == pytest.approx(0.03)
    assert noise(paired_se=0.03).se(0.5) == pytest.approx(math.hypot(0.03, 0.02 * math.sqrt(4 / 5)))


def test_rounding_keeps_an_error_that_no_sample_lowers():
    rounded = noise(iterate_sd=0.0, step=0.1, validation_samples=10**9)
    assert rounded.se(0.0) == pytest.approx(0.1 / math.sqrt(6), rel=1e-3)  # sd of the difference of two roundings


@given(st.floats(0.03, 0.5))
def test_the_deciding_samples_decide(rise):
    asked = noise(iterate_sd=0.001)
    needed = asked.samples_for(rise, 1.0)
    assert needed is not None
    enough, one_less = (noise(iterate_sd=0.001, validation_samples=max(1, needed - less)) for less in (0, 1))
    assert (rise - 0.02) / enough.se(rise) >= 1.0 - 1e-9
    assert (rise - 0.02) / one_less.se(rise) <= 1.0 + 1e-9 or needed == 1


def test_no_sample_decides_what_jitter_hides():
    assert noise(iterate_sd=1.0).samples_for(0.03, 1.0) is None
    assert noise().samples_for(0.02, 1.0) is None


def test_without_error_the_sign_decides():
    assert [beyond(x, 0.0) for x in (-1e-9, 0.0, 1e-9)] == [0.0, 0.5, 1.0]
    assert beyond(1.96, 1.0) == pytest.approx(0.975, abs=1e-4)
