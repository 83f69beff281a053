"""A place on an axis with its interval, and the ratio of two."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np


class Place(NamedTuple):
    """A position with its interval; NaN where a training has no number, 0 and infinity where nothing bounds it."""

    value: float
    low: float
    high: float

    def over(self, other: Place) -> Place:
        """The ratio of two, each at the end of its interval that widens it: a one-sided bound is wrong in 5 %."""
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.divide(self, (other.value, other.high, other.low))
        return Place(*map(float, parts))

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends."""
        return self.low, self.high

    @property
    def is_found(self) -> bool:
        """Whether it is a place on an axis."""
        return 0.0 < self.value < math.inf


NOWHERE = Place(math.nan, math.nan, math.nan)
