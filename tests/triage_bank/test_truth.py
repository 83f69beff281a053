import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from triage.training import Training, write_trainings
from triage.truth import composition, missing, trainings_of, truth_at

from tests.triage_bank.made import made

POINTS = 120
TIMES = np.arange(1.0, POINTS + 1)


def path(*levels: tuple[int, float]) -> np.ndarray:
    """A population loss through these (evaluation, log loss), straight between them."""
    return np.exp(errors(*levels))


def errors(*levels: tuple[int, float]) -> np.ndarray:
    places, values = np.array(levels).T
    return np.interp(TIMES, places, values)


FALLS = path((1, 0.5), (120, -1.0))
LEVEL = path((1, 0.5), (30, -1.0), (120, -1.0))
RISES = path((1, 0.5), (30, -1.0), (36, -1.0), (120, -0.5))
BUMP_BELOW = path((1, 0.5), (30, -0.5), (60, -0.2), (120, -1.0))
BUMP_ABOVE = path((1, 0.5), (30, -0.5), (60, -0.2), (120, -0.35))
BUMP_TO = path((1, 0.5), (30, -0.5), (36, -0.5), (60, -0.2), (110, -0.5), (120, -0.5))


@pytest.mark.parametrize(
    ("curve", "state", "descent"),
    [
        (FALLS, "improving", "none"),
        (path((1, 0.5), (100, 0.4), (120, -2.0)), "improving", "none"),
        (LEVEL, "plateau", "none"),
        (RISES, "risen", "none"),
        (path((1, 0.5), (30, -1.0), (120, -0.978)), "ambiguous", "none"),
        (path((1, 0.5), (80, -1.0), (90, -1.0), (120, -1.01)), "between", "none"),
        (BUMP_BELOW, "improving", "below"),
        (BUMP_ABOVE, "risen", "above"),
        (BUMP_TO, "plateau", "to"),
        (path((1, 0.5), (30, -0.5), (60, -0.478), (120, -1.0)), "improving", "ambiguous"),
    ],
)
def test_states_of_exact_curves(curve: np.ndarray, state: str, descent: str):
    truth = truth_at(made(curve), POINTS)
    assert (truth.state, truth.descent) == (state, descent)


@pytest.mark.parametrize(("cut", "state"), [(30, "improving"), (60, "risen"), (120, "improving")])
def test_what_comes_after_the_cut_does_not_count(cut: int, state: str):
    assert truth_at(made(BUMP_BELOW), cut).state == state


def test_the_validation_set_does_not_count():
    belied, plain = (asdict(truth_at(training, POINTS)) for training in (made(RISES, validation=FALLS), made(RISES)))
    np.testing.assert_equal(belied, plain)  # what is no number equals itself


def jittering(curve: np.ndarray, sd: float, seed: int) -> np.ndarray:
    return curve * np.exp(sd * np.random.default_rng(seed).standard_normal(curve.size))


@pytest.mark.parametrize("sd", [0.01, 0.03, 0.1])
def test_jitter_is_no_event(sd: float):
    truths = [truth_at(made(jittering(LEVEL, sd, seed)), POINTS) for seed in range(300)]
    assert sum(truth.state == "risen" for truth in truths) <= 2
    assert sum(truth.descent not in ("none", "ambiguous") for truth in truths) <= 2
    assert sum(truth.is_healthy for truth in truths) > 150


def test_a_rise_is_seen_through_jitter():
    truths = [truth_at(made(jittering(RISES, 0.1, seed)), POINTS) for seed in range(50)]
    assert all(truth.state == "risen" for truth in truths)


def test_few_population_samples_make_small_events_ambiguous():
    small = path((1, 0.5), (30, -1.0), (120, -0.965))
    exact = made(small, loss="cross-entropy")
    assert truth_at(exact, POINTS).state == "risen"
    assert truth_at(made(small, loss="cross-entropy", population_samples=400), POINTS).state == "ambiguous"
    assert truth_at(made(small, loss="cross-entropy", population_samples=20_000), POINTS).state == "risen"
    assert truth_at(made(LEVEL, population_samples=400), POINTS).state == "ambiguous"
    assert truth_at(made(FALLS, population_samples=400), POINTS).state == "improving"


@pytest.mark.parametrize(("end", "is_up"), [(0.20, False), (0.21, False), (0.2175, None), (0.225, True), (0.30, True)])
def test_whether_the_error_is_up(end: float, is_up: bool | None):
    curves = {"population_error": errors((1, 0.8), (30, 0.2), (120, end))}
    assert truth_at(made(RISES, curves=curves), POINTS).error_up is is_up


def test_the_lowest_error_of_a_finite_population_is_too_low():
    """A rise of .0233, where .0222 is enough, of which chance may have made half a standard error of .0045."""
    curves = {"population_error": errors((1, 0.8), (30, 0.2), (120, 0.2247))}
    assert truth_at(made(RISES, curves=curves), POINTS).error_up is True
    assert truth_at(made(RISES, curves=curves, population_samples=6000), POINTS).error_up is None


def test_a_second_descent_of_the_error():
    curves = {"population_error": errors((1, 0.8), (30, 0.3), (60, 0.4), (120, 0.2))}
    truth = truth_at(made(FALLS, curves=curves, classes=10), POINTS)
    assert (truth.descent, truth.error_descent) == ("none", "below")
    assert truth_at(made(FALLS), POINTS).error_descent == "none"


def test_what_a_temperature_gives_back():
    left = RISES.copy()
    left[60:] = np.exp(-1.0) + 0.25 * (RISES[60:] - np.exp(-1.0))
    truth = truth_at(made(RISES, curves={"calibrated_population_loss": left}, loss="cross-entropy"), POINTS)
    assert truth.given_back == pytest.approx(0.75, abs=0.01)
    assert math.isnan(truth_at(made(RISES), POINTS).given_back)


def test_a_new_best_needs_the_whole_continuation():
    assert truth_at(made(BUMP_BELOW), 50).new_best == {2: True, 5: None, 10: None}
    assert truth_at(made(RISES), 50).new_best == {2: False, 5: None, 10: None}
    assert truth_at(made(BUMP_BELOW), 24).new_best[5] is True
    assert truth_at(made(BUMP_ABOVE), 12).new_best[10] is True
    assert truth_at(made(path((1, 0), (30, -1), (40, -1), (120, -1.005))), 40).new_best[2] is False


def test_divergence():
    lost = np.where(TIMES > 100, np.nan, FALLS)
    assert truth_at(made(lost), POINTS).state == "diverged"
    assert truth_at(made(lost), 100).state == "improving"
    assert truth_at(made(lost), 60).new_best[2] is True
    assert truth_at(made(np.full(POINTS, np.nan)), POINTS).state == "diverged"
    exploding = path((1, 0.5), (60, -1.0), (120, 3.0))
    assert truth_at(made(exploding, curves={"train_loss": exploding}), POINTS).state == "diverged"
    assert truth_at(made(exploding, curves={"train_loss": FALLS}), POINTS).state == "risen"


def test_a_training_loss_that_rises():
    trains = {"train_loss": path((1, 0.5), (30, -1.0), (50, -0.2), (120, -1.5))}
    assert truth_at(made(FALLS, curves=trains), POINTS).train_rise is True
    assert truth_at(made(FALLS, curves={"train_loss": FALLS}), POINTS).train_rise is False
    assert truth_at(made(FALLS), POINTS).train_rise is None


@pytest.mark.parametrize("setting", [{"leak": 0.5}, {"shift": 0.3}, {"changed_at": 60.0}])
def test_what_makes_a_log_say_something_else(setting: dict[str, Any]):
    training = made(LEVEL, **setting)
    truth = truth_at(training, POINTS)
    assert truth.events == {"changed" if "changed_at" in setting else next(iter(setting))}
    assert not truth.is_healthy
    assert not truth.is_measured
    assert truth_at(training, 50).is_healthy is ("changed_at" in setting)


def test_events_of_a_classification():
    start = path((1, 2.0), (10, -0.5), (120, -1.0))
    losses = {"running_train_loss": FALLS, "train_loss": start}
    assert truth_at(made(start, curves=losses, classes=10, loss="cross-entropy"), POINTS).events == {"evaluation-mode"}
    grokking = made(start, curves={"running_train_loss": FALLS, "train_loss": FALLS}, classes=10, loss="cross-entropy")
    assert truth_at(grokking, POINTS).events == set()
    guessing = made(LEVEL, curves={"train_error": np.full(POINTS, 0.88)}, classes=10)
    assert truth_at(guessing, POINTS).events == {"not-learning"}
    assert truth_at(made(jittering(LEVEL, 0.3, 0)), POINTS).events == {"erratic"}


def test_averaged_weights_where_the_log_shows_them():
    training = made(RISES, curves={"averaged_val_loss": FALLS, "averaged_population_loss": FALLS}, shows_averaged=1)
    assert truth_at(training, POINTS).state == "improving"


def bank_of_two() -> list[Training]:
    linear = replace(made(BUMP_BELOW, name="made-1"), linear=True)
    return [replace(made(RISES), family="other"), linear]


def test_composition_counts_cuts_by_family(tmp_path):
    write_trainings(bank_of_two(), tmp_path / "deep" / "two.parquet")
    counts = composition(trainings_of(tmp_path, "development"))
    assert set(counts) == {"other", "made"}
    assert (counts["other"]["trainings"], counts["other"]["cuts"], counts["made"]["linear"]) == (1, 3, 1)
    assert counts["other"]["risen"] >= 1
    assert counts["made"]["below"] >= 1
    assert counts["made"]["below, not linear"] == 0
    assert list(trainings_of(tmp_path, "untouched")) == []


def test_what_a_half_lacks():
    enough = {
        "trainings": 900, "linear": 200, "cuts": 2000, "risen": 300, "healthy": 300, "ambiguous": 300, "below": 80,
        "below, not linear": 40, "of error": 40,
    }  # fmt: skip
    assert missing(enough) == []
    for name, value in {"risen": 299, "of error": 39, "below, not linear": 39, "ambiguous": 301, "linear": 226}.items():
        assert len(missing({**enough, name: value})) == 1
