"""A table in a file, .csv or .parquet, as a source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from benign.foundation.errors import InvalidArgument, unknown_name
from benign.sources.finite import FiniteSource, arrays

if TYPE_CHECKING:
    import pyarrow as pa

_FORMATS = (".csv", ".parquet")


def table(
    path: str | os.PathLike[str],
    *,
    target: str,
    inputs: Sequence[str] | None = None,
    task: str = "auto",
    label_noise: float = 0.0,
    test_samples: int | None = None,
    scale: str | float = "standard",
    name: str | None = None,
) -> FiniteSource:
    """Your own table as a source: one row a sample, the first line of a .csv file its column names.

    Args:
        path: a .csv or .parquet file.
        target: the column of labels or values to learn.
        inputs: the columns to learn from, numbers or booleans; all others unless said.
        task: as in :func:`arrays`.
        label_noise: as in :func:`arrays`.
        test_samples: as in :func:`arrays`.
        scale: as in :func:`arrays`.
        name: what titles and messages call it; the file's name unless said.

    Raises:
        InvalidArgument: for a file, columns or settings that cannot be used; the message says where and what to do.
    """
    file = Path(path)
    columns = _read(file)
    chosen = _checked_inputs(columns, target, inputs)
    return arrays(
        np.column_stack([_numbers(columns, column) for column in chosen]),
        _target(columns, target),
        task=task,
        label_noise=label_noise,
        test_samples=test_samples,
        scale=scale,
        name=file.stem if name is None else name,
    )


def _read(file: Path) -> pa.Table:
    """The file's table, if it has rows and its columns differ in their names."""
    import pyarrow as pa

    _check_file(file)
    shown, suffix = repr(str(file)), file.suffix.lower()
    try:
        columns = _read_csv(file) if suffix == ".csv" else _read_parquet(file)
        names = columns.column_names
    except (pa.ArrowException, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InvalidArgument(f"`path` {shown} is no {suffix} file that can be read: {reason}") from error
    except OSError as error:
        raise InvalidArgument(f"`path` {shown} cannot be read: {error.strerror or error}.") from error
    if columns.num_rows == 0:
        raise InvalidArgument(f"`path` {shown} holds no rows.")
    repeated = [column for column in names if names.count(column) > 1]
    if repeated:
        raise InvalidArgument(f"`path` {shown} has several columns called {repeated[0]!r}; rename them.")
    return columns


def _check_file(file: Path) -> None:
    try:
        is_file, is_there = file.is_file(), file.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL character
        is_file, is_there = False, False
    if not is_there:
        raise InvalidArgument(f"`path` {str(file)!r} does not exist; check its name and folder.")
    if not is_file or file.suffix.lower() not in _FORMATS:
        raise InvalidArgument(f"`path` {str(file)!r} must be a file whose name ends in {' or '.join(_FORMATS)}.")


def _read_csv(file: Path) -> pa.Table:
    from pyarrow import csv

    return csv.read_csv(file, convert_options=csv.ConvertOptions(strings_can_be_null=True))


def _read_parquet(file: Path) -> pa.Table:
    from pyarrow import parquet

    with parquet.ParquetFile(file) as opened:
        return opened.read()


def _checked_inputs(columns: pa.Table, target: str, inputs: Sequence[str] | None) -> list[str]:
    known = columns.column_names
    if isinstance(inputs, str):
        raise InvalidArgument(f"`inputs` must be a list of names of columns, got {inputs!r}; write [{inputs!r}].")
    chosen = [column for column in known if column != target] if inputs is None else list(inputs)
    for column in (target, *chosen):
        if column not in known:
            raise unknown_name("column", column, known)
    if not chosen:
        raise InvalidArgument(f"`inputs` must name at least one column beside the target {target!r}.")
    if target in chosen:
        raise InvalidArgument(f"`inputs` must not hold the target {target!r}: it would be learnt from itself.")
    return chosen


def _numbers(columns: pa.Table, column: str) -> Shaped[np.ndarray, " rows"]:
    from pyarrow import types

    values = columns[column]
    _refuse_missing(values, "inputs", column)
    kind = values.type
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return np.asarray(values.to_numpy(), dtype=np.float64)
    if types.is_decimal(kind):
        return np.asarray(values.cast("float64").to_numpy(), dtype=np.float64)
    raise InvalidArgument(
        f"`inputs` must be columns of numbers, but {column!r} holds values of the type {kind}; encode them as numbers, "
        "or name the columns to learn from."
    )


def _target(columns: pa.Table, column: str) -> Shaped[np.ndarray, " rows"]:
    from pyarrow import types

    values = columns[column]
    _refuse_missing(values, "target", column)
    if types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if types.is_decimal(values.type):
        values = values.cast("float64")
    return np.asarray(values.to_numpy())


def _refuse_missing(values: pa.ChunkedArray, argument: str, column: str) -> None:
    if values.null_count:
        row = int(np.argmax(values.is_null().to_numpy()))
        raise InvalidArgument(
            f"`{argument}` must have no missing values, but column {column!r} lacks one in row {row} (counted from 0); "
            "remove the row or fill in the value."
        )
