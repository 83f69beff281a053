"""The version of a store's schema: made new, left alone, brought up to date, or refused because it is newer."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select, text

from benign.experiments.store.engines import keep_log
from benign.experiments.store.errors import StoreTooNew, StoreUnusable
from benign.experiments.store.locations import Location
from benign.experiments.store.tables import HEAD, LIKE_HEAD, VERSION_TABLE, metadata
from benign.experiments.store.transactions import Transactions
from benign.foundation.progress import doing

MIGRATIONS = Path(__file__).parent / "migrations"

_COMPUTED = text(
    "SELECT m.name FROM sqlite_master m LEFT JOIN pragma_table_xinfo(m.name) x ON x.hidden > 1"
    " WHERE m.type NOT IN ('table', 'index') OR m.rootpage = 0 OR x.hidden > 1 LIMIT 1"
)

# Alembic's own table.
_version = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)

# Any number that other users of a PostgreSQL server are unlikely to choose; released with the transaction.
_ADVISORY_LOCK = 0x62656E69676E
# Alembic keeps the migration that is being run in global variables.
_one_migration = threading.Lock()


def take_turn(connection: Connection) -> None:
    """Wait until no other driver plans, deletes or migrates; until the transaction ends, others wait for us."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    # On SQLite, BEGIN IMMEDIATE has done it.


def bring_to_head(transactions: Transactions, location: Location) -> None:
    """Leave the store with the newest schema; looks at one row if it has that already.

    Raises:
        StoreTooNew: if a newer version of this package wrote it.
        StoreUnusable: if it is the database of another application, or whatever else the database raises.
    """
    with transactions.reading() as connection:
        is_foreign = _computes(connection)  # and would, if it were looked at
        found = None if is_foreign else _found(connection)
        is_foreign |= found is None and not location.is_server and bool(inspect(connection).get_table_names())
    if found == HEAD or (location.is_read_only and found in LIKE_HEAD):
        return
    if is_foreign:
        raise StoreUnusable(
            f"The store {location.printable} is the database of another application, and was left as it is; choose"
            " another store with BENIGN_STORE."
        )
    if found is None and location.file is not None:
        transactions.outside(keep_log)
    transactions.writing(lambda connection: _set_up(connection, location))


def is_older(transactions: Transactions) -> bool:
    """Whether it is a store with other tables than today's."""
    with transactions.reading() as connection:
        return not _computes(connection) and _found(connection) not in (None, *LIKE_HEAD)


def _computes(connection: Connection) -> bool:
    """Whether a SQLite file holds more than tables and indices: views, triggers and columns that are computed."""
    return connection.dialect.name == "sqlite" and connection.scalar(_COMPUTED) is not None


def _found(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = connection.scalar(select(_version.c.version_num))
    return None if version is None else str(version)  # of whatever type, in a damaged file


@doing("setting up the store")
def _set_up(connection: Connection, location: Location) -> None:
    take_turn(connection)
    found = _found(connection)
    if found is None:
        metadata.create_all(connection, checkfirst=False)
        _version.create(connection)
        connection.execute(insert(_version).values(version_num=HEAD))
    elif found != HEAD:  # unless another process was faster
        _migrate(connection, location, found)


def _migrate(connection: Connection, location: Location, found: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        raise StoreTooNew(
            f"The store {location.printable} was written by a newer benign (schema {found}, known up to {HEAD});"
            " upgrade with: pip install --upgrade benign"
        )
    with _one_migration:
        command.upgrade(config, "head")
