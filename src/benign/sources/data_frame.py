"""A data frame of any library that narwhals speaks for, as a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.numbers import LARGEST_INTEGER, is_integer
from benign.foundation.wording import told
from benign.sources.checks import refuse_weights
from benign.sources.columns import checked_inputs, data_of_columns
from benign.sources.finite import FiniteSource, source_of

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa


def frame(
    data: Any,
    *,
    target: str | int,
    inputs: Sequence[str | int] | None = None,
    as_frame: bool = False,
    task: str = "auto",
    label_noise: float = 0.0,
    test_samples: int | None = None,
    scale: str | float = "standard",
    name: str = "frame",
    sample_weight: None = None,
) -> FiniteSource:
    """Your own data frame as a source: one row a sample, one column the target.

    The numbers are those of :func:`arrays` and :func:`table` for the same data.

    Args:
        data: a frame of pandas, polars, PyArrow, Modin, cuDF, or a lazy one of polars, DuckDB, Dask, Ibis, PySpark,
            which is collected here, its rows in the order in which it yields them. The values are copied; the frame
            stays as it is, and an index is no column.
        target: the column of labels or values to learn.
        inputs: the columns to learn from: numbers or booleans, and for procedures that take a data frame also text and
            columns with missing values; all others unless said.
        as_frame: hand samples on as a pandas data frame with the columns' names, neither centred nor scaled, to
            estimators and functions. So it is anyway where columns hold text or gaps; say True where they hold numbers
            alone and a pipeline picks them by name.
        task: as in :func:`arrays`.
        label_noise: as in :func:`arrays`.
        test_samples: as in :func:`arrays`.
        scale: as in :func:`arrays`.
        name: what titles and messages call it.
        sample_weight: none can be given: every sample counts the same.

    Raises:
        InvalidArgument: for a frame, columns or settings that cannot be used; the message says where and what to do.

    >>> import pyarrow as pa
    >>> trees = pa.table({"height": [1.5, 9.0, 2.5, 8.0], "kind": ["yew", "oak", "yew", "oak"]})
    >>> frame(trees, target="kind", test_samples=1).classes
    ('oak', 'yew')
    """
    refuse_weights(sample_weight)
    wrapped, names = attempted(lambda: _wrapped(data), lambda error: _refusal(data, error))
    goal = _name(target)
    wanted: Any = [_name(column) for column in inputs] if isinstance(inputs, (list, tuple)) else inputs
    chosen = checked_inputs(names, goal, wanted)
    data = data_of_columns(
        _as_arrow(wrapped, [*chosen, goal]), target=goal, inputs=chosen, as_frame=as_frame, task=task
    )
    return source_of(data, name=name, label_noise=label_noise, test_samples=test_samples, scale=scale)


def _name(column: str | int) -> str:
    """A column as it is called here: pandas numbers the columns of a frame that was made of an array."""
    return str(column) if is_integer(column) and abs(column) <= LARGEST_INTEGER else column  # type: ignore[arg-type,return-value]


def _wrapped(data: Any) -> tuple[nw.DataFrame[Any] | nw.LazyFrame[Any], list[str]]:
    """The frame behind the one interface of narwhals, its columns called by different strings, and these."""
    import narwhals as nw

    wrapped = nw.from_native(_in_native_order(data))
    names = wrapped.collect_schema().names()
    numbered = {column: str(column) for column in names if not isinstance(column, str)}
    if any(isinstance(column, tuple) for column in names) or set(numbered.values()) & set(names):
        raise invalid("data", f"must have a name of its own for each column, got {names[:3]}; rename them.")
    renamed = wrapped.rename(numbered) if numbered else wrapped
    return renamed, [numbered.get(column, column) for column in names]


def _refusal(data: Any, error: BaseException) -> InvalidArgument:
    from narwhals.exceptions import DuplicateError

    if isinstance(error, TypeError):
        kinds = "must be a data frame (pandas, polars, PyArrow, DuckDB, ...)"
        return invalid("data", f"{kinds}, got {type(data).__name__}; `benign.sources.arrays` takes arrays and lists.")
    if isinstance(error, DuplicateError):
        return invalid("data", f"has several columns of one name; rename them ({told(error)}).")
    return _unreadable(error)


def _in_native_order(data: Any) -> Any:
    """The frame itself, or with the bytes of its numbers turned round where pandas could not select them else."""
    import narwhals as nw

    kinds = data.dtypes.items() if nw.dependencies.is_pandas_dataframe(data) else ()
    swapped = {n: kind.newbyteorder("=") for n, kind in kinds if isinstance(kind, np.dtype) and not kind.isnative}
    return data.astype(swapped) if swapped else data


def _unreadable(error: BaseException) -> InvalidArgument:
    """What goes wrong in the user's own frame or query, in any of the libraries."""
    return invalid("data", f"cannot be read ({told(error)}); correct the frame or its query.")


def _as_arrow(wrapped: nw.DataFrame[Any] | nw.LazyFrame[Any], names: list[str]) -> pa.Table:
    """The named columns, without the index that pandas adds."""
    import narwhals as nw
    import pyarrow as pa

    chosen: Any = attempted(lambda: wrapped.select(names), _unreadable)
    if isinstance(chosen, nw.LazyFrame):
        chosen = attempted(lambda: chosen.collect("pyarrow"), _unreadable)
    table = attempted(lambda: nw.maybe_reset_index(chosen).to_arrow(), lambda error: _no_arrow(chosen, told(error)))
    for column, kind in chosen.schema.items():
        if isinstance(kind, nw.Object) and pa.types.is_fixed_size_binary(table.schema.field(column).type):
            raise _no_arrow(chosen.select(column), f"{column!r} holds objects")  # polars hands out their addresses
    return table


def _no_arrow(chosen: nw.DataFrame[Any], reason: str) -> InvalidArgument:
    """Which column is no column of Arrow, and why."""
    for column in chosen.columns:
        kinds = [type(value).__name__ for value in chosen[column].to_list()]
        other = next((row for row, kind in enumerate(kinds) if kind not in ("NoneType", kinds[0])), None)
        if other is not None:
            found = f"{column!r} holds {kinds[0]} and {kinds[other]} (row {other}, counted from 0)"
            return invalid("data", f"must hold one kind of value in each column, but {found}; convert it to one.")
    return invalid("data", f"must hold columns of numbers, booleans or text, but {reason}.")
