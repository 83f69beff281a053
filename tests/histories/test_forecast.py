import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.forecast import forecast, slope
from tests.histories.recorded_runs import there

CONSTANTS = {2: (-0.733, 1.887, 0.01), 5: (-0.600, 1.404, 0.02), 10: (-0.349, 0.985, 0.05)}


@given(st.floats(0, 3), st.floats(-2, 2), st.floats(0.001, 0.1))
def test_the_odds_are_the_formula_and_never_fall(rise, sigma, se):
    before = 0.0
    for k, odds in forecast(rise, sigma, se, risen=False).items():
        a, b, least = CONSTANTS[k]
        z = -(0.01 + rise + sigma * math.log(k)) / (0.015 + 0.5 * abs(sigma) * math.log(k) + 0.5 * se + 0.3 * rise)
        p = 1 / (1 + math.exp(-a - b * max(-4, min(4, z))))
        p = before = max(before, least, min(1 - least, p))  # what comes within twice the time comes within five times
        assert odds.probability == pytest.approx(p)
        assert odds.answer is (True if p > 0.85 else False if p < 0.15 else None)
        assert odds.comparable is None


@pytest.mark.parametrize(
    ("rise", "sigma", "counts"),
    [
        (0.29, 0.1, [(3, 453), (7, 239)]),
        (0.31, 0.1, [(2, 647), (1, 315)]),  # e^.31 is more than 1.35
        (0.1, 0.0, [(2, 57), (6, 31)]),
        (1.0, 0.0, [(0, 37), (0, 12)]),
        (0.1, -0.1, [(20, 62), (22, 38)]),
        (2.0, -0.1, [(1, 40), (5, 12)]),
    ],
)
def test_the_runs_that_had_risen_alike(rise, sigma, counts):
    odds = forecast(rise, sigma, 0.01, risen=True)
    assert [(there(odds[k].comparable).came, there(odds[k].comparable).of) for k in (2, 5)] == counts
    assert odds[10].comparable is None


@given(st.floats(-1, 1), st.integers(8, 200), st.floats(1, 1000))
def test_the_slope_is_the_one_of_a_line_in_log_time(sigma, points, unit):
    times = unit * np.arange(1.0, points + 1)
    assert slope(times, 3 + sigma * np.log(times)) == pytest.approx(sigma, abs=1e-7)


def test_of_one_time_there_is_no_slope():
    assert slope(np.array([5.0]), np.array([1.0])) == 0.0
