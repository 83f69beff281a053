"""A source or procedure declared by name: its settings against the signature of what makes it, and the making."""

from __future__ import annotations

import inspect
from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

from benign.experiments.declaration.annotations import admits, expected_by, is_path, table_type
from benign.experiments.declaration.catalogue import Kind, Maker, find_maker, known_names
from benign.experiments.declaration.plain import absolute
from benign.experiments.declaration.problems import InvalidDeclaration, Origin, Problem, at_key, nearest, refuse, within
from benign.foundation.errors import BenignError, InvalidArgument
from benign.foundation.wording import shown

Choice = dict[str, object]
"""``{"name": ..., setting: value, ...}``, JSON values only."""


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
        made = maker(**_with_tables_made(settings, maker))
    except InvalidDeclaration:
        raise
    except InvalidArgument as error:
        raise at_key(error, {key: (key,) for key in settings}) from error
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
            try:
                made[key] = _filled(table, known[key].default, value)
            except InvalidArgument as error:
                raise at_key(error, {inner: (key, inner) for inner in value}, (key,)) from error
    return made


def _filled(table: Any, default: Any, value: Mapping[str, object]) -> object:
    """The dataclass of a table; what the table leaves out is as the maker's own default has it."""
    return replace(default, **value) if isinstance(default, table) else table(**value)


def path_settings(maker: Maker) -> frozenset[str]:
    """The settings that are paths of files."""
    return frozenset(key for key, setting in _signature(maker).items() if is_path(setting.annotation))


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
    try:
        return inspect.signature(maker, eval_str=True).parameters
    except (NameError, TypeError, ValueError, AttributeError, SyntaxError):  # annotations that mean nothing at run time
        try:
            return inspect.signature(maker).parameters
        except (TypeError, ValueError):  # compiled, and without a signature
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
                problems += within(key, _setting_problems(value, table_of, ()))
            elif not admits(hint, value):
                problems.append(Problem((key,), f"must be {expected_by(hint)}, got {shown(value)}."))
        elif key != "name" and not takes_any:
            advice = f"write {key} above the first table in brackets. " if key in keys else ""
            problems.append(Problem((key,), f"there is no such setting; {advice}{nearest(key, sorted(known))}"))
    for key, setting in known.items():
        if setting.default is setting.empty and key not in table:
            problems.append(Problem((key,), f"is missing; it must be {expected_by(setting.annotation)}."))
    return problems
