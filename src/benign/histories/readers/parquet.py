"""Parquet files, as Weights & Biases keeps histories in and as data frames are stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.wording import reason, shown_path
from benign.histories.log import Log
from benign.histories.readers.cells import Cells, numbers_in
from benign.histories.readers.delimited import numbers_of_arrow
from benign.histories.readers.protocol import File, Opened
from benign.histories.readers.table import Table, logs_in

_MAGIC = b"PAR1"


@dataclass(frozen=True, kw_only=True)
class Parquet:
    """A table of columns."""

    name: str = "Parquet"

    def matches(self, opened: Opened) -> float:
        return 0.9 if isinstance(opened, File) and opened.head.startswith(_MAGIC) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        yield from logs_in(_table(opened), format=self.name, path=str(opened.path))


def _table(file: File) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        read = parquet.read_table(pa.BufferReader(file.content()))
    except (pa.ArrowException, OSError) as error:
        raise InvalidArgument(
            f"{shown_path(file.path)} is a damaged Parquet file: {reason(error)}.", "history"
        ) from error
    names: list[str] = []
    columns: list[Cells] = []
    left: list[str] = []
    for name, column in zip(read.column_names, read.columns, strict=True):
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            cells = numbers_of_arrow(column)
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            cells = numbers_in([text or "" for text in column.to_pylist()])
        else:
            left.append(name)
            continue
        names.append(name)
        columns.append(cells)
    notes = (f"Columns of another kind than numbers or text were left out: {listed(left)}.",) if left else ()
    return Table(names=tuple(names), columns=tuple(columns), notes=notes)
