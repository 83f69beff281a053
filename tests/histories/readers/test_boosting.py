import json
from pathlib import Path

import pytest

from benign.foundation.errors import InvalidArgument
from benign.histories.readers.opening import read_logs
from benign.histories.roles import assigned
from tests.histories.readers.shown import points, values

LOGS = Path(__file__).parents[1] / "logs"


def used(log):
    assignment = assigned(log)
    assert assignment.questions == ()
    return {curve: use.name for curve, use in assignment.uses.items()}


@pytest.mark.parametrize(
    ("file", "format_"),
    [
        ("xgboost/evals_result.json", "XGBoost evals_result"),
        ("xgboost/named_sets.json", "XGBoost evals_result"),
        ("lightgbm/record_evaluation.json", "LightGBM record_evaluation"),
        ("lightgbm/evals_result_.json", "LightGBM record_evaluation"),
    ],
)
def test_what_was_recorded_is_read_over_rounds(file, format_):
    (log,) = read_logs(LOGS / file)
    assert (log.format, log.axis) == (format_, "round")
    recorded = json.loads((LOGS / file).read_text())
    (held,) = read_logs(recorded)
    assert points(held) == points(log)
    assert points(log) == {
        f"{name}/{metric}": list(enumerate(series, 1))
        for name, sets in recorded.items()
        for metric, series in sets.items()
    }


def test_the_first_of_xgboosts_numbered_sets_is_known_for_the_training_set():
    (log,) = read_logs(LOGS / "xgboost" / "evals_result.json")
    assert used(log) == {
        "train_loss": "validation_0/logloss",
        "train_error": "validation_0/error",
        "validation_loss": "validation_1/logloss",
        "validation_error": "validation_1/error",
    }
    assert "--columns val_loss=validation_0/logloss" in log.notes[0]


def test_one_numbered_set_is_of_validation():
    (log,) = read_logs(LOGS / "xgboost" / "one_set.json")
    assert used(log) == {"validation_loss": "validation_0/logloss", "validation_error": "validation_0/error"}
    assert log.notes == ()


@pytest.mark.parametrize("falls_throughout", [False, True])
def test_two_sets_that_were_both_held_out_are_asked_about(falls_throughout):
    held_out = json.loads((LOGS / "xgboost" / "one_set.json").read_text())["validation_0"]["logloss"]
    held_out = sorted(held_out, reverse=True) if falls_throughout else held_out
    other = [1.03 * loss for loss in held_out]
    (log,) = read_logs({"validation_0": {"logloss": held_out}, "validation_1": {"logloss": other}})
    (question,) = assigned(log).questions
    assert "validation_0/logloss" in question
    assert log.roles == {}


def test_sets_with_names_of_their_own_are_what_they_are_called():
    (log,) = read_logs(LOGS / "lightgbm" / "record_evaluation.json")
    assert used(log)["train_loss"] == "training/binary_logloss"
    assert used(log)["validation_error"] == "valid_1/binary_error"
    (log,) = read_logs(LOGS / "xgboost" / "named_sets.json")
    assert used(log) == {"train_loss": "train/logloss", "validation_loss": "eval/logloss"}


def test_means_of_lightgbms_folds_are_read():
    (log,) = read_logs(LOGS / "lightgbm" / "cv.json")
    assert used(log)["validation_loss"] == "valid binary_logloss-mean"


def test_nested_series_of_another_tool_are_not_of_boosting():
    (log,) = read_logs({"train": {"loss": [2.0, 1.0]}, "val": {"loss": [3.0, 2.0]}})
    assert (log.format, log.axis) == ("dict of lists", "evaluation")


def test_series_that_are_no_numbers_are_left_out_and_said():
    (log,) = read_logs({"validation_0": {"logloss": [2.0, 1.0], "notes": ["good", "bad"]}})
    assert list(values(log)) == ["validation_0/logloss"]
    assert "'validation_0/notes'" in log.notes[0]
    with pytest.raises(InvalidArgument, match="no series of numbers"):
        read_logs({"validation_0": {"logloss": ["good", "bad"]}})


class _Fitted:
    """As an estimator of XGBoost shows what it kept."""

    def __init__(self, kept):
        self.kept = kept

    def evals_result(self):
        if self.kept is None:
            raise ValueError("fitted without evaluation sets")
        return self.kept


_Fitted.__module__ = "xgboost.sklearn"


def test_a_fitted_estimator_says_what_it_kept():
    (log,) = read_logs(_Fitted({"validation_0": {"rmse": [2.0, 1.0]}}))
    assert values(log) == {"validation_0/rmse": [2.0, 1.0]}
    with pytest.raises(InvalidArgument, match="a fitted estimator that kept its curve"):
        read_logs(_Fitted(None))
