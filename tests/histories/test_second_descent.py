import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benign.histories.noise import Noise
from benign.histories.second_descent import largest_rise, second_descent
from tests.histories.recorded_runs import there

TIMES = np.arange(1.0, 201.0)
NOISE = Noise(
    iterate_sd=0.005, window=11, level_sd=0.002, base=0.0, growth=2.0, validation_samples=2000, samples_told=True
)


def bump(end: float, height: float = 0.5) -> np.ndarray:
    return np.interp(TIMES, [1, 30, 80, 160, 200], [1.0, 0.0, height, end, end])


def zigzag(values: np.ndarray) -> tuple[float, int, int, int] | None:
    """By hand: every valley, peak and later minimum; the largest smaller reversal."""
    best = None
    for peak in range(1, values.size - 1):
        valley, minimum = int(np.argmin(values[:peak])), peak + 1 + int(np.argmin(values[peak + 1 :]))
        size = min(values[peak] - values[valley], values[peak] - values[minimum])
        if best is None or size > best[0]:
            best = (size, valley, peak, minimum)
    return best


@given(arrays.arrays(np.float64, st.integers(5, 40), elements=st.floats(-2, 2, width=16)))
def test_the_largest_of_all_triples_is_found(values):
    found, expected = second_descent(values, NOISE), zigzag(values[:-1])  # the end is a raw point
    if expected is None:
        assert found is None
        return
    if found is None:
        beyond_luck = expected[0] - NOISE.luck(values.size)
        assert beyond_luck <= 0.02 or beyond_luck < 2.06 * NOISE.se_of_means(float(np.abs(np.diff(values)).sum()))
    else:
        assert min(found.rise, found.fall) == pytest.approx(expected[0])
        assert found.valley < found.peak < found.minimum


@pytest.mark.parametrize(("end", "against"), [(-0.3, "below"), (0.0, "to"), (0.01, "to"), (0.2, "above")])
def test_where_it_ends(end, against):
    found = there(second_descent(bump(end), NOISE))
    assert found.against_best == against
    assert (found.valley, found.peak) == (29, 79)
    assert found.difference == pytest.approx(end)


def test_a_deep_fall_after_a_restart_is_seen_through_jitter():
    """As after a restart of the learning rate: the later minimum is no raw end, so it is known as a mean is."""
    fallen = Noise(
        iterate_sd=0.1, window=11, level_sd=0.04, base=0.0, growth=2.0, validation_samples=2000, samples_told=True
    )
    assert there(second_descent(bump(-0.3, height=0.4), fallen)).against_best == "below"


def test_no_second_descent():
    assert second_descent(-np.log(TIMES), NOISE) is None
    assert second_descent(bump(0.5), NOISE) is None  # rises and stays
    assert second_descent(bump(0.0, height=0.015), NOISE) is None
    assert second_descent(np.ones(2), NOISE) is None
    assert second_descent(np.zeros(50), NOISE) is None


def test_a_drop_of_the_learning_rate_explains_it():
    drop = np.where(TIMES < 85, 0.1, 0.01)
    assert there(second_descent(bump(-0.3), NOISE, rate=drop)).explained_by == "learning-rate"
    assert there(second_descent(bump(-0.3), NOISE, rate=np.full(200, 0.1))).explained_by == ""
    assert there(second_descent(bump(-0.3), NOISE, rate=np.where(TIMES < 20, 0.1, 0.01))).explained_by == ""
    assert there(second_descent(bump(-0.3), NOISE, rate=drop)).rate_checked
    assert not there(second_descent(bump(-0.3), NOISE, rate=np.full(200, np.nan))).rate_checked


def test_a_rise_of_the_training_loss_explains_it_first():
    falling = 1 / TIMES
    train = falling + 0.4 * np.exp(-(((TIMES - 80) / 15) ** 2))
    assert there(second_descent(bump(-0.3), NOISE, train=train)).explained_by == "train-rise"
    assert there(second_descent(bump(-0.3), NOISE, train=falling)).explained_by == ""
    gaps = np.where(np.arange(200) % 3, train, np.nan)
    assert there(second_descent(bump(-0.3), NOISE, train=gaps)).explained_by == "train-rise"


def test_what_averaged_weights_keep_of_the_fall():
    assert there(second_descent(bump(-0.3), NOISE, averaged=bump(-0.3))).averaged_share == pytest.approx(1.0)
    assert there(second_descent(bump(-0.3), NOISE, averaged=np.zeros(200))).averaged_share == 0.0
    assert there(second_descent(bump(-0.3), NOISE, averaged=np.full(200, np.nan))).averaged_share is None


def test_the_largest_rise_of_a_training_loss():
    rng = np.random.default_rng(0)
    falling = 2 * TIMES**-0.5
    assert not there(largest_rise(falling)).real
    assert not there(largest_rise(falling + 0.05 * rng.standard_normal(200))).real
    spike = falling + 1.5 * np.exp(-(((TIMES - 100) / 6) ** 2)) + 0.02 * rng.standard_normal(200)
    found = there(largest_rise(spike))
    assert found.real
    assert found.share > 0.5
    assert found.now < 0.1
    assert 80 < found.low < found.high < 105
    assert there(largest_rise(np.exp(TIMES / 30))).now > 0.5
    for level in (3.0, 0.6931, -0.1):  # whose means are not exactly they
        assert not there(largest_rise(np.full(60, level))).real
    assert largest_rise(np.array([1.0, np.nan, 2.0])) is None
