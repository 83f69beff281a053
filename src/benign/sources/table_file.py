"""A table in a file, .csv or .parquet, as a source."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benign.foundation.errors import InvalidArgument
from benign.sources.columns import checked_inputs, source_of_columns
from benign.sources.finite import FiniteSource
from benign.sources.tables import are_few

if TYPE_CHECKING:
    import pyarrow as pa

_FORMATS = (".csv", ".parquet")


def table(
    path: str | os.PathLike[str],
    *,
    target: str,
    inputs: Sequence[str] | None = None,
    as_frame: bool = False,
    task: str = "auto",
    label_noise: float = 0.0,
    test_samples: int | None = None,
    scale: str | float = "standard",
    name: str | None = None,
) -> FiniteSource:
    """Your own table as a source: one row a sample, the first line of a .csv file its column names.

    Args:
        path: a .csv or .parquet file.
        target: the column of labels or values to learn. Where a .csv file holds labels such as ``01`` and ``1``, which
            would be one number, they are read as text and stay two classes.
        inputs: the columns to learn from: numbers or booleans, and for procedures that take a data frame also text and
            columns with missing values; all others unless said.
        as_frame: hand samples on as a pandas data frame with the columns' names, neither centred nor scaled, to
            estimators and functions. So it is anyway where columns hold text or gaps; say True where they hold numbers
            alone and a pipeline picks them by name.
        task: as in :func:`arrays`.
        label_noise: as in :func:`arrays`.
        test_samples: as in :func:`arrays`.
        scale: as in :func:`arrays`.
        name: what titles and messages call it; the file's name unless said.

    Raises:
        InvalidArgument: for a file, columns or settings that cannot be used; the message says where and what to do.
    """
    import pyarrow as pa

    file = Path(path)
    columns = _read(file)
    if file.suffix.lower() == ".csv" and task != "regression":
        columns = _with_labels_as_written(columns, file, target)
    pa.default_memory_pool().release_unused()  # while it reads, Arrow holds several times the table
    source = source_of_columns(
        columns,
        target=target,
        inputs=checked_inputs(columns.column_names, target, inputs),
        as_frame=as_frame,
        task=task,
        label_noise=label_noise,
        test_samples=test_samples,
        scale=scale,
        name=file.stem if name is None else name,
    )
    del columns
    pa.default_memory_pool().release_unused()  # a draw of all rows needs the room
    return source


def _read(file: Path) -> pa.Table:
    """The file's table, if it has rows and its columns differ in their names."""
    import pyarrow as pa

    _check_file(file)
    shown, suffix = repr(str(file)), file.suffix.lower()
    try:
        columns = _read_csv(file) if suffix == ".csv" else _read_parquet(file)
        names = columns.column_names
    except (pa.ArrowException, UnicodeDecodeError) as error:
        reason = (_ragged(file) if suffix == ".csv" else None) or " ".join(str(error).split())
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
    if file.stat().st_size == 0:
        raise InvalidArgument(
            f"`path` {str(file)!r} is empty: not even the columns are named; check how it was written."
        )


def _read_csv(file: Path) -> pa.Table:
    from pyarrow.csv import ConvertOptions, read_csv

    return read_csv(file, convert_options=ConvertOptions(strings_can_be_null=True))


def _with_labels_as_written(columns: pa.Table, file: Path, target: str) -> pa.Table:
    """The table, its labels as text where whole numbers have merged what the file tells apart by leading zeros."""
    import pyarrow as pa
    from pyarrow import compute
    from pyarrow.csv import ConvertOptions, read_csv

    if target not in columns.column_names or not pa.types.is_integer(columns[target].type):
        return columns
    as_text = ConvertOptions(column_types={target: pa.string()}, include_columns=[target], strings_can_be_null=True)
    labels = compute.utf8_trim_whitespace(read_csv(file, convert_options=as_text)[target])
    numbers, texts = (len(values.drop_null().unique()) for values in (columns[target], labels))
    if texts == numbers or not are_few(texts, rows=len(labels)):
        return columns
    return columns.set_column(columns.column_names.index(target), target, labels)


def _ragged(file: Path) -> str | None:
    """The first line that has not as many values as the first; Arrow, which reads many lines at once, counts none."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = csv.reader(lines)
        try:
            names = next(filter(None, rows))
            wrong = next(row for row in rows if row and len(row) != len(names))
        except (StopIteration, csv.Error):
            return None
    return (
        f"line {rows.line_num} holds {len(wrong)} value{'s' * (len(wrong) != 1)} where {len(names)} columns are named; "
        "correct the line."
    )


def _read_parquet(file: Path) -> pa.Table:
    from pyarrow import parquet

    with parquet.ParquetFile(file) as opened:
        return opened.read()
