"""Arrays of sources: frozen, and with a fingerprint."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Float, Shaped


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
