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
    return Noise(
        iterate_sd=sd,
        window=5,
        level_sd=sd * 0.4**0.5,
        base=0.0,
        growth=2.0,
        validation_samples=samples,
        samples_told=True,
    )


def phi(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2


def definition(smooth: np.ndarray, sd: float, samples: int) -> str:
    """The rule in other words, of a window of 5."""
    level = sd * 0.4**0.5
    end, lowest, before = smooth[-2:].mean(), int(smooth[:-2].argmin()), int(smooth[:75].argmin())

    def error(place: int) -> float:
        way = sum(abs(smooth[i + 1] - smooth[i]) for i in range(place, 99))
        return math.sqrt(3 * level**2 + 2 * way / samples)

    r = max(0.0, end - smooth[lowest])
    rivals = sum(value < smooth[lowest] + 2 * math.sqrt(3) * level for value in smooth) / 5
    luck = level * max(0.0, math.sqrt(2 * math.log(max(1.0, rivals))) - 0.6)
    p = phi((r - luck - 0.02) / error(lowest)) if error(lowest) else float(r > 0.02)
    if p > 0.85:
        return "risen"
    if r > 0.02 and p > 0.35:
        return "undecided"
    g = smooth[before] - end
    if g > max(0.01, error(before)):
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


@pytest.mark.parametrize("samples", [100, 200])
def test_a_steady_gain_is_known_of_few_samples(samples):
    """What a validation set errs is common to both ends of a short way."""
    found = there(watched(History(times=TIMES, validation_loss=TIMES**-0.15, validation_samples=samples)))
    rise = rise_of(found.smooth, found.noise)
    assert 0.03 < rise.gain < 0.045
    assert state_of(rise, found.noise).name == "improving"


def test_more_samples_decide_an_undecided_rise():
    smooth = np.concatenate([np.linspace(1, 0, 90), np.full(10, 0.028)])
    few = noise(0.001, 200)
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


def correlated(points: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Jitter of variance 1 whose neighbours correlate by this."""
    shocks = rng.normal(size=points)
    jitter = shocks.copy()
    for i in range(1, points):
        jitter[i] = share * jitter[i - 1] + (1 - share**2) ** 0.5 * shocks[i]
    return jitter


@pytest.mark.parametrize(("share", "most", "most_of_much"), [(0.0, 0.01, 0.05), (0.3, 0.02, 0.1), (0.6, 0.05, 0.25)])
def test_a_plateau_that_jitters_is_not_risen(share, most, most_of_much):
    """Of jitter by .3 to 2 %, and by 4 and 8 %, on few points and on many."""
    rng = np.random.default_rng(0)
    states: dict[bool, list[str]] = {True: [], False: []}
    second = 0
    for points, sd in itertools.product([14, 20, 60, 120, 250] * 15, [0.003, 0.01, 0.02, 0.04, 0.08]):
        loss = np.exp(sd * correlated(points, share, rng))
        reading = read_history(History(times=np.arange(1.0, points + 1), validation_loss=loss, validation_samples=5000))
        states[sd > 0.02].append(reading.state.name)
        second += reading.second_descent is not None
    assert states[False].count("risen") <= most * len(states[False])
    assert states[True].count("risen") <= most_of_much * len(states[True])
    assert second <= most_of_much * 375
    assert states[False].count("plateau") > 0.6 * len(states[False])
