"""Arrays of sources: frozen, and with a fingerprint; and what is wrong with them, told together."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from benign.foundation.errors import InvalidArgument, invalid

InputRows = Float[np.ndarray, "rows d"] | UInt8[np.ndarray, "rows d"]
"""Inputs as a source holds them: pixels take an eighth of the memory as they came."""

_MOST_PROBLEMS = 5


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


def refuse_weights(sample_weight: None) -> None:
    """Refuse weights of samples: nothing here would heed them.

    Raises:
        InvalidArgument: if there are any.
    """
    if sample_weight is not None:
        raise invalid("sample_weight", "must be left out: every sample counts the same, in training and risk.")


@contextlib.contextmanager
def noted(problems: list[InvalidArgument]) -> Iterator[None]:
    """Note what is refused here, and go on."""
    try:
        yield
    except InvalidArgument as problem:
        problems.append(problem)


def refuse_all(problems: Sequence[InvalidArgument]) -> None:
    """Refuse data for all that is wrong with them at once, if anything is: the first five, and how many more.

    Raises:
        InvalidArgument: the problem itself where there is one.
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        told = [f"({place}) {problem}" for place, problem in enumerate(problems[:_MOST_PROBLEMS], start=1)]
        more = [f"... and {len(problems) - _MOST_PROBLEMS:,} more."] if len(problems) > _MOST_PROBLEMS else []
        raise InvalidArgument(" ".join([f"The data have {len(problems):,} problems.", *told, *more]))
