"""Lightning's ``metrics.csv``: each call of the logger is a row, in which most cells are empty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benign.foundation.errors import listed
from benign.histories.log import Log
from benign.histories.readers.cells import Cells
from benign.histories.readers.delimited import cells_of, layout_of, lines_of, table_of
from benign.histories.readers.protocol import File, Opened
from benign.histories.readers.table import Table, logs_in


@dataclass(frozen=True, kw_only=True)
class Lightning:
    """``step`` counts the optimiser's steps, ``epoch`` from 0."""

    name: str = "Lightning metrics.csv"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary or (layout := layout_of(opened.beginning)) is None:
            return 0.0
        if layout.delimiter != "," or not {"step", "epoch"} <= set(layout.names):
            return 0.0
        rows = [cells_of(line, ",") for line in lines_of(opened.beginning)[layout.first :][:50] if line.strip()]
        return 0.6 if any("" in row for row in rows) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        table = _with_epochs(_of_epochs(table_of(opened)))
        yield from logs_in(table, format=self.name, path=str(opened.path))


def _of_epochs(table: Table) -> Table:
    """The table without the columns of single batches, where their means over epochs stand beside them."""
    names = set(table.names)
    single = [name for name in table.names if name.endswith("_step") and f"{name[:-5]}_epoch" in names]
    kept = [index for index, name in enumerate(table.names) if name not in single]
    if not single:
        return table
    note = f"Values of single batches were left out, as their means over epochs are there: {listed(single)}."
    return Table(
        names=tuple(table.names[index] for index in kept),
        columns=tuple(table.columns[index] for index in kept),
        notes=(*table.notes, note),
    )


def _with_epochs(table: Table) -> Table:
    """The table in which rows without an epoch, as those of the learning rate, have that of the next row."""
    index = table.names.index("epoch")
    cells = table.columns[index]
    known = np.flatnonzero(cells.present)
    if not len(known) or cells.texts:
        return table
    following = known[np.minimum(np.searchsorted(known, np.arange(table.num_rows)), len(known) - 1)]
    filled = Cells(values=cells.values[following], present=np.ones(table.num_rows, dtype=bool))
    return replace(table, columns=(*table.columns[:index], filled, *table.columns[index + 1 :]))
