"""The axes of an experiment as they are declared: a list, one number, a range, "every" or, for sizes, "auto"."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from benign.experiments.declaration.problems import refuse
from benign.experiments.declaration.tables import LARGEST, Range, read_table
from benign.foundation.wording import shown


def whole_axis(value: object) -> Literal["every"] | tuple[int, ...] | Range:
    """An axis of whole numbers: ``samples``.

    Raises:
        InvalidDeclaration: if it is none.
    """
    return "every" if value == "every" else _whole_entries(value, 'a range or "every"')


def size_axis(value: object) -> Literal["every", "auto"] | tuple[int, ...] | Range:
    """``sizes``: an axis of whole numbers, or ``"auto"``, which leaves them to a pilot.

    Raises:
        InvalidDeclaration: if it is none.
    """
    if value == "auto":
        return "auto"
    return "every" if value == "every" else _whole_entries(value, 'a range, "every" or "auto"')


def real_axis(value: object) -> tuple[float, ...] | Range:
    """An axis of real numbers: ``times`` or ``label_noise``.

    Raises:
        InvalidDeclaration: if it is none.
    """
    if value == "every":
        refuse('cannot be "every"; give a range, for example { from = 1, to = 100, count = 20, scale = "log" }.')
    if isinstance(value, (Range, Mapping)):
        return read_table(Range, value)
    return tuple(map(float, _numbers(value, "numbers, one number or a range", "numbers")))


def as_numbers(declared: object) -> list[float]:
    """The values of an axis of real numbers."""
    axis = real_axis(declared)
    return axis.values().tolist() if isinstance(axis, Range) else list(axis)


def as_whole_numbers(declared: object) -> list[int]:
    """The values of an axis of whole numbers that is given by its numbers."""
    axis = whole_axis(declared)
    return axis.whole_values().tolist() if isinstance(axis, Range) else [int(value) for value in axis]


def _whole_entries(value: object, or_else: str) -> tuple[int, ...] | Range:
    if not isinstance(value, (Range, Mapping)):
        kind = "whole numbers, at most 1e15 in size"
        numbers = _numbers(value, f"whole numbers, one whole number, {or_else}", kind, fits=_is_whole)
        return tuple(map(int, numbers))
    given = read_table(Range, value)
    for key, number in (("from", given.start), ("to", given.to), ("step", given.step)):
        if number is not None and not _is_whole(number):
            refuse(f"must be a whole number, got {number:g}.", key)
    return given


def _numbers(
    value: object, expected: str, kind: str, *, fits: Callable[[float], bool] = math.isfinite
) -> Sequence[float]:
    """One number as a list of it, or a list of them."""
    entries = [value] if _is_number(value) else value
    if not isinstance(entries, (list, tuple)):
        refuse(f"must be a list of {expected}, got {shown(value)}.")
    if not entries:
        refuse("must hold at least one value, got an empty list.")
    for entry in entries:
        if not _is_number(entry) or not fits(entry):
            refuse(f"must be {kind}, got {shown(entry)}.")
    return entries


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(number: float) -> bool:
    return abs(number) <= LARGEST and number == int(number)
