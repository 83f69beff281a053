"""Write files whole or not at all: a reader never sees half a file, and a failed write leaves the old one.

What is ours is told by a mark in its content, and nothing else is ever removed or replaced unless the user names it.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from benign.foundation.errors import OutputFailed
from benign.foundation.progress import doing

MARK = "written by benign, which may overwrite it"
_MARKED_BYTES = 4096
_TEMPORARY = ".benign-"
_NOTE = "note"
_DAY_SECONDS = 86_400.0
_MOST_LINKS = 40
_DESCRIPTOR = re.compile(r"(?:/dev|/proc/(self|\d+))/fd/(\d{1,9})")


@doing("writing a file")
def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a temporary file, then put its content at ``path``.

    A regular file is replaced at once and keeps its mode and owner; its other names (hard links) keep the old content.
    A link stays, and what it leads to is written. Devices, FIFOs and descriptors (``/dev/stdout``) are written into.

    Raises:
        OutputFailed: if the folder or the file cannot be written.
    """
    target = _checked(path)
    try:
        descriptor = _descriptor(target)
        if descriptor is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            before = _before(target)
            if before is None or stat.S_ISREG(before.st_mode):
                _replace(write, Path(os.path.realpath(target)), before)
                return target
        _pour(write, target, descriptor)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error  # libraries say more than one reads
        raise OutputFailed(f"{target} cannot be written: {reason}; choose another place.") from error
    return target


def regular_bytes(path: Path, most: float = math.inf) -> bytes:
    """The content of a regular file: others, which anybody can put in its place, may never end.

    Raises:
        OSError: if it is something else, or has more than ``most`` bytes.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > most:
        raise OSError(f"{path} is no such file")
    return path.read_bytes()


def is_ours(path: Path) -> bool:
    """Whether it is a regular file, no link to one, with our mark near its beginning or its end."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with path.open("rb") as file:
            content = file.read(_MARKED_BYTES)
            file.seek(max(file.seek(0, os.SEEK_END) - _MARKED_BYTES, 0))
            return MARK.encode() in content + file.read()
    except OSError:
        return False


def check_ours(path: Path) -> None:
    """Refuse to write where somebody else's file lies.

    Raises:
        OutputFailed: naming it.
    """
    if os.path.lexists(path) and not is_ours(path):
        raise OutputFailed(
            f"{path} was not written by benign and stays as it is; move it away or choose another place."
        )


def _checked(path: str | os.PathLike[str]) -> Path:
    try:
        if b"\0" not in os.fsencode(path):
            return Path(path)
        reason = "it holds a NUL character"
    except UnicodeEncodeError as error:
        reason = f"{error.reason} at character {error.start}"
    raise OutputFailed(f"{os.fspath(path)!r} cannot be the name of a file: {reason}; choose another.")


def _descriptor(target: Path) -> int | None:
    """The open descriptor of this process that the path leads to.

    It is not to be opened anew: a file to which standard output was redirected would be written from its beginning.
    """
    place = target.absolute()
    for _ in range(_MOST_LINKS):
        found = _DESCRIPTOR.fullmatch(str(place))
        if found:
            return int(found[2]) if found[1] in (None, "self", str(os.getpid())) else None
        if not place.is_symlink():
            return None
        place = place.parent / place.readlink()
    return None


def _before(target: Path) -> os.stat_result | None:
    """What is there, or what a link there leads to."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError("it is a folder")
    return found


def _pour(write: Callable[[Path], object], target: Path, descriptor: int | None) -> None:
    """Write into what cannot be replaced: to a temporary file first, for writers seek and a FIFO cannot."""
    with tempfile.TemporaryDirectory(prefix="benign-") as folder:
        temporary = Path(folder) / target.name
        write(temporary)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, ValueError):  # there is none, or it is closed
                stream.flush()
        sink = os.open(target, os.O_WRONLY) if descriptor is None else os.dup(descriptor)
        with temporary.open("rb") as source, os.fdopen(sink, "wb") as into:
            shutil.copyfileobj(source, into)


def _replace(write: Callable[[Path], object], place: Path, before: os.stat_result | None) -> None:
    """Write beside the place and move there."""
    if before is not None and not os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError("it is read-only")
    _forget_killed(place.parent)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=_TEMPORARY) as folder:
        (Path(folder) / _NOTE).write_text(f"A file on its way, {MARK}\n", encoding="ascii")
        temporary = Path(folder) / place.name
        write(temporary)
        if before is not None:
            with contextlib.suppress(OSError):  # only root gives files away
                os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(before.st_mode & 0o777)
        temporary.replace(place)


@cache
def _forget_killed(folder: Path) -> None:
    """Remove what writers that were killed have left, a day later; once a process, for a folder may be large."""
    for left in folder.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if is_ours(left / _NOTE) and not left.is_symlink() and time.time() - left.stat().st_mtime > _DAY_SECONDS:
                shutil.rmtree(left)
