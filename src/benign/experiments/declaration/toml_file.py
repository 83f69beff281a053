"""A TOML file and overrides from the command line, as plain tables."""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benign.experiments.declaration.catalogue import PROCEDURE, SOURCE, find_maker
from benign.experiments.declaration.plain import absolute, is_no_path
from benign.experiments.declaration.problems import InvalidDeclaration, KeyPath, Origin, refuse
from benign.experiments.declaration.reach import Reach, reach_of
from benign.experiments.declaration.settings import path_settings
from benign.foundation.arguments import checked_path
from benign.foundation.wording import shown

Table = dict[str, object]

_LARGEST_BYTES = 1_000_000
# Keys with so many dots cost the parser memory that goes with their square; no table of an experiment is so deep.
_DEEP_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){20}""")


def declared_in(
    path: str | os.PathLike[str], overrides: Sequence[str], announce: Callable[[Reach], object] | None = None
) -> tuple[Table, Origin]:
    """The tables of a file with overrides put in, the file's paths made absolute; and where each came from.

    Args:
        path: the file.
        overrides: ``KEY=VALUE``.
        announce: told what the file reaches for before a plug-in is imported.

    Raises:
        InvalidDeclaration: if the file is no TOML file that can be read, or an override cannot be put in.
    """
    file = path if type(path) is str else str(checked_path("path", path))
    with Origin(file=file).blamed():
        data = _parsed(_text_of(file))
    changed: dict[KeyPath, str] = {}
    for override in overrides:
        with Origin(file=f"override {shown(override)}").blamed():
            changed[_put_in(data, override)] = override
    _drop_the_other_replicates(data, changed)
    folder = Path(file).absolute().parent
    _make_absolute([("execution", "store"), *_paths_of_choices(data, of_plug_ins=False)], data, folder, changed)
    if announce is not None:
        announce(reach_of(data, folder))
    _make_absolute(_paths_of_choices(data, of_plug_ins=True), data, folder, changed)
    return data, Origin(file=file, overrides=changed)


def _text_of(file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        refuse("there is no such file.")
    except (OSError, ValueError) as error:  # a folder, no permission, a NUL character
        refuse(f"cannot be read ({getattr(error, 'strerror', None) or error}); it must be an experiment's TOML file.")
    if len(content) > _LARGEST_BYTES:
        refuse("is larger than a megabyte, too large for an experiment's TOML file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refuse(f"is no text in UTF-8 (byte {error.start}), so no experiment's TOML file.")


def _parsed(text: str) -> Table:
    too_deep = "holds tables or lists too deep in one another."
    if _DEEP_KEY.search(text):
        refuse(too_deep)
    try:
        return tomllib.loads(text)
    except RecursionError:
        refuse(too_deep)
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        refuse(f"is no TOML: {error}.")


def _put_in(data: Table, override: str) -> KeyPath:
    """Put one ``key=value`` into the tables; returns its key."""
    key, equals, value = override.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        refuse("must be KEY=VALUE, for example seed=1 or source.label_noise=0.2.")
    table = data
    for part in path[:-1]:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            refuse(f"{part} is no table but {shown(inner)}; override it as a whole.")
        table = inner
    table[path[-1]] = _value(value.strip())
    return path


def _value(text: str) -> object:
    """A value as TOML writes it, or a bare word."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:
        if text[:1] in ("[", "{", '"', "'"):
            refuse(f"has a value that is no TOML: {error}.")
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _drop_the_other_replicates(data: Table, overridden: Mapping[KeyPath, str]) -> None:
    """Who asks for crossed replicates on the command line does not want the file's paired ones, and conversely."""
    heads = {path[0] for path in overridden}
    for asked, other in (("crossed", "replicates"), ("replicates", "crossed")):
        if asked in heads and other not in heads:
            data.pop(other, None)


def _make_absolute(paths: Sequence[KeyPath], data: Table, folder: Path, overridden: Mapping[KeyPath, str]) -> None:
    """The file's own paths are relative to its folder; what was overridden is relative to where one types."""
    for path in paths:
        table = data.get(path[0])
        value = table.get(path[1]) if isinstance(table, dict) else None
        is_from_file = path not in overridden and path[:1] not in overridden
        if isinstance(table, dict) and isinstance(value, str) and value and is_from_file:
            table[path[1]] = value if path[0] == "execution" and is_no_path(value) else absolute(value, folder)


def _paths_of_choices(data: Table, *, of_plug_ins: bool) -> list[KeyPath]:
    paths: list[KeyPath] = []
    for kind in (SOURCE, PROCEDURE):
        table = data.get(kind.word)
        name = table.get("name") if isinstance(table, dict) else None
        if isinstance(name, str) and (name not in kind.table) is of_plug_ins:
            with contextlib.suppress(InvalidDeclaration):  # said when the experiment is validated
                paths += [(kind.word, key) for key in sorted(path_settings(find_maker(kind, name)))]
    return paths
