"""Sizes as users give them: "every", or strictly increasing whole numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike

from benign.foundation.arrays import as_array
from benign.foundation.errors import invalid
from benign.foundation.size_words import amount, is_counted
from benign.foundation.wording import shown

EVERY_FACTOR = 10
_LARGEST = 2.0**53  # beyond it float64 has not every whole number


def checked_sizes(
    sizes: Literal["every"] | Sequence[float] | ArrayLike,
    *,
    available: float,
    samples: int,
    unit: str,
    argument: str = "sizes",
) -> Int[np.ndarray, " sizes"]:
    """Sizes as a strictly increasing integer array.

    Args:
        sizes: ``"every"`` for 1 to ``available``, or to 10 ``samples`` where sizes have no end; or the sizes.
        available: the largest size that exists, ``math.inf`` where there is no end.
        samples: the largest number of training samples.
        unit: what a size counts, for messages.
        argument: what they are called, likewise.

    Raises:
        InvalidArgument: for zero, negative, fractional, unsorted, repeated, missing or too large sizes.
    """
    of = f" of {unit}" if is_counted(unit) else ""
    if isinstance(sizes, str):
        if sizes != "every":
            raise invalid(argument, f'must be "every" or a list of numbers{of}, got {shown(sizes)}.')
        return np.arange(1, int(available if math.isfinite(available) else EVERY_FACTOR * samples) + 1)
    wanted = np.atleast_1d(as_array(argument, sizes))
    if wanted.ndim != 1 or not wanted.size or wanted.dtype.kind not in "iuf":
        raise invalid(argument, f'must be "every" or a list of at least one number{of}, got {shown(sizes)}.')
    broken = ~np.isfinite(wanted) | (wanted != np.floor(wanted)) | (wanted < 1)
    if np.any(broken):
        raise invalid(argument, f"must be whole numbers{of} from 1 on, got {wanted[broken][0]}.")
    falls = np.flatnonzero(wanted[1:] <= wanted[:-1])  # a difference of unsigned integers is never negative
    if len(falls):
        before, after = wanted[falls[0]], wanted[falls[0] + 1]
        raise invalid(argument, f"must increase strictly, but {before} is followed by {after}; sort them.")
    available = min(available, _LARGEST)
    if wanted[-1] > available:
        there = "there are only" if is_counted(unit) else "the largest is"
        raise invalid(argument, f"asks for {amount(int(wanted[-1]), unit)}, but {there} {int(available)}.")
    return wanted.astype(np.int64)
