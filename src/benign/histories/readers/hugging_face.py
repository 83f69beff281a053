"""The ``trainer_state.json`` of Hugging Face's Trainer, also within the folder of a run or of a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benign.foundation.errors import InvalidArgument
from benign.foundation.wording import reason, shown_path
from benign.histories.log import Log
from benign.histories.readers.mapping import parsed, table_of_rows
from benign.histories.readers.protocol import Folder, Opened, Value, decoded
from benign.histories.readers.table import Table, log_of
from benign.histories.role import Role

_FILE = "trainer_state.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_ROLES = {"loss": Role(samples="train", quantity="loss")}


@dataclass(frozen=True, kw_only=True)
class TrainerState:
    """``log_history``: train and evaluation in separate entries, the last one a summary."""

    name: str = "Hugging Face trainer_state.json"

    def matches(self, opened: Opened) -> float:
        if isinstance(opened, Value):
            return 0.9 if _history(opened.value) is not None else 0.0
        return 0.9 if isinstance(opened, Folder) and _states(opened) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        if isinstance(opened, Value):
            yield _log(opened.value, opened.path, ())
            return
        assert isinstance(opened, Folder)
        path, *others = _states(opened)
        notes = (f"Earlier checkpoints hold the beginning of the same log: {len(others):,}.",) if others else ()
        yield _log(_content(path), str(path), notes)


def _states(folder: Folder) -> list[Path]:
    """The files of the folder itself and of its checkpoints, the latest first."""
    if _FILE in folder.files:
        return [folder.path / _FILE]
    steps = {name: int(match[1]) for name in folder.folders if (match := _CHECKPOINT.fullmatch(name))}
    latest_first = sorted(steps, key=steps.__getitem__, reverse=True)
    return [path for name in latest_first if (path := folder.path / name / _FILE).is_file()]


def _content(path: Path) -> object:
    try:
        return parsed(decoded(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"{shown_path(path)} cannot be read: {reason(error)}.", "history") from error


def _history(value: object) -> list[object] | None:
    history = value.get("log_history") if isinstance(value, Mapping) else None
    return history if isinstance(history, list) else None


def _log(state: object, path: str, notes: tuple[str, ...]) -> Log:
    entries = _history(state)
    if not entries:
        raise InvalidArgument(
            f"{shown_path(path)} holds no entries under `log_history` yet; its first come after `logging_steps` steps.",
            "history",
        )
    rows = [entry for entry in entries if not (isinstance(entry, Mapping) and "train_runtime" in entry)]
    table = _on_best_axis(table_of_rows(rows, notes))
    return replace(log_of(table, format=TrainerState.name, path=path), roles=_ROLES)


def _on_best_axis(table: Table) -> Table:
    """Epochs count where every evaluation ends one; optimiser's steps where one does not."""
    names = table.names
    if not {"epoch", "step"} <= set(names):
        return table
    evaluated = np.zeros(table.num_rows, dtype=bool)
    for name, cells in zip(names, table.columns, strict=True):
        if name.startswith("eval_"):
            evaluated |= cells.present
    ends = table.columns[names.index("epoch")].values[evaluated]
    unused = "step" if len(ends) and np.allclose(ends, np.round(ends), atol=0.01) else "epoch"
    kept = [index for index, name in enumerate(names) if name != unused]
    return replace(
        table, names=tuple(names[index] for index in kept), columns=tuple(table.columns[index] for index in kept)
    )
