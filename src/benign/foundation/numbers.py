"""Numbers as users give them: counts, reals, a ridge."""

from __future__ import annotations

import math
from collections.abc import Callable

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
    return _integer(argument, value, "a positive integer", least=1)


def checked_index(argument: str, value: object) -> int:
    """``value``, if it is an integer from 0 to 2^63 - 1.

    Raises:
        InvalidArgument: if it is not; the message names ``argument``.
    """
    return _integer(argument, value, "an integer from 0 to 2^63 - 1", least=0)


def _integer(argument: str, value: object, kind: str, *, least: int) -> int:
    if not is_integer(value) or value < least:  # type: ignore[operator]
        raise invalid(argument, f"must be {kind}, got {shown(value)}.")
    if value > LARGEST_INTEGER:  # type: ignore[operator]
        raise invalid(argument, f"must be an integer below 2^63, got {shown(value)}.")
    return int(value)  # type: ignore[call-overload]


def checked_number(
    argument: str, value: object, *, kind: str = "a finite number", fits: Callable[[float], bool] = math.isfinite
) -> float:
    """``value``, if it is a real number that can be computed with: 0, or from 1e-100 to 1e100 in size.

    Args:
        argument: what the message names.
        value: what was given for it.
        kind: what the message asks for where ``value`` is no number that fits.
        fits: which numbers do.

    Raises:
        InvalidArgument: if it is not, or does not fit.

    >>> checked_number("share", 0.5, kind="from 0 to 1", fits=lambda share: 0.0 <= share <= 1.0)
    0.5
    """
    number = _fitting(argument, value, kind, fits)
    if number and not SMALLEST <= abs(number) <= LARGEST:
        sizes = f"{'0 or ' * fits(0.0)}from {SMALLEST:g} to {LARGEST:g} in size"
        raise invalid(argument, f"must be {sizes}, got {shown(value)}; rescale what it is measured in.")
    return number + 0.0  # -0.0 is 0.0


def checked_positive(argument: str, value: object, *, kind: str = "a positive number") -> float:
    """``value``, if it is a positive number; ``kind`` is what the message asks for.

    Raises:
        InvalidArgument: unless it is from 1e-100 to 1e100; the message names ``argument``.
    """
    return checked_number(argument, value, kind=kind, fits=_is_positive)


def checked_rate(argument: str, value: object) -> float:
    """``value``, if it is a positive number of any size: a training that diverges by it says so itself.

    Raises:
        InvalidArgument: if it is not; the message names ``argument``.
    """
    return _fitting(argument, value, "a positive number", _is_positive)


def checked_ridge(ridge: object) -> float:
    """The ridge, if it can be one.

    Raises:
        InvalidArgument: unless it is zero, or from 1e-100 to 1e100.
    """
    return checked_number("ridge", ridge, kind="zero or a positive number", fits=lambda number: number >= 0.0)


def is_integer(value: object) -> bool:
    """Whether it is an integer of Python's or NumPy's, and no boolean."""
    return issubclass(type(value), (int, np.integer)) and type(value) not in (bool, np.timedelta64)


def _is_positive(number: float) -> bool:
    return number > 0.0


def _fitting(argument: str, value: object, kind: str, fits: Callable[[float], bool]) -> float:
    is_number = is_integer(value) or issubclass(type(value), (float, np.floating))
    try:
        number = float(value) if is_number else math.nan  # type: ignore[arg-type]
    except OverflowError:  # an integer beyond 1e308
        number = 10.0 * LARGEST if value > 0 else -10.0 * LARGEST  # type: ignore[operator]
    if not (math.isfinite(number) and fits(number)):
        raise invalid(argument, f"must be {kind}, got {shown(value)}.")
    return number
