"""From what users hold (arrays, lists, data frames) to matrices of float64, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike

from benign.foundation.arguments import checked_name, is_writable
from benign.foundation.arrays import as_array, as_numbers, is_number
from benign.foundation.errors import invalid
from benign.foundation.memory import require_memory
from benign.foundation.wording import shown
from benign.sources.checks import frozen
from benign.sources.label_noise import one_hot

TASKS = ("auto", "classification", "regression")
LARGEST_INPUT = 1e150  # its square is still finite
_MOST_INTEGER_CLASSES = 50
LARGEST_TARGET = 1e100  # so is the sum of its squares


def input_table(inputs: ArrayLike) -> Shaped[np.ndarray, "rows d"]:
    """Inputs as a table, one row a sample.

    Raises:
        InvalidArgument: if they are no table with at least two rows and a column.
    """
    array = _as_objects_if_text("inputs", inputs)
    if array.ndim == 0:
        raise invalid("inputs", f"must be a dense table with one row a sample, got {shown(array.item())}.")
    if len(array) < 2:
        raise invalid("inputs", f"must have at least 2 rows, one to train on and one to test, got {len(array)}.")
    if array.size == 0:
        raise invalid("inputs", f"must have at least one column, got the shape {array.shape}.")
    return array.reshape(len(array), -1)


def input_matrix(table: Shaped[np.ndarray, "rows d"]) -> Float[np.ndarray, "rows d"]:
    """A table of inputs as a read-only copy.

    Raises:
        InvalidArgument: if it holds anything but finite numbers.
    """
    matrix = as_numbers("inputs", table)
    _check_finite("inputs", matrix)
    check_size("inputs", np.abs(matrix).max(), LARGEST_INPUT)
    return frozen(matrix)


def target_matrix(
    targets: ArrayLike, *, task: str, rows: int
) -> tuple[Float[np.ndarray, "rows outputs"], tuple[str, ...] | None]:
    """Targets as a read-only matrix, one-hot with the names of the classes for classification.

    Raises:
        InvalidArgument: if they are no labels or values of ``rows`` samples.
    """
    checked_name("task", task, TASKS)
    array = _homogeneous(targets)
    if array.ndim == 0 or len(array) != rows:
        given = "one value" if array.ndim == 0 else f"{len(array)} entries"
        raise invalid("targets", f"must have one entry for each of the {rows} rows of `inputs`, got {given}.")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim > 1:
        return _several_outputs(array, task), None
    if task == "classification" or (task == "auto" and _are_classes(array)):
        return _classified(array)
    return _values(array[:, None]), None


def _are_classes(array: Shaped[np.ndarray, " rows"]) -> bool:
    if array.dtype.kind in "iu":
        distinct = len(np.unique(array))
        return distinct == 1 or are_few(distinct, rows=len(array))
    return array.dtype.kind in "bUS"


def are_few(distinct: int, *, rows: int) -> bool:
    """Whether so many different integers in ``rows`` rows are classes rather than values, where nothing was said."""
    return distinct <= min(_MOST_INTEGER_CLASSES, rows // 2)


def _classified(
    array: Shaped[np.ndarray, " rows"],
) -> tuple[Float[np.ndarray, "rows outputs"], tuple[str, ...]]:
    if array.dtype.kind == "f":
        array = _whole_numbers(array)
    elif array.dtype.kind == "S":
        array = _decoded(array)
    elif array.dtype.kind not in "biuU":
        raise invalid("targets", f"must be strings or integers to be classes, got {array.dtype}; convert them.")
    names, labels = np.unique(array, return_inverse=True)
    if len(names) < 2:
        raise invalid(
            "targets", f"must hold at least two classes, got only {names[0].item()!r}; there is nothing to tell apart."
        )
    return class_matrix(names, labels.astype(np.int64))


def class_matrix(
    names: Shaped[np.ndarray, " classes"], labels: Int[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, "rows classes"], tuple[str, ...]]:
    """One-hot targets and the names of their classes, given the ascending names and each row's place among them.

    Raises:
        InvalidArgument: for a name that cannot be written.
        NotEnoughMemory: for more classes than there is room for.
    """
    _refuse_unwritable(str(name) for name in names)
    require_memory(
        16.0 * len(labels) * len(names),
        purpose=f"a target for each of {len(names)} classes and {len(labels)} rows",
        advice='merge classes, or say task="regression" if `targets` are values',
    )
    return one_hot(labels, len(names)), tuple(str(name) for name in names)


def _decoded(array: Shaped[np.ndarray, " rows"]) -> Shaped[np.ndarray, " rows"]:
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        raise invalid("targets", f"must be text in UTF-8, got {shown(error.object)}; decode it.") from error


def _whole_numbers(array: Float[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    _check_finite("targets", np.asarray(array, dtype=np.float64)[:, None])
    broken = np.flatnonzero((array != np.round(array)) | (np.abs(array) >= 2.0**53))
    if len(broken):
        raise invalid(
            "targets",
            f"must be strings or integers to be classes, got {array[broken[0]]} in row {broken[0]} (counted "
            'from 0); say task="regression" for values.',
        )
    return array.astype(np.int64)


def _several_outputs(array: Shaped[np.ndarray, "rows ..."], task: str) -> Float[np.ndarray, "rows outputs"]:
    if array.ndim > 2 or task == "classification":
        raise invalid("targets", f"must be one column of class labels, got the shape {array.shape}.")
    if task == "auto" and (array.dtype.kind != "f" or _is_one_hot(array)):
        raise invalid(
            "targets",
            f'must be one column, got the shape {array.shape} of {array.dtype}; say task="regression" for '
            "several outputs, or give class labels instead of one-hot rows.",
        )
    return _values(array)


def _is_one_hot(array: Shaped[np.ndarray, "rows outputs"]) -> bool:
    return bool(np.isin(array, (0.0, 1.0)).all() and np.all(array.sum(axis=1) == 1.0))


def _values(table: Shaped[np.ndarray, "rows outputs"]) -> Float[np.ndarray, "rows outputs"]:
    if table.shape[1] == 0:
        raise invalid("targets", "must have at least one column, got none.")
    matrix = as_numbers("targets", table)
    _check_finite("targets", matrix)
    check_size("targets", np.abs(matrix).max(), LARGEST_TARGET)
    if np.all(matrix == matrix[0]):
        raise invalid("targets", f"must vary, got {matrix[0, 0]} in every row; there is nothing to learn.")
    return frozen(matrix)


def _as_objects_if_text(argument: str, values: object) -> Shaped[np.ndarray, "..."]:
    """Lists that hold text as objects: NumPy would turn ``["a", 1]`` into two strings without a word."""
    array = as_array(argument, values)
    if isinstance(values, (list, tuple)) and array.dtype.kind in "US":
        return np.asarray(values, dtype=object)
    return array


def _homogeneous(targets: ArrayLike) -> Shaped[np.ndarray, "..."]:
    """Targets as an array of one kind.

    Raises:
        InvalidArgument: if text and numbers are mixed, with the first two kinds, or text cannot be written.
    """
    array = _as_objects_if_text("targets", targets)
    if array.dtype.kind != "O":
        return array
    kinds = list(dict.fromkeys("a number" if is_number(value) else type(value).__name__ for value in array.flat))
    if len(kinds) > 1:
        raise invalid(
            "targets",
            f"must be all of one kind, got {kinds[0]} and {kinds[1]}; convert them to one, or remove the "
            "rows where they are missing.",
        )
    _refuse_unwritable(array.flat)
    return as_array("targets", array.tolist())


def _refuse_unwritable(labels: Iterable[object]) -> None:
    """Refuse text that no file can hold: NumPy would drop a NUL at its end, and make one class of two."""
    for label in labels:
        if (isinstance(label, str) and not is_writable(label)) or (isinstance(label, bytes) and b"\0" in label):
            raise invalid("targets", f"must be text that a file can hold, got {shown(label)}; rename the class.")


def check_size(argument: str, size: float, largest: float) -> None:
    """Refuse numbers whose squares overflow, or all vanish; ``size`` is that of the largest, all may be 0.

    Raises:
        InvalidArgument: if it exceeds ``largest``, or is below its inverse.
    """
    if size > largest:
        raise invalid(argument, f"must not exceed {largest:g} in size; rescale them.")
    if 0.0 < size < 1.0 / largest:
        raise invalid(argument, f"must not all be below {1.0 / largest:g} in size; rescale them.")


def _check_finite(argument: str, matrix: Float[np.ndarray, "rows d"]) -> None:
    is_bad = ~np.isfinite(matrix)
    if is_bad.any():
        row, column = (int(index) for index in np.argwhere(is_bad)[0])
        more = f", and {is_bad.sum() - 1:,} more such" if is_bad.sum() > 1 else ""
        raise invalid(
            argument,
            f"must be finite, got {matrix[row, column]} in row {row}, column {column} (counted from 0)"
            f"{more}; remove the row or fill in the value.",
        )
