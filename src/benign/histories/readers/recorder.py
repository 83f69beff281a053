"""The log of a recorder of this package: JSON lines, the first of which says what is known of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument
from benign.foundation.wording import shown_path
from benign.histories.log import Log
from benign.histories.readers.cells import Cells
from benign.histories.readers.mapping import parsed, table_of_rows
from benign.histories.readers.protocol import File, Opened, decoded
from benign.histories.readers.table import Table, log_of
from benign.histories.role import Role

FORMAT = "benign_recorder"
_VERSION = 1
_ROLES = {"gradient_penalty": Role(samples="", quantity="gradient penalty")}
_GIVEN = ("train_samples", "validation_samples", "classes", "label_noise")


@dataclass(frozen=True, kw_only=True)
class RecorderLog:
    """Known by the first word of its first line."""

    name: str = "log of a benign recorder"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary:
            return 0.0
        return 0.9 if is_first_line(opened.beginning.split("\n", 1)[0]) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        head, *lines = decoded(opened.content()).split("\n")
        known = _object(head) or {}
        where = shown_path(opened.path)
        if known.get(FORMAT) != _VERSION:
            told = (
                f"{where} was recorded in format {known.get(FORMAT)}; this benign reads format {_VERSION}: update it."
            )
            raise InvalidArgument(told, "history")
        is_cut = bool(lines and lines[-1].strip() and _object(lines[-1]) is None)
        rows = [_object(line) for line in (lines[:-1] if is_cut else lines) if line.strip()]
        if not rows:
            raise InvalidArgument(f"{where} holds no evaluation yet; the first follows the first step.", "history")
        notes = ("The last line is cut short, as while a training still writes; left out.",) if is_cut else ()
        table = _with_epochs(table_of_rows(rows, notes))
        log = log_of(table, format=str(known.get("recorder", self.name)), path=str(opened.path))
        yield replace(log, roles=_ROLES, given={name: known[name] for name in _GIVEN if known.get(name) is not None})


def is_first_line(line: str) -> bool:
    """Whether a log of a recorder begins so.

    >>> is_first_line('{"benign_recorder": 1}'), is_first_line('{"step": 1}')
    (True, False)
    """
    return line.startswith("{") and FORMAT in (_object(line) or {})


def _object(line: str) -> Mapping[str, Any] | None:
    """What a line says; None where it is no object."""
    try:
        found = parsed(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _with_epochs(table: Table) -> Table:
    """The table on the axis of epochs, if any were recorded: how long they are is known once the first is complete."""
    columns = dict(zip(table.names, table.columns, strict=True))
    if not {"step", "epoch"} <= columns.keys() or not columns["epoch"].present.any():
        return table
    filled = _filled(columns["epoch"], columns["step"].values)
    columns["epoch"] = Cells(values=filled, present=np.ones(filled.size, dtype=bool))
    del columns["step"]
    return replace(table, names=tuple(columns), columns=tuple(columns.values()))


def _filled(epochs: Cells, steps: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    first = int(np.argmax(epochs.present))
    return np.where(epochs.present, epochs.values, steps * (epochs.values[first] / steps[first]))
