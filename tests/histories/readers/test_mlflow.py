import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument
from benign.histories.readers.opening import read_logs
from tests.histories.readers.databases import LOGS, MLFLOW, restored
from tests.histories.readers.shown import points, values

FOLDERS = LOGS / "mlflow" / "mlruns"
RUN = next(path.parent for path in FOLDERS.glob("*/*/meta.yaml"))


def recorded(seed):
    train = [2.0 / (1 + epoch) + 0.01 * seed for epoch in range(40)]
    return train, [2.2 / (1 + epoch) + 0.002 * epoch**1.5 for epoch in range(40)]


def test_runs_of_a_database_have_their_names_and_values(tmp_path):
    logs = read_logs(restored(MLFLOW, tmp_path / "mlflow.db"))
    assert [(log.name, log.format, log.axis) for log in logs] == [
        ("wide", "MLflow database", "step"),
        ("narrow", "MLflow database", "step"),
    ]
    for seed, log in enumerate(logs):
        train, validation = recorded(seed)
        assert values(log)["train/loss"] == train
        assert values(log)["val/loss"][:40] == validation
        assert log.columns[0].positions.tolist() == list(range(40))
        assert log.notes == ("Deleted runs were left out: 1.",)


def test_what_is_not_finite_is_not_the_number_that_it_is_stored_as(tmp_path):
    log = read_logs(restored(MLFLOW, tmp_path / "mlflow.db"))[1]
    assert [position for position, _ in points(log)["val/loss"][40:]] == [40, 41]
    at_end = values(log)["val/loss"][40:]
    assert at_end[0] == np.inf
    assert np.isnan(at_end[1])


def test_rows_are_in_the_order_of_time_whatever_the_order_of_the_table(tmp_path):
    path = restored(MLFLOW, tmp_path / "mlflow.db")
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT * FROM metrics").fetchall()
        connection.execute("DELETE FROM metrics")
        shuffled = [rows[row] for row in np.random.default_rng(0).permutation(len(rows))]
        connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", shuffled)
        connection.commit()
    assert values(read_logs(path)[0])["val/loss"] == recorded(0)[1]


def test_runs_of_several_experiments_are_called_by_both(tmp_path):
    move = "UPDATE runs SET experiment_id = 0 WHERE name = 'narrow'"
    logs = read_logs(restored(MLFLOW, tmp_path / "mlflow.db", move))
    assert [log.name for log in logs] == ["curves/wide", "Default/narrow"]


def test_values_logged_without_steps_are_counted(tmp_path):
    logs = read_logs(restored(MLFLOW, tmp_path / "mlflow.db", "UPDATE metrics SET step = 0"))
    assert logs[0].axis == "evaluation"
    assert points(logs[0])["val/loss"] == list(zip(range(1, 41), recorded(0)[1], strict=True))


def test_a_store_without_curves_says_how_to_record_one(tmp_path):
    path = restored(MLFLOW, tmp_path / "mlflow.db", "DELETE FROM metrics WHERE step > 0")
    with pytest.raises(InvalidArgument, match=r"2 runs, and none recorded a metric more than once.*log_metric"):
        read_logs(path)


@pytest.mark.parametrize("place", [FOLDERS, RUN.parent, RUN], ids=["store", "experiment", "run"])
def test_folders_say_what_the_database_says(tmp_path, place):
    (log,) = read_logs(place)
    stored = read_logs(restored(MLFLOW, tmp_path / "mlflow.db"))[0]
    assert log.format == "MLflow mlruns folder"
    assert points(log) == points(stored)


def test_folders_of_several_runs_damaged_lines_and_deleted_runs(tmp_path):
    experiment = tmp_path / "mlruns" / RUN.parent.name
    for name in ("a", "b", "c"):
        shutil.copytree(RUN, experiment / name)
        meta = experiment / name / "meta.yaml"
        meta.write_text(meta.read_text().replace("run_name: wide", f"run_name: '{name} \x1b[31m'"))
    shutil.copy(RUN.parent / "meta.yaml", experiment / "meta.yaml")
    with (experiment / "b" / "metrics" / "val" / "loss").open("a") as file:
        file.write("1700000041000 nan 40\nscribble\n1700000042000 0.")
    meta = experiment / "c" / "meta.yaml"
    meta.write_text(meta.read_text().replace("lifecycle_stage: active", "lifecycle_stage: deleted"))
    first, second = read_logs(tmp_path / "mlruns")
    assert (first.name, second.name) == ("a \x1b[31m", "b \x1b[31m")
    assert len(values(first)["val/loss"]) == 40
    assert "'val/loss': 1 lines that are no value were left out." in second.notes
    assert "Deleted runs were left out: 1." in second.notes


def test_a_hostile_name_is_kept_as_a_name(tmp_path):
    logs = read_logs(restored(MLFLOW, tmp_path / "mlflow.db", "UPDATE runs SET name = '../\x1b[31m' || char(10)"))
    assert [log.name for log in logs] == ["../\x1b[31m\n", "../\x1b[31m\n (2)"]
    assert all(note.isprintable() for log in logs for note in log.notes)
