import json
import shutil
from pathlib import Path

import pytest

from benign.histories.readers.opening import read_logs
from benign.histories.roles import assigned
from tests.histories.readers.shown import points, values

FOLDER = Path(__file__).parents[1] / "logs" / "catboost"
SAID = json.loads((FOLDER / "catboost_training.json").read_text())
METRICS = [metric["name"] for metric in SAID["meta"]["learn_metrics"]]


@pytest.mark.parametrize("place", [FOLDER, FOLDER / "catboost_training.json"], ids=["folder", "file"])
def test_the_tables_say_what_the_json_says(place):
    (log,) = read_logs(place)
    assert (log.format, log.axis, log.notes) == ("CatBoost catboost_info", "round", ())
    for kind in ("learn", "test"):
        for index, metric in enumerate(METRICS):
            recorded = [(row["iteration"] + 1, row[kind][index]) for row in SAID["iterations"]]
            assert points(log)[f"{kind}/{metric}"] == recorded


def test_the_test_set_is_of_validation_and_what_is_better_is_as_catboost_says():
    (log,) = read_logs(FOLDER)
    assignment = assigned(log)
    assert assignment.questions == ()
    assert {curve: use.name for curve, use in assignment.uses.items()} == {
        "train_loss": "learn/Logloss",
        "train_error": "learn/Accuracy",
        "validation_loss": "test/Logloss",
        "validation_error": "test/Accuracy",
    }
    assert log.roles["test/AUC"].higher_is_better
    assert not log.roles["test/Logloss"].higher_is_better


def test_a_metric_that_no_other_tool_has_is_a_score_with_catboosts_direction(tmp_path):
    for path in FOLDER.iterdir():
        shutil.copy(path, tmp_path)
        if path.suffix in {".tsv", ".json"}:
            (tmp_path / path.name).write_text(path.read_text().replace("AUC", "Zork"))
    (log,) = read_logs(tmp_path)
    role = log.roles["test/Zork"]
    assert (role.samples, role.quantity, role.higher_is_better) == ("validation", "score", True)


def test_while_it_trains_the_json_may_be_cut(tmp_path):
    for name in ("learn_error.tsv", "test_error.tsv"):
        (tmp_path / name).write_text((FOLDER / name).read_text()[:1003])
    (tmp_path / "catboost_training.json").write_text((FOLDER / "catboost_training.json").read_text()[:1000])
    (log,) = read_logs(tmp_path)
    assert 10 < len(values(log)["test/Logloss"]) < 60
    assert any("catboost_training.json cannot be read" in note for note in log.notes)
    assert any("cut short" in note for note in log.notes)


def test_several_held_out_sets_are_asked_about(tmp_path):
    for name in ("learn_error.tsv", "test_error.tsv", "catboost_training.json"):
        shutil.copy(FOLDER / name, tmp_path)
    text = (FOLDER / "test_error.tsv").read_text()
    (tmp_path / "test_1_error.tsv").write_text(text.replace("0.6", "0.7"))
    (log,) = read_logs(tmp_path)
    assert "test_1/Logloss" in values(log)
    assert any("test_1/Logloss" in question for question in assigned(log).questions)
