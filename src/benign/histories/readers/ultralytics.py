"""Ultralytics' ``results.csv``, of YOLOv5 and later: parts of the loss, and metrics of the validation set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benign.foundation.errors import listed
from benign.histories.log import Log
from benign.histories.readers.delimited import layout_of, table_of
from benign.histories.readers.protocol import File, Opened
from benign.histories.readers.table import Table, logs_in


@dataclass(frozen=True, kw_only=True)
class Ultralytics:
    """``train/..``, ``val/..`` and ``metrics/..`` over epochs from 0 or 1; zeros where nothing was evaluated."""

    name: str = "Ultralytics results.csv"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary or (layout := layout_of(opened.beginning)) is None:
            return 0.0
        names = layout.names
        kinds = {name.partition("/")[0] for name in names if "/" in name}
        has_rate = any(name.startswith(("lr/pg", "x/lr")) for name in names)
        return 0.9 if names[0] == "epoch" and has_rate and {"train", "val", "metrics"} <= kinds else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        table = _evaluated(table_of(opened))
        note = "Ultralytics evaluates averaged (EMA) weights, and records the training loss of the raw ones."
        for log in logs_in(table, format=self.name, path=str(opened.path)):
            yield replace(log, notes=(*log.notes, note))


def _evaluated(table: Table) -> Table:
    """The table whose zeros stand for nothing where a whole evaluation is zero, losses and metrics."""
    of_evaluation = [index for index, name in enumerate(table.names) if name.startswith("val/")]
    beside = [index for index, name in enumerate(table.names) if name.startswith("metrics/")]
    zero = np.all([table.columns[index].values == 0 for index in of_evaluation], axis=0)
    if not zero.any() or zero.all():
        return table
    columns = list(table.columns)
    for index in (*of_evaluation, *beside):
        columns[index] = replace(columns[index], present=columns[index].present & ~zero)
    named = listed(table.names[index] for index in of_evaluation)
    note = f"Epochs that were not evaluated, where all of {named} are 0: {np.count_nonzero(zero):,}."
    return replace(table, columns=tuple(columns), notes=(*table.notes, note))
