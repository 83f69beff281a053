"""Where the effective model complexity is n, read from training risks alone, and slices whose peak is to be there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict, Unpack

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Landmark, Landmarks, find_landmarks
from benign.curves.claims import RELEVANT_FACTOR
from benign.curves.findings import LEVEL
from benign.curves.fitting_threshold import Criterion, FittingThreshold
from benign.foundation.conventions import REGIME_BAND
from benign.surface.complexity import emc_on_surface, shortest_time, smallest_size
from benign.surface.sections import along_samples, along_size, at, at_end, sample_counts_of, seed_of, sizes_of
from benign.surface.training_risks import training_risks

HYPOTHESIS = "the peak is where EMC is about n (Nakkiran et al. 2020, Hypothesis 1)"


class Reading(TypedDict, total=False):
    """How a training risk is read: what is left out is as everywhere."""

    tolerance: float
    criterion: Criterion
    level: float


@dataclass(frozen=True, kw_only=True)
class Place:
    """A position with its 95 % interval; NaN where a training has no number, 0 and infinity where nothing bounds it."""

    value: float
    low: float
    high: float

    def over(self, other: Place) -> Place:
        """The ratio of two, each at the end of its interval that widens it: a one-sided bound is wrong in 5 %."""
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.divide([self.value, self.low, self.high], [other.value, other.high, other.low])
        value, low, high = (float(part) for part in parts)
        return Place(value=value, low=low, high=high)


NOWHERE = Place(value=math.nan, low=math.nan, high=math.nan)


def place_of(found: Landmark | FittingThreshold) -> Place:
    """A landmark or a threshold as a place."""
    value, (low, high) = (
        (found.position, found.position_interval) if isinstance(found, Landmark) else (found.value, found.interval)
    )
    return Place(value=value, low=low, high=high)


def fitted_samples(
    surface: xr.Dataset, *, time: float | None = None, size: float | None = None, **reading: Unpack[Reading]
) -> Place:
    """EMC: the largest n that is fitted, at the surface's one size and its last time unless said."""
    section = at_end(surface) if time is None else at(surface, time=time)
    found = emc_on_surface(section if size is None else at(section, size=size), **reading)
    value, low, high = (float(numbers[0, 0]) for numbers in (found.value, found.low, found.high))
    return Place(value=value, low=low, high=high)


def fitted_size(surface: xr.Dataset, samples: int, **reading: Unpack[Reading]) -> Place:
    """The smallest size whose EMC is n."""
    section = at(at_end(surface), samples=samples)
    if not np.isfinite(training_risks(section, reading.get("criterion", "objective"))).all():
        return NOWHERE
    return place_of(smallest_size(section, interpolated=True, **reading))


def fitted_time(surface: xr.Dataset, **reading: Unpack[Reading]) -> Place:
    """The shortest time after which EMC is n, for a surface of one size and one n."""
    if not np.isfinite(training_risks(surface, reading.get("criterion", "objective"))).all():
        return NOWHERE
    return place_of(shortest_time(surface, interpolated=True, **reading))


@dataclass(frozen=True, kw_only=True, eq=False)
class Slice:
    """A curve of the test risk along one axis, and where its peak is to be.

    Attributes:
        name: of its finding.
        words: short, for the picture.
        claim: which curve.
        axis: what is counted along it.
        landmarks: of the test risk.
        expected: where EMC = n along the axis.
        band: the peak is to lie within this factor of it.
        factor: a peak that stands less above its higher side counts as none.
        paper: what the paper says of such a curve.
    """

    name: str
    words: str
    claim: str
    axis: str
    landmarks: Landmarks
    expected: Place
    band: float = REGIME_BAND
    factor: float = RELEVANT_FACTOR
    paper: str = HYPOTHESIS


def landmarks_of(
    positions: Float[np.ndarray, " K"], risk: Float[np.ndarray, "R K"], surface: xr.Dataset, level: float
) -> Landmarks:
    """Of a test risk, whose threshold is no matter here."""
    return find_landmarks(positions, risk, None, None, level=level, seed=seed_of(surface))


def over_samples(surface: xr.Dataset, level: float = LEVEL) -> Landmarks:
    """Of the test loss at the end of training, of a surface with one size."""
    return landmarks_of(sample_counts_of(surface), along_samples(surface, "test_loss"), surface, level)


def over_sizes(surface: xr.Dataset, level: float = LEVEL) -> Landmarks:
    """Of the test loss at the end of training, of a surface with one n."""
    return landmarks_of(sizes_of(surface), along_size(at_end(surface), "test_loss"), surface, level)
