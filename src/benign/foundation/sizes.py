"""Sizes as users give them: "every", or strictly increasing numbers, whole ones where sizes are counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Real
from numpy.typing import ArrayLike

from benign.foundation.arrays import as_array
from benign.foundation.errors import invalid
from benign.foundation.numbers import LARGEST, SMALLEST
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
    are_real: bool = False,
) -> Real[np.ndarray, " sizes"]:
    """Sizes as a strictly increasing array, of int64 where all are whole, else of float64.

    Args:
        sizes: ``"every"`` for 1 to ``available``, or to 10 ``samples`` where sizes have no end; or the sizes.
        available: the largest size that exists, ``math.inf`` where there is no end.
        samples: the largest number of training samples.
        unit: what a size counts, for messages.
        argument: what they are called, likewise.
        are_real: whether any positive number is a size.

    Raises:
        InvalidArgument: for zero, negative, fractional, unsorted, repeated, missing or too large sizes; fractions are
            sizes where these are real, and "every" then has no end of them.
    """
    of = f" of {unit}" if is_counted(unit) else ""
    if isinstance(sizes, str):
        if are_real:
            raise invalid(
                argument, f"must be a list of values of {unit}, for example [0.01, 0.1, 1], got {shown(sizes)}."
            )
        if sizes != "every":
            raise invalid(argument, f'must be "every" or a list of numbers{of}, got {shown(sizes)}.')
        return np.arange(1, int(available if math.isfinite(available) else EVERY_FACTOR * samples) + 1)
    wanted = np.atleast_1d(as_array(argument, sizes))
    if wanted.ndim != 1 or not wanted.size or wanted.dtype.kind not in "iuf":
        raise invalid(argument, f'must be "every" or a list of at least one number{of}, got {shown(sizes)}.')
    broken = ~_are_positive(wanted) if are_real else ~_are_counts(wanted)
    if np.any(broken):
        kind = f"positive numbers from {SMALLEST:g} to {LARGEST:g}" if are_real else f"whole numbers{of} from 1 on"
        raise invalid(argument, f"must be {kind}, got {wanted[broken][0]}.")
    falls = np.flatnonzero(wanted[1:] <= wanted[:-1])  # a difference of unsigned integers is never negative
    if len(falls):
        before, after = wanted[falls[0]], wanted[falls[0] + 1]
        raise invalid(argument, f"must increase strictly, but {before} is followed by {after}; sort them.")
    available = available if are_real else min(available, _LARGEST)
    if wanted[-1] > available:
        end = available if are_real else int(available)
        there = "there are only" if is_counted(unit) else "the largest is"
        raise invalid(argument, f"asks for {amount(float(wanted[-1]), unit)}, but {there} {end}.")
    return whole_where_possible(wanted)


def whole_where_possible(sizes: Real[np.ndarray, " sizes"]) -> Real[np.ndarray, " sizes"]:
    """The sizes in int64 if all are whole numbers that it holds, else in float64: equal sizes are the same bytes."""
    is_whole = bool(np.all(_are_counts(sizes) & (sizes <= _LARGEST)))
    return sizes.astype(np.int64 if is_whole else np.float64)


def _are_counts(values: Real[np.ndarray, " sizes"]) -> Bool[np.ndarray, " sizes"]:
    return np.isfinite(values) & (values == np.floor(values)) & (values >= 1)


def _are_positive(values: Real[np.ndarray, " sizes"]) -> Bool[np.ndarray, " sizes"]:
    return np.isfinite(values) & (values >= SMALLEST) & (values <= LARGEST)
