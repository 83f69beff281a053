import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.history import History
from benign.histories.noise import Noise
from benign.histories.rise import error_rise, rise_of, state_of
from benign.histories.rule import read_history
from benign.histories.watched import watched
from tests.histories.recorded_runs import there

TIMES = np.arange(1.0, 101.0)


def noise(sd: float = 0.005, samples: int = 1000) -> Noise:
    return Noise(iterate_sd=sd, window=5, base=0.2, growth=2.0, validation_samples=samples, samples_told=True)


def phi(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2


def definition(smooth: np.ndarray, sd: float, samples: int) -> str:
    """The rule of the study, word for word, but for the luck of the lowest of k means."""
    end = smooth[-2:].mean()  # half of a window of 5
    r = end - smooth.min()
    se = math.sqrt(2 * sd**2 * 2 / 5 + (0.2 + 2 * r**2) / samples)
    difference = math.sqrt(2 * sd**2 * 2 / 5)
    rivals = sum(value < smooth.min() + 2 * difference for value in smooth) / 5
    luck = difference / math.sqrt(2) * math.sqrt(2 * math.log(rivals)) if rivals > 1 else 0.0
    p = phi((r - luck - 0.02) / se)
    if p > 0.85:
        return "risen"
    if r > 0.02 and p > 0.35:
        return "undecided"
    g = smooth[: smooth.size * 3 // 4].min() - end
    if g > max(0.01, math.sqrt(2 * sd**2 * 2 / 5 + 0.2 / samples)):
        return "improving"
    return "plateau" if g < 0.01 else "undecided"


@given(
    st.floats(-1, 1), st.floats(0, 0.3), st.floats(0.0, 0.05), st.integers(100, 10**5), st.floats(-0.05, 0.05),
    st.integers(10, 90),
)  # fmt: skip
def test_the_state_is_its_definition(depth, bump, sd, samples, drift, turn):
    smooth = depth * np.exp(-TIMES / 30) + bump * np.maximum(0, TIMES - turn) / 100 + drift * TIMES / 100
    known = noise(sd, samples)
    assert state_of(rise_of(smooth, known), known).name == definition(smooth, sd, samples)


@pytest.mark.parametrize(
    ("curve", "name"),
    [
        (1 / TIMES, "improving"),
        (1 + np.exp(-TIMES / 5), "plateau"),
        (np.ones(100), "plateau"),
        (np.exp(-TIMES / 10) + 0.3 + TIMES / 200, "risen"),
    ],
    ids=["power law", "levelled", "constant", "risen"],
)
@pytest.mark.parametrize("samples", [5000, 100_000])
def test_plain_curves(curve, name, samples):
    watch = there(watched(History(times=TIMES, validation_loss=curve, validation_samples=samples)))
    assert state_of(rise_of(watch.smooth, watch.noise), watch.noise).name == name


def test_more_samples_decide_an_undecided_rise():
    smooth = np.concatenate([np.linspace(1, 0, 90), np.full(10, 0.028)])
    few = noise(0.001, 1000)
    state = state_of(rise_of(smooth, few), few)
    assert state.name == "undecided"
    enough = noise(0.001, 2 * there(state.deciding_samples))
    assert state_of(rise_of(smooth, enough), enough).name == "risen"


@pytest.mark.parametrize(
    ("end", "samples", "answer"),
    [
        (0.20, 1000, "not up"),
        (0.30, 1000, "up"),
        (0.22, 200, "undecided"),
        (0.22, 10**5, "up"),
        (0.21, 10**5, "not up"),
    ],
)
def test_whether_an_error_is_up(end, samples, answer):
    errors = 0.2 + 0.5 * np.exp(-TIMES / 5) + (end - 0.2) * np.clip((TIMES - 50) / 30, 0, 1)
    found = there(error_rise(History(times=TIMES, validation_error=errors, validation_samples=samples)))
    assert found.answer == answer
    share = 0.35 * 2 * (p := (found.lowest + found.end) / 2) * (1 - p) / samples
    assert found.rise == pytest.approx(found.end - found.lowest - math.sqrt(share) / 2)
    assert found.matters == pytest.approx(0.0175)
    assert found.p == pytest.approx(phi((found.rise - 0.0175) / found.se))


def test_an_error_that_says_little_says_nothing():
    assert error_rise(History(times=TIMES)) is None
    assert error_rise(History(times=TIMES, validation_error=np.where(TIMES < 8, 0.5, np.nan))) is None
    assert there(error_rise(History(times=TIMES, validation_error=np.zeros(100)))).answer == "not up"
    assert there(error_rise(History(times=TIMES, validation_error=np.ones(100)))).answer == "not up"


def test_the_rise_of_a_large_error_that_matters_is_larger():
    errors = np.full(100, 0.8)
    assert there(error_rise(History(times=TIMES, validation_error=errors))).matters == pytest.approx(0.028)


def test_the_lowest_of_many_means_is_no_rise_of_the_end():
    """On plateaus with a jitter of .3 to 2 %, correlated by .3, at most 2 % of the ends are declared risen."""
    rng = np.random.default_rng(0)
    states, second = [], 0
    for points, sd in itertools.product([20, 60, 120, 250] * 40, [0.003, 0.01, 0.02]):
        shocks = rng.normal(size=points)
        jitter = np.zeros(points)
        for i in range(1, points):
            jitter[i] = 0.3 * jitter[i - 1] + 0.91**0.5 * shocks[i]
        times = np.arange(1.0, points + 1)
        reading = read_history(History(times=times, validation_loss=np.exp(sd * jitter), validation_samples=5000))
        states.append(reading.state.name)
        second += reading.second_descent is not None
    assert states.count("risen") <= 0.02 * len(states)
    assert second <= 0.02 * len(states)
    assert states.count("plateau") > 0.6 * len(states)
