"""SQLite files of other tools, opened so that nothing of the user's is ever changed."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any
from urllib.parse import quote

from benign.foundation.errors import InvalidArgument
from benign.foundation.wording import reason, shown_path
from benign.histories.readers.protocol import File

_MAGIC = b"SQLite format 3\0"
_TRIES = 3
_WAL_HEADER = 32  # bytes, anew each time the log begins again


@contextmanager
def opened_database(file: File) -> Iterator[sqlite3.Connection]:
    """A connection that reads the file and locks, writes and creates nothing.

    What is written down beside it alone (``-wal``), as while a training runs, is read from a copy of both.

    Args:
        file: what was found.

    Yields:
        The connection, whose texts are read whatever their bytes are.

    Raises:
        InvalidArgument: if it cannot be read; also for whatever SQLite refuses while it is open.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = _with_its_log(file, Path(folder))
            uri = f"file:{quote(str(path.absolute()))}?mode=ro{'&immutable=1' if path == file.path else ''}"
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                connection.text_factory = lambda held: held.decode("utf-8", errors="replace")
                yield connection
    except (sqlite3.Error, OSError, OverflowError) as error:
        raise InvalidArgument(
            f"{shown_path(file.path)} is an SQLite database that cannot be read ({reason(error)}); if it is being "
            "written, try again.",
            "history",
        ) from error


def columns_of(file: File) -> dict[str, set[str]]:
    """The names of its tables' columns, by those of the tables; empty of what is no SQLite file that can be read."""
    if not file.head.startswith(_MAGIC):
        return {}
    try:
        with opened_database(file) as connection:
            rows: list[Any] = connection.execute(
                "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table'"
            ).fetchall()
    except InvalidArgument:
        return {}
    tables: dict[str, set[str]] = {}
    for table, column in rows:
        tables.setdefault(table, set()).add(column)
    return tables


def is_database(file: File) -> bool:
    """Whether it begins as an SQLite file does."""
    return file.head.startswith(_MAGIC)


def _with_its_log(file: File, folder: Path) -> Path:
    """The file itself; a copy of it and of its write-ahead log where that holds more."""
    copy = folder / "copy.db"
    if file.held is not None:
        copy.write_bytes(file.held)
        return copy
    log = file.path.with_name(f"{file.path.name}-wal")
    for _ in range(_TRIES):
        begins = _beginning(log)
        if not begins:
            return file.path
        copyfile(file.path, copy)
        copyfile(log, folder / "copy.db-wal")
        if _beginning(log) == begins:
            break
    return copy


def _beginning(log: Path) -> bytes:
    try:
        with log.open("rb") as opened:
            return opened.read(_WAL_HEADER)
    except OSError:
        return b""
