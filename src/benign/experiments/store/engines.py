"""SQLAlchemy engines, set up so that several drivers may work on one store."""

from __future__ import annotations

import math
import os
import sqlite3
import stat
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from benign.experiments.store.errors import StoreUnusable
from benign.experiments.store.locations import Location

# The execution option that says how a transaction on SQLite begins; an empty text: not at all.
BEGIN = "benign_begin"
# How long SQLite itself waits for a lock; Transactions try again, and know when enough is enough.
_BUSY_SECONDS = 0.5
# What ends a SQLite journal that names another file: https://www.sqlite.org/fileformat.html#the_rollback_journal
_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")


class _Compiled(dict[tuple[Any, ...], Any]):
    """SQL as SQLAlchemy compiled it, for all SQLite engines of this process: each store that is opened has its own.

    What SQLAlchemy looks it up by begins with the engine's dialect, and all of these are alike.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


_COMPILED = {"compiled_cache": _Compiled()}


def engine_of(location: Location, patience_seconds: float) -> Engine:
    """An engine; nothing is opened yet."""
    if location.is_server:
        # The ping notices a server that was restarted while we computed.
        waiting = {} if "connect_timeout" in location.url.query else {"connect_timeout": 5}
        return create_engine(location.url, pool_pre_ping=True, connect_args=waiting)
    if location.is_in_memory:
        threads = {"check_same_thread": False}
        engine = create_engine(location.url, poolclass=StaticPool, connect_args=threads, execution_options=_COMPILED)
    else:
        until = {"timeout": min(patience_seconds, _BUSY_SECONDS)}
        engine = create_engine(location.url, connect_args=until, execution_options=_COMPILED)
        event.listen(engine, "do_connect", lambda *_: _check_journal(location))
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _check_journal(location: Location) -> None:
    """Refuse what SQLite would obey at the first look: it deletes the file that a journal names, waits at a pipe.

    Raises:
        StoreUnusable: if the journal beside the store is none that a store of ours can have.
    """
    journal = f"{os.path.realpath(location.file or '')}-journal"
    try:
        is_ours = stat.S_ISREG(os.stat(journal).st_mode) and not _ends_with(journal, _NAMES_ANOTHER)  # noqa: PTH116
    except OSError:  # mostly there is none; SQLite says what else is wrong with it
        return
    if not is_ours:
        raise StoreUnusable(
            f"The store {location.printable} was left as it is: the file {journal} beside it is no journal of a store,"
            " and reading the two may harm other files; copy the store alone to another folder, and look at it there."
        )


def _ends_with(file: str, ending: bytes) -> bool:
    with open(file, "rb") as stream:  # noqa: PTH123
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - len(ending)))
        return stream.read(len(ending)) == ending


def _set_up_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # SQLAlchemy's recipe for SQLite: its driver begins no transaction, so that we can say which kind.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    # Whatever stands in a file, damaged or of a stranger, is read without harm, and is told from what we wrote.
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA trusted_schema = OFF")


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns into a writer is refused at once, whatever the timeout, if another wrote in between; a writer
    # that takes the lock at its beginning waits for its turn.
    begin = connection.get_execution_options().get(BEGIN, "BEGIN")
    if begin:
        connection.exec_driver_sql(begin)


def keep_log(connection: Connection) -> None:
    """Let a SQLite file keep a write-ahead log, so that readers and a writer do not wait for each other."""
    connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def forbid_writing(connection: Connection) -> None:
    """From now on, on this connection."""
    connection.exec_driver_sql("PRAGMA query_only = ON")


def bytes_in(connection: Connection) -> int:
    """How long a SQLite database is."""
    return math.prod(connection.exec_driver_sql(f"PRAGMA {of}").scalar_one() for of in ("page_count", "page_size"))


def copy_of(source: Connection, target: Connection) -> None:
    """Copy one SQLite database over another."""
    original, copy = source.connection.driver_connection, target.connection.driver_connection
    assert isinstance(original, sqlite3.Connection)
    assert isinstance(copy, sqlite3.Connection)
    try:
        original.backup(copy)
    except sqlite3.Error as error:
        raise OperationalError("backup", None, error) from error


def give_space_back(connection: Connection) -> None:
    """Shrink a SQLite file of which a quarter or more is empty; smaller gaps are filled by what is stored next.

    It is written anew, in time that goes with what is left in it. SQLite's own ``auto_vacuum`` would take half a minute
    for 100,000 blocks, and with the square of their number.
    """
    pages, free = (
        connection.exec_driver_sql(f"PRAGMA {count}").scalar_one() for count in ("page_count", "freelist_count")
    )
    if 4 * free >= pages:
        # What is deleted is deleted, even if there is no room to shrink in or another program is in the way.
        with suppress(DBAPIError):
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
