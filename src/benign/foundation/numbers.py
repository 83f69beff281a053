"""Numbers as users give them: counts, reals, a ridge."""

from __future__ import annotations

import math

import numpy as np

from benign.foundation.errors import InvalidArgument


def checked_count(argument: str, value: object) -> int:
    """``value``, if it is a positive integer.

    Raises:
        InvalidArgument: if it is not; the message names ``argument``.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InvalidArgument(f"`{argument}` must be a positive integer, got {value!r}.")
    return int(value)


def checked_number(argument: str, value: object) -> float:
    """``value``, if it is a finite real number.

    Raises:
        InvalidArgument: if it is not; the message names ``argument``.
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (is_number and math.isfinite(value)):  # type: ignore[arg-type]
        raise InvalidArgument(f"`{argument}` must be a finite number, got {value!r}.")
    return float(value)  # type: ignore[arg-type]


def checked_ridge(ridge: object) -> float:
    """The ridge, if it can be one.

    Raises:
        InvalidArgument: unless it is zero or positive and finite.
    """
    is_number = isinstance(ridge, (int, float, np.integer, np.floating)) and not isinstance(ridge, bool)
    if not (is_number and math.isfinite(ridge) and ridge >= 0.0):  # type: ignore[arg-type,operator]
        raise InvalidArgument(f"`ridge` must be zero or a positive number, got {ridge!r}.")
    return float(ridge)  # type: ignore[arg-type]
