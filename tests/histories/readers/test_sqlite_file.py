import hashlib
import os
import sqlite3
from contextlib import closing

import pytest

from benign.foundation.errors import InvalidArgument
from benign.histories.readers.opening import read_logs
from tests.histories.readers.databases import MLFLOW, TRACKIO, restored
from tests.histories.readers.shown import values


def state(folder):
    return {
        path.name: (hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) for path in folder.iterdir()
    }


@pytest.mark.parametrize("dump", [MLFLOW, TRACKIO], ids=["mlflow", "trackio"])
def test_reading_changes_and_leaves_nothing(tmp_path, dump):
    path = restored(dump, tmp_path / "store.db")
    before = state(tmp_path)
    assert len(read_logs(path)) == 2
    assert state(tmp_path) == before


def test_what_a_writer_has_in_its_own_log_is_read_and_nothing_is_changed(tmp_path):
    path = tmp_path / "growing.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.executescript(f"BEGIN; {TRACKIO.read_text()} COMMIT;")
        before = state(tmp_path)
        assert {"growing.db-wal", "growing.db-shm"} <= before.keys()
        logs = read_logs(path)
        assert state(tmp_path) == before
    assert [len(values(log)["val/loss"]) for log in logs] == [40, 40]


def test_a_locked_database_is_read_without_what_was_not_committed(tmp_path):
    path = restored(MLFLOW, tmp_path / "locked.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("DELETE FROM metrics")
        logs = read_logs(path)
        writer.execute("ROLLBACK")
    assert [len(values(log)["train/loss"]) for log in logs] == [40, 40]


@pytest.mark.parametrize(
    ("statement", "words"),
    [("CREATE TABLE cats (name)", "its tables are 'cats'"), ("PRAGMA user_version = 3", "it has no tables")],
)
def test_a_database_of_another_kind_says_its_tables(tmp_path, statement, words):
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute(statement)
    with pytest.raises(InvalidArgument, match=words):
        read_logs(tmp_path / "other.db")


@pytest.mark.parametrize("damage", ["cut", "random"])
def test_a_damaged_database_gets_a_sentence(tmp_path, damage):
    path = restored(MLFLOW, tmp_path / "store.db")
    content = path.read_bytes()
    path.write_bytes(content[:20_000] if damage == "cut" else content[:16] + os.urandom(5000))
    with pytest.raises(InvalidArgument, match="SQLite database that cannot be read"):
        read_logs(path)


def test_a_name_that_is_part_of_an_address_is_a_name(tmp_path):
    path = restored(TRACKIO, tmp_path / "a?mode=rwc&x=%2e#b.db")
    assert len(read_logs(path)) == 2
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
