import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from benign.foundation.errors import InvalidArgument
from benign.histories.readers import json_lines
from benign.histories.readers.opening import read_logs
from tests.histories.readers.shown import log_of_text, points, values

SERIES: dict[str, list[float | None]] = {"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "val_loss": [4.0, None, 2.5]}
POINTS = {"loss": [(1, 3.0), (2, 2.0), (3, 1.0)], "val_loss": [(1, 4.0), (3, 2.5)]}
ROWS = [dict(zip(SERIES, row, strict=True)) for row in zip(*SERIES.values(), strict=True)]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    "history",
    [
        SERIES,
        ROWS,
        {name: np.array(series, dtype=object) for name, series in SERIES.items()},
        {name: tuple(series) for name, series in SERIES.items()},
        pd.DataFrame(SERIES),
        pd.DataFrame(SERIES).set_index("epoch"),
        pl.DataFrame(SERIES),
        pl.DataFrame(SERIES).lazy(),
        pa.table(SERIES),
    ],
    ids=["dict", "list", "arrays", "tuples", "pandas", "index", "polars", "query", "arrow"],
)
def test_one_history_in_memory_however_it_is_held(history):
    (log,) = read_logs(history)
    assert points(log) == POINTS
    assert (log.axis, log.path, log.name) == ("epoch", "", "")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SERIES),
        json.dumps(SERIES, indent=2),
        json.dumps({"history": SERIES}),
        json.dumps({"lr": 0.1, "log": ROWS}),
        json.dumps(ROWS),
        lines(ROWS),
        lines([{**row, "loss": str(row["loss"])} for row in ROWS]),
        lines(list(ROWS)).replace("\n", "\n\n"),
    ],
)  # fmt: skip
def test_one_history_in_json_however_it_is_written(tmp_path, text):
    assert points(log_of_text(tmp_path, text)) == POINTS


def test_series_within_series_have_both_names():
    assert values(read_logs({"train": {"loss": [1, 2]}, "val": {"loss": [3, 4]}})[0]) == {
        "train/loss": [1, 2],
        "val/loss": [3, 4],
    }


def test_frames_whose_names_repeat():
    (log,) = read_logs(pd.DataFrame([[1, 2.0, 3.0], [2, 4.0, 5.0]], columns=["epoch", "loss", "loss"]))
    assert [(column.name, column.values.tolist()) for column in log.columns] == [("loss", [2, 4]), ("loss", [3, 5])]


def test_series_of_different_rates_end_together():
    (log,) = read_logs({"loss": list(range(8)), "val_loss": [5, 6]})
    assert log.columns[0].positions.tolist() == [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
    assert log.columns[1].positions.tolist() == [1, 2]
    assert "'loss'" in log.notes[-1]


def test_one_evaluation_more_came_before_training_and_one_training_epoch_more_is_unfinished():
    (before,) = read_logs({"loss": [3, 2, 1], "val_loss": [9, 3, 2, 1]})
    assert [column.positions.tolist() for column in before.columns] == [[1, 2, 3], [0, 1, 2, 3]]
    (unfinished,) = read_logs({"loss": [4, 3, 2, 1], "val_loss": [3, 2, 1]})
    assert [column.positions.tolist() for column in unfinished.columns] == [[1, 2, 3, 4], [1, 2, 3]]


def test_what_is_no_series_is_said():
    (log,) = read_logs(
        {"loss": [1, 2], "weights": [[1, 2], [3, 4]], "name": "run", "when": np.array(["2026-01-01"], "M8[s]")}
    )
    assert values(log) == {"loss": [1, 2]}
    assert log.notes == ("No series of numbers, and left out: 'weights' and 'when'.",)


def test_a_growing_file_of_json_lines_loses_its_cut_line(tmp_path):
    log = log_of_text(tmp_path, lines(ROWS) + '{"epoch": 4, "lo')
    assert points(log) == POINTS
    assert any("cut short" in note for note in log.notes)


def test_lines_that_are_no_json_are_counted(tmp_path):
    log = log_of_text(tmp_path, lines(ROWS[:2]) + "Traceback\n[3]\n" + lines(ROWS[2:]))
    assert points(log) == POINTS
    assert "2 entries that name no values were left out." in log.notes


def test_arrow_reads_large_files_of_lines_as_the_lines_are_read(tmp_path, monkeypatch):
    text = lines([{"step": n, "loss": n / 7, "val": n / 3 if n % 4 == 0 else None, "what": "x"} for n in range(100)])
    slow = log_of_text(tmp_path, text)
    monkeypatch.setattr(json_lines, "_LARGE", 10)
    fast = log_of_text(tmp_path, text)
    assert points(fast) == points(slow)
    assert fast.notes == slow.notes
    assert np.isnan(values(log_of_text(tmp_path, text + '{"step": 100, "loss": NaN}\n'))["loss"][-1])


@pytest.mark.parametrize(
    "history",
    [
        3,
        None,
        {},
        [],
        {"a": "b"},
        {"a": {}},
        [[1, 2]],
        np.zeros((3, 2)),
        object(),
        {"loss": [object()]},
        {"w": [[1], [2]]},
    ],
)
def test_what_is_no_history_gets_a_sentence(history):
    with pytest.raises(InvalidArgument, match="history"):
        read_logs(history)


def test_an_object_whose_own_code_fails_gets_a_sentence():
    class Broken:
        columns = ("a",)

        def __len__(self):
            raise RuntimeError("no\nlength")

    with pytest.raises(InvalidArgument, match="data frame"):
        read_logs(Broken())


@pytest.mark.parametrize("text", ['{"a": [1, 2', "[" * 100_000, '[{"epoch": 1}, {"ep'])
def test_json_that_is_broken_gets_a_sentence(tmp_path, text):
    (tmp_path / "log").write_text(text)
    with pytest.raises(InvalidArgument):
        read_logs(tmp_path / "log")
