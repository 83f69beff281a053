"""What goes wrong with disks, files, locks and servers: each gets a sentence, and nothing that was stored is lost."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import text

from benign.experiments.states import State
from benign.experiments.store import Store, engines
from benign.experiments.store.errors import StoreFull, StoreLocked, StoreUnusable
from tests.experiments.stores import located, planned, read_only, record, run_record
from tests.optional import needs


@pytest.fixture
def file(tmp_path):
    """A store with some blocks, closed."""
    path = tmp_path / "store.db"
    with Store.open(path) as store:
        units = planned(store, [f"{i}" for i in range(40)])
        record(store, driver := store.enter_driver(), {unit.id: bytes(5000) for unit in units})
        store.leave_driver(driver)
    return path


@contextmanager
def small_disk(folder, options):
    """A file system of its own in ``folder``, for those who may mount one."""
    mounting = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(mounting, check=False, capture_output=True, text=True)
    needs("mount", done.returncode == 0, f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _sentence(error, file):
    assert str(file) in str(error.value)
    assert re.fullmatch(r"The store .*[^.]\.", str(error.value))
    assert "\n" not in str(error.value)


# -------------------------------------------------------------------------------------------------------- what is there


def test_a_file_of_another_kind(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("Dear diary, " * 1000)
    with pytest.raises(StoreUnusable, match="is a file of another kind, no database") as error:
        Store.open(file)
    _sentence(error, file)
    assert file.read_text() == "Dear diary, " * 1000


def test_a_folder(tmp_path):
    with pytest.raises(StoreUnusable, match="is a folder; name a file in it") as error:
        Store.open(tmp_path)
    _sentence(error, tmp_path)


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusable, match="cannot be made") as error:
        Store.open(tmp_path / "file" / "store.db")
    _sentence(error, tmp_path)


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1])
def test_a_truncated_file(file, kept):
    os.truncate(file, int(file.stat().st_size * kept))
    with pytest.raises(StoreUnusable, match=r"is damaged .*; put back a copy of it, or move it away") as error:
        Store.open(file)
    _sentence(error, file)


def test_a_file_damaged_in_its_middle(file):
    content = bytearray(file.read_bytes())
    content[2 * 4096 :] = b"\x5a" * (len(content) - 2 * 4096)
    file.write_bytes(content)

    def read_everything():
        with Store.open(file) as store:
            list(store.blocks("first"))

    with pytest.raises(StoreUnusable, match="is damaged") as error:
        read_everything()
    _sentence(error, file)


def test_a_store_that_lacks_a_table(file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE benign_member")
    with (
        Store.open(file) as store,
        pytest.raises(StoreUnusable, match=r"is damaged \(no such table: benign_member\)") as error,
    ):
        store.runs()
    _sentence(error, file)


# ------------------------------------------------------------------------------------------------------------ read only


@pytest.mark.parametrize("name", ["new.db", "new/store.db", "store.db"], ids=["no file", "no folder", "file"])
def test_a_read_only_folder(tmp_path, file, name):
    def write():
        with Store.open(tmp_path / name) as store:
            store.add_run(run_record("second"), [], {})

    with read_only(tmp_path):
        with pytest.raises(StoreUnusable, match=r"cannot be (opened|made|written) \(.*\); .* BENIGN_STORE") as error:
            write()
        _sentence(error, tmp_path / name)
    with Store.open(file) as store:
        assert [summary.record.id for summary in store.runs()] == ["first"]


def test_a_connection_that_may_not_write(file):
    with Store.open(file) as store:
        with store._transactions.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")  # it stays with the pooled connection
        assert len(store.units_of_run("first")) == 40
        with pytest.raises(StoreUnusable, match=r"cannot be written \(attempt to write a readonly database\)") as error:
            store.enter_driver()
        _sentence(error, file)


# --------------------------------------------------------------------------------------------------------------- locked


@pytest.mark.parametrize("is_new", [True, False], ids=["to make it", "to write"])
def test_locked_for_longer_than_our_patience(tmp_path, is_new):
    file = tmp_path / "store.db"
    if not is_new:
        Store.open(file).close()

    def write():
        with Store.open(file, patience_seconds=0.3) as store:
            store.enter_driver()

    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        start = time.monotonic()
        with pytest.raises(StoreLocked, match="is locked by another program") as error:
            write()
        assert 0.25 < time.monotonic() - start < 5
        _sentence(error, file)
        other.execute("ROLLBACK")
    write()


def test_patience_is_spent_once_by_all_calls_together(tmp_path, monkeypatch):
    """Finalisers, heartbeats and a store opened again meet the same lock; each of them would wait for itself."""
    monkeypatch.setattr(engines, "_BUSY_SECONDS", 0.1)
    waited: list[float] = []
    file = tmp_path / "store.db"
    with Store.open(file, patience_seconds=0.8) as store, _locked(file) as unlock:
        monkeypatch.setattr(time, "sleep", waited.append)
        with pytest.raises(StoreLocked, match=r"is locked by another program .* start again"):
            store.enter_driver()
        assert waited
        waited.clear()
        with Store.open(file, patience_seconds=0.8) as again, pytest.raises(StoreLocked):
            again.release_abandoned()
        assert store.runs() == []  # readers wait for nobody, and do not renew what writers have spent
        with pytest.raises(StoreLocked):
            store.leave_driver("ada")
        assert waited == []
        unlock()
        driver = store.enter_driver()
    with Store.open(file, patience_seconds=0.8) as store, _locked(file), pytest.raises(StoreLocked):
        store.leave_driver(driver)
    assert waited  # a success has renewed it


def test_readers_wait_for_a_lock_too(tmp_path):
    """One of a file without a write-ahead log, as it is while it is made."""
    file = tmp_path / "store.db"
    Store.open(file).close()
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    with Store.open(file, patience_seconds=60) as store, _locked(file) as unlock:
        threading.Timer(1.0, unlock).start()  # longer than SQLite itself waits
        assert store.runs() == []


@contextmanager
def _locked(file):
    """A file that another connection keeps locked; yields what unlocks it."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")

        def unlock():
            if other.in_transaction:
                other.execute("ROLLBACK")

        yield unlock
        unlock()


@pytest.mark.parametrize("fate", ["deleted", "moved"])
def test_a_store_that_vanishes_while_it_is_open(tmp_path, file, fate):
    """SQLite writes on, into a file that has no name any more."""
    with Store.open(file) as store:
        driver = store.enter_driver()
        if fate == "deleted":
            shutil.rmtree(tmp_path)
        else:
            file.rename(tmp_path / "elsewhere.db")
        for write in (lambda: store.heartbeat(driver), store.enter_driver):
            with pytest.raises(StoreUnusable, match="was deleted, moved or replaced while it was open") as error:
                write()
            _sentence(error, file)


def test_a_writer_has_the_lock_from_its_beginning(tmp_path):
    """One that reads first and then writes would be refused at once, whatever the timeout, if another wrote between."""

    def read_then_write(connection):
        assert connection.scalar(text("SELECT count(*) FROM benign_driver")) == 0
        other = sqlite3.connect(tmp_path / "store.db", timeout=0, isolation_level=None)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="database is locked"):
            other.execute("BEGIN IMMEDIATE")
        connection.execute(text("INSERT INTO benign_driver VALUES ('name', 'host', 1, 0, 0)"))

    with Store.open(tmp_path / "store.db") as store:
        store._transactions.writing(read_then_write)


def test_locked_for_a_while(tmp_path):
    with Store.open(tmp_path / "store.db", patience_seconds=20) as store:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.3, lambda: other.execute("ROLLBACK")).start()
        assert store.enter_driver()
        other.close()


# ----------------------------------------------------------------------------------------------------------------- full


def test_a_full_store_waits_with_growing_pauses_and_then_says_so(tmp_path, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with Store.open(tmp_path / "store.db", patience_seconds=1) as store:
        (a, b, _), driver = (unit.id for unit in planned(store)), store.enter_driver()
        _limit_pages(store, 1)  # SQLite makes it as many as there are
        monkeypatch.setattr(time, "monotonic", lambda: sum(pauses))
        with pytest.raises(StoreFull, match=r"has no room left \(database or disk is full\); free some space") as error:
            record(store, driver, {a: bytes(100_000), b: bytes(100_000)})
        _sentence(error, tmp_path)
        assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.3])
        assert store.counts("first")[State.DONE] == 0
        assert list(store.blocks("first")) == []


def test_a_full_store_goes_on_once_there_is_room(tmp_path, monkeypatch):
    with Store.open(tmp_path / "store.db") as store:
        (a, *_), driver = (unit.id for unit in planned(store)), store.enter_driver()
        store.claim(driver, [a])
        _limit_pages(store, 1)
        monkeypatch.setattr(time, "sleep", lambda _: _limit_pages(store, 1_000_000))
        record(store, driver, {a: bytes(100_000)})
        assert [block.payload for block in store.blocks("first")] == [bytes(100_000)]


def _limit_pages(store, pages):
    with store._transactions.reading() as connection:  # it stays with the pooled connection
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk(tmp_path):
    with small_disk(tmp_path, "size=1m"), Store.open(tmp_path / "store.db", patience_seconds=0.5) as store:
        units, driver = planned(store, [f"{i}" for i in range(100)]), store.enter_driver()
        fill(tmp_path / "ballast")
        recorded = []
        with pytest.raises(StoreFull, match="has no room left") as error:  # noqa: PT012 (some may find room)
            for unit in units:
                record(store, driver, {unit.id: os.urandom(20_000)})
                recorded.append(unit.id)
        _sentence(error, tmp_path)
        (tmp_path / "ballast").unlink()
        assert [block.cell for block in store.blocks("first")] == [unit.cell for unit in units if unit.id in recorded]
        with store._transactions.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_a_full_disk_that_gets_room(tmp_path):
    with small_disk(tmp_path, "size=2m"), Store.open(tmp_path / "store.db", patience_seconds=30) as store:
        units, driver = planned(store, [f"{i}" for i in range(10)]), store.enter_driver()
        fill(tmp_path / "ballast")
        threading.Timer(0.5, (tmp_path / "ballast").unlink).start()
        for unit in units:
            record(store, driver, {unit.id: bytes(50_000)})
        assert len(list(store.blocks("first"))) == 10


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "old"])
def test_a_store_opened_on_a_full_disk(tmp_path, is_new):
    with small_disk(tmp_path, "size=1m"):
        if not is_new:
            Store.open(tmp_path / "store.db").close()
        fill(tmp_path / "ballast")
        with pytest.raises(StoreFull, match="has no room left") as error:
            Store.open(tmp_path / "store.db", patience_seconds=0.2)
        _sentence(error, tmp_path)


def fill(path):
    with path.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass


# -------------------------------------------------------------------------------------------------------------- servers


@pytest.fixture
def server(tmp_path):
    with located("postgresql", tmp_path) as location:
        yield location


def test_a_full_server_goes_on_once_there_is_room(server, monkeypatch):
    with Store.open(server) as store:
        (a, *_), driver = (unit.id for unit in planned(store)), store.enter_driver()
        _administer(store, _FULL, "CREATE TRIGGER full_disk BEFORE INSERT ON benign_block EXECUTE FUNCTION full_disk()")
        pauses = []

        def wait(seconds):
            pauses.append(seconds)
            if len(pauses) == 3:
                _administer(store, "DROP TRIGGER full_disk ON benign_block")

        monkeypatch.setattr(time, "sleep", wait)
        record(store, driver, {a: b"block"})
        assert pauses == [0.1, 0.2, 0.4]
        assert store.counts("first")[State.DONE] == 1


def test_a_server_that_stays_full_says_so(server):
    with Store.open(server, patience_seconds=0.2) as store:
        (a, *_), driver = (unit.id for unit in planned(store)), store.enter_driver()
        _administer(store, _FULL, "CREATE TRIGGER full_disk BEFORE INSERT ON benign_block EXECUTE FUNCTION full_disk()")
        with pytest.raises(StoreFull, match=r"has no room left \(could not extend file: No space left on device\)"):
            record(store, driver, {a: b"block"})
        assert store.counts("first")[State.DONE] == 0


_FULL = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""


def _administer(store, *statements):
    with store._transactions.reading() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_lost_connection_is_made_anew(server):
    with Store.open(server) as store:
        (a, *_), driver = (unit.id for unit in planned(store)), store.enter_driver()
        _end_connection(store, server)
        assert store.claim(driver, [a]) == [a]
        _end_connection(store, server)
        assert store.counts("first")[State.RUNNING] == 1


def test_a_connection_lost_in_the_midst_of_a_result(server, monkeypatch):
    """The ping before a transaction does not help here: the record is done again."""
    with Store.open(server) as store:
        (a, *_), driver = (unit.id for unit in planned(store)), store.enter_driver()
        _administer(store, _LOST, "CREATE TRIGGER lost BEFORE INSERT ON benign_block EXECUTE FUNCTION lost()")
        pauses = []

        def wait(seconds):
            pauses.append(seconds)
            _administer(store, "DROP TRIGGER lost ON benign_block")

        monkeypatch.setattr(time, "sleep", wait)
        record(store, driver, {a: b"block"})
        assert pauses == [0.1]
        assert len(list(store.blocks("first"))) == 1


_LOST = """
    CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NEW; END $$
"""


def _end_connection(store, server):
    """The one that the store keeps for its next transaction."""
    import psycopg

    with store._transactions.reading() as connection:
        number = connection.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(server) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (number,))


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda url: re.sub(r"/postgres\b", "/no_such_database", url), 'database "no_such_database" does not exist'),
        (lambda url: url.replace("benign@", "nobody@"), 'role "nobody" does not exist'),
    ],
    ids=["database", "user"],
)
def test_a_server_that_refuses_us_says_why(server, write, said):
    with pytest.raises(StoreUnusable, match=f"cannot be reached .*{said}.*check that the server runs") as error:
        Store.open(write(server), patience_seconds=1)
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------------------------------------------------------- space


def test_a_deleted_run_gives_its_space_back(file):
    before = file.stat().st_size
    with Store.open(file) as store:
        assert store.delete_run("first") == 40
        assert file.stat().st_size < before / 2


def test_a_deleted_run_makes_no_driver_wait(file):
    """The file is written anew only where nobody works; here its gaps are filled by what comes next."""
    before = file.stat().st_size
    with Store.open(file) as store:
        driver = store.enter_driver()
        assert store.delete_run("first") == 40
        units = planned(store, [f"{i}" for i in range(40)])
        record(store, driver, {unit.id: bytes(5000) for unit in units})
    assert before / 2 < file.stat().st_size < before * 1.1
