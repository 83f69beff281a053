"""A source or procedure declared by name: its settings against the signature of what makes it, and the making."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import os
import types
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePath
from typing import Annotated, Any, ForwardRef, Literal, Union, get_args, get_origin

from benign.experiments.declaration.catalogue import Kind, Maker, find_maker, known_names
from benign.experiments.declaration.plain import absolute
from benign.experiments.declaration.problems import Origin, Problem, refusals_at, refuse, within
from benign.foundation.errors import BenignError, among
from benign.foundation.signatures import signature_of
from benign.foundation.wording import shown

Choice = dict[str, object]
"""``{"name": ..., setting: value, ...}``, JSON values only."""
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
    if isinstance(kind, ForwardRef):
        kind = kind.__forward_arg__
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


def table_type(hint: object) -> type | None:
    """The dataclass that the annotation asks for, or None."""
    return next((option.table for option in options(hint) if option.table is not None), None)


def expected_by(hint: object) -> str:
    """What the annotation asks for, in words."""
    words = dict.fromkeys(option.words for option in options(hint) if option.words)
    return next((word for word in words if word in ("a path", "a table of settings")), " or ".join(words) or "a value")


def checked_choice(value: object, kind: Kind, *, keys: Container[str] = ()) -> Choice:
    """A source or procedure declared by name, its settings known and of the right type, its paths absolute.

    Args:
        value: plain values: a table, or a name alone for the default settings.
        kind: source or procedure.
        keys: those of the file above its tables, for the message about one that slipped into a table below.

    Raises:
        InvalidDeclaration: with one problem for each setting that cannot be used.
    """
    table = {"name": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        refuse(f"must be a table with the name of a {kind.word} and its settings, got {shown(value)}.")
    name = table.get("name")
    if not isinstance(name, str):
        what = "is missing" if "name" not in table else f"must be text, got {shown(name)}"
        refuse(f"{what}; say which {kind.word}. Known: {', '.join(known_names(kind))}.", "name")
    maker = find_maker(kind, name)
    problems = _setting_problems(table, maker, keys)
    if problems:
        raise Origin().error(problems)
    paths = path_settings(maker)
    return {key: absolute(entry) if key in paths and isinstance(entry, str) else entry for key, entry in table.items()}


def make(choice: Mapping[str, object], kind: Kind) -> object:
    """The source or procedure of a checked choice.

    Raises:
        InvalidDeclaration: if its maker refuses the settings.
        BenignError: if it cannot be made for another reason, for example a missing extra.
    """
    settings = {key: value for key, value in choice.items() if key != "name"}
    maker = find_maker(kind, str(choice["name"]))
    try:
        with refusals_at({key: (key,) for key in settings}):
            made = maker(**_with_tables_made(settings, maker))
    except BenignError:
        raise
    except Exception as error:  # a plug-in's maker, or a type of value that nobody thought of
        refuse(f"cannot be made with these settings ({type(error).__name__}: {error}).")
    if not isinstance(made, kind.protocol):
        refuse(f"{choice['name']!r} makes no {kind.word} but {shown(made)}; the plug-in is broken.", "name")
    return made


def _with_tables_made(settings: Mapping[str, object], maker: Maker) -> dict[str, object]:
    """The settings, tables within them made into the dataclass that the maker asks for."""
    known = settings_of(maker)
    made = dict(settings)
    for key, value in settings.items():
        table = table_type(known[key].annotation) if key in known else None
        if table is not None and isinstance(value, Mapping):
            with refusals_at({inner: (key, inner) for inner in value}, (key,)):
                made[key] = _filled(table, known[key].default, value)
    return made


def _filled(table: Any, default: Any, value: Mapping[str, object]) -> object:
    """The dataclass of a table; what the table leaves out is as the maker's own default has it."""
    return replace(default, **value) if isinstance(default, table) else table(**value)


def path_settings(maker: Maker) -> frozenset[str]:
    """The settings that are paths of files."""
    return frozenset(key for key, setting in _signature(maker).items() if _PATH in options(setting.annotation))


def settings_of(maker: Maker) -> dict[str, inspect.Parameter]:
    """What can be set by name, in the order of the signature."""
    return {
        key: setting
        for key, setting in _signature(maker).items()
        if key != "name"
        and setting.kind in (setting.KEYWORD_ONLY, setting.POSITIONAL_OR_KEYWORD)
        and setting.annotation is not None  # what a Python call may name to be told that there is no such thing
    }


def _signature(maker: Maker) -> Mapping[str, inspect.Parameter]:
    for signature in (partial(inspect.signature, eval_str=True), signature_of):
        with contextlib.suppress(NameError, TypeError, ValueError, AttributeError, SyntaxError):
            return signature(maker).parameters
    # Compiled, and without a signature.
    return {"settings": inspect.Parameter("settings", inspect.Parameter.VAR_KEYWORD)}


def _setting_problems(table: Mapping[str, object], maker: Maker, keys: Container[str]) -> list[Problem]:
    known = settings_of(maker)
    takes_any = any(setting.kind is setting.VAR_KEYWORD for setting in _signature(maker).values())
    problems: list[Problem] = []
    for key, value in table.items():
        if key in known:
            hint = known[key].annotation
            table_of = table_type(hint)
            if table_of is not None and isinstance(value, dict):
                problems += within((key,), _setting_problems(value, table_of, ()))
            elif not admits(hint, value):
                problems.append(Problem((key,), f"must be {expected_by(hint)}, got {shown(value)}."))
        elif key != "name" and not takes_any:
            advice = f"write {key} above the first table in brackets. " if key in keys else ""
            problems.append(Problem((key,), f"there is no such setting; {advice}{among(sorted(known), key)}"))
    for key, setting in known.items():
        if setting.default is setting.empty and key not in table:
            problems.append(Problem((key,), f"is missing; it must be {expected_by(setting.annotation)}."))
    return problems
