"""Where the effective model complexity is n, along samples, size or time: a place with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypedDict, Unpack

import numpy as np
import xarray as xr

from benign.curves.fitting_threshold import Criterion, FittingThreshold
from benign.surface.complexity import emc_on_surface, shortest_time, smallest_size
from benign.surface.sections import at, at_end
from benign.surface.training_risks import training_risks


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


class Reading(TypedDict, total=False):
    """How a training risk is read: what is left out is as everywhere."""

    tolerance: float
    criterion: Criterion
    level: float


def fitted_samples(
    surface: xr.Dataset, *, size: float | None = None, time: float | None = None, **reading: Unpack[Reading]
) -> Place:
    """EMC: the largest n that is fitted, at the surface's one size and its last time unless said."""
    section = at_end(surface) if time is None else at(surface, time=time)
    found = emc_on_surface(section if size is None else at(section, size=size), **reading)
    return Place(*(float(numbers[0, 0]) for numbers in (found.value, found.low, found.high)))


def fitted_size(surface: xr.Dataset, *, samples: int, **reading: Unpack[Reading]) -> Place:
    """The smallest size whose EMC is n."""
    return _first(smallest_size, at(at_end(surface), samples=samples), **reading)


def fitted_time(surface: xr.Dataset, **reading: Unpack[Reading]) -> Place:
    """The shortest time after which EMC is n, for a surface of one size and one n."""
    return _first(shortest_time, surface, **reading)


def _first(place: Callable[..., FittingThreshold], surface: xr.Dataset, **reading: Unpack[Reading]) -> Place:
    if not np.isfinite(training_risks(surface, reading.get("criterion", "objective"))).all():
        return NOWHERE
    found = place(surface, interpolated=True, **reading)
    return Place(found.value, *found.interval)
