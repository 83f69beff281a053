"""Named columns of an Arrow table, from a file or a frame, as a source: the numbers of the same data as arrays.

Columns of text, or with missing values, make a source whose samples are handed on as a data frame, to procedures that
take one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from jaxtyping import Float, Int, Shaped

from benign.foundation.arguments import checked_flag, checked_name, is_writable
from benign.foundation.errors import InvalidArgument, invalid, listed, unknown_names
from benign.foundation.progress import doing
from benign.foundation.split import Column
from benign.foundation.wording import shown
from benign.sources.checks import frozen, noted, refuse_all
from benign.sources.finite import FiniteData, FiniteSource, default_test_samples
from benign.sources.tables import LARGEST_INPUT, TASKS, are_few, class_matrix, target_matrix

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
        raise unknown_names("column", unknown, known, argument="target" if unknown[0] is target else "inputs")
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
    if isinstance(inputs, str):
        raise invalid("inputs", f"must be a list of names of columns, got {shown(inputs)}; write [{shown(inputs)}].")
    try:
        return list(inputs)  # type: ignore[call-overload]
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise invalid("inputs", f"must be a list of names of columns, got {shown(inputs)}.") from error


@doing("looking through the table")
def source_of_columns(
    columns: pa.Table,
    *,
    target: str,
    inputs: Sequence[str],
    as_frame: bool,
    task: str,
    label_noise: float,
    test_samples: int | None,
    scale: str | float,
    name: str,
) -> FiniteSource:
    """Columns as a source, with the settings of :func:`arrays`. The table may be freed: its values are copied.

    Raises:
        InvalidArgument: for columns or settings that cannot be used; the message names columns and rows.
    """
    checked_name("task", task, TASKS)
    checked_flag("as_frame", as_frame)
    if columns.num_rows < 2:
        raise invalid("inputs", f"must have at least 2 rows, one to train on and one to test, got {columns.num_rows}.")
    problems: list[InvalidArgument] = []
    with noted(problems):
        targets, classes = _target_matrix(columns[target], target, task)
    matrix, described = _input_matrix(columns, inputs, problems)
    is_frame = as_frame or any(column.texts is not None or column.has_gaps for column in described)
    if is_frame and scale not in ("standard", "none"):
        problems.append(invalid("scale", "must be left out where columns are handed on as a data frame."))
    refuse_all(problems)
    return FiniteSource(
        data=FiniteData(
            inputs=matrix,
            targets=targets,
            classes=classes,
            columns=described if is_frame else None,
            identifiers=_identifiers(described, matrix),
        ),
        name=name,
        label_noise=label_noise,
        test_samples=default_test_samples(len(matrix)) if test_samples is None else test_samples,
        scale="none" if is_frame else scale,
    )


def _identifiers(columns: Sequence[Column], matrix: Float[np.ndarray, "rows d"]) -> tuple[str, ...]:
    """The columns that are called so, or count the rows."""
    return tuple(
        column.name
        for column, values in zip(columns, matrix.T, strict=True)
        if column.name.strip().lower() in _IDENTIFIERS or (len(values) >= _LEAST_COUNTED and _are_counted(values))
    )


def _are_counted(values: Float[np.ndarray, " rows"]) -> bool:
    first, rows = values.min(), len(values)
    return bool(values.max() - first == rows - 1 and np.array_equal(np.sort(values), first + np.arange(rows)))


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
                _refuse_size(matrix[beyond[index], index], column.name, beyond[index])
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


def _refuse_size(value: float, column: str, row: int) -> NoReturn:
    if np.isinf(value):
        raise invalid(
            "inputs",
            f"must be finite, but column {column!r} holds {value} in row {row} (counted from 0); remove the "
            "row or fill in the value.",
        )
    raise invalid("inputs", f"must not exceed {LARGEST_INPUT:g} in size, as column {column!r} does; rescale it.")


def _numbers(values: pa.ChunkedArray, name: str) -> tuple[Column, pa.ChunkedArray]:
    """The column as numbers: decimals as float64, booleans as 0 and 1, texts as their places among the different ones.

    Raises:
        InvalidArgument: if it holds anything else, or text that looks like numbers gone wrong.
    """
    from pyarrow import types

    text, is_categorical = _as_text(values), types.is_dictionary(values.type)
    if text is not None:
        categories = values.unify_dictionaries().chunk(0).dictionary.to_pylist() if is_categorical else None
        return _text_column(text, name, categories)
    if is_categorical:
        values = values.cast(values.type.value_type)
    kind = values.type
    if types.is_decimal(kind) or types.is_null(kind):
        return Column(name=name), values.cast("float64")
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return Column(name=name), values
    raise _wrong_kind(values, name)


def _wrong_kind(values: pa.ChunkedArray, name: str) -> InvalidArgument:
    return invalid(
        "inputs",
        f"must be columns of numbers or text, but {name!r} holds {_described(values)}, or name the columns to "
        "learn from.",
    )


def _text_column(text: pa.ChunkedArray, name: str, categories: Sequence[str] | None) -> tuple[Column, pa.ChunkedArray]:
    """Each text's place among the categories, or else among the different texts in ascending order; null for null."""
    import pyarrow as pa
    from pyarrow import compute

    distinct = text.drop_null().unique().to_pylist()
    if categories is None and any(map(_is_numeral, distinct)) and not are_few(len(distinct), rows=len(text)):
        raise _wrong_kind(text, name)
    order = sorted(distinct) if categories is None else categories
    places = compute.index_in(text, value_set=pa.array(order, "large_string"))
    return Column(name=name, texts=tuple(order), is_categorical=categories is not None), places


def _described(values: pa.ChunkedArray) -> str:
    """What a column holds instead of numbers, and what to do about it."""
    from pyarrow.types import is_binary

    text = _as_text(values)
    if is_binary(values.type):
        return "bytes that are no text in UTF-8; save it as UTF-8"
    if text is None:
        return f"values of the type {values.type}; encode them as numbers"
    distinct = text.drop_null().unique().to_pylist()  # in the order in which they appear
    wrong = [name for name in distinct if not _is_numeral(name)]
    if not wrong:
        return f"numbers written as text, such as {shown(distinct[0])}; convert them"
    place = f"{shown(wrong[0])} in row {text.index(wrong[0]).as_py()} (counted from 0)"
    if len(wrong) < len(distinct):
        return f"text beside numbers, first {place}; correct it"
    return f"text, such as {place}; encode it as numbers"


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The column as strings, if it holds strings, or categories that are strings."""
    from pyarrow import types

    kind = values.type.value_type if types.is_dictionary(values.type) else values.type
    is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return values.cast("large_string") if is_text else None


def _is_numeral(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refuse_missing(values: pa.ChunkedArray, column: str) -> None:
    if values.null_count:
        row = int(np.argmax(values.is_null().to_numpy()))
        raise invalid(
            "target",
            f"must have no missing values, but column {column!r} lacks {values.null_count} of {len(values)}, "
            f"the first in row {row} (counted from 0); remove such rows.",
        )


def _target_matrix(
    values: pa.ChunkedArray, column: str, task: str
) -> tuple[Float[np.ndarray, "rows outputs"], tuple[str, ...] | None]:
    """The column as targets, by the rules of :func:`arrays`; labels are told apart by Arrow, not one by one."""
    from pyarrow import types

    values = _plain(values, column)
    is_text, is_float = types.is_large_string(values.type), types.is_floating(values.type)
    if is_text and task == "regression":
        raise invalid("target", f"must be numbers for regression, but {column!r} holds {_described(values)}.")
    if is_float or task == "regression":
        return _number_targets(values.to_numpy(), column, task)
    encoded = values.dictionary_encode().combine_chunks()
    distinct = len(encoded.dictionary)
    if distinct == 1:
        _refuse_constant(encoded.dictionary[0].as_py(), column)
    is_few = are_few(distinct, rows=len(values))
    if task == "auto" and not is_few and types.is_integer(values.type):
        return _number_targets(values.to_numpy(), column, "regression")
    if task == "auto" and not is_few and is_text:
        _refuse_mixture(values, column)
    names, places = np.unique(encoded.dictionary.to_numpy(zero_copy_only=False), return_inverse=True)
    return class_matrix(names, places[encoded.indices.to_numpy()].astype(np.int64))


def _plain(values: pa.ChunkedArray, column: str) -> pa.ChunkedArray:
    """The column as numbers, booleans or strings: its values where it is of categories, decimals as float64.

    Raises:
        InvalidArgument: if values are missing, or are none of these.
    """
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    _refuse_missing(values, column)
    if types.is_binary(values.type):  # what Arrow makes of a .csv file that is not in UTF-8
        try:
            return values.cast("string").cast("large_string")
        except pa.ArrowInvalid as error:
            raise invalid("target", f"must be text in UTF-8, but {column!r} is not; save it as UTF-8.") from error
    text = _as_text(values)
    if text is not None:
        return text
    if types.is_decimal(values.type):
        return values.cast("float64")
    if not (types.is_boolean(values.type) or types.is_integer(values.type) or types.is_floating(values.type)):
        raise invalid(
            "target", f"must be labels or numbers, but {column!r} holds values of the type {values.type}; convert them."
        )
    return values


def _number_targets(
    values: Shaped[np.ndarray, " rows"], column: str, task: str
) -> tuple[Float[np.ndarray, "rows outputs"], tuple[str, ...] | None]:
    is_bad = ~np.isfinite(values)
    if is_bad.any():
        row = int(np.argmax(is_bad))
        raise invalid(
            "target",
            f"must be finite, but column {column!r} holds {values[row]} in row {row} (counted from 0); remove "
            "the row or fill in the value.",
        )
    if values.min() == values.max():
        _refuse_constant(values[0].item(), column)
    return target_matrix(values, task=task, rows=len(values))


def _refuse_constant(value: object, column: str) -> NoReturn:
    raise invalid(
        "target", f"must vary, but column {column!r} holds {shown(value)} in every row; there is nothing to learn."
    )


def _refuse_mixture(text: pa.ChunkedArray, column: str) -> None:
    """Text beside numbers, more of it than classes would be: most likely numbers, with something else among them."""
    names = text.unique().to_pylist()
    if any(map(_is_numeral, names)) and not all(map(_is_numeral, names)):
        raise invalid(
            "target",
            f"must be labels or numbers, but column {column!r} holds {_described(text)}, or say "
            'task="classification" if all are labels.',
        )
