"""What an annotation says of a value from a file: in words, as JSON Schema, and which types of plain values fit.

Which values of a fitting type can be used is for the annotated callable to say.
"""

from __future__ import annotations

import dataclasses
import os
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Annotated, Literal, Union, get_args, get_origin

Schema = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One kind of value that an annotation allows.

    Attributes:
        words: what it is called; empty for what nobody needs to be told of.
        types: of plain values that may be of this kind; None where any may.
        schema: the same as JSON Schema; empty where that has no word for it.
        table: the dataclass that a file gives as a table of its fields.
    """

    words: str = ""
    types: tuple[type, ...] | None = None
    schema: Schema = field(default_factory=dict)
    table: type | None = None


_LIST = Option(words="a list", types=(list,), schema={"type": "array"})
_PATH = Option(words="a path", types=(str,))
_OPTIONS: dict[object, Option] = {
    types.NoneType: Option(types=(types.NoneType,)),
    bool: Option(words="true or false", types=(bool,), schema={"type": "boolean"}),
    int: Option(words="a whole number", types=(int,), schema={"type": "integer"}),
    float: Option(words="a number", types=(int, float), schema={"type": "number"}),
    str: Option(words="text", types=(str,), schema={"type": "string"}),
    list: _LIST,
    tuple: _LIST,
    Sequence: _LIST,
    Callable: Option(types=()),
}


def options(hint: object) -> tuple[Option, ...]:
    """The kinds of values that an annotation allows, those of a union one by one; of an unknown one, any value."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return options(inner[0])
    if kind in (Union, types.UnionType):
        return tuple(option for part in inner for option in options(part))
    if kind is Literal:
        words = " or ".join(map(repr, inner))
        return (Option(words=words, types=tuple(map(type, inner)), schema={"enum": list(inner)}),)
    return (_option(types.NoneType if hint is None else kind or hint),)


def _option(kind: object) -> Option:
    if isinstance(kind, str):  # text that could not be evaluated
        return _PATH if "Path" in kind else Option()
    if isinstance(kind, type) and (kind is os.PathLike or issubclass(kind, PurePath)):
        return _PATH
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return Option(words="a table of settings", types=(dict,), table=kind)
    return _OPTIONS.get(kind, Option())


def admits(hint: object, value: object) -> bool:
    """Whether the type of a plain value fits."""
    return any(option.types is None or type(value) in option.types for option in options(hint))


def is_path(hint: object) -> bool:
    """Whether the annotation is of a file's path."""
    return _PATH in options(hint)


def table_type(hint: object) -> type | None:
    """The dataclass that the annotation asks for, or None."""
    return next((option.table for option in options(hint) if option.table is not None), None)


def expected_by(hint: object) -> str:
    """What the annotation asks for, in words."""
    words = dict.fromkeys(option.words for option in options(hint) if option.words)
    return next((word for word in words if word in ("a path", "a table of settings")), " or ".join(words) or "a value")
