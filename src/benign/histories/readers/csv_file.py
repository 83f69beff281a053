"""A table in a text file: CSV and its kin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benign.histories.log import Log
from benign.histories.readers.delimited import layout_of, table_of
from benign.histories.readers.protocol import File, Opened
from benign.histories.readers.table import axis_named, is_like_a_log, logs_in


@dataclass(frozen=True, kw_only=True)
class CsvFile:
    """Cells between commas, semicolons, tabs, bars or white space; one row an evaluation."""

    name: str = "CSV, TSV"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary or (layout := layout_of(opened.beginning)) is None:
            return 0.0
        if any(axis_named(name) for name in layout.names):
            return 0.3
        return 0.25 if sum(map(is_like_a_log, layout.names)) > 1 else 0.1

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        yield from logs_in(table_of(opened), format="CSV", path=str(opened.path))
