import numpy as np
import pytest
from triage.cuts import history_at
from triage.said import CHANGES, said_of

from benign.histories.history import History
from tests.triage_bank.made import made

POINTS = 120
TIMES = np.arange(1.0, POINTS + 1)


def log() -> History:
    curve = np.exp(np.interp(TIMES, [1, 30, 60, 120], [0.5, -0.5, 0.0, -0.8]))
    error = np.interp(TIMES, [1, 30, 60, 120], [0.8, 0.3, 0.5, 0.2])
    curves = {
        "val_error": error, "train_loss": np.geomspace(2.0, 0.1, POINTS), "train_error": error / 3,
        "averaged_val_loss": curve, "averaged_val_error": error, "learning_rate": np.full(POINTS, 0.1),
    }  # fmt: skip
    training = made(curve, curves=curves, classes=10, label_noise=0.1, validation_samples=20_000, loss="cross-entropy")
    return history_at(training, POINTS)


def test_both_second_descents_are_told_apart():
    said = said_of(log())
    assert (said.state, said.descent, said.error_descent) == ("improving", "below", "below")
    assert "second-descent" in said.codes
    assert said.answers[2] is (said.odds[2] > 0.85)
    assert not said.alarms


def test_alarms_of_a_rise():
    risen = made(np.exp(np.interp(TIMES, [1, 30, 120], [0.5, -0.5, 1.0])), validation_samples=20_000)
    assert "risen" in said_of(history_at(risen, POINTS)).alarms


def held(history: History) -> set[str]:
    return {name for name, value in vars(history).items() if value is not None and name != "metrics"}


@pytest.mark.parametrize("change", [name for name in CHANGES if name.startswith("without")])
def test_what_a_log_lacks(change: str):
    lost = held(log()) - held(CHANGES[change](log()))
    named = {
        "without error": {"validation_error", "train_error", "averaged_error"},
        "without n_validation": {"validation_samples"},
        "without classes": {"classes"},
        "without train loss": {"train_loss"},
        "without train error": {"train_error"},
        "without noise share": {"label_noise"},
        "without learning rate": {"learning_rate"},
        "without averaged weights": {"averaged_loss", "averaged_error"},
    }
    assert lost == named[change]


def test_every_fifth_evaluation_with_the_last():
    thinned = CHANGES["every 5th evaluation"](log())
    assert thinned.times.tolist() == list(range(5, 121, 5))
    np.testing.assert_array_equal(thinned.validation_loss, log().validation_loss[4::5])  # type: ignore[index]
    said_of(thinned)


def test_rounded_losses():
    rounded = CHANGES["losses rounded to 2 decimals"](log())
    np.testing.assert_array_equal(rounded.train_loss, np.round(log().train_loss, 2))  # type: ignore[arg-type]
    np.testing.assert_array_equal(rounded.validation_error, log().validation_error)


def test_an_exponential_mean_is_corrected_at_its_start():
    smooth = CHANGES["smoothed by a mean of decay .9"](log())
    assert smooth.validation_loss is not None
    curve = log().validation_loss
    assert curve is not None
    weights = 0.9 ** np.arange(50)[::-1]
    assert smooth.validation_loss[0] == pytest.approx(curve[0])
    assert smooth.validation_loss[49] == pytest.approx((weights @ curve[:50]) / weights.sum())
