"""The names of sources and procedures: one table, and what installed plug-ins add to it.

A plug-in is an entry point in the group ``benign.sources`` or ``benign.procedures``: its name is what files say, its
object a callable whose keyword arguments are the settings. An argument annotated with a path type is a path: in a file
it may be relative to the file's folder.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from benign.experiments.declaration.problems import refuse
from benign.foundation.errors import among
from benign.foundation.wording import shown, told
from benign.procedures.protocol import Procedure
from benign.sources.protocol import Source

Maker = Callable[..., object]
Entry = Any
"""An ``importlib.metadata.EntryPoint``, or its twin of the backport where another library has loaded that."""

SOURCES = {
    "digits": "benign.sources:digits",
    "mnist": "benign.sources:mnist",
    "mnist1d": "benign.sources:mnist1d",
    "function": "benign.sources:function",
    "mml": "benign.sources:mml",
    "table": "benign.sources:table",
}
PROCEDURES = {
    "random_fourier": "benign.procedures:RandomFourier",
    "polynomial": "benign.procedures:Polynomial",
    "mlp": "benign.procedures:MLP",
    "one_hidden_layer": "benign.procedures:OneHiddenLayer",
}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What can be declared by name.

    Attributes:
        word: its key in an experiment.
        table: the names that come with the package, and where each lives.
        group: the entry-point group that adds to them.
        protocol: what a ready object must satisfy.
    """

    word: str
    table: Mapping[str, str]
    group: str
    protocol: type


SOURCE = Kind(word="source", table=SOURCES, group="benign.sources", protocol=Source)
PROCEDURE = Kind(word="procedure", table=PROCEDURES, group="benign.procedures", protocol=Procedure)


def known_names(kind: Kind) -> list[str]:
    """All names, those of plug-ins included; nothing is loaded."""
    return sorted({*kind.table, *_plug_ins(kind)})


def find_maker(kind: Kind, name: str) -> Maker:
    """The callable that makes the source or procedure of this name.

    Raises:
        InvalidDeclaration: if there is none, or the plug-in that has it cannot be loaded.
    """
    if name in kind.table:
        module, _, attribute = kind.table[name].partition(":")
        maker: Maker = getattr(importlib.import_module(module), attribute)
        return maker
    plug_ins = _plug_ins(kind)
    if name not in plug_ins:
        refuse(f"there is no {kind.word} {shown(name)}; {among(known_names(kind), name)}", "name")
    return _loaded(kind, plug_ins[name])


def plug_in_module(kind: Kind, name: str) -> str | None:
    """The module, and whose it is, that finding this name imports; None where it is ours or unknown."""
    entry = None if name in kind.table else _plug_ins(kind).get(name)
    return None if entry is None else f"{entry.module} of {_distribution(entry)}"


def _plug_ins(kind: Kind) -> dict[str, Entry]:
    return {entry.name: entry for entry in entry_points(group=kind.group)}


def _loaded(kind: Kind, entry: Entry) -> Maker:
    subject = f"{entry.name!r} is a plug-in of {_distribution(entry)} that"
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:  # whatever a plug-in does when it is imported
        refuse(f"{subject} cannot be loaded ({told(error)}); repair or uninstall it.", "name")
    if not callable(loaded):
        refuse(f"{subject} is no callable but {shown(loaded)}; it must make a {kind.word}.", "name")
    return loaded


def _distribution(entry: Entry) -> str:
    return "an unknown distribution" if entry.dist is None else f"the distribution {entry.dist.name!r}"
