"""The axes of an experiment as they are declared: a list, one number, a range, "every" or, for sizes, "auto"."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from benign.experiments.declaration.problems import refuse
from benign.experiments.declaration.translation import translated
from benign.foundation.wording import shown

_LARGEST = 1e15  # integers up to here are exact
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]
MOST_VALUES = 1_000_000


class Range(BaseModel):
    """From one number to another, both included: in steps, or by count, evenly or logarithmically.

    In an experiment it is written as a table, ``{ from = 50, to = 800, count = 5, scale = "log" }``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    start: _Number = Field(
        validation_alias="from", serialization_alias="from", description="a number, at most 1e15 in size"
    )
    to: _Number = Field(description="a number, at most 1e15 in size")
    step: Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)] | None = Field(
        default=None, description="a positive number"
    )
    count: Annotated[int, Field(strict=True, ge=2, le=MOST_VALUES)] | None = Field(
        default=None, description="a whole number of values, at least 2"
    )
    scale: Literal["linear", "log"] = Field(default="linear", description='"linear" or "log"')

    @model_validator(mode="after")
    def _checked(self) -> Range:
        if self.start > self.to:
            refuse(f"must not go down, got from {self.start:g} to {self.to:g}.")
        if (self.step is None) == (self.count is None):
            refuse("must have either a `step` or a `count`, for example { from = 50, to = 800, count = 5 }.")
        if self.scale == "log" and (self.step is not None or self.start <= 0):
            refuse('with scale = "log" must have a `count` and start above 0.')
        if self.step is not None and (self.to - self.start) / self.step >= MOST_VALUES:
            refuse(f"must hold at most {MOST_VALUES:,} values; take a larger `step`.")
        return self

    def values(self) -> Float[np.ndarray, " value"]:
        """The numbers, ``to`` included where the steps meet it."""
        if self.step is not None:
            # In decimals as they were written: 0.1 to 0.3 in steps of 0.1 is the list [0.1, 0.2, 0.3].
            first, step = Fraction(repr(self.start)), Fraction(repr(self.step))
            steps = int((Fraction(repr(self.to)) - first) / step)
            return np.array([float(first + i * step) for i in range(steps + 1)])
        assert self.count is not None
        spaced = np.geomspace if self.scale == "log" else np.linspace
        return np.unique(spaced(self.start, self.to, self.count))

    def whole_values(self) -> Int[np.ndarray, " value"]:
        """The numbers rounded to distinct integers."""
        return np.unique(np.rint(self.values()).astype(np.int64))


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
        return _range(value)
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
    given = _range(value)
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
    return abs(number) <= _LARGEST and number == int(number)


def _range(value: Range | Mapping[str, object]) -> Range:
    try:
        return value if isinstance(value, Range) else Range.model_validate(value)
    except ValidationError as error:
        raise translated(error, Range) from None
