import numpy as np
import pytest

from benign.histories.history import History, Metric
from benign.histories.watched import watched
from tests.histories.recorded_runs import there

TIMES = np.arange(1.0, 31.0)
FALLING = 1 / TIMES


def metric(*, higher: bool = True) -> Metric:
    return Metric(name="R2", values=1 - FALLING if higher else FALLING, higher_is_better=higher)


@pytest.mark.parametrize(
    ("recorded", "name"),
    [
        ({"validation_loss": FALLING, "validation_error": FALLING, "train_loss": FALLING}, "validation loss"),
        ({"validation_error": FALLING, "metrics": (metric(),)}, "validation error"),
        ({"metrics": (metric(),), "train_loss": FALLING}, "validation metric"),
        ({"train_loss": FALLING, "train_error": FALLING}, "train loss"),
        ({"train_error": FALLING}, "train error"),
        ({"validation_loss": np.full(30, np.nan), "train_loss": FALLING}, "train loss"),
    ],
)
def test_the_curve_that_says_most_is_watched(recorded, name):
    assert there(watched(History(times=TIMES, **recorded))).name == name


def test_nothing_recorded_is_nothing_watched():
    assert watched(History(times=TIMES)) is None


def test_gaps_are_left_out_with_their_times():
    loss = FALLING.copy()
    loss[[0, 7, 29]] = np.nan, np.inf, np.nan
    curve = there(watched(History(times=TIMES, validation_loss=loss)))
    np.testing.assert_array_equal(curve.times, np.delete(TIMES, [0, 7, 29]))
    np.testing.assert_array_equal(curve.values, np.delete(FALLING, [0, 7, 29]))
    np.testing.assert_array_equal(curve.rows, np.delete(np.arange(30), [0, 7, 29]))


@pytest.mark.parametrize(
    "loss", [FALLING, FALLING - 0.5, FALLING - 3, 1 - FALLING, np.zeros(30), FALLING - FALLING[-1]]
)
def test_scales_go_there_and_back(loss):
    curve = there(watched(History(times=TIMES, validation_loss=loss)))
    np.testing.assert_allclose(curve.scale.back(curve.raw), loss, atol=1e-12)
    assert curve.scale.kind == ("log" if loss.min() > 0 else "linear")


@pytest.mark.parametrize("shift", [0.0, -0.5, -1.0, -30.0])
def test_a_constant_that_makes_a_loss_negative_changes_nothing_else(shift):
    of_zero = there(watched(History(times=TIMES, validation_loss=FALLING - FALLING[-1])))
    shifted = there(watched(History(times=TIMES, validation_loss=FALLING - FALLING[-1] + shift)))
    np.testing.assert_allclose(np.diff(shifted.raw), np.diff(of_zero.raw), atol=1e-12)


def test_more_of_a_better_metric_is_less_on_the_scale():
    for higher in (True, False):
        curve = there(watched(History(times=TIMES, metrics=(metric(higher=higher),))))
        assert np.all(np.diff(curve.raw) < 0)
        np.testing.assert_allclose(curve.scale.back(curve.raw), curve.values)


def test_no_validation_sample_bears_on_the_training_loss():
    assert there(watched(History(times=TIMES, train_loss=FALLING))).noise.base == 0


def test_rounded_losses_are_refused_and_rounded_errors_are_not():
    rough = np.round(0.5 + np.exp(-TIMES / 10), 1)
    assert there(watched(History(times=TIMES, validation_loss=rough))).noise.refused == "rounded"
    assert there(watched(History(times=TIMES, validation_loss=rough))).noise.rise_tolerance == 0.1
    assert there(watched(History(times=TIMES, validation_error=rough / 2))).noise.refused == ""
