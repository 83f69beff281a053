"""What a declaration reaches for beyond computing, read off its plain tables: nothing of it is imported or opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benign.experiments.declaration.catalogue import PROCEDURE, SOURCE, Kind, find_maker, plug_in_module
from benign.experiments.declaration.plain import is_no_path
from benign.experiments.declaration.settings import path_settings
from benign.experiments.store.locations import located
from benign.foundation.errors import BenignError
from benign.foundation.wording import escaped

_LONGEST = 500


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Modules, addresses and files that a declaration names; what it gets wrong is said when it is checked.

    Attributes:
        modules: of plug-ins, which are imported.
        executor: what jobs run on, as declared.
        address: of a Ray cluster.
        store: where results are kept, a password hidden.
        files: that are read.
    """

    modules: tuple[str, ...]
    executor: str | None
    address: str | None
    store: str | None
    files: tuple[str, ...]

    def words(self, *, executor: str | None = None, store: str | None = None) -> list[str]:
        """What is about to be done that is not mere computing; empty if nothing is.

        Args:
            executor: in place of the declared one.
            store: likewise.
        """
        return [
            *(f"runs the module {module}" for module in self.modules),
            *(
                ["starts or joins Ray" if self.address is None else f"joins Ray at {self.address}"]
                if (executor or self.executor) == "ray"
                else []
            ),
            *(f"reads {file}" for file in self.files),
            *([f"keeps its results in {self.store}"] if self.store is not None and store is None else []),
        ]


def reach_of(declared: Mapping[str, object], folder: Path | None = None) -> Reach:
    """What the plain tables of a declaration name; files in ``folder``, its own, are not worth a word."""
    execution = declared.get("execution")
    settings = execution if isinstance(execution, Mapping) else {}
    modules, files = [], []
    for kind in (SOURCE, PROCEDURE):
        choice = declared.get(kind.word)
        table = choice if isinstance(choice, Mapping) else {"name": choice}
        name = table.get("name")
        if isinstance(name, str):
            modules.append(plug_in_module(kind, name))
            files += _files(kind, name, table)
    store = settings.get("store")
    return Reach(
        modules=tuple(_shown(module) for module in modules if module),
        executor=_text(settings.get("executor")),
        address=_text(settings.get("address")),
        store=_store(store, folder) if isinstance(store, str) else None,
        files=tuple(_shown(file) for file in files if not _is_within(file, folder)),
    )


def stored_reach(text: str) -> Reach:
    """As :func:`reach_of`, of a declaration as a store keeps it: it is resumed in that store, whatever it says."""
    try:
        declared = json.loads(text)
    except (ValueError, RecursionError):
        declared = None
    return replace(reach_of(declared if isinstance(declared, dict) else {}), store=None)


def _files(kind: Kind, name: str, table: Mapping[str, object]) -> list[str]:
    """Which settings of a plug-in are files, only the plug-in could say."""
    if name not in kind.table:
        return []
    return [str(table[key]) for key in sorted(path_settings(find_maker(kind, name))) if isinstance(table.get(key), str)]


def _is_within(path: str, folder: Path | None) -> bool:
    """Whether the file lies in the folder, wherever links lead."""
    try:
        return folder is not None and Path(path).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL character, a name too long
        return False


def _store(location: str, folder: Path | None) -> str | None:
    """The store as it may be printed, unless it is no file or address outside the folder."""
    if location == ":memory:" or (not is_no_path(location) and _is_within(location, folder)):
        return None
    try:
        return _shown(located(location).printable)
    except BenignError:  # it cannot be opened; why not, and not its password, is said when it is to be
        return None


def _text(value: object) -> str | None:
    return _shown(value) if isinstance(value, str) else None


def _shown(text: str) -> str:
    more = len(text) - _LONGEST
    return escaped(text if more <= 0 else f"{text[:_LONGEST]}... and {more:,} more characters")
