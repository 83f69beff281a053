"""JSON lines: one object a line, as most loggers of one's own write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benign.histories.log import Log
from benign.histories.readers.cells import Cells, numbers_in
from benign.histories.readers.delimited import numbers_of_arrow
from benign.histories.readers.mapping import parsed, table_of_rows
from benign.histories.readers.protocol import File, Opened, decoded
from benign.histories.readers.table import Table, logs_in

_LARGE = 2_000_000  # bytes; above, Arrow reads


@dataclass(frozen=True, kw_only=True)
class JsonLines:
    """One object a line."""

    name: str = "JSON lines"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary or not opened.beginning.lstrip().startswith("{"):
            return 0.0
        first, *more = [line for line in opened.beginning.split("\n", 20)[:20] if line.strip()]
        return 0.5 if more and isinstance(_object(first), dict) else 0.0  # one line is a document of JSON

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        table = _table(opened.content())
        yield from logs_in(table, format=self.name, path=str(opened.path))


def _table(content: bytes) -> Table:
    table = _by_arrow(content) if len(content) > _LARGE else None
    if table is not None:
        return table
    lines = [line for line in decoded(content).split("\n") if line.strip()]
    objects = [_object(line) for line in lines]
    notes: tuple[str, ...] = ()
    if lines and objects[-1] is None and not content.endswith(b"\n"):
        objects, notes = objects[:-1], ("The last line is cut short, as while a training still writes; left out.",)
    return table_of_rows(objects, notes)


def _object(line: str) -> object:
    """What a line says; None where it is no JSON."""
    try:
        return parsed(line)
    except ValueError:
        return None


def _by_arrow(content: bytes) -> Table | None:
    """The table of a large file of flat objects, read by Arrow; None where Arrow cannot."""
    import pyarrow as pa
    from pyarrow import json as arrow

    try:
        options = arrow.ReadOptions(block_size=1 << 24)
        read = arrow.read_json(pa.py_buffer(content), read_options=options)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # NaN, a cut line, columns of mixed kinds
        return None
    names: list[str] = []
    columns: list[Cells] = []
    for name, column in zip(read.column_names, read.columns, strict=True):
        if pa.types.is_struct(column.type):
            return None
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            names, columns = [*names, name], [*columns, numbers_of_arrow(column)]
        elif pa.types.is_string(column.type):
            names, columns = [*names, name], [*columns, numbers_in([text or "" for text in column.to_pylist()])]
    return Table(names=tuple(names), columns=tuple(columns))
