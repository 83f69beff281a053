"""A data set of Hugging Face's ``datasets``: its columns are Arrow's, and are read as such, all rows at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benign.foundation.errors import InvalidArgument, attempted, invalid, listed
from benign.foundation.wording import shown, told
from benign.sources.class_names import ClassNames, called
from benign.sources.columns import checked_inputs, column_targets, data_of_columns
from benign.sources.finite import FiniteData
from benign.sources.sample_reading import Reading, ShapedRows, check_count, data_of_samples, room_for, shaped_data
from benign.sources.samples import TARGET_NAMES, Name
from benign.sources.tables import Place

if TYPE_CHECKING:
    import pyarrow as pa

_CALLS = ("features", "format", "select", "select_columns", "with_format", "__len__")
_ROWS_AT_ONCE = 8192


def is_arrow_dataset(data: Any) -> bool:
    """Whether it is one, and no transform stands between its columns and whoever reads them."""
    return all(hasattr(data, name) for name in _CALLS) and data.format.get("type") != "custom"


def data_of_arrow(
    data: Any, *, inputs: Name | Sequence[str] | None, target: Name | None, task: str, limit: int | None
) -> FiniteData:
    """The rows of such a data set, with the settings of :func:`dataset`.

    Raises:
        InvalidArgument: for columns or settings that cannot be used; the message names columns and rows.
        NotEnoughMemory: for more rows than there is room for.
    """
    rows = len(data) if limit is None else min(limit, len(data))
    check_count(rows)
    known = data.format.get("columns") or list(data.features)
    goal: Any = _likely_target(data.features, known) if target is None else target
    wanted: Any = [inputs] if isinstance(inputs, str) else inputs
    chosen = checked_inputs(known, goal, wanted)
    chosen_part = data.select_columns([*chosen, goal]).select(range(rows))
    names = _names_of(data.features[goal])
    images = [name for name in chosen if type(data.features[name]).__name__ == "Image"]
    if len(images) == len(chosen) == 1:
        reading = Reading(inputs=chosen[0], target=goal, limit=None)  # files are decoded by the library itself
        return data_of_samples(chosen_part.with_format(None), reading, task=task, names=names)
    if images:
        raise _several(chosen, images[0])
    columns = attempted(lambda: chosen_part.with_format("arrow")[:], _unreadable)
    task = "classification" if task == "auto" and names is not None else task
    nested = [name for name in chosen if _is_nested(columns.schema.field(name).type)]
    if len(nested) == len(chosen) == 1:
        targets, classes = column_targets(columns[goal], goal, task)
        return shaped_data(_matrix(columns[chosen[0]], chosen[0]), targets, called(classes, names))
    if nested:
        raise _several(chosen, nested[0])
    found = data_of_columns(columns, target=goal, inputs=chosen, as_frame=False, task=task)
    return replace(found, classes=called(found.classes, names))


def _several(chosen: Sequence[str], one: str) -> InvalidArgument:
    wanted = "must be one column of arrays or images, or columns of numbers"
    return invalid("inputs", f"{wanted}, got {listed(chosen)}; say which, as in inputs={shown(one)}.")


def _unreadable(error: BaseException) -> InvalidArgument:
    return invalid("data", f"cannot be read as columns of Arrow ({told(error)}).")


def _likely_target(features: Any, known: Sequence[str]) -> str:
    """The only column that is called like a target, or else the only one of class labels."""
    found = [name for name in known if name in TARGET_NAMES]
    found = found or [name for name in known if _names_of(features[name]) is not None]
    if len(found) != 1:
        raise invalid("target", f"must say which column is to be learnt, one of {listed(known)}.")
    return found[0]


def _names_of(feature: Any) -> ClassNames | None:
    if type(feature).__name__ != "ClassLabel":
        return None
    return ClassNames(names=tuple(feature.names), are_certain=True)


def _is_nested(kind: Any) -> bool:
    from pyarrow import types

    kind = getattr(kind, "storage_type", kind)
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _matrix(lists: pa.ChunkedArray, column: str) -> ShapedRows:
    """Lists of equal length, of lists or of numbers, from Arrow's buffers; a block of rows at a time."""
    first = _block(lists.slice(0, 1), column, 0, ())
    found = room_for(first[0], len(lists))
    for start in range(0, len(lists), _ROWS_AT_ONCE):
        block = _block(lists.slice(start, _ROWS_AT_ONCE), column, start, first.shape[1:])
        found[start : start + len(block)] = block
    return found


def _block(lists: pa.ChunkedArray, column: str, start: int, known: tuple[int, ...]) -> ShapedRows:
    """Some of the rows, the first of which is number ``start``; the shape of a sample where it is ``known``."""
    from pyarrow import compute

    values: Any = lists.combine_chunks()
    values = getattr(values, "storage", values)
    shape: tuple[int, ...] = (len(lists),)
    while _is_nested(values.type):
        _refuse_gaps(values, column, start, shape)
        lengths = compute.list_value_length(values).to_numpy()
        wanted = known[len(shape) - 1] if known else int(lengths[0])
        if different := np.flatnonzero(lengths != wanted).tolist():
            raise _ragged(column, start + different[0] // math.prod(shape[1:]))
        values, shape = values.flatten(), (*shape, wanted)
    _refuse_gaps(values, column, start, shape)
    return _finite(values, column, start, shape)


def _finite(values: pa.Array, column: str, start: int, shape: tuple[int, ...]) -> ShapedRows:
    from pyarrow import types

    kind, place = values.type, Place("data", column)
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise place.refusal("have numbers as inputs", f"lists of the type {kind}; encode them as numbers")
    if not len(values):
        raise place.refusal("have numbers as inputs", "empty lists; leave it out")
    numbers = values.to_numpy(zero_copy_only=False)
    if numbers.dtype == np.uint8:
        return np.asarray(numbers.reshape(shape))
    numbers = numbers.astype(np.float64)
    if broken := np.flatnonzero(~np.isfinite(numbers))[:1].tolist():
        raise place.infinite(numbers[broken[0]], start + broken[0] // math.prod(shape[1:]))
    return np.asarray(numbers.reshape(shape))


def _refuse_gaps(values: pa.Array, column: str, start: int, shape: tuple[int, ...]) -> None:
    if values.null_count:
        row = start + int(np.argmax(values.is_null())) // math.prod(shape[1:])
        found = f"a gap in row {row} (counted from 0); remove the row or fill in the value"
        raise Place("data", column).refusal("have no missing values", found)


def _ragged(column: str, row: int) -> InvalidArgument:
    found = f"lists of other lengths in row {row} (counted from 0); crop or pad them to one"
    return Place("data", column).refusal("have samples of one shape", found)
