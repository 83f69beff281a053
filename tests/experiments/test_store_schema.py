"""The schema and its versions: migrations and tables agree; what is newer, or another's, is refused and left alone."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from benign.experiments.store import Store
from benign.experiments.store.errors import StoreTooNew, StoreUnusable
from benign.experiments.store.tables import HEAD, VERSION_TABLE, metadata
from benign.experiments.store.versions import MIGRATIONS, bring_to_head
from tests.experiments.stores import (
    KINDS,
    SHARED_KINDS,
    back_to_0001,
    child,
    heard,
    located,
    planned,
    read_only,
    record,
    told,
)

FORMAT1 = Path(__file__).parents[1] / "data" / "format1"


def _locations(kinds):
    @pytest.fixture(params=kinds, ids=lambda kind: kind.replace(" ", "-"))
    def location(request, tmp_path):
        with located(request.param, tmp_path) as where:
            yield where

    return location


location = _locations(KINDS)
shared_location = _locations(SHARED_KINDS)


def test_the_constant_names_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrations_lead_to_the_tables(location):
    with Store.open(location) as store:
        _migrated_from_0001(store)
        with store._transactions.reading() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
            assert compare_metadata(context, metadata) == []
            assert context.get_current_revision() == HEAD


def _migrated_from_0001(store):
    store._transactions.writing(back_to_0001)
    bring_to_head(store._transactions, store._location)


def test_migrations_lead_to_the_tables_with_their_conditions(tmp_path):
    """Alembic compares neither CHECK nor AUTOINCREMENT nor WITHOUT ROWID."""
    Store.open(tmp_path / "created.db").close()
    with Store.open(tmp_path / "migrated.db") as store:
        _migrated_from_0001(store)
    created = _statements(tmp_path / "created.db")
    assert _statements(tmp_path / "migrated.db") == created
    assert any("AUTOINCREMENT" in clause for clause in created["benign_unit"][-1])


def test_the_tables_are_those_that_alembic_made_in_the_first_versions(tmp_path):
    Store.open(tmp_path / "created.db").close()
    assert _statements(tmp_path / "created.db") == _statements(FORMAT1 / "store.db")


def _statements(file):
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        )
        return {name: _clauses(sql) for name, sql in rows}


def _clauses(sql):
    """In any order: a column that was added stands behind the conditions."""
    head, _, clauses = " ".join(sql.split()).partition("(")
    clauses, _, tail = clauses.rpartition(")")
    return head, tail, sorted(clause.strip() for clause in clauses.split(","))


def test_a_store_that_is_up_to_date_is_opened_without_alembic(tmp_path):
    Store.open(tmp_path / "store.db").close()
    code = (
        "import sys; from benign.experiments.store import Store; "
        f"Store.open({str(tmp_path / 'store.db')!r}).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_processes_that_open_a_new_store_at_once_all_succeed(shared_location):
    with ExitStack() as stack:
        children = [stack.enter_context(child("open", shared_location)) for _ in range(3)]
        told(*children)
        assert [heard(process) for process in children] == ["opened"] * 3
    with Store.open(shared_location) as store:
        assert len(planned(store)) == 3


def test_a_newer_store_is_refused_and_left_alone(shared_location):
    with Store.open(shared_location) as store:
        planned(store)
        _set_version(store, "9999")
    with pytest.raises(
        StoreTooNew, match=rf"written by a newer benign \(schema 9999, known up to {HEAD}\); upgrade with: pip"
    ):
        Store.open(shared_location)
    if not shared_location.startswith("postgresql"):
        with closing(sqlite3.connect(shared_location)) as connection:
            assert connection.execute("SELECT count(*) FROM benign_unit").fetchone() == (3,)


def _set_version(store, version):
    store._transactions.writing(
        lambda connection: connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'"))
    )


def _interrupted(*_, **__):
    raise KeyboardInterrupt


def test_a_setting_up_that_is_interrupted_leaves_nothing(tmp_path, monkeypatch):
    with monkeypatch.context() as during:
        during.setattr("benign.experiments.store.versions.insert", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            Store.open(tmp_path / "store.db")
    assert _statements(tmp_path / "store.db") == {}
    with Store.open(tmp_path / "store.db") as store:
        assert len(planned(store)) == 3


def test_a_migration_that_is_interrupted_leaves_the_store_as_it_was(tmp_path, monkeypatch):
    with Store.open(tmp_path / "store.db") as store:
        planned(store)
        store._transactions.writing(back_to_0001)
    before = _statements(tmp_path / "store.db")
    with monkeypatch.context() as during:
        during.setattr("benign.experiments.store.checksums.checksum", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            Store.open(tmp_path / "store.db")
    assert _statements(tmp_path / "store.db") == before
    with Store.open(tmp_path / "store.db") as store:
        assert len(store.units_of_run("first")) == 3


def test_a_store_of_the_last_version_is_opened_where_it_cannot_be_written(tmp_path, monkeypatch):
    """It has the tables of today: nothing is copied, and blocks of format 1 are read."""
    shutil.copy(FORMAT1 / "store.db", tmp_path / "store.db")
    monkeypatch.setattr("benign.experiments.store.database.require_memory", _interrupted)
    with read_only(tmp_path), Store.open(tmp_path / "store.db") as store:
        (key,) = {unit.part for unit in store.units_of_run(store.runs()[0].record.id)}
        assert store.parts([key])


def test_an_older_store_gets_the_checksums_that_a_new_one_has(location):
    """Its rows are those of today without what the migration adds."""
    with Store.open(location) as store:
        units = [unit.id for unit in planned(store, [f"{i}" for i in range(1_200)])]
        store.claim(driver := store.enter_driver(), units)
        record(store, driver, {unit: bytes([unit % 256]) * 10_000 for unit in units[:-1]})
        store.fail(driver, units[-1:], "Traceback, é", limit=1)
        made = _checked(store)
        store._transactions.writing(back_to_0001)
        bring_to_head(store._transactions, store._location)
        assert _checked(store) == made
        assert len(list(store.blocks("first"))) == 1_199
    assert all(checksum is not None for _, checksum, *_ in made)


def _checked(store):
    with store._transactions.reading() as connection:
        return [
            tuple(row)
            for sql in ("SELECT id, checksum, units FROM benign_run", "SELECT id, checksum, timed FROM benign_unit")
            for row in connection.execute(text(f"{sql} ORDER BY id"))
        ]


def test_the_database_of_another_application_is_left_alone(tmp_path):
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
    before = file.read_bytes()
    with pytest.raises(StoreUnusable, match=r"other\.db is the database of another application, and was left as it is"):
        Store.open(file)
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.db"]


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "store.db").touch()
    with Store.open(tmp_path / "store.db") as store:
        assert len(planned(store)) == 3


def test_a_file_is_set_up_for_several_drivers(tmp_path):
    with Store.open(tmp_path / "store.db", patience_seconds=7) as store, store._transactions.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 500}


def test_large_tables_are_never_searched_from_end_to_end(tmp_path):
    """For what is done once a job: the time must not grow with the number of jobs."""
    from benign.experiments.store import claiming, drivers, reading, tables

    statements = [
        claiming._PLANNED,
        claiming._CLAIM,
        claiming._NOT_DONE,
        claiming._RECORD,
        claiming._ATTEMPTS,
        claiming._RELEASE,
        drivers._PLANNED_AGAIN.where(tables.unit.c.driver == "x"),
        reading._UNITS.where(reading._OF_CELLS),
        reading._BLOCKS,
        reading._STATES,
    ]
    with Store.open(":memory:") as store, store._transactions.reading() as connection:
        for statement in statements:
            sql = str(statement.compile(dialect=connection.dialect))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ("[]",) * sql.count("?")).all()
            steps = [step for *_, step in plan]
            assert any("benign_unit" in step for step in steps), sql
            assert not any("SCAN benign_" in step for step in steps), (sql, steps)
