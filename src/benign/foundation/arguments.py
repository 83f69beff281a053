"""Settings as users give them: one of several names, yes or no, a text, a path."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import numpy as np

from benign.foundation.errors import attempted, invalid, unknown_name
from benign.foundation.wording import shown, shown_path, told


def checked_name(kind: str, name: object, known: Collection[str], *, argument: str | None = None) -> str:
    """``name``, if it is among the known ones.

    Raises:
        UnknownName: if it is not, with the nearest; ``kind`` says what it is a name of, and its argument unless said.
    """
    if not (issubclass(type(name), str) and name in known):
        raise unknown_name(kind, name, known, argument=argument)
    return str(name)


def checked_flag(argument: str, value: object) -> bool:
    """``value``, if it is True or False.

    Raises:
        InvalidArgument: if it is neither.
    """
    if not issubclass(type(value), (bool, np.bool_)):
        raise invalid(argument, f"must be True or False, got {shown(value)}.")
    return bool(value)


def checked_text(argument: str, value: object) -> str:
    """``value``, if it is text that a file, a store and a terminal can hold.

    Raises:
        InvalidArgument: if it is none, or holds NUL or half a surrogate pair.
    """
    if type(value) not in (str, np.str_):
        raise invalid(argument, f"must be a text, got {shown(value)}.")
    if not is_writable(str(value)):
        raise invalid(argument, f"must be text that a file can hold, got {shown(value)}; rename it.")
    return str(value)


def is_writable(text: str) -> bool:
    """Whether a text can be written as UTF-8 wherever it goes: no NUL, no half of a surrogate pair."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


def checked_path(argument: str, path: object) -> Path:
    """The path of a file, as text, as bytes or as what :func:`os.fspath` takes.

    Raises:
        InvalidArgument: if it is none, or holds a NUL character.
    """
    file = attempted(
        lambda: Path(os.fsdecode(path)),  # type: ignore[arg-type]
        lambda error: invalid(argument, f"must be the path of a file, got {shown(path)} ({told(error)})."),
    )
    if "\0" in str(file):
        raise invalid(argument, f"{shown(str(file))} holds a NUL character; no file has such a name.")
    return file


def checked_file(argument: str, path: object) -> Path:
    """The path of a regular file: what is read from a device or a pipe may never end.

    Raises:
        InvalidArgument: if there is none.
    """
    file = checked_path(argument, path)
    where = shown_path(file)
    try:
        is_there = file.exists()
    except OSError:  # a name too long
        is_there = False
    if not is_there:
        raise invalid(argument, f"{where} does not exist; check its name and folder.")
    if not file.is_file():
        raise invalid(argument, f"{where} is no regular file, but a folder, a device or a pipe; give a file.")
    return file
