"""What Weights & Biases exports: a chart as CSV, and the history of a run as CSV, JSON or Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from benign.foundation.errors import InvalidArgument
from benign.foundation.wording import shown_path
from benign.histories.log import Log
from benign.histories.readers.delimited import layout_of, table_of
from benign.histories.readers.mapping import table_of_rows
from benign.histories.readers.protocol import File, Opened, Value
from benign.histories.readers.table import Table, axis_named, log_of, logs_in

_BETWEEN = " - "  # the name of a run and that of its metric
_LOW, _HIGH = "__MIN", "__MAX"


@dataclass(frozen=True, kw_only=True)
class WandbChart:
    """``Step`` and, for each run, ``run - metric`` with its extremes ``__MIN`` and ``__MAX`` within a bucket."""

    name: str = "Weights & Biases chart"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary or (layout := layout_of(opened.beginning)) is None:
            return 0.0
        names = set(layout.names)
        return 0.9 if any(_BETWEEN in name and {name + _LOW, name + _HIGH} <= names for name in names) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        table = table_of(opened)
        counting = [index for index, name in enumerate(table.names) if _BETWEEN not in name]
        runs: dict[str, list[tuple[str, int]]] = {}
        for index, name in enumerate(table.names):
            run, between, metric = name.rpartition(_BETWEEN)
            if between and not name.endswith((_LOW, _HIGH)) and axis_named(metric) is None:
                runs.setdefault(run, []).append((metric, index))
        if not runs:
            raise InvalidArgument(f"{shown_path(opened.path)} is a chart that shows no metric but the step.", "history")
        notes = (*table.notes, *_on_buckets(table))
        for run, metrics in runs.items():
            part = Table(
                names=(*(table.names[index] for index in counting), *(metric for metric, _ in metrics)),
                columns=tuple(table.columns[index] for index in (*counting, *(index for _, index in metrics))),
                notes=notes,
            )
            log = log_of(part, name=run if len(runs) > 1 else "", format=self.name, path=str(opened.path))
            yield log


@dataclass(frozen=True, kw_only=True)
class WandbHistory:
    """Rows with ``_step``, ``_runtime`` and ``_timestamp``: what ``run.history()`` and ``scan_history()`` say."""

    name: str = "Weights & Biases history"

    def matches(self, opened: Opened) -> float:
        names: set[str] = set()
        if isinstance(opened, File) and not opened.binary and (layout := layout_of(opened.beginning)):
            names = set(layout.names)
        elif isinstance(opened, Value) and isinstance(opened.value, list) and opened.value:
            first = opened.value[0]
            names = {str(name) for name in first} if isinstance(first, Mapping) else set()
        return 0.6 if "_step" in names and names & {"_runtime", "_timestamp"} else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        if isinstance(opened, File):
            table = table_of(opened)
        else:
            assert isinstance(opened, Value)
            assert isinstance(opened.value, list)
            table = table_of_rows(opened.value)
        yield from logs_in(_without_private(table), format=self.name, path=str(opened.path))


def _without_private(table: Table) -> Table:
    """The table without the columns that the service adds, but the one that counts."""
    kept = [
        index
        for index, name in enumerate(table.names)
        if name == "_step" or not name.startswith(("_", "system/", "system."))
    ]
    names, columns = (
        tuple(table.names[index] for index in kept), tuple(table.columns[index] for index in kept)
    )  # fmt: skip
    return replace(table, names=names, columns=columns)


def _on_buckets(table: Table) -> tuple[str, ...]:
    """A sentence where a point is of several steps: its extremes differ."""
    where = {name: index for index, name in enumerate(table.names)}
    for name, index in where.items():
        high = where.get(name.removesuffix(_LOW) + _HIGH) if name.endswith(_LOW) else None
        if high is not None:
            low_values, high_values = table.columns[index].values, table.columns[high].values
            if np.any(np.isfinite(low_values) & np.isfinite(high_values) & (low_values < high_values)):
                return ("Points of the chart are means of several steps: their extremes differ.",)
    return ()
