"""A data frame of any library that narwhals speaks for, and an Arrow table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benign.foundation.errors import InvalidArgument, attempted
from benign.foundation.wording import told
from benign.histories.log import Log
from benign.histories.readers.cells import Cells, numbers_in
from benign.histories.readers.protocol import Opened, Value
from benign.histories.readers.table import Table, axis_named, logs_in

if TYPE_CHECKING:
    import narwhals as nw


@dataclass(frozen=True, kw_only=True)
class DataFrame:
    """One row an evaluation; the index of a pandas frame counts where it is named as what counts the time."""

    name: str = "data frame"

    def matches(self, opened: Opened) -> float:
        return 0.5 if isinstance(opened, Value) and not opened.path and is_frame(opened.value) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, Value)
        yield from logs_in(table_of_frame(opened.value), format=self.name, path="")


def is_frame(value: object) -> bool:
    """Whether the value looks like a frame or a table; nothing is imported to see it."""
    kind = type(value)
    if kind.__module__.split(".")[0] in {"builtins", "numpy", "keras", "sklearn"}:
        return False
    return any(hasattr(kind, name) for name in ("columns", "column_names", "collect_schema"))


def table_of_frame(data: Any) -> Table:
    """The frame's columns of numbers and of text.

    Raises:
        InvalidArgument: if the frame, or one of its columns, cannot be read.
    """
    import narwhals as nw

    wrapped: Any
    if not hasattr(data, "__len__") or hasattr(type(data), "collect_schema"):  # a query
        wrapped = attempted(lambda: nw.from_native(data), _unreadable)
        if isinstance(wrapped, nw.LazyFrame):
            data = attempted(lambda: wrapped.collect("pyarrow").to_native(), _unreadable)
    names = [str(name) for name in getattr(data, "column_names", None) or data.columns]
    distinct = attempted(lambda: _with_distinct_names(data), _unreadable)
    wrapped = attempted(lambda: nw.from_native(distinct, eager_only=True), _unreadable)
    columns = [attempted(partial(_cells, wrapped, name), _unreadable) for name in wrapped.columns]
    names, columns = _with_index(data, names, columns)
    return Table(names=tuple(names), columns=tuple(columns))


def _with_distinct_names(data: Any) -> Any:
    """The frame, its columns numbered: names may repeat, and need not be strings."""
    count = len(getattr(data, "column_names", None) or data.columns)
    if hasattr(data, "rename_columns"):
        return data.rename_columns([str(index) for index in range(count)])
    if hasattr(data, "set_axis"):
        return data.set_axis([str(index) for index in range(count)], axis=1).reset_index(drop=True)
    return data


def _cells(wrapped: Any, name: str) -> Cells:
    """One column; pandas knows no null but NaN, so its NaN may be either."""
    import narwhals as nw

    series: nw.Series[Any] = wrapped[name]
    if series.dtype.is_numeric():
        values = np.asarray(series.cast(nw.Float64()).to_numpy(), dtype=float)
        missing = np.asarray(series.is_null().to_numpy(), dtype=bool)
        present = np.ones(len(values), dtype=bool) if wrapped.implementation.is_pandas() else ~missing
        return Cells(values=values, present=present)
    texts = zip(series.to_list(), series.is_null().to_list(), strict=True)
    return numbers_in(["" if null else str(value) for value, null in texts])


def _with_index(data: Any, names: list[str], columns: list[Cells]) -> tuple[list[str], list[Cells]]:
    """The columns, before them the index of a pandas frame that is called an epoch or a step."""
    title = getattr(getattr(data, "index", None), "name", None)
    if not isinstance(title, str) or axis_named(title) is None or any(axis_named(name) for name in names):
        return names, columns
    values = np.asarray(data.index, dtype=float)
    return [title, *names], [Cells(values=values, present=np.isfinite(values)), *columns]


def _unreadable(error: BaseException) -> InvalidArgument:
    return InvalidArgument(f"the data frame cannot be read ({told(error)}); correct the frame or its query.", "history")
