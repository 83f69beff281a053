import numpy as np
import pytest

from benign.histories.flag import Flag
from benign.histories.history import History
from benign.histories.rule import read_history

TIMES = np.arange(1.0, 101.0)
FALLING = 0.3 + 2 * TIMES**-0.7
GUESSING = np.log(10)


def codes(**recorded) -> dict[str, Flag]:
    reading = read_history(History(**({"times": TIMES} | recorded)))
    return {flag.code: flag for flag in reading.flags}


def rough(curve: np.ndarray, sd: float, seed: int = 0) -> np.ndarray:
    return curve * np.exp(sd * np.random.default_rng(seed).standard_normal(curve.size))


def test_a_healthy_run_is_accused_of_nothing():
    found = codes(
        validation_loss=rough(FALLING, 0.01), train_loss=rough(0.9 * FALLING, 0.01, 1), validation_error=FALLING / 5,
        train_error=0.9 * FALLING / 5, learning_rate=np.full(100, 0.1), validation_samples=5000, classes=10,
        label_noise=0.0, test_score=float(FALLING[-1] / 5),
    )  # fmt: skip
    assert set(found) == {"improving"}


def test_a_loss_that_is_no_number_to_the_end_diverged():
    cut = np.where(TIMES < 60, FALLING, np.nan)
    assert codes(validation_loss=cut, diverged_at=60.0)["divergence"].evidence["time"] == 60
    assert "divergence" in codes(validation_loss=FALLING, train_loss=cut, diverged_at=60.0)
    assert read_history(History(times=TIMES, validation_loss=cut, diverged_at=60.0)).state.name == "diverged"
    assert "divergence" not in codes(validation_loss=cut)  # nobody says that it was no number: it was not recorded


def test_a_loss_that_is_a_number_again_was_unstable():
    gap = np.where((TIMES > 50) & (TIMES < 60), np.nan, FALLING)
    found = codes(validation_loss=gap, diverged_at=51.0)
    assert "divergence" not in found
    assert found["instability"].evidence["now"] == 0


def test_nothing_finite_at_all_diverged():
    reading = read_history(History(times=TIMES, validation_loss=np.full(100, np.nan), diverged_at=1.0))
    assert reading.state.name == "diverged"
    assert [flag.code for flag in reading.flags] == ["divergence", "too-few-points"]


def test_a_training_loss_far_above_its_start_diverged():
    assert "divergence" in codes(validation_loss=FALLING, train_loss=np.exp(TIMES / 20))
    assert "divergence" not in codes(validation_loss=FALLING, train_loss=FALLING)


@pytest.mark.parametrize(("left", "now"), [(0.0, 0.0), (1.0, 1.0)])
def test_a_training_loss_that_rises_is_unstable(left, now):
    train = FALLING + np.where(
        TIMES < 60, np.exp(-(((TIMES - 60) / 5) ** 2)), left + (1 - left) * np.exp(-(((TIMES - 60) / 5) ** 2))
    )
    flag = codes(validation_loss=FALLING, train_loss=rough(train, 0.01))["instability"]
    assert flag.evidence["now"] == now
    assert flag.evidence["time"] < flag.evidence["peak_time"]


def test_guessing_on_the_training_set_is_no_learning():
    assert "not-learning" in codes(train_error=np.full(100, 0.89), classes=10)
    assert "not-learning" not in codes(train_error=np.full(100, 0.6), classes=10)
    assert "not-learning" not in codes(train_error=np.full(100, 0.89))
    forgotten = np.where(np.arange(100) < 30, 0.5, 0.9)  # it had learned, and diverged since
    assert "not-learning" not in codes(train_error=forgotten, classes=10)


def test_running_averages_at_the_start():
    start = np.where(TIMES < 8, 2 * GUESSING, FALLING)
    train = np.minimum(FALLING, 2.0)
    assert "evaluation-mode" in codes(validation_loss=start, train_loss=train, classes=10)
    assert "evaluation-mode" not in codes(validation_loss=start, train_loss=train)
    assert "evaluation-mode" not in codes(validation_loss=start, train_loss=start, classes=10)


def test_a_training_curve_above_the_other():
    found = codes(validation_loss=FALLING, train_loss=1.2 * FALLING)
    assert found["train-worse-than-validation"].evidence["share"] > 0.98
    assert "train-worse-than-validation" not in codes(validation_loss=FALLING, train_loss=0.95 * FALLING)


def test_a_running_mean_alone_is_no_worse():
    """The mean over an epoch lags by half of one, which the mean of two epochs takes back."""
    fine = lambda t: 2 * np.exp(-t / 40)  # noqa: E731
    lagging = (fine(TIMES) + fine(TIMES - 0.5) + fine(TIMES - 1)) / 3
    assert np.all(lagging > 0.999 * fine(TIMES))
    assert "train-worse-than-validation" not in codes(validation_loss=1.001 * fine(TIMES), train_loss=lagging)


@pytest.mark.parametrize(("error", "flagged"), [(0.05, True), (0.19, False), (0.3, False)])
def test_an_error_below_the_share_of_wrong_labels(error, flagged):
    found = codes(validation_error=np.full(100, error), label_noise=0.2, validation_samples=1000)
    assert ("leak-suspicion" in found) == flagged
    assert "leak-suspicion" not in codes(validation_error=np.full(100, error))


def test_a_test_error_far_above_the_validation_error():
    errors = np.full(100, 0.1)
    z = codes(validation_error=errors, test_score=0.2)["shift"].evidence["z"]
    assert z == pytest.approx(0.1 / (2 * 0.15 * 0.85 / 1000) ** 0.5)
    assert "shift" not in codes(validation_error=errors, test_score=0.15)  # 3.4 standard errors; epochs were selected
    assert "shift" in codes(validation_error=errors, test_error=np.full(100, 0.15))  # none was
    assert "shift" not in codes(validation_error=errors, test_score=0.05)


def test_jumps_and_turns():
    wild = rough(FALLING, 0.5)
    assert codes(validation_loss=wild)["erratic"].evidence["iterate_sd"] > 0.15
    turning = np.where(np.arange(100) % 2, 1.05, 1 / 1.05)
    flag = codes(validation_loss=turning)["erratic"]
    assert flag.evidence["alternating"] == 1
    assert flag.evidence["flips"] == 98
    assert "erratic" not in codes(validation_loss=rough(FALLING, 0.05))
    both = codes(validation_loss=wild, train_loss=rough(FALLING, 0.5, 1))
    assert both["erratic"].alternatives["train-equally-erratic"] == "possible"
    assert flag.alternatives["train-equally-erratic"] == "unchecked"


def test_a_jump_that_stays_while_nothing_else_moved():
    jump = rough(np.where(TIMES < 50, FALLING, 1.5 * FALLING), 0.01)
    train = rough(FALLING, 0.01, 1)
    found = codes(validation_loss=jump, train_loss=train, learning_rate=np.full(100, 0.1))
    assert found["measurement-changed"].evidence["time"] == 50
    assert found["measurement-changed"].alternatives["learning-rate-drop"] == "excluded"
    assert "measurement-changed" not in codes(validation_loss=jump)
    assert "measurement-changed" not in codes(validation_loss=jump, train_loss=np.where(TIMES < 50, train, 1.5 * train))
    dropped = np.where(TIMES < 50, 0.1, 0.01)
    assert "measurement-changed" not in codes(validation_loss=jump, train_loss=train, learning_rate=dropped)
    spike = FALLING * np.where(TIMES == 50, 1.5, 1.0)
    assert "measurement-changed" not in codes(validation_loss=spike, train_loss=train)


def test_generalisation_long_after_the_fit():
    train, late = np.exp(-TIMES / 3), np.where(TIMES < 60, 0.95, 0.1)
    flag = codes(train_error=train, validation_error=late, classes=23)["delayed-generalisation"]
    assert flag.evidence["fitted_time"] < 20
    assert "delayed-generalisation" not in codes(train_error=train, validation_error=np.full(100, 0.95), classes=23)
    assert "delayed-generalisation" not in codes(train_error=train + 0.1, validation_error=late, classes=23)
