"""What several sources check and freeze."""

from __future__ import annotations

import hashlib
import math

import numpy as np
from jaxtyping import Float, Shaped

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


def frozen(array: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """The array as float64, C-contiguous and read-only; the very array, made read-only, where it is so already."""
    result = np.ascontiguousarray(array, dtype=np.float64)
    result.setflags(write=False)
    return result


def fingerprint(*arrays: Shaped[np.ndarray, "..."]) -> str:
    """SHA-256 of the arrays' shapes, types and little-endian values, as hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{little.dtype.str}{little.shape}".encode())
        digest.update(little.data)
    return digest.hexdigest()
