"""Where a store is: a file, this process's memory, or a PostgreSQL server."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from platformdirs import user_data_path
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.extras import require

VARIABLE = "BENIGN_STORE"
_IN_MEMORY = {":memory:", "sqlite://", "sqlite:///:memory:"}
_SERVERS = ("postgresql://", "postgresql+psycopg://", "postgres://")
_SECRETS = {"password", "sslpassword"}
_FORMS = "write the path of a file, ':memory:', or postgresql://user:password@host/database"


@dataclass(frozen=True, kw_only=True)
class Location:
    """A store's address.

    Attributes:
        url: what SQLAlchemy opens.
        printable: what users read; no password is in it.
        file: the SQLite file, if it is one.
        is_read_only: whether it is there and nobody here may write it, or what SQLite would make beside it.
        unseen: the log of a driver beside it that cannot be read along with it.
    """

    url: URL
    printable: str
    file: Path | None = None
    is_read_only: bool = False
    unseen: Path | None = None

    @property
    def is_server(self) -> bool:
        return self.url.get_backend_name() == "postgresql"

    @property
    def is_in_memory(self) -> bool:
        return self.file is None and not self.is_server


def default_location() -> str:
    """What ``BENIGN_STORE`` says; without it, ``benign/store.db`` in the platform's folder for a user's data."""
    if given := os.environ.get(VARIABLE):
        return given
    try:
        return str(user_data_path("benign", appauthor=False) / "store.db")
    except RuntimeError as error:
        raise InvalidArgument(
            f"Nothing says where your home folder is; name a file for results: {VARIABLE}=FILE."
        ) from error


def located(location: str | Path | None) -> Location:
    """Read a location as users write it.

    Raises:
        InvalidArgument: if it is no path and no address that a store can have.
        MissingExtra: if it is a PostgreSQL server's, and psycopg is not installed.
    """
    if location is None:
        location = default_location()
    if not isinstance(location, (str, Path)):
        raise invalid("store", f"must be a path or an address, got {type(location).__name__}; {_FORMS}.")
    if isinstance(location, Path):
        return _file(location)
    if location in _IN_MEMORY:
        return Location(url=URL.create("sqlite"), printable=":memory:")
    if location.startswith(_SERVERS):
        return _server(location)
    path = location.removeprefix("sqlite:///")
    if not path.strip() or re.match(r"[A-Za-z][\w+.-]*://", path):
        # Only the scheme is repeated: the rest may hold a password.
        scheme = path.partition("://")[0]
        raise invalid("store", f"cannot be {scheme + '://...' if '://' in path else repr(location)}; {_FORMS}.")
    return _file(Path(path))


def _file(path: Path) -> Location:
    if "\0" in str(path):
        raise invalid("store", f"cannot be {str(path)!r}, which holds a NUL character; {_FORMS}.")
    try:
        file = path.expanduser().absolute()
        os.fsencode(file)
    except (RuntimeError, UnicodeError) as error:  # no such home; a lone surrogate
        raise invalid("store", f"cannot be {str(path)!r} ({error}); {_FORMS}.") from error
    if file.is_file() and not all(os.access(place, os.W_OK) for place in (file, file.resolve().parent)):
        return _looked_at(file)
    return Location(url=URL.create("sqlite", database=str(file)), printable=str(file), file=file)


def _looked_at(file: Path) -> Location:
    """A file to be read alone. SQLite reads a driver's log along with it only if it can share the log's index."""
    log, index = (file.with_name(f"{file.name}{suffix}") for suffix in ("-wal", "-shm"))
    has_log = log.is_file() and log.stat().st_size > 0
    is_alone = not (has_log and os.access(index, os.R_OK))
    query = {"mode": "ro", "uri": "true", **({"immutable": "1"} if is_alone else {})}
    return Location(
        url=URL.create("sqlite", database=f"file:{quote(str(file))}", query=query),
        printable=str(file),
        file=file,
        is_read_only=True,
        unseen=log if has_log and is_alone else None,
    )


def _server(address: str) -> Location:
    try:
        url = make_url(address).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        # Without its cause, which repeats the password.
        raise invalid("store", f"holds no address of a PostgreSQL server that can be read; {_FORMS}.") from None
    require("psycopg", extra="postgres", purpose="A store on PostgreSQL")
    shown = url.set(drivername="postgresql", query={k: "***" if k in _SECRETS else v for k, v in url.query.items()})
    return Location(url=url, printable=shown.render_as_string(hide_password=True))
