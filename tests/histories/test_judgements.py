import numpy as np
import pytest

from benign.histories.flag import Flag
from benign.histories.history import History, Metric
from benign.histories.rule import read_history

TIMES = np.arange(1.0, 101.0)
FALLING = 0.3 + 2 * TIMES**-0.7
RISING = FALLING + np.maximum(0, TIMES - 30) / 100
ERROR = 0.1 + 0.5 * np.exp(-TIMES / 8)
ERROR_UP = ERROR + np.maximum(0, TIMES - 30) / 800


def codes(**recorded) -> dict[str, Flag]:
    reading = read_history(History(**({"times": TIMES} | recorded)))
    return {flag.code: flag for flag in reading.flags}


def test_loss_and_error_up_is_overfitting():
    found = codes(validation_loss=RISING, validation_error=ERROR_UP, train_loss=1 / TIMES, validation_samples=5000)
    assert {"overfitting", "rise-unknown-end"} <= set(found)
    assert "overconfidence" not in found
    assert found["overfitting"].alternatives["instability"] == "excluded"


def test_loss_up_alone_is_overconfidence():
    found = codes(validation_loss=RISING, validation_error=ERROR, train_loss=1 / TIMES, validation_samples=5000)
    assert "overconfidence" in found
    assert "overfitting" not in found


def test_both_where_the_error_cannot_explain_half_of_the_rise():
    steep = FALLING + np.maximum(0, TIMES - 30) / 10
    found = list(codes(validation_loss=steep, validation_error=ERROR_UP, validation_samples=5000, classes=10))
    assert found.index("overfitting") < found.index("overconfidence")


def test_a_rise_with_the_training_loss_is_no_overfitting():
    found = codes(validation_loss=RISING, validation_error=ERROR_UP, train_loss=0.9 * RISING, validation_samples=5000)
    assert "overfitting" not in found
    assert "instability" in found


def test_without_an_error_a_rise_is_a_rise():
    reading = read_history(History(times=TIMES, validation_loss=RISING))
    assert [flag.code for flag in reading.flags] == ["rise-unknown-end"]
    assert reading.needs == ("validation_error", "train_loss")


def test_an_error_alone_that_rises_is_overfitting():
    assert "overfitting" in codes(validation_error=ERROR + np.maximum(0, TIMES - 30) / 300, validation_samples=5000)


def test_an_old_best_on_a_plateau_is_chance():
    jitter = 0.004 * np.random.default_rng(0).standard_normal(100)
    level = 0.5 * np.exp(jitter + 0.5 * np.exp(-TIMES / 5))
    level[40] *= 0.99
    found = codes(validation_loss=level, validation_samples=5000)
    assert found["noise-only"].evidence["age"] == 59
    assert found["noise-only"].evidence["best_time"] == 41
    assert list(found) == ["noise-only", "plateau"]


def test_a_fitted_training_set_without_a_rise_is_benign():
    flat = 0.5 + np.exp(-TIMES / 5)
    fitted = np.exp(-TIMES / 10)
    found = codes(validation_loss=flat, train_error=fitted, validation_samples=5000)
    assert found["benign-interpolation"].evidence["train_error"] < 0.005
    assert "benign-interpolation" not in codes(validation_loss=RISING, train_error=fitted, validation_samples=5000)
    assert "benign-interpolation" not in codes(validation_loss=flat, train_error=fitted + 0.1, validation_samples=5000)


@pytest.mark.parametrize(("label_noise", "flagged"), [(None, True), (0.0, True), (0.3, False)])
def test_equally_bad_and_still_is_underfitting(label_noise, flagged):
    flat = 1.2 + np.exp(-TIMES / 5)
    found = codes(validation_loss=flat, train_loss=0.98 * flat, train_error=np.full(100, 0.35), label_noise=label_noise)
    assert ("underfitting" in found) == flagged
    assert "underfitting" not in codes(validation_loss=flat, train_loss=0.5 * flat, train_error=np.full(100, 0.35))


def test_the_best_loss_may_be_worse_in_what_counts():
    late = 0.1 + 0.3 * np.exp(-TIMES / 40)
    flag = codes(validation_loss=RISING, validation_error=late, validation_samples=5000)["wrong-selection-metric"]
    assert flag.evidence["time_of_loss"] < 40
    assert flag.evidence["time_of_error"] > 90
    assert flag.evidence["cost"] > 0.05
    together = codes(validation_loss=RISING, validation_error=ERROR_UP, validation_samples=5000)
    assert "wrong-selection-metric" not in together


@pytest.mark.parametrize("higher", [True, False])
def test_another_metric_may_be_the_target(higher):
    better = 1 - np.exp(-TIMES / 60)
    metric = Metric(name="mAP", values=better if higher else 1 - better, higher_is_better=higher)
    flag = codes(validation_loss=RISING, metrics=(metric,))["wrong-selection-metric"]
    assert flag.metric == "mAP"
    worse = Metric(name="mAP", values=-RISING if higher else RISING, higher_is_better=higher)
    assert "wrong-selection-metric" not in codes(validation_loss=RISING, metrics=(worse,))


def test_what_a_second_descent_could_be_instead():
    bump = np.interp(TIMES, [1, 15, 40, 100], [1.0, 0.5, 0.9, 0.3])
    train = 1 / TIMES
    rates = np.full(100, 0.1)
    flag = codes(validation_loss=bump, train_loss=train, learning_rate=rates, averaged_loss=bump)["second-descent"]
    assert flag.alternatives == {
        "learning-rate-drop": "excluded",
        "instability": "excluded",
        "noise-of-the-iterates": "excluded",
        "measurement-changed": "unchecked",
    }
    bare = codes(validation_loss=bump)["second-descent"]
    assert set(bare.alternatives.values()) == {"unchecked"}
