"""The one door: whatever a user hands in, as logs."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from benign.foundation.errors import BenignError, InvalidArgument, NotEnoughMemory, invalid, listed, unknown_name
from benign.foundation.memory import require_memory
from benign.foundation.wording import escaped, reason, shortened, shown, shown_path
from benign.histories.log import Log
from benign.histories.readers.delimited import layout_of
from benign.histories.readers.known import READERS
from benign.histories.readers.mapping import parsed
from benign.histories.readers.protocol import HEAD, File, Folder, Opened, Reader, Value
from benign.histories.readers.table import is_like_a_log

_WITHIN_FOLDERS = 0.2
"""Of the files in a folder, those that match to a lower degree are no logs: settings, data, notes."""
_DEEPEST = 6
_MOST_FILES = 50_000
_BYTES_A_BYTE = 4  # of memory, for each one of a file
_LITTLE = 1 << 26  # bytes; asking what is free takes milliseconds, which a thousand files would wait for
_FIRST_LINE = 200
_SHORTEST_CURVE = 3
_LONGEST_LINE = 1 << 23


def read_logs(history: object, *, pick: str | None = None) -> tuple[Log, ...]:
    """The runs in whatever holds them: a dict, a data frame, a fitted object, a file, a folder, standard input.

    Args:
        history: a dict of lists, a list of dicts, a data frame, an Arrow table, a Keras ``History``, a fitted estimator
            that kept its curve, the path of a file or a folder, or ``-`` for standard input.
        pick: the name of the run that is meant, where there are several; ``*`` stands for any letters.

    Returns:
        One log for each run, each with a name of its own where there are several.

    Raises:
        BenignError: if it holds no log; the sentence says what was looked for and what is there.

    >>> read_logs({"val_loss": [0.9, 0.7, 0.8]})[0].columns[0].values
    array([0.9, 0.7, 0.8])
    """
    try:
        logs = _distinctly_named(list(_read(_opened(history))))
    except MemoryError as error:
        if isinstance(error, BenignError):
            raise
        told = f"Reading the log takes more memory than there is ({reason(error)}); give every tenth row."
        raise NotEnoughMemory(told) from error
    if pick is None:
        return logs
    picked = tuple(log for log in logs if log.name == pick or fnmatchcase(log.name, pick))
    if not picked:
        raise unknown_name("run", pick, [log.name for log in logs], argument="pick")
    return picked


def _opened(history: object) -> Opened:
    if isinstance(history, str) and not history:
        raise invalid("history", "must be a path, and is empty.")
    if isinstance(history, Path) or (isinstance(history, str) and history != "-"):
        return _opened_path(Path(history))
    if isinstance(history, str):
        content = sys.stdin.buffer.read()
        return _file(Path("-"), content[:HEAD], len(content), content)
    return Value(value=history)


def _opened_path(path: Path) -> File | Folder:
    """The file or the folder; a pipe is read to its end, and of anything else that is no file nothing is read."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            return _folder(path)
        if stat.S_ISFIFO(kind):
            content = path.read_bytes()
            return _file(path, content[:HEAD], len(content), content)
        if not stat.S_ISREG(kind):
            raise invalid("history", f"must be a file or a folder, and {shown_path(path)} is a device or a socket.")
        with path.open("rb") as file:
            return _file(path, _head(file), path.stat().st_size)
    except BenignError:
        raise
    except FileNotFoundError:
        raise invalid("history", f"names no file or folder: {shown_path(path)} does not exist.") from None
    except (OSError, ValueError) as error:  # no permission, a loop of links, a name that is too long or holds a zero
        why = error.strerror or reason(error) if isinstance(error, OSError) else reason(error)
        raise invalid("history", f"cannot be read: {shown_path(path)} ({why}).") from error


def _file(path: Path, head: bytes, size: int, held: bytes | None = None) -> File:
    if not head.strip():
        raise invalid("history", f"is empty: {shown_path(path)} holds nothing yet.")
    if _BYTES_A_BYTE * size > _LITTLE:
        advice = "give every tenth row, or the columns that matter"
        require_memory(_BYTES_A_BYTE * size, purpose=f"Reading {shown_path(path)} ({size:,} bytes)", advice=advice)
    return File(path=path, head=head, size=size, held=held)


def _folder(path: Path) -> Folder:
    with os.scandir(path) as entries:
        kinds = sorted((entry.name, entry.is_dir()) for entry in entries)
    files = tuple(name for name, is_folder in kinds if not is_folder)
    return Folder(path=path, files=files, folders=tuple(name for name, is_folder in kinds if is_folder))


def _read(opened: Opened) -> Iterator[Log]:
    """The logs of the reader that matches best, or of what lies in a folder that none knows."""
    reader, degree = _best(opened)
    if isinstance(opened, File) and degree < 0.5 and (value := _json(opened)) is not None:
        better, higher = _best(value)
        if higher:
            yield from better.read(value)
            return
        if degree < 0.3:  # JSON that no reader knows: not lines that happen to name numbers
            degree = 0.0
    if degree:
        yield from reader.read(opened)
    elif isinstance(opened, Folder):
        yield from _read_inside(opened)
    else:
        raise _unknown(opened)


def _best(opened: Opened) -> tuple[Reader, float]:
    """The first of the readers that match to the highest degree, and that degree."""
    degrees = [reader.matches(opened) for reader in READERS]
    best = max(range(len(READERS)), key=degrees.__getitem__)
    return READERS[best], degrees[best]


def _json(file: File) -> Value | None:
    """What a file of one JSON document says; None where it is none.

    Raises:
        InvalidArgument: if it begins as one and ends in the middle.
    """
    start = file.beginning.lstrip()[:1]
    if file.binary or not start or start not in "{[":
        return None
    text = file.text()
    try:
        return Value(value=parsed(text), path=str(file.path))
    except ValueError as error:
        if text.rstrip()[-1] in "}]" or not file.beginning.lstrip("[{ \r\n\t").startswith(('"', "{", "[")):
            return None
        words = f"is JSON that cannot be read ({reason(error)}); if a training still writes it, try again"
        raise InvalidArgument(f"{shown_path(file.path)} {words}.", "history") from error


def _read_inside(folder: Folder) -> Iterator[Log]:
    """The logs of all files and folders inside, each called by where it lies; what failed is said in a note."""
    found: list[tuple[Path, list[Log]]] = []
    failed: list[str] = []
    budget = [_MOST_FILES]
    for opened in _inside(folder, failed, budget, _DEEPEST):
        try:
            found.append((opened.path, list(_read(opened))))
        except BenignError as error:
            failed.append(str(error))
    logs = _called([path for path, _ in found], [logs for _, logs in found], folder.path)
    if not logs:
        raise _nothing_inside(folder, failed)
    notes = (f"Not read: {shortened(failed[0], 300)}",) if failed else ()
    if len(failed) > 1:
        notes = (*notes, f"{len(failed) - 1:,} more files or folders were not read.")
    if budget[0] < 0:
        notes = (*notes, f"Only the first {_MOST_FILES:,} files were looked at.")
    for log in logs:
        yield replace(log, notes=(*log.notes, *notes))


def _inside(folder: Folder, failed: list[str], budget: list[int], depth: int) -> Iterator[File | Folder]:
    """What some reader knows for a log, in the order of names; hidden files and links to folders are passed over.

    Beside the log of a tool nothing is read from lines that were printed: they tell of the same run.
    """
    found: list[tuple[float, File | Folder]] = []
    below: list[Folder] = []
    for name in (*folder.files, *folder.folders):
        budget[0] -= 1
        path = folder.path / name
        if budget[0] < 0:
            break
        if name.startswith(".") or (path.is_symlink() and path.is_dir()) or not _worth_opening(path):
            continue
        try:
            opened = _opened_path(path)
            degree = max(_best(opened)[1], _of_json(opened))
        except BenignError as error:
            failed.append(str(error))
            continue
        if degree >= _WITHIN_FOLDERS:
            found.append((degree, opened))
        elif isinstance(opened, Folder):
            below.append(opened)
    of_tool = any(degree > 0.5 and isinstance(opened, File) for degree, opened in found)
    yield from (opened for degree, opened in found if degree > _WITHIN_FOLDERS or not of_tool)
    for inside in below if depth else ():
        yield from _inside(inside, failed, budget, depth - 1)


def _worth_opening(path: Path) -> bool:
    """Whether a path within a folder is a folder, or a file in which something stands; a pipe would wait for ever."""
    try:
        found = path.stat()
    except OSError:
        return True  # opening it says why
    return stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_size > 0)


def _of_json(opened: File | Folder) -> float:
    """To what degree a file of JSON says what a reader knows, dicts of numbers apart: settings are such."""
    if isinstance(opened, Folder) or (value := _json(opened)) is None:
        return 0.0
    degree = _best(value)[1]
    return degree if degree > 0.5 or _is_curve(value.value) else 0.0


def _is_curve(value: object) -> bool:
    """Whether it is, or holds, a list of numbers or of dicts that is long enough to be a curve."""
    if isinstance(value, dict):
        return any(_is_curve(inner) and (is_like_a_log(str(key)) or _of_rows(inner)) for key, inner in value.items())
    if not isinstance(value, list) or len(value) < _SHORTEST_CURVE:
        return False
    return all(isinstance(entry, (int, float, dict, type(None))) for entry in value)


def _of_rows(value: object) -> bool:
    """Whether it is a dict, or a list of dicts: names are within."""
    return isinstance(value, dict) or (isinstance(value, list) and isinstance(value[0], dict))


def _head(file: BinaryIO) -> bytes:
    """The beginning of a file, with all of a first line that is longer than the usual head."""
    head = file.read(HEAD)
    return head if b"\n" in head or b"\0" in head else head + file.read(_LONGEST_LINE)


def _called(paths: list[Path], logs: list[list[Log]], folder: Path) -> list[Log]:
    """The logs, named by the folder that each file lies in; by the file where the folder holds several."""
    parents = Counter(path.parent for path in paths)
    named = []
    for path, inside in zip(paths, logs, strict=True):
        alone = parents[path.parent] == 1 and path.parent != folder and path.is_file()
        place = (path.parent if alone else path).relative_to(folder).as_posix()
        named += [replace(log, name=f"{place}/{log.name}" if log.name else place) for log in inside]
    return named


def _distinctly_named(logs: list[Log]) -> tuple[Log, ...]:
    """The logs, a number behind the name of those of one name."""
    if len(logs) < 2:
        return tuple(logs)
    seen: dict[str, int] = {}
    named = []
    for log in logs:
        seen[log.name] = seen.get(log.name, 0) + 1
        if seen[log.name] == 1 and log.name:
            named.append(log)
            continue
        name = f"{log.name or 'run'} ({seen[log.name]})"
        notes = (*log.notes, f"Another run is called {shown(log.name)} too.") if log.name else log.notes
        named.append(replace(log, name=name, notes=notes))
    return tuple(named)


def _looked_for(kinds: Collection[str]) -> str:
    return f"looked for: {', '.join(kinds)}"


def _unknown(opened: File | Value) -> InvalidArgument:
    """What was looked for, and what is there."""
    if isinstance(opened, Value) and not opened.path:
        kinds = "a dict of lists, a data frame, a Keras History, a fitted estimator that kept its curve, or a path"
        return invalid("history", f"must be {kinds}; got {type(opened.value).__name__} {shown(opened.value)}.")
    where = shown_path(opened.path)
    looked = _looked_for([reader.name for reader in READERS])
    if isinstance(opened, Value):
        keys = f" with the keys {listed(map(str, opened.value))}" if isinstance(opened.value, dict) else ""
        return InvalidArgument(f"{where} is JSON{keys}, and no known kind of log ({looked}).", "history")
    if opened.binary:
        begins = f"it begins with the bytes {opened.head[:16]!r}"
    elif layout := layout_of(opened.beginning):
        begins = f"its first line has the columns {listed(layout.names)}"
    else:
        line = opened.beginning.strip().split("\n")[0]
        begins = f"its first line is '{shortened(escaped(line.strip()), _FIRST_LINE)}'"
    return InvalidArgument(f"{where} is no known kind of log: {begins}; {looked}.", "history")


def _nothing_inside(folder: Folder, failed: list[str]) -> InvalidArgument:
    if failed:
        more = f" ({len(failed) - 1:,} more files or folders could not be read)" if len(failed) > 1 else ""
        return InvalidArgument(f"{shortened(failed[0], 600)}{more}", "history")
    count = len(folder.files) + len(folder.folders)
    holds = f"{count:,} entries ({listed((*folder.files, *folder.folders))})" if count else "nothing"
    looked = _looked_for([reader.name for reader in READERS])
    return InvalidArgument(
        f"the folder {shown_path(folder.path)} holds {holds}, and no known kind of log: {looked}.", "history"
    )
