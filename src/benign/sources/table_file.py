"""A table in a file, .csv or .parquet, as a source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benign.foundation.arguments import checked_file, checked_name
from benign.foundation.errors import invalid, listed
from benign.foundation.memory import require_memory
from benign.foundation.progress import doing
from benign.foundation.wording import reason, shown_path
from benign.sources.checks import refuse_weights
from benign.sources.columns import checked_inputs, data_of_columns, repeated_names
from benign.sources.csv_text import fault_of_csv, fault_of_rows
from benign.sources.finite import FiniteSource, source_of
from benign.sources.tables import TASKS, are_few

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.csv import ConvertOptions

_FORMATS = (".csv", ".parquet")
_LARGEST_BLOCK = 2**31 - 1  # of Arrow


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
    sample_weight: None = None,
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
        sample_weight: none can be given: every sample counts the same.

    Raises:
        InvalidArgument: for a file, columns or settings that cannot be used; the message says where and what to do.
    """
    import pyarrow as pa

    refuse_weights(sample_weight)
    file = checked_file("path", path)
    checked_name("task", task, TASKS)
    columns = _read(file)
    chosen = checked_inputs(columns.column_names, target, inputs)
    if file.suffix.lower() == ".csv" and task != "regression":
        columns = _with_labels_as_written(columns, file, target)
    pa.default_memory_pool().release_unused()  # while it reads, Arrow holds several times the table
    data = data_of_columns(columns, target=target, inputs=chosen, as_frame=as_frame, task=task)
    del columns
    pa.default_memory_pool().release_unused()  # a draw of all rows needs the room
    title = file.stem.encode(errors="replace").decode() if name is None else name
    return source_of(data, name=title, label_noise=label_noise, test_samples=test_samples, scale=scale)


@doing("reading the table")
def _read(file: Path) -> pa.Table:
    """The file's table, if it has rows and its columns differ in their names."""
    import pyarrow as pa
    from pyarrow.csv import ConvertOptions

    where, suffix = shown_path(file), file.suffix.lower()
    try:
        _check_file(file, where)
        columns = _read_csv(file, ConvertOptions(strings_can_be_null=True)) if suffix == ".csv" else _read_parquet(file)
        names = columns.column_names
    except UnicodeDecodeError as error:
        raise invalid("path", f"{where} names columns in no UTF-8; save it as UTF-8.") from error
    except pa.ArrowException as error:
        if "Empty CSV file" in str(error):
            raise invalid("path", f"{where} holds no rows.") from error
        words = (fault_of_rows(file) if suffix == ".csv" else None) or reason(error)
        raise invalid("path", f"{where} is no {suffix} file that can be read: {words}.") from error
    except OSError as error:
        raise invalid("path", f"{where} cannot be read: {error.strerror or reason(error)}.") from error
    if columns.num_rows == 0:
        raise invalid("path", f"{where} holds no rows.")
    if repeated := repeated_names(names):
        raise invalid("path", f"{where} has several columns called {listed(repeated)}; rename them.")
    return columns


def _check_file(file: Path, where: str) -> None:
    if file.suffix.lower() not in _FORMATS:
        raise invalid("path", f"{where} must be a file whose name ends in {' or '.join(_FORMATS)}.")
    if file.stat().st_size == 0:
        raise invalid("path", f"{where} is empty: not even the columns are named; check how it was written.")
    if file.suffix.lower() == ".csv" and (fault := fault_of_csv(file)):
        raise invalid("path", f"{where} is no .csv file that can be read: {fault}.")


def _read_csv(file: Path, options: ConvertOptions) -> pa.Table:
    """What Arrow reads, which takes no line longer than a block of it."""
    import pyarrow as pa
    from pyarrow.csv import ReadOptions, read_csv

    try:
        return read_csv(file, convert_options=options)
    except pa.ArrowInvalid as error:
        size = file.stat().st_size + 1
        if "straddling" not in str(error) or size > _LARGEST_BLOCK:
            raise
        return read_csv(file, convert_options=options, read_options=ReadOptions(block_size=size))


def _with_labels_as_written(columns: pa.Table, file: Path, target: str) -> pa.Table:
    """The table, its labels as text where whole numbers have merged what the file tells apart by leading zeros."""
    import pyarrow as pa
    from pyarrow import compute
    from pyarrow.csv import ConvertOptions

    if not pa.types.is_integer(columns[target].type):
        return columns
    as_text = ConvertOptions(column_types={target: pa.string()}, include_columns=[target], strings_can_be_null=True)
    labels = compute.utf8_trim_whitespace(_read_csv(file, as_text)[target])
    numbers, texts = (len(values.drop_null().unique()) for values in (columns[target], labels))
    if texts == numbers or not are_few(texts, rows=len(labels)):
        return columns
    return columns.set_column(columns.column_names.index(target), target, labels)


def _read_parquet(file: Path) -> pa.Table:
    from pyarrow import parquet

    with parquet.ParquetFile(file, page_checksum_verification=True) as opened:
        declared = opened.metadata
        require_memory(
            8.0 * declared.num_rows * declared.num_columns,
            purpose=f"the table {shown_path(file)} of {declared.num_rows:,} rows and {declared.num_columns:,} columns",
            advice="give a part of it",
        )
        return opened.read()
