"""Where the effective model complexity is n, along samples, size or time: a place with its interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict, Unpack

import numpy as np
import xarray as xr

from benign.curves.fitting_threshold import Criterion, FittingThreshold
from benign.curves.place import NOWHERE, Place
from benign.surface.complexity import emc_on_surface, shortest_time, smallest_size
from benign.surface.sections import at, at_end
from benign.surface.training_risks import training_risks


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
