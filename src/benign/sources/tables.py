"""From what users hold (arrays, lists, data frames) to matrices of float64, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike

from benign.foundation.arguments import checked_name, is_writable
from benign.foundation.arrays import as_array, as_numbers, is_number
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.memory import require_memory
from benign.foundation.wording import shown
from benign.sources.checks import frozen
from benign.sources.label_noise import one_hot

TASKS = ("auto", "classification", "regression")
LARGEST_INPUT = 1e150  # its square is still finite
_MOST_INTEGER_CLASSES = 50
LARGEST_TARGET = 1e100  # so is the sum of its squares

Targets = tuple[Float[np.ndarray, "rows outputs"], tuple[str, ...] | None]
"""A read-only matrix, one-hot with the names of the classes for classification."""


@dataclass(frozen=True)
class Place:
    """Where values come from, for messages: an argument that is an array, or a column of the table it names."""

    argument: str
    column: str | None = None

    def refusal(self, wanted: str, found: str) -> InvalidArgument:
        """The error for values that are not what they must be; ``found`` ends with what to do."""
        held = "got" if self.column is None else f"but column {self.column!r} holds"
        return invalid(self.argument, f"must {wanted}, {held} {found}.")

    def infinite(self, value: float, row: int, column: int = 0, more: str = "") -> InvalidArgument:
        """The error for a value that is not finite."""
        within = f", column {column}" if self.column is None else ""
        return self.refusal(
            "be finite", f"{value} in row {row}{within} (counted from 0){more}; remove the row or fill in the value"
        )

    def check_numbers(self, matrix: Float[np.ndarray, "rows d"], largest: float) -> None:
        """Refuse what is not finite, and numbers whose squares overflow or all vanish."""
        is_bad = ~np.isfinite(matrix)
        if is_bad.any():
            row, column = (int(index) for index in np.argwhere(is_bad)[0])
            more = f", and {is_bad.sum() - 1:,} more such" if is_bad.sum() > 1 else ""
            raise self.infinite(matrix[row, column], row, column, more)
        self.check_size(np.abs(matrix).max(), largest)

    def check_size(self, size: float, largest: float) -> None:
        """Refuse numbers whose squares overflow, or all vanish; ``size`` is that of the largest, all may be 0.

        Raises:
            InvalidArgument: if it exceeds ``largest``, or is below its inverse.
        """
        if size > largest:
            raise self.refusal(f"not exceed {largest:g} in size", f"{size:g}; rescale them")
        if 0.0 < size < 1.0 / largest:
            raise self.refusal(f"not all be below {1.0 / largest:g} in size", f"at most {size:g}; rescale them")


def input_samples(inputs: ArrayLike) -> Shaped[np.ndarray, "rows *sample"]:
    """Inputs as an array, its first axis the samples.

    Raises:
        InvalidArgument: if they are no table with at least two rows and a column.
    """
    array = _as_objects_if_text("inputs", inputs)
    if array.ndim == 0:
        raise invalid("inputs", f"must be a dense table with one row a sample, got {shown(array.item())}.")
    check_rows(len(array))
    if array.size == 0:
        raise invalid("inputs", f"must have at least one column, got the shape {array.shape}.")
    return array


def column_names(inputs: object, columns: int) -> tuple[str, ...]:
    """The names of the columns of a data frame, where all are text; none of anything else."""
    try:
        names = tuple(getattr(inputs, "columns", ()))
    except Exception:  # something of somebody's own: names decide nothing
        return ()
    return names if len(names) == columns and all(issubclass(type(name), str) for name in names) else ()


def check_rows(count: int) -> None:
    """Refuse a table too short to be split.

    Raises:
        InvalidArgument: for fewer than two rows.
    """
    if count < 2:
        raise invalid("inputs", f"must have at least 2 rows, one to train on and one to test, got {count}.")


def input_matrix(samples: Shaped[np.ndarray, "rows *sample"]) -> Float[np.ndarray, "rows d"]:
    """Samples of inputs as rows of a read-only copy.

    Raises:
        InvalidArgument: if it holds anything but finite numbers.
    """
    matrix = as_numbers("inputs", samples.reshape(len(samples), -1))
    Place("inputs").check_numbers(matrix, LARGEST_INPUT)
    return frozen(matrix)


def array_targets(targets: ArrayLike, *, task: str, rows: int, argument: str = "targets") -> Targets:
    """Targets that came as an array or a list; messages name the ``argument``.

    Raises:
        InvalidArgument: if they are no labels or values of ``rows`` samples.
    """
    checked_name("task", task, TASKS)
    place, array = Place(argument), _homogeneous(targets, argument)
    if array.ndim == 0 or len(array) != rows:
        given = "one value" if array.ndim == 0 else f"{len(array)} entries"
        raise invalid(argument, f"must have one entry for each of the {rows} rows of `inputs`, got {given}.")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim > 1:
        _check_several_outputs(array, task, argument)
        return _values(array, place), None
    return target_matrix(_decoded(array, argument) if array.dtype.kind == "S" else array, task=task, place=place)


def target_matrix(array: Shaped[np.ndarray, " rows"], *, task: str, place: Place) -> Targets:
    """Labels or values of one kind: strings and booleans are classes, few different integers too, unless said.

    Raises:
        InvalidArgument: if they cannot be learnt.
    """
    is_class = array.dtype.kind in "biuU"
    if task == "classification" and array.dtype.kind == "f":
        array, is_class = _whole_numbers(array, place), True
    if task == "regression" or (task == "auto" and not is_class):
        return _values(array[:, None], place), None
    if not is_class:
        raise place.refusal("be strings or integers to be classes", f"{array.dtype}; convert them")
    names, labels = np.unique(array, return_inverse=True)
    if task == "auto" and array.dtype.kind in "iu" and len(names) > 1 and not are_few(len(names), rows=len(array)):
        return _values(array[:, None], place), None
    return class_matrix(names, labels, place)


def are_few(distinct: int, *, rows: int) -> bool:
    """Whether so many different integers in ``rows`` rows are classes rather than values, where nothing was said."""
    return distinct <= min(_MOST_INTEGER_CLASSES, rows // 2)


def class_matrix(
    names: Shaped[np.ndarray, " classes"], labels: Int[np.ndarray, " rows"], place: Place
) -> tuple[Float[np.ndarray, "rows classes"], tuple[str, ...]]:
    """One-hot targets and the names of their classes, given the ascending names and each row's place among them.

    Raises:
        InvalidArgument: for one class, or a name that cannot be written.
        NotEnoughMemory: for more classes than there is room for.
    """
    if len(names) < 2:
        raise _constant(names[0], place)
    _refuse_unwritable(names.tolist(), place)
    require_memory(
        16.0 * len(labels) * len(names),
        purpose=f"a target for each of {len(names)} classes and {len(labels)} rows",
        advice=f'merge classes, or say task="regression" if `{place.argument}` are values',
    )
    return one_hot(labels.astype(np.int64), len(names)), tuple(str(name) for name in names)


def _constant(value: object, place: Place) -> InvalidArgument:
    return place.refusal("vary", f"{shown(value)} in every row; there is nothing to learn")


def _decoded(array: Shaped[np.ndarray, " rows"], argument: str) -> Shaped[np.ndarray, " rows"]:
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        raise invalid(argument, f"must be text in UTF-8, got {shown(error.object)}; decode it.") from error


def _whole_numbers(array: Float[np.ndarray, " rows"], place: Place) -> Int[np.ndarray, " rows"]:
    place.check_numbers(np.asarray(array, dtype=np.float64)[:, None], np.inf)
    broken = np.flatnonzero((array != np.round(array)) | (np.abs(array) >= 2.0**53))
    if len(broken):
        where = f"{array[broken[0]]} in row {broken[0]} (counted from 0)"
        raise place.refusal("be strings or integers to be classes", f'{where}; say task="regression" for values')
    return array.astype(np.int64)


def _check_several_outputs(array: Shaped[np.ndarray, "rows ..."], task: str, argument: str) -> None:
    if array.ndim > 2 or task == "classification":
        raise invalid(argument, f"must be one column of class labels, got the shape {array.shape}.")
    if array.shape[1] == 0:
        raise invalid(argument, "must have at least one column, got none.")
    if task == "auto" and (array.dtype.kind != "f" or _is_one_hot(array)):
        raise invalid(
            argument,
            f'must be one column, got the shape {array.shape} of {array.dtype}; say task="regression" for '
            "several outputs, or give class labels instead of one-hot rows.",
        )


def _is_one_hot(array: Shaped[np.ndarray, "rows outputs"]) -> bool:
    return bool(np.isin(array, (0.0, 1.0)).all() and np.all(array.sum(axis=1) == 1.0))


def _values(table: Shaped[np.ndarray, "rows outputs"], place: Place) -> Float[np.ndarray, "rows outputs"]:
    matrix = as_numbers(place.argument, table)
    place.check_numbers(matrix, LARGEST_TARGET)
    if np.all(matrix == matrix[0]):
        raise _constant(table[0, 0], place)
    return frozen(matrix)


def _as_objects_if_text(argument: str, values: object) -> Shaped[np.ndarray, "..."]:
    """Lists that hold text as objects: NumPy would turn ``["a", 1]`` into two strings without a word."""
    array = as_array(argument, values)
    if isinstance(values, (list, tuple)) and array.dtype.kind in "US":
        return np.asarray(values, dtype=object)
    return array


def _homogeneous(targets: ArrayLike, argument: str) -> Shaped[np.ndarray, "..."]:
    """Targets as an array of one kind.

    Raises:
        InvalidArgument: if text and numbers are mixed, with the first two kinds, or text cannot be written.
    """
    array = _as_objects_if_text(argument, targets)
    if array.dtype.kind != "O":
        return array
    kinds = list(dict.fromkeys("a number" if is_number(value) else type(value).__name__ for value in array.flat))
    if len(kinds) > 1:
        advice = "convert them to one, or remove the rows where they are missing"
        raise invalid(argument, f"must be all of one kind, got {kinds[0]} and {kinds[1]}; {advice}.")
    _refuse_unwritable(array.flat, Place(argument))
    return as_array(argument, array.tolist())


def _refuse_unwritable(labels: Iterable[object], place: Place) -> None:
    """Refuse text that no file can hold: NumPy would drop a NUL at its end, and make one class of two."""
    for label in labels:
        if (isinstance(label, str) and not is_writable(label)) or (isinstance(label, bytes) and b"\0" in label):
            raise place.refusal("be text that a file can hold", f"{shown(label)}; rename the class")
