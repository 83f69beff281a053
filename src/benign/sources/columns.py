"""Named columns of an Arrow table, from a file or a frame, as a source: the numbers of the same data as arrays.

Columns of text, or with missing values, make a source whose samples are handed on as a data frame, to procedures that
take one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.arguments import checked_flag, checked_name, is_writable
from benign.foundation.errors import InvalidArgument, UnknownName, among, attempted, invalid, listed
from benign.foundation.progress import doing
from benign.foundation.split import Column
from benign.foundation.wording import shown
from benign.sources.checks import frozen, noted, refuse_all
from benign.sources.finite import FiniteData
from benign.sources.tables import LARGEST_INPUT, TASKS, Place, Targets, are_few, check_rows, class_matrix, target_matrix

if TYPE_CHECKING:
    import pyarrow as pa

_IDENTIFIERS = ("", "id", "index", "unnamed: 0")
_LEAST_COUNTED = 10  # rows; so many are not counted by chance
_ROWS_AT_ONCE = 8192  # a block of rows stays in the processor's cache while its columns are laid side by side


def checked_inputs(known: Sequence[str], target: str, inputs: Sequence[str] | None) -> list[str]:
    """The columns to learn from, if they and the target are among the ``known`` ones; all others unless said.

    Raises:
        UnknownName: for a column that is not there; the message says the nearest.
        InvalidArgument: for no column, or the target among the inputs.
    """
    is_known = set(known)
    named = [target, *([] if inputs is None else _as_list(inputs))]
    unknown = [column for column in named if not (issubclass(type(column), str) and column in is_known)]
    if unknown:
        sentence = f"unknown column{'s' * (len(unknown) > 1)} {listed(unknown)}; {among(known, *unknown)}"
        raise UnknownName(sentence, "target" if unknown[0] is target else "inputs")
    chosen = [column for column in known if column != target] if inputs is None else named[1:]
    if repeated := repeated_names(chosen):
        raise invalid("inputs", f"names {listed(repeated)} twice; name each once.")
    if not chosen:
        raise invalid("inputs", f"must name at least one column beside the target {target!r}.")
    if target in chosen:
        raise invalid("inputs", f"must not hold the target {target!r}: it would be learnt from itself.")
    if broken := [column for column in (target, *chosen) if not is_writable(column)]:
        raise invalid("inputs", f"must have names that a file can hold, unlike {listed(broken)}; rename them.")
    return chosen


def repeated_names(names: Sequence[str]) -> list[str]:
    """The names that occur more than once."""
    return [name for name, times in Counter(names).items() if times > 1]


def _as_list(inputs: object) -> list[str]:
    wanted = f"must be a list of names of columns, got {shown(inputs)}"
    if isinstance(inputs, str):
        raise invalid("inputs", f"{wanted}; write [{shown(inputs)}].")
    return attempted(lambda: list(inputs), lambda _: invalid("inputs", f"{wanted}."))  # type: ignore[call-overload]


@doing("looking through the table")
def data_of_columns(columns: pa.Table, *, target: str, inputs: Sequence[str], as_frame: bool, task: str) -> FiniteData:
    """The rows of columns, with the settings of :func:`frame`. The table may be freed: its values are copied.

    Raises:
        InvalidArgument: for columns or settings that cannot be used; the message names columns and rows.
    """
    checked_name("task", task, TASKS)
    checked_flag("as_frame", as_frame)
    check_rows(columns.num_rows)
    problems: list[InvalidArgument] = []
    with noted(problems):
        targets, classes = column_targets(columns[target], target, task)
    matrix, described = _input_matrix(columns, inputs, problems)
    refuse_all(problems)
    is_frame = as_frame or not all(column.is_plain for column in described)
    return FiniteData(
        inputs=matrix,
        targets=targets,
        classes=classes,
        columns=described if is_frame else None,
        identifiers=_identifiers(described, matrix),
        names=tuple(column.name for column in described),
    )


def _identifiers(columns: Sequence[Column], matrix: Float[np.ndarray, "rows d"]) -> tuple[str, ...]:
    """The columns that are called so, or count the rows; texts, each once, may be there to be read."""
    return tuple(
        column.name
        for column, values in zip(columns, matrix.T, strict=True)
        if column.name.strip().lower() in _IDENTIFIERS or (column.texts is None and number_the_rows(values))
    )


def number_the_rows(values: Float[np.ndarray, " rows"]) -> bool:
    """Whether a column holds each of so many consecutive whole numbers once, in any order."""
    first, rows = values.min(), len(values)
    return rows >= _LEAST_COUNTED and bool(
        values.max() - first == rows - 1 and np.array_equal(np.sort(values), first + np.arange(rows))
    )


def _input_matrix(
    columns: pa.Table, names: Sequence[str], problems: list[InvalidArgument]
) -> tuple[Float[np.ndarray, "rows d"], tuple[Column, ...]]:
    """The columns side by side, and what each of them is; what cannot be used is noted, and left out."""
    import pyarrow as pa

    described, usable = [], []
    for name in names:
        with noted(problems):
            column, values = _numbers(columns[name], name)
            described.append(column)
            usable.append(values)
    numbers = pa.Table.from_arrays(usable, names=[column.name for column in described])
    matrix, gaps, beyond = _side_by_side(numbers)
    for index, column in enumerate(described):
        with noted(problems):
            if index in beyond:
                _refuse_size(float(matrix[beyond[index], index]), Place("inputs", column.name), beyond[index])
            if gaps[index] == len(matrix):
                raise invalid("inputs", f"must hold values, but column {column.name!r} has none; leave it out.")
    return frozen(matrix), tuple(
        replace(column, has_gaps=bool(gap)) for column, gap in zip(described, gaps, strict=True)
    )


def _side_by_side(
    numbers: pa.Table,
) -> tuple[Float[np.ndarray, "rows d"], Int[np.ndarray, " d"], dict[int, int]]:
    """Columns copied once, a block of rows at a time; how many gaps each has; the first row that is too large."""
    matrix, start = np.empty((numbers.num_rows, numbers.num_columns)), 0
    gaps = np.zeros(numbers.num_columns, dtype=np.int64)
    beyond: dict[int, int] = {}
    for batch in numbers.to_batches(max_chunksize=_ROWS_AT_ONCE):
        block = matrix[start : start + batch.num_rows]
        for index, values in enumerate(batch.columns):
            block[:, index] = values.to_numpy(zero_copy_only=False)
        if not (block.min() >= -LARGEST_INPUT and block.max() <= LARGEST_INPUT):  # nor does NaN lie between
            gaps += np.isnan(block).sum(axis=0)
            is_beyond = np.abs(block) > LARGEST_INPUT
            for index in np.flatnonzero(is_beyond.any(axis=0)).tolist():
                beyond.setdefault(index, start + int(np.argmax(is_beyond[:, index])))
        start += batch.num_rows
    return matrix, gaps, beyond


def _refuse_size(value: float, place: Place, row: int) -> None:
    if np.isinf(value):
        raise place.infinite(value, row)
    place.check_size(abs(value), LARGEST_INPUT)


def _readable(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The column as numbers, booleans or strings, where it is: the values of categories, decimals as float64."""
    from pyarrow import types

    if types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return values.cast("large_string")
    if types.is_decimal(kind) or types.is_null(kind):
        return values.cast("float64")
    return values if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) else None


def _numbers(values: pa.ChunkedArray, name: str) -> tuple[Column, pa.ChunkedArray]:
    """The column as numbers: booleans as 0 and 1, texts as their places among the categories or ascending texts.

    Raises:
        InvalidArgument: if it holds anything else, or text that looks like numbers gone wrong.
    """
    import pyarrow as pa
    from pyarrow import compute, types

    readable = _readable(values)
    if readable is None:
        raise _wrong_kind(values, name)
    if not types.is_large_string(readable.type):
        return Column(name=name), readable
    is_categorical = types.is_dictionary(values.type)
    if is_categorical:
        order = values.unify_dictionaries().chunk(0).dictionary.to_pylist()
    else:
        order = sorted(readable.drop_null().unique().to_pylist())
        if any(map(_is_numeral, order)) and not are_few(len(order), rows=len(readable)):
            raise _wrong_kind(readable, name)
    places = compute.index_in(readable, value_set=pa.array(order, "large_string"))
    return Column(name=name, texts=tuple(order), is_categorical=is_categorical), places


def _wrong_kind(values: pa.ChunkedArray, name: str) -> InvalidArgument:
    found = f"{_described(values)}, or name the columns to learn from"
    return Place("inputs", name).refusal("be columns of numbers or text", found)


def _described(values: pa.ChunkedArray) -> str:
    """What a column holds instead of numbers, and what to do about it."""
    from pyarrow.types import is_binary, is_large_string

    if is_binary(values.type):
        return "bytes that are no text in UTF-8; save it as UTF-8"
    if not is_large_string(values.type):
        return f"values of the type {values.type}; encode them as numbers"
    distinct = values.drop_null().unique().to_pylist()  # in the order in which they appear
    wrong = [name for name in distinct if not _is_numeral(name)]
    if not wrong:
        return f"numbers written as text, such as {shown(distinct[0])}; convert them"
    place = f"{shown(wrong[0])} in row {values.index(wrong[0]).as_py()} (counted from 0)"
    if len(wrong) < len(distinct):
        return f"text beside numbers, first {place}; correct it"
    return f"text, such as {place}; encode it as numbers"


def _is_numeral(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def column_targets(values: pa.ChunkedArray, column: str, task: str) -> Targets:
    """The column as targets, by the rules of :func:`arrays`; labels are told apart by Arrow, not one by one.

    Raises:
        InvalidArgument: if they cannot be learnt.
    """
    from pyarrow import types

    place = Place("target", column)
    values = _label_values(values, place)
    is_text, is_integer = types.is_large_string(values.type), types.is_integer(values.type)
    if is_text and task == "regression":
        raise place.refusal("be numbers for regression", _described(values))
    if types.is_floating(values.type) or task == "regression":
        return target_matrix(values.to_numpy(), task=task, place=place)
    encoded = values.dictionary_encode().combine_chunks()
    distinct = len(encoded.dictionary)
    if task == "auto" and distinct > 1 and not are_few(distinct, rows=len(values)):
        if is_integer:
            return target_matrix(values.to_numpy(), task="regression", place=place)
        texts = encoded.dictionary.to_pylist() if is_text else []
        if any(map(_is_numeral, texts)) and not all(map(_is_numeral, texts)):  # most likely numbers, and one gone wrong
            found = f'{_described(values)}, or say task="classification" if all are labels'
            raise place.refusal("be labels or numbers", found)
    names, places = np.unique(encoded.dictionary.to_numpy(zero_copy_only=False), return_inverse=True)
    return class_matrix(names, places[encoded.indices.to_numpy()], place)


def _label_values(values: pa.ChunkedArray, place: Place) -> pa.ChunkedArray:
    """The column as numbers, booleans or strings.

    Raises:
        InvalidArgument: if values are missing, or are none of these.
    """
    from pyarrow import types

    if types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if values.null_count:
        row = int(np.argmax(values.is_null().to_numpy()))
        raise invalid(
            "target",
            f"must have no missing values, but column {place.column!r} lacks {values.null_count} of {len(values)}, "
            f"the first in row {row} (counted from 0); remove such rows.",
        )
    if types.is_binary(values.type):  # what Arrow makes of a .csv file that is not in UTF-8
        fault = f"must be text in UTF-8, but {place.column!r} is not; save it as UTF-8."
        values = attempted(lambda: values.cast("string"), lambda _: invalid("target", fault))
    readable = _readable(values)
    if readable is None:
        raise place.refusal("be labels or numbers", f"values of the type {values.type}; convert them")
    return readable
