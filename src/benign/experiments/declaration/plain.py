"""Values of a declaration as JSON has them: text, numbers, booleans, lists and tables, whatever they came from."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from benign.experiments.declaration.problems import KeyPath, Origin, Problem
from benign.foundation.wording import shown

_DEEPEST = 8
MOST_KEYS = 1_000
TOO_MANY_KEYS = f"holds more than {MOST_KEYS:,} keys, which is no table of an experiment."
_LARGEST_INTEGER = 2**63
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*:")  # postgresql://..., sqlite:///...
_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(value: object) -> object:
    """A copy of the value in plain types; models are kept as they are.

    Raises:
        InvalidDeclaration: if it cannot be declared: one problem for each place, with its key path within the value.
    """
    problems: list[Problem] = []
    result = _plain(value, (), problems)
    if problems:
        raise Origin().error(problems)
    return result


def _plain(value: object, path: KeyPath, problems: list[Problem]) -> object:
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if len(path) > _DEEPEST:
        problems.append(Problem(path[:_DEEPEST], "holds tables or lists too deep in one another."))
    elif isinstance(value, Mapping) and len(value) > MOST_KEYS:
        problems.append(Problem(path, TOO_MANY_KEYS))
    elif isinstance(value, Mapping):
        return {str(key): _plain(entry, (*path, str(key)), problems) for key, entry in value.items()}
    elif isinstance(value, (list, tuple, range)):
        return [_plain(entry, (*path, f"[{i}]"), problems) for i, entry in enumerate(value)]
    elif fault := _fault(value):
        problems.append(Problem(path, fault))
    return value


def _fault(value: object) -> str | None:
    """What is wrong with a value that is no list or table."""
    if value is None or isinstance(value, (bool, BaseModel)):
        return None
    if isinstance(value, str):
        return f"must be text that a file can hold, got {shown(value)}." if _SURROGATE.search(value) else None
    if not isinstance(value, (int, float)):
        advice = (
            "" if isinstance(value, (date, time)) else "; give a ready source or procedure for what these cannot say"
        )
        return f"must be text, a number, true or false, a list or a table, got {shown(value)}{advice}."
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number, got {value}."
    if isinstance(value, int) and not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        return f"must fit into 64 bits, got {shown(value)}."
    return None


def is_no_path(store: str) -> bool:
    """Whether a store is no file's path but an address, or in memory."""
    return store == ":memory:" or _ADDRESS.match(store) is not None


def absolute(path: str, folder: str | os.PathLike[str] = ".") -> str:
    """The path, relative to ``folder`` unless it is absolute; ``~`` is the user's home."""
    try:
        given = Path(path).expanduser()
    except RuntimeError:  # the home of nobody
        given = Path(path)
    return str(Path(folder, given).absolute())
