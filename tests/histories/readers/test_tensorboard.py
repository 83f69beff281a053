import ast
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument, MissingExtra
from benign.histories.readers.opening import read_logs
from tests.histories.readers.shown import points, values

pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")

LOGS = Path(__file__).parents[1] / "logs"
TENSORBOARD, KERAS = LOGS / "tensorboard", LOGS / "keras_tensorboard"
FILE = sorted((TENSORBOARD / "resumed").iterdir())[0]
WHOLE = FILE.read_bytes()
TRAIN = [2.0 / (1 + epoch) for epoch in range(40)]
VALIDATION = [2.2 / (1 + epoch) + 0.002 * epoch**1.5 for epoch in range(40)]


@pytest.mark.parametrize("writer", ["together", "x"])
def test_scalars_added_together_are_curves_of_one_run(writer):
    (log,) = read_logs(TENSORBOARD / writer)
    assert (log.format, log.axis, log.name, log.notes) == ("TensorBoard", "step", "", ())
    assert set(values(log)) == {"lr", "Loss/train", "Loss/val"}
    np.testing.assert_allclose(values(log)["Loss/train"], TRAIN, rtol=1e-6)
    np.testing.assert_allclose(values(log)["Loss/val"], VALIDATION, rtol=1e-6)
    assert log.columns[0].positions.tolist() == list(range(40))


def test_files_of_a_resumed_run_are_read_in_the_order_of_their_time():
    (log,) = read_logs(TENSORBOARD / "resumed")
    assert log.columns[0].positions.tolist() == [*range(30), *range(25, 40)]
    np.testing.assert_allclose(values(log)["Loss/val"], VALIDATION[:30] + VALIDATION[25:], rtol=1e-6)
    assert "2 event files" in log.notes[0]


def test_the_order_is_of_time_and_not_of_names(tmp_path):
    first, second = sorted((TENSORBOARD / "resumed").iterdir())
    shutil.copy(first, tmp_path / "b.tfevents")
    shutil.copy(second, tmp_path / "a.tfevents")
    (log,) = read_logs(tmp_path)
    assert log.columns[0].positions.tolist() == [*range(30), *range(25, 40)]


def test_runs_in_one_folder_are_apart():
    assert [log.name for log in read_logs(TENSORBOARD)] == ["resumed", "together", "x"]


def test_train_and_validation_of_keras_are_one_run_and_say_what_keras_recorded():
    (log,) = read_logs(KERAS)
    assert (log.format, log.axis) == ("Keras TensorBoard", "epoch")
    lines = [line.split() for line in (KERAS / "history.txt").read_text().splitlines()]
    recorded = {name: [float(ast.literal_eval(number)) for number in numbers] for name, *numbers in lines}
    for name, numbers in recorded.items():
        tag = f"validation/epoch_{name[4:]}" if name.startswith("val_") else f"train/epoch_{name}"
        np.testing.assert_allclose(values(log)[tag], numbers, rtol=1e-6)
    assert not any("iterations" in column.name for column in log.columns)


def test_a_file_alone_is_known_by_its_content(tmp_path):
    shutil.copy(FILE, tmp_path / "log")
    (log,) = read_logs(tmp_path / "log")
    assert points(log)["lr"][:2] == [(0, float(np.float32(0.1))), (1, float(np.float32(0.1)))]


def test_a_run_called_train_without_others_beside_it_is_a_run(tmp_path):
    for name in ("a", "train"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        shutil.copy(FILE, tmp_path / "runs" / name / FILE.name)
    assert [log.name for log in read_logs(tmp_path / "runs")] == ["a", "train"]


@pytest.mark.parametrize("kept", [400, 2000, len(WHOLE) - 1])
def test_a_file_cut_while_it_grows_is_read_to_its_last_record(tmp_path, kept):
    (tmp_path / FILE.name).write_bytes(WHOLE[:kept])
    (log,) = read_logs(tmp_path)
    (whole,) = read_logs(FILE)
    for name, recorded in points(log).items():
        assert recorded == points(whole)[name][: len(recorded)]
    assert "cut short" in log.notes[0]


def test_damage_in_the_middle_costs_what_is_damaged_and_is_said(tmp_path):
    (tmp_path / FILE.name).write_bytes(WHOLE[:1500] + b"\xff" * 300 + WHOLE[1800:])
    (log,) = read_logs(tmp_path)
    (whole,) = read_logs(FILE)
    lost = sum(len(curve) for curve in values(whole).values()) - sum(len(curve) for curve in values(log).values())
    assert 1 <= lost <= 12
    assert all(set(points(log)[name]) <= set(points(whole)[name]) for name in values(log))
    assert any("is damaged" in note for note in log.notes)


def test_a_file_without_scalars_says_why(tmp_path):
    (tmp_path / FILE.name).write_bytes(WHOLE[:100])
    with pytest.raises(InvalidArgument, match="no scalars in them"):
        read_logs(tmp_path)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(MissingExtra, match=r"benign\[tensorboard\]"):
        read_logs(FILE)
