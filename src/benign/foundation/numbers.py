"""Numbers as users give them: counts, reals, a ridge."""

from __future__ import annotations

import math

import numpy as np

from benign.foundation.errors import invalid
from benign.foundation.wording import shown

LARGEST_INTEGER = 2**63 - 1
SMALLEST, LARGEST = 1e-100, 1e100
"""Of the size of a setting that is not 0: its square, and what is divided by it, are still numbers."""


def checked_count(argument: str, value: object) -> int:
    """``value``, if it is a positive integer.

    Raises:
        InvalidArgument: if it is not, or exceeds 64 bits; the message names ``argument``.
    """
    if not is_integer(value) or value < 1:  # type: ignore[operator]
        raise invalid(argument, f"must be a positive integer, got {shown(value)}.")
    if value > LARGEST_INTEGER:  # type: ignore[operator]
        raise invalid(argument, f"must be an integer below 2^63, got {shown(value)}.")
    return int(value)  # type: ignore[call-overload]


def checked_index(argument: str, value: object) -> int:
    """``value``, if it is an integer from 0 to 2^63 - 1.

    Raises:
        InvalidArgument: if it is not; the message names ``argument``.
    """
    if not (is_integer(value) and 0 <= value <= LARGEST_INTEGER):  # type: ignore[operator]
        raise invalid(argument, f"must be an integer from 0 to 2^63 - 1, got {shown(value)}.")
    return int(value)  # type: ignore[call-overload]


def checked_number(argument: str, value: object) -> float:
    """``value``, if it is a real number that can be computed with: 0, or from 1e-100 to 1e100 in size.

    Raises:
        InvalidArgument: if it is not; the message names ``argument``.
    """
    return _checked(argument, value, "a finite number")


def checked_positive(argument: str, value: object) -> float:
    """``value``, if it is a positive number.

    Raises:
        InvalidArgument: unless it is from 1e-100 to 1e100; the message names ``argument``.
    """
    number = _checked(argument, value, "a positive number")
    if number <= 0.0:
        raise invalid(argument, f"must be a positive number, got {shown(value)}.")
    return number


def checked_rate(argument: str, value: object) -> float:
    """``value``, if it is a positive number of any size: a training that diverges by it says so itself.

    Raises:
        InvalidArgument: if it is not; the message names ``argument``.
    """
    number = _finite(argument, value, "a positive number")
    if number <= 0.0:
        raise invalid(argument, f"must be a positive number, got {shown(value)}.")
    return number


def checked_ridge(ridge: object) -> float:
    """The ridge, if it can be one.

    Raises:
        InvalidArgument: unless it is zero, or from 1e-100 to 1e100.
    """
    number = _checked("ridge", ridge, "zero or a positive number")
    if number < 0.0:
        raise invalid("ridge", f"must be zero or a positive number, got {shown(ridge)}.")
    return number


def is_integer(value: object) -> bool:
    """Whether it is an integer of Python's or NumPy's, and no boolean."""
    return issubclass(type(value), (int, np.integer)) and type(value) not in (bool, np.timedelta64)


def _finite(argument: str, value: object, kind: str) -> float:
    is_number = is_integer(value) or issubclass(type(value), (float, np.floating))
    try:
        number = float(value) if is_number else math.nan  # type: ignore[arg-type]
    except OverflowError:  # an integer beyond 1e308
        number = 10.0 * LARGEST
    if not math.isfinite(number):
        raise invalid(argument, f"must be {kind}, got {shown(value)}.")
    return number


def _checked(argument: str, value: object, kind: str) -> float:
    number = _finite(argument, value, kind)
    if number and not SMALLEST <= abs(number) <= LARGEST:
        raise invalid(
            argument,
            f"must be {'0 or ' * (kind != 'a positive number')}from {SMALLEST:g} to {LARGEST:g} in size, "
            f"got {shown(value)}; rescale what it is measured in.",
        )
    return number + 0.0  # -0.0 is 0.0
