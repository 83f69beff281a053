"""The files that real tools wrote, against what the tools themselves say in another of their files."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benign.histories.readers.opening import read_logs
from tests.histories.readers.shown import points, values

LOGS = Path(__file__).parents[1] / "logs"
STATE = json.loads((LOGS / "transformers" / "finished" / "trainer_state.json").read_text())
KERAS = json.loads((LOGS / "keras" / "history.json").read_text())


def test_keras_history_and_its_file_say_the_same():
    (fitted,) = read_logs(SimpleNamespace(history=KERAS["history"], epoch=KERAS["epoch"]))
    (logged,) = read_logs(LOGS / "keras" / "training.csv")
    assert (fitted.format, fitted.axis, logged.format, logged.axis) == (
        "Keras History",
        "epoch",
        "Keras CSVLogger",
        "epoch",
    )
    assert values(fitted) == KERAS["history"]
    assert fitted.columns[0].positions.tolist() == KERAS["epoch"]
    for name, recorded in points(logged).items():
        assert recorded[:12] == points(fitted)[name]
    assert fitted.roles["loss"].samples == logged.roles["loss"].samples == "train"


def test_a_keras_log_that_a_second_fit_appended_to_keeps_both():
    (logged,) = read_logs(LOGS / "keras" / "training.csv")
    assert logged.columns[0].positions.tolist() == [*range(12), *range(5)]


def test_keras_bars_say_what_keras_recorded():
    (printed,) = read_logs(LOGS / "keras" / "progress.txt")
    assert printed.columns[0].positions.tolist() == list(range(1, 13))
    for name, recorded in KERAS["history"].items():
        np.testing.assert_allclose(values(printed)[name], recorded, atol=6e-5)


def test_keras_lines_say_what_its_file_says():
    (printed,), (logged,) = read_logs(LOGS / "keras" / "lines.txt"), read_logs(LOGS / "keras" / "training.csv")
    for name, recorded in values(logged).items():
        np.testing.assert_allclose(values(printed)[name], recorded[12:], atol=6e-5)


def test_lightning_rows_are_joined_by_column():
    (log,) = read_logs(LOGS / "lightning" / "logs" / "version_0" / "metrics.csv")
    assert (log.format, log.axis) == ("Lightning metrics.csv", "epoch")
    assert set(values(log)) == {"lr-SGD", "train_loss_epoch", "val_loss", "val_acc"}
    assert all(column.positions.tolist() == list(range(10)) for column in log.columns)
    np.testing.assert_allclose(values(log)["lr-SGD"], [0.1] * 4 + [0.01] * 4 + [0.001] * 2)
    assert values(log)["val_loss"][0] == 0.6556952595710754
    assert "'train_loss_step'" in log.notes[0]


def test_lightning_bars_say_what_its_file_says():
    (printed,) = read_logs(LOGS / "lightning" / "progress.txt")
    (log,) = read_logs(LOGS / "lightning" / "logs")
    for name in ("val_loss", "train_loss_epoch"):
        np.testing.assert_allclose(values(printed)[name], values(log)[name], atol=6e-4)


@pytest.mark.parametrize("place", ["finished/trainer_state.json", "finished", "run", "run/checkpoint-100"])
def test_hugging_face_state(place):
    (log,) = read_logs(LOGS / "transformers" / place)
    entries = STATE["log_history"][:-1]
    assert (log.format, log.axis) == ("Hugging Face trainer_state.json", "epoch")
    for name in ("loss", "eval_loss", "learning_rate", "eval_accuracy"):
        assert points(log)[name] == [(entry["epoch"], entry[name]) for entry in entries if name in entry]
    assert "train_loss" not in points(log)
    assert any("Earlier checkpoints" in note for note in log.notes) == (place == "run")


def test_evaluations_within_epochs_make_steps_count(tmp_path):
    history = [{**entry, "epoch": entry["epoch"] * 0.7} for entry in STATE["log_history"]]
    (tmp_path / "state").write_text(json.dumps({**STATE, "log_history": history}))
    (log,) = read_logs(tmp_path / "state")
    assert log.axis == "step"
    assert [where for where, _ in points(log)["eval_loss"]] == list(range(10, 101, 10))


def test_hugging_face_prints_say_what_its_state_says():
    (printed,), (log,) = read_logs(LOGS / "transformers" / "prints.txt"), read_logs(LOGS / "transformers" / "run")
    for name in ("loss", "eval_loss", "eval_accuracy"):
        assert [where for where, _ in points(printed)[name]] == [where for where, _ in points(log)[name]]
        np.testing.assert_allclose(values(printed)[name], values(log)[name], rtol=1e-3)


def test_bars_over_batches_and_over_epochs():
    (batches,), (epochs,) = read_logs(LOGS / "tqdm" / "batches.txt"), read_logs(LOGS / "tqdm" / "epochs.txt")
    ordinal = np.arange(1, 11)
    assert [column.positions.tolist() for column in (*batches.columns, *epochs.columns)] == [ordinal.tolist()] * 5
    np.testing.assert_allclose(values(batches)["loss"], 1 / ordinal + 0.001, rtol=0.01)
    np.testing.assert_allclose(values(batches)["val_acc"], 1 - 0.5 / ordinal, atol=1e-4)
    np.testing.assert_allclose(values(epochs)["val_loss"], 1.2 / ordinal, rtol=0.01)


def test_a_folder_of_them_all_names_each_by_where_it_lies():
    logs = {log.name: log for log in read_logs(LOGS / "transformers")}
    assert list(logs) == ["prints.txt", "finished", "run"]
    assert [log.format for log in read_logs(LOGS / "keras")] == ["JSON", "Keras CSVLogger"]
    assert [log.name for log in read_logs(LOGS / "transformers", pick="fin*")] == ["finished"]
