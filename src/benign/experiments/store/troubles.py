"""What a database's error means: the sentence that the user reads in its place."""

from __future__ import annotations

import enum
import shutil
import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from benign.experiments.store.errors import StoreFull, StoreLocked, StoreUnusable
from benign.experiments.store.locations import Location
from benign.foundation.errors import BenignError, InvalidArgument


class Trouble(enum.Enum):
    """What went wrong, and what to do about it; ``reason`` is the database's own word for it."""

    FULL = (
        "The store {store} has no room left ({reason}); free some space on its disk, then start again: what it holds is"
        " safe and is not measured twice."
    )
    LOCKED = (
        "The store {store} is locked by another program ({reason}); wait until that one is done, or end it, then start"
        " again: what it holds is safe and is not measured twice."
    )
    READ_ONLY = (
        "The store {store} cannot be written ({reason}); change the permissions of the file and its folder, or choose"
        " another store with BENIGN_STORE."
    )
    DAMAGED = (
        "The store {store} is damaged ({reason}); put back a copy of it, or move it away, so that a new one is made."
    )
    DISK = (
        "The disk of the store {store} refuses ({reason}); look at the disk, its quota and the limit on the size of"
        " files (ulimit -f), then start again: what it holds is not measured twice."
    )
    NO_DATABASE = (
        "The store {store} is a file of another kind, no database ({reason}); choose another store with BENIGN_STORE."
    )
    UNREADABLE = (
        "The store {store} cannot be opened ({reason}); check that its folder exists and may be written, or choose"
        " another store with BENIGN_STORE."
    )
    UNREACHABLE = (
        "The store {store} cannot be reached ({reason}); check that the server runs, and the address, user and"
        " password, then start again: what it holds is not measured twice."
    )
    CONFLICT = "The store {store} could not order this change among those of others ({reason}); try again."
    REFUSED = "The store {store} refused what was asked of it ({reason}); it may have been changed by another program."

    def sentence(self, location: Location, reason: str) -> BenignError:
        """The error to raise."""
        kind = {Trouble.FULL: StoreFull, Trouble.LOCKED: StoreLocked}.get(self, StoreUnusable)
        return kind(self.value.format(store=location.printable, reason=reason))

    def waiting(self, location: Location) -> str:
        """What is waited for, for whoever tells a user that waits."""
        why = {
            Trouble.FULL: "which has no room left",
            Trouble.LOCKED: "which is locked by another program",
            Trouble.UNREACHABLE: "which cannot be reached",
        }.get(self, "which others are changing")
        return f"waiting for the store {location.printable}, {why}"


def trouble_of(error: SQLAlchemyError, location: Location) -> Trouble:
    """Classify what SQLAlchemy raised."""
    if not isinstance(error, DBAPIError):
        return Trouble.LOCKED if isinstance(error, PoolTimeout) else Trouble.REFUSED
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig, location)
    return _of_postgresql(error)


def translated(error: SQLAlchemyError, location: Location) -> BenignError:
    """The sentence for what SQLAlchemy raised."""
    cause = getattr(error, "orig", None) or error
    # Only the first line: those of PostgreSQL go on with the statement and its values.
    reason = (str(cause).strip() or type(cause).__name__).splitlines()[0].rstrip(".")
    if isinstance(error, DataError):
        return InvalidArgument(f"The store {location.printable} cannot hold such a value ({reason}); change it.")
    return trouble_of(error, location).sentence(location, reason)


_SQLITE = {
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Trouble.LOCKED,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_PERM: Trouble.READ_ONLY,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_IOERR: Trouble.DISK,
    sqlite3.SQLITE_NOTADB: Trouble.NO_DATABASE,
    sqlite3.SQLITE_CANTOPEN: Trouble.UNREADABLE,
}


def _of_sqlite(error: sqlite3.Error, location: Location) -> Trouble:
    # An extended code holds the primary one in its low byte; errors of Python's own have none.
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _has_no_space(location):
        return Trouble.FULL  # SQLite cannot grow, or make, the small files beside its own
    if primary == sqlite3.SQLITE_ERROR and str(error).startswith(("no such table", "no such column")):
        return Trouble.DAMAGED
    return _SQLITE.get(primary, Trouble.REFUSED)


def _has_no_space(location: Location) -> bool:
    try:
        return location.file is not None and shutil.disk_usage(location.file.parent).free < 64 * 1024
    except OSError:
        return False


# By SQLSTATE, whole or its class (the first two characters).
_POSTGRESQL = {
    "08": Trouble.UNREACHABLE,
    "28": Trouble.UNREACHABLE,
    "3D": Trouble.UNREACHABLE,
    "57": Trouble.UNREACHABLE,
    "53300": Trouble.UNREACHABLE,
    "53": Trouble.FULL,
    "25006": Trouble.READ_ONLY,
    "42501": Trouble.READ_ONLY,
    "42P01": Trouble.DAMAGED,
    "42703": Trouble.DAMAGED,
    "58": Trouble.DAMAGED,
    "XX": Trouble.DAMAGED,
    "40": Trouble.CONFLICT,
    "55": Trouble.LOCKED,
}


def _of_postgresql(error: DBAPIError) -> Trouble:
    code = getattr(error.orig, "sqlstate", None)
    if code is None or error.connection_invalidated:
        return Trouble.UNREACHABLE  # psycopg: the server did not answer, so it gave no code
    return _POSTGRESQL.get(code, _POSTGRESQL.get(code[:2], Trouble.REFUSED))
