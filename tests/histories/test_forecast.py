import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.forecast import forecast, slope
from benign.histories.history import History
from benign.histories.learning_rate import is_restarted
from benign.histories.rule import read_history
from tests.histories.recorded_runs import counted_moments, founding_curve, there

CONSTANTS = {2: (-0.53, 2.58, 0.01), 5: (-0.13, 1.58, 0.02), 10: (1.14, 1.71, 0.05)}


@given(st.floats(0, 3), st.floats(-2, 2), st.floats(0.001, 0.1))
def test_the_odds_are_the_formula_and_never_fall(rise, sigma, se):
    before = 0.0
    for k, odds in forecast(rise, sigma, se, risen=False).items():
        a, b, least = CONSTANTS[k]
        z = -(0.01 + rise + sigma * math.log(k)) / (0.008 + 0.5 * abs(sigma) * math.log(k) + 3 * se + 0.3 * rise)
        p = 1 / (1 + math.exp(-a - b * max(-4, min(4, z))))
        p = before = max(before, least, min(1 - least, p))  # what comes within twice the time comes within five times
        assert odds.probability == pytest.approx(p)
        assert odds.answer is (True if p > 0.85 else False if p < 0.15 else None)
        assert odds.comparable is None


@pytest.mark.parametrize(
    ("rise", "sigma", "title"),
    [
        (0.29, 0.1, "rising now; risen at most 35 %"),
        (0.31, 0.1, "rising now; risen more than 35 %"),  # e^.31 is more than 1.35
        (0.1, 0.0, "level now; risen at most 35 %"),
        (1.0, 0.0, "level now; risen more than 35 %"),
        (0.1, -0.1, "falling now; risen at most 35 %"),
        (2.0, -0.1, "falling now; risen more than 35 %"),
    ],
)
def test_the_moments_of_runs_that_had_risen_alike(rise, sigma, title):
    odds = forecast(rise, sigma, 0.01, risen=True)
    for k in (2, 5):
        rows = [
            row
            for kind, row in counted_moments(k)
            if not kind.startswith("linear") and "; rate not raised" in kind and kind.endswith(title)
        ]
        comparable = there(odds[k].comparable)
        assert [comparable.of, comparable.came] == [sum(row[place] for row in rows) for place in (0, 1)]
    assert odds[10].comparable is None


@given(st.floats(-1, 1), st.integers(8, 200), st.floats(1, 1000))
def test_the_slope_is_the_one_of_a_line_in_log_time(sigma, points, unit):
    times = unit * np.arange(1.0, points + 1)
    assert slope(times, 3 + sigma * np.log(times)) == pytest.approx(sigma, abs=1e-7)


def test_of_one_time_there_is_no_slope():
    assert slope(np.array([5.0]), np.array([1.0])) == 0.0


def test_a_restart_of_the_learning_rate_has_no_odds():
    times, loss = founding_curve(100)
    cosine = 0.1 * (1 + np.cos(np.pi * (times % 30) / 30))
    warm = np.minimum(1.0, times / 10) * np.where(times < 60, 0.1, 0.01)
    assert is_restarted(cosine)
    assert not is_restarted(warm)
    for rate, has_odds in ((cosine, False), (warm, True), (np.full(100, np.nan), True)):
        history = History(times=times, validation_loss=loss, learning_rate=rate)
        assert bool(read_history(history).forecast) == has_odds
