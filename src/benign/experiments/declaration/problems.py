"""What is wrong with a declaration, one line a problem: ``FILE: key.path: what is wrong, expected, nearest name``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from benign.foundation.errors import InvalidArgument
from benign.foundation.wording import escaped, shortened, shown

KeyPath = tuple[str, ...]

_WIDTH = 60
_LONGEST_LINE = 600
_MOST_LINES = 5
_BARE_KEY = rf"[A-Za-z0-9_-]{{1,{_WIDTH}}}|\[\d+\]"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: the key where it is, outermost table first; empty for the declaration as a whole.
        text: the rest of the sentence, without the key.
    """

    path: KeyPath
    text: str


class InvalidDeclaration(InvalidArgument):
    """An experiment that cannot be declared so; the message has one line a problem."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a declaration came from, for messages.

    Attributes:
        file: its TOML file as the user named it, or None.
        overrides: the keys that were overridden, each with the override as the user wrote it.
    """

    file: str | None = None
    overrides: dict[KeyPath, str] | None = None

    def error(self, problems: Iterable[Problem]) -> InvalidDeclaration:
        """The error for these problems: at most five lines, then how many more."""
        found = tuple(dict.fromkeys(problems))
        lines = [self._line(problem) for problem in found[:_MOST_LINES]]
        if len(found) > _MOST_LINES:
            lines.append(f"... and {len(found) - _MOST_LINES} more.")
        return InvalidDeclaration("\n".join(lines), found)

    def _line(self, problem: Problem) -> str:
        parts = [self._place(problem.path), shown_path(problem.path), problem.text]
        line = escaped(": ".join(part for part in parts if part))
        return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 3]}..."

    def _place(self, path: KeyPath) -> str:
        """The override that is to blame, which set this key, a table around it or a key within it; or the file."""
        for key, override in reversed((self.overrides or {}).items()):
            if path and path[: len(key)] == key[: len(path)]:
                return f"override {shown(override)}"
        return "" if self.file is None else shortened(self.file)


def refuse(text: str, *path: str) -> NoReturn:
    """Raise the error for one problem.

    Raises:
        InvalidDeclaration: always.
    """
    raise Origin().error([Problem(path, text)])


def at_key(error: InvalidArgument, places: Mapping[str, KeyPath], elsewhere: KeyPath = ()) -> InvalidDeclaration:
    """The error about an argument as a problem of the key that the argument came from.

    >>> refused = InvalidArgument("`ridge` must be positive, got -1.", "ridge")
    >>> at_key(refused, {"ridge": ("procedure", "ridge")}).problems
    (Problem(path=('procedure', 'ridge'), text='must be positive, got -1.'),)
    """
    text = str(error).removeprefix(f"`{error.argument}` ")
    return Origin().error([Problem(places.get(error.argument or "", elsewhere), text)])


def within(key: str, problems: Iterable[Problem]) -> list[Problem]:
    """The problems of a table as those of the table around it."""
    return [Problem((key, *problem.path), problem.text) for problem in problems]


def shown_path(path: KeyPath) -> str:
    """The keys as TOML writes them, quoted only where they must be; ``[2]`` is the third entry of a list.

    >>> shown_path(("procedure", "ridge")), shown_path(("samples", "[2]"))
    ('procedure.ridge', 'samples[2]')
    """
    keys = (key if re.fullmatch(_BARE_KEY, key) else shown(key) for key in path)
    return "".join(key if key.startswith("[") else f".{key}" for key in keys).removeprefix(".")


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of a sentence about an unknown name: the nearest known one, and all of them."""
    near = difflib.get_close_matches(name[:200], known, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(known) or 'none'}."
