"""What an annotation says of a value from a file: whether its type fits, whether it is a path, and in words.

Which values of a fitting type can be used is for the annotated callable to say.
"""

from __future__ import annotations

import dataclasses
import os
import types
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Annotated, Literal, Union, get_args, get_origin

_ACCEPTED: dict[object, tuple[type, ...]] = {
    types.NoneType: (types.NoneType,),
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (str,),
    list: (list,),
    tuple: (list,),
    Sequence: (list,),
    Callable: (),
}
_WORDS: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    tuple: "a list",
    Sequence: "a list",
}


def admits(hint: object, value: object) -> bool:
    """Whether the type of a plain value fits; True where the annotation says nothing that is known here."""
    return any(_part_admits(part, value) for part in parts(hint))


def is_path(hint: object) -> bool:
    """Whether the annotation, which may be text that could not be evaluated, is of a file's path."""
    return "Path" in hint if isinstance(hint, str) else any(_is_path_type(part) for part in parts(hint))


def table_type(hint: object) -> type | None:
    """The dataclass that the annotation asks for, which a file gives as a table of its fields, or None."""
    return next((part for part in parts(hint) if isinstance(part, type) and dataclasses.is_dataclass(part)), None)


def expected_by(hint: object) -> str:
    """What the annotation asks for, in words."""
    if is_path(hint):
        return "a path"
    if table_type(hint) is not None:
        return "a table of settings"
    words: list[str] = []
    for part in parts(hint):
        if get_origin(part) is Literal:
            words.extend(repr(option) for option in get_args(part))
        elif _kind(part) in _WORDS:
            words.append(_WORDS[_kind(part)])
    return " or ".join(dict.fromkeys(words)) or "a value"


def _part_admits(part: object, value: object) -> bool:
    if get_origin(part) is Literal:
        return any(type(option) is type(value) for option in get_args(part))
    if _is_path_type(part):
        return isinstance(value, str)
    if table_type(part) is not None:
        return isinstance(value, dict)
    accepted = _ACCEPTED.get(_kind(part))
    return accepted is None or type(value) in accepted


def parts(hint: object) -> tuple[object, ...]:
    """The alternatives of a union; the annotation itself if it is none."""
    if get_origin(hint) is Annotated:
        return parts(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(part for alternative in get_args(hint) for part in parts(alternative))
    return (hint,)


def _kind(part: object) -> object:
    """The type without its parameters; None's type for None."""
    return types.NoneType if part is None else get_origin(part) or part


def _is_path_type(part: object) -> bool:
    kind = _kind(part)
    return isinstance(kind, type) and (kind is os.PathLike or issubclass(kind, PurePath))
