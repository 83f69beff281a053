"""Arrays as users give them: the one place where what they hold becomes ours, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Shaped

from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.wording import shown, told

_NUMBERS = (int, float, np.integer, np.floating, Fraction, Decimal)


def as_array(argument: str, values: object) -> Shaped[np.ndarray, "..."]:
    """Equivalent to ``numpy.asarray``, but refuses masks, which that drops, sparse matrices and ragged lists.

    Raises:
        InvalidArgument: for these, and for values whose own code fails.
    """

    def refusal(error: BaseException) -> InvalidArgument:
        if "inhomogeneous" in told(error):
            return invalid(argument, "must have rows of equal length, got a ragged list.")
        return invalid(argument, f"cannot be read as an array ({told(error)}); give a NumPy array.")

    return attempted(lambda: np.asarray(_without_hidden(argument, values)), refusal)


def _without_hidden(argument: str, values: object) -> object:
    if hasattr(type(values), "toarray"):  # of a data frame it may be a column
        raise invalid(argument, "must be a dense array, got a sparse one; call its .toarray().")
    parts: Sequence[object] = values if isinstance(values, (list, tuple)) else [values]
    for index, part in enumerate(parts):
        if isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part):
            masked = np.argwhere(np.atleast_1d(np.ma.getmaskarray(part)))
            row = int(masked[0, 0]) if part is values else index
            raise invalid(
                argument,
                f"must have no masked entries, got one in row {row} (counted from 0); remove such rows or "
                "fill them in.",
            )
    return values


def as_numbers(
    argument: str, table: Shaped[np.ndarray, "rows d"], *, advice: str = "encode it as a number or leave the column out"
) -> Float[np.ndarray, "rows d"]:
    """A table as float64, in an array of its own; what is missing becomes NaN.

    Raises:
        InvalidArgument: for an entry that is no real number; the message says where, and gives the ``advice``.
    """
    if table.dtype.kind not in "biuf":
        # Dates as text: NumPy makes integers of those in nanoseconds.
        table = _of_objects(argument, table.astype(str if table.dtype.kind in "mM" else object), advice)
    with np.errstate(over="ignore"):  # of a longdouble, which then is infinite
        return np.array(table, dtype=np.float64, order="C")


def number_array(argument: str, values: object, *, axes: int) -> Float[np.ndarray, "..."]:
    """An array of float64 with so many axes, the very one where it is so already; it may hold NaN.

    Raises:
        InvalidArgument: for what is none; the message names ``argument``.
    """
    array = as_array(argument, values)
    if array.ndim != axes:
        raise invalid(argument, f"must be an array of {axes} axes, got the shape {array.shape}.")
    if array.dtype.kind in "biuf" or not array.size:
        return array.astype(np.float64, copy=False)
    return as_numbers(argument, array.reshape(len(array), -1)).reshape(array.shape)


def is_number(value: object) -> bool:
    """Whether it is a real number of Python's or NumPy's, and no boolean."""
    return isinstance(value, _NUMBERS) and not isinstance(value, (bool, np.timedelta64))


def _of_objects(argument: str, table: Shaped[np.ndarray, "rows d"], advice: str) -> Float[np.ndarray, "rows d"]:
    numbers = np.empty(table.shape)
    for (row, column), value in np.ndenumerate(table):
        try:
            numbers[row, column] = np.nan if _is_missing(value) else _number(value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            wanted, cure = (
                ("fit into float64", "rescale it") if isinstance(error, OverflowError) else ("be numbers", advice)
            )
            where = f"in row {row}, column {column} (counted from 0)"
            raise invalid(argument, f"must {wanted}, got {shown(value)} {where}; {cure}.") from error
    return numbers


def _is_missing(value: object) -> bool:
    return value is None or type(value).__name__ == "NAType"  # of pandas


def _number(value: object) -> float:
    if not (is_number(value) or isinstance(value, (bool, np.bool_))):
        raise TypeError
    return float(value)  # type: ignore[arg-type]
