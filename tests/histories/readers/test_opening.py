import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benign.foundation.errors import BenignError, InvalidArgument, NotEnoughMemory, UnknownName
from benign.histories.readers import opening
from benign.histories.readers.known import READERS
from benign.histories.readers.opening import read_logs
from benign.histories.readers.protocol import File
from tests.histories.readers.shown import points, values

LOG = "epoch,loss,val_loss\n1,3,4\n2,2,3\n3,1,2\n"


def refusal(history):
    with pytest.raises(BenignError) as caught:
        read_logs(history)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 2000
    return sentence


def test_a_file_of_no_known_kind_says_what_was_looked_for_and_what_its_first_line_is(tmp_path):
    (tmp_path / "notes").write_text("to do\n\nbuy\x1b[31m milk\n")
    sentence = refusal(tmp_path / "notes")
    assert "its first line is 'to do'" in sentence
    assert all(reader.name in sentence for reader in READERS)


def test_a_table_without_numbers_says_its_columns(tmp_path):
    (tmp_path / "names.csv").write_text("epoch,comment\n1,good\n2,bad\n")
    assert "its columns: 'epoch' and 'comment'" in refusal(tmp_path / "names.csv")


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\x7fELF\0\1\2", b"\0" * 100, b"\xff" * 50])
def test_empty_and_binary_files_get_a_sentence(tmp_path, content):
    (tmp_path / "log").write_bytes(content)
    assert refusal(tmp_path / "log")


@pytest.mark.parametrize("path", ["/nowhere/at/all", "a\0b", "x" * 100_000, "/dev/zero", "", "\n\x1b[31m"])
def test_paths_that_hold_no_log_get_a_sentence(path):
    assert refusal(path)


def test_a_folder_of_no_permission_gets_a_sentence_and_the_others_are_read(tmp_path, monkeypatch):
    for name in ("closed", "open"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.csv").write_text(LOG)
    scan = os.scandir

    def closed(path):  # as for anybody but the superuser, who may run the tests
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert "Permission denied" in refusal(tmp_path / "closed")
    (log,) = read_logs(tmp_path)
    assert log.name == "open"
    assert "Permission denied" in log.notes[-1]


def test_a_file_that_cannot_be_read_within_a_folder_is_said_and_the_rest_is_read(tmp_path, monkeypatch):
    (tmp_path / "good.csv").write_text(LOG)
    (tmp_path / "odd.json").write_text('{"loss": [1, 2, 3, 4], "val')
    (log,) = read_logs(tmp_path)
    assert "odd.json" in log.notes[-1]


def test_a_pipe_is_read_to_its_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(LOG,))
    writer.start()
    (log,) = read_logs(pipe)
    writer.join()
    assert values(log)["loss"] == [3, 2, 1]


def test_a_pipe_within_a_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "log.csv").write_text(LOG)
    assert len(read_logs(tmp_path)) == 1


def test_standard_input():
    code = "from benign.histories.readers.opening import read_logs; print(read_logs('-')[0].columns[0].values.tolist())"
    done = subprocess.run([sys.executable, "-c", code], input=LOG, capture_output=True, text=True, check=True)
    assert done.stdout == "[3.0, 2.0, 1.0]\n"


def test_a_usual_log_needs_no_heavy_library(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    code = (
        "import sys; from benign.histories.readers.opening import read_logs\n"
        f"read_logs({str(tmp_path / 'log.csv')!r}); read_logs({{'val_loss': [3, 2, 1]}})\n"
        "print({'scipy', 'pandas', 'pyarrow', 'xarray', 'jax', 'sklearn', 'sqlalchemy', 'narwhals'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_thousand_runs_each_get_their_log(tmp_path):
    for run in range(1000):
        folder = tmp_path / f"run-{run:03}"
        folder.mkdir()
        (folder / "metrics.csv").write_text(LOG.replace("1,3,4", f"1,{run},4"))
        if run % 20 == 0:
            (folder / "hparams.yaml").write_text("lr: 0.1\nepochs: 100\n")
            (folder / "config.json").write_text('{"layers": [3, 2, 1, 1], "lr": 0.1, "loss": "mse"}')
    begun = time.process_time()
    logs = read_logs(tmp_path)
    assert [log.name for log in logs] == [f"run-{run:03}" for run in range(1000)]
    assert [values(log)["loss"][0] for log in logs] == list(range(1000))
    assert time.process_time() - begun < 20


def test_a_run_is_picked_by_its_name(tmp_path):
    for run in ("run-1", "run-2", "other"):
        (tmp_path / f"{run}.csv").write_text(LOG)
    assert [log.name for log in read_logs(tmp_path, pick="run-*")] == ["run-1.csv", "run-2.csv"]
    with pytest.raises(UnknownName, match=r"did you mean 'run-1\.csv'"):
        read_logs(tmp_path, pick="rum-1")


def test_two_runs_of_one_name_are_told_apart(monkeypatch):
    logs = read_logs({"loss": [1, 2]})
    monkeypatch.setattr(opening, "_read", lambda _: [replace(log, name="a") for log in logs * 2])
    named = read_logs({"loss": [1, 2]})
    assert [log.name for log in named] == ["a", "a (2)"]
    assert "called 'a' too" in named[1].notes[-1]


def test_links_that_lead_upwards_end(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log.csv").write_text(LOG)
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert len(read_logs(tmp_path)) == 1


def test_an_empty_folder_and_one_of_other_things_get_a_sentence(tmp_path):
    assert "holds nothing" in refusal(tmp_path)
    (tmp_path / "readme.md").write_text("# A model\n\nIt reaches an accuracy of 0.9.\n")
    assert "'readme.md'" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["\x1b[31mloss", "=HYPERLINK(1)", "l" * 10**6, "a\u202eb", "loss\x0c\u2028"])
def test_hostile_names_of_columns_stay_as_they_are_and_no_note_shows_them_raw(tmp_path, name):
    (tmp_path / "log.csv").write_text(f"epoch,{name},{name}\n1,3,x\n2,2,1\n3,1,1\n")
    (log,) = read_logs(tmp_path / "log.csv")
    assert [column.name for column in log.columns] == [name.strip()] * 2
    assert all(note.isprintable() and len(note) < 500 for note in log.notes)
    assert log.notes


def test_a_file_larger_than_memory_is_refused_with_its_length(tmp_path, monkeypatch):
    (tmp_path / "log.csv").write_text(LOG)
    monkeypatch.setattr(opening, "_BYTES_A_BYTE", 1e15)
    with pytest.raises(NotEnoughMemory, match=f"{len(LOG)} bytes"):
        read_logs(tmp_path / "log.csv")


def test_a_million_rows_take_seconds(tmp_path):
    numbers = np.random.Generator(np.random.Philox(1)).random(1000)
    block = "".join(f"{{}},{number:.6f},{1 - number:.6f}\n" for number in numbers)
    text = "step,loss,val_loss\n" + "".join(block.format(*range(k * 1000, k * 1000 + 1000)) for k in range(1000))
    (tmp_path / "log.csv").write_text(text)
    begun = time.process_time()
    (log,) = read_logs(tmp_path / "log.csv")
    assert time.process_time() - begun < 4
    assert len(log.columns[1].values) == 10**6
    np.testing.assert_allclose(log.columns[0].values[-1000:], numbers, atol=1e-6)
    assert log.columns[0].positions[-1] == 999_999


def test_no_reader_raises_at_a_file_it_does_not_know(tmp_path):
    for content in (b"", b"{", b"[", b"\xff\xfe", b"a,b", b"SQLite format 3\0", os.urandom(1000)):
        for reader in READERS:
            opened = File(path=tmp_path, head=content, size=len(content), held=content)
            assert 0 <= reader.matches(opened) <= 1, reader.name


def test_points_are_in_the_order_of_the_log(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss\n3,1\n2,2\n1,3\n")
    (log,) = read_logs(tmp_path / "log.csv")
    assert points(log) == {"loss": [(3, 1), (2, 2), (1, 3)]}


def test_invalid_arguments_name_the_history(tmp_path):
    with pytest.raises(InvalidArgument) as caught:
        read_logs(tmp_path / "nothing")
    assert caught.value.argument == "history"
