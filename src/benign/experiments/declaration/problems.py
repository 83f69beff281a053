"""What is wrong with a declaration, one line a problem: ``FILE: key.path: what is wrong, expected, nearest name``."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from benign.foundation.errors import InvalidArgument, among
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

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """Problems that come up in the block are said of this origin."""
        try:
            yield
        except InvalidDeclaration as error:
            raise self.error(error.problems) from error.__cause__

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


@contextlib.contextmanager
def refusals_at(places: Mapping[str, KeyPath], elsewhere: KeyPath = ()) -> Iterator[None]:
    """Errors about arguments become problems of the keys that the arguments came from.

    >>> with refusals_at({"ridge": ("procedure", "ridge")}):
    ...     raise InvalidArgument("`ridge` must be positive, got -1.", "ridge")
    Traceback (most recent call last):
    benign.experiments.declaration.problems.InvalidDeclaration: procedure.ridge: must be positive, got -1.
    """
    try:
        yield
    except InvalidDeclaration:
        raise
    except InvalidArgument as error:
        path = places.get(error.argument or "")
        text = str(error) if path is None else str(error).removeprefix(f"`{error.argument}` ")
        raise Origin().error([Problem(path or elsewhere, text)]) from error


def within(path: KeyPath, problems: Iterable[Problem]) -> list[Problem]:
    """The problems of a table as those of what it stands in."""
    return [Problem((*path, *problem.path), problem.text) for problem in problems]


def shown_path(path: KeyPath) -> str:
    """The keys as TOML writes them, quoted only where they must be; ``[2]`` is the third entry of a list.

    >>> shown_path(("procedure", "ridge")), shown_path(("samples", "[2]"))
    ('procedure.ridge', 'samples[2]')
    """
    keys = (key if re.fullmatch(_BARE_KEY, key) else shown(key) for key in path)
    return "".join(key if key.startswith("[") else f".{key}" for key in keys).removeprefix(".")


def translated(error: ValidationError, model: type[BaseModel]) -> InvalidDeclaration:
    """Pydantic's errors in our own words: each field's description says what it expects."""
    problems: list[Problem] = []
    for detail in error.errors(include_url=False):
        cause = detail.get("ctx", {}).get("error")
        keys = tuple(str(part) for part in detail["loc"] if isinstance(part, str))
        if isinstance(cause, InvalidDeclaration):
            problems += within(keys, cause.problems)
        else:
            problems.append(Problem(keys, _text(detail, keys, model)))
    return Origin().error(problems)


def _text(detail: ErrorDetails, keys: KeyPath, model: type[BaseModel]) -> str:
    fields = _fields_of(model)
    if detail["type"] == "extra_forbidden":
        return _no_such_key(keys[-1], fields)
    expected = (fields[keys[-1]].description if keys else None) or "a table"
    if detail["type"] == "missing":
        return f"is missing; it must be {expected}."
    given = detail["input"]
    if isinstance(given, str) and "://" in given:  # may hold a password
        return f"must be {expected}."
    return f"must be {expected}, got {shown(given)}."


def _no_such_key(key: str, fields: Mapping[str, FieldInfo]) -> str:
    for name, field in sorted(fields.items()):
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        tables = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if any(key in _fields_of(table) for table in tables):
            return f"there is no such key here; write it as {name}.{key}."
    return f"there is no such key; {among(sorted(fields), key)}"


def _fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """By key as it is written: ``start`` is written ``from``, which Python keeps for itself."""
    return {str(field.validation_alias or name): field for name, field in model.model_fields.items()}
