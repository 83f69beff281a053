"""The effective model complexity, and its mirror images, read from a surface that has been measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from benign.curves.fitting_threshold import Criterion, FittingThreshold, ThresholdEstimator, ThresholdOutcome
from benign.curves.threshold_reading import read_threshold
from benign.curves.threshold_search import LEVEL, checked_tolerance, find_threshold, regimes
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number, format_position
from benign.schema import SOURCE_NOTES
from benign.surface.size_direction import is_read_inversely, wrong_way_note
from benign.surface.training_risks import checked_criterion, place_on, training_risks

NO_NUMBER = -1
_MOST_TOLD = 5
OUTCOMES = tuple(ThresholdOutcome)
_UNITS = {"size": "units", "time": "steps"}


@dataclass(frozen=True, kw_only=True, eq=False)
class ComplexitySurface:
    """Effective model complexity of every (size, time); NaN where a training risk is no number.

    Attributes:
        sizes: of the rows.
        times: of the columns.
        value: largest fitted n, interpolated; 0 where none is.
        low: lower end of the interval, which holds the gap between the measured n around the value.
        high: upper end.
        first_crossing: where the mean first leaves the tolerance.
        outcome: position in ``OUTCOMES``; -1 where there is no number.
    """

    sizes: Float[np.ndarray, " size"]
    times: Float[np.ndarray, " time"]
    value: Float[np.ndarray, "size time"]
    low: Float[np.ndarray, "size time"]
    high: Float[np.ndarray, "size time"]
    first_crossing: Float[np.ndarray, "size time"]
    outcome: Int[np.ndarray, "size time"]

    def __str__(self) -> str:
        """The complexity at the last time, of at most five sizes spread over all."""
        rows = np.unique(np.linspace(0, len(self.sizes) - 1, _MOST_TOLD).round().astype(int))
        told = [
            f"{format_number(value)} ({format_number(low)} to {format_number(high)}) at size {format_position(size)}"
            for size, value, low, high in zip(
                self.sizes[rows], self.value[rows, -1], self.low[rows, -1], self.high[rows, -1], strict=True
            )
        ]
        return f"effective model complexity, the largest n that is fitted: {', '.join(told)}"

    def bounded(self, largest: float) -> Float[np.ndarray, "3 size time"]:
        """Value and interval, which ends at the ``largest`` measured n; NaN where no measured n bounds them."""
        table = np.stack([self.value, self.low, np.minimum(self.high, largest)])
        return np.where(self.outcome == OUTCOMES.index(ThresholdOutcome.FOUND), table, np.nan)

    def regimes(self, n: float, *, band: float = REGIME_BAND) -> Int[np.ndarray, "size time"]:
        """Regime of every cell for n samples, as the integers of :class:`benign.curves.threshold_search.Regime`."""
        return regimes(self.value, self.low, self.high, np.full(self.value.shape, float(n)), band=band)


def emc_on_surface(
    dataset: xr.Dataset, *, tolerance: float = TOLERANCE, criterion: Criterion = "objective", level: float = LEVEL
) -> ComplexitySurface:
    """The complexity of every (size, time) of a surface that was measured at several n.

    Definition 1 of Nakkiran et al. 2020, each n tried; see :func:`benign.curves.threshold_search.find_threshold`.

    Args:
        dataset: of the surface, without a dimension of label noise.
        tolerance: what counts as fitted.
        criterion: ``"objective"`` or ``"error"``.
        level: of the intervals.

    Raises:
        InvalidArgument: for a surface of one n, or arguments that cannot be used.
    """
    risks = training_risks(dataset, checked_criterion(criterion))
    epsilon, n = checked_tolerance(tolerance), dataset["samples"].values.astype(np.float64)
    if len(n) < 2:
        raise invalid("surface", "must hold several numbers of samples; measure it with samples=[...].")
    shape = risks.shape[:2]
    numbers = np.full((4, *shape), np.nan)
    outcome = np.full(shape, NO_NUMBER, dtype=np.int64)
    for cell in np.ndindex(shape):
        if np.isfinite(risks[cell]).all():
            found = find_threshold(n, list(risks[cell]), epsilon, level=level).widened(n)
            numbers[(slice(None), *cell)] = found.value, *found.interval, found.first_crossing
            outcome[cell] = OUTCOMES.index(found.outcome)
    value, low, high, first = numbers
    return ComplexitySurface(
        sizes=dataset["size"].values.astype(np.float64),
        times=dataset["time"].values.astype(np.float64),
        value=value,
        low=low,
        high=high,
        first_crossing=first,
        outcome=outcome,
    )


class ThresholdReading(TypedDict, total=False):
    """How a threshold is read from a surface: what is left out is as everywhere."""

    tolerance: float
    criterion: Criterion
    estimator: ThresholdEstimator
    level: float
    interpolated: bool


def smallest_size(
    dataset: xr.Dataset, *, samples: int | None = None, time: float | None = None, **reading: Unpack[ThresholdReading]
) -> FittingThreshold:
    """The smallest size that fits n samples, from training risks alone; see :func:`shortest_time`.

    The contour of the effective model complexity (Nakkiran et al. 2020, Definition 1) along size. Of an inverse of a
    size the largest value that fits.

    Raises:
        InvalidArgument: as there, and where the training risk shows that the size is read the wrong way round.
    """
    return _smallest(dataset, "size", {"samples": samples, "time": time}, **reading)


def shortest_time(
    dataset: xr.Dataset, *, samples: int | None = None, size: int | None = None, **reading: Unpack[ThresholdReading]
) -> FittingThreshold:
    """The shortest recorded time after which n samples are fitted, from training risks alone.

    The contour "training risk = tolerance" of the effective model complexity (Nakkiran et al. 2020, Definition 1) along
    time; see :func:`benign.curves.threshold_reading.read_threshold`.

    Args:
        dataset: of the surface.
        samples: n; may be left out where the surface has one.
        size: of the model; may be left out where the surface has one.
        reading: ``tolerance``, what counts as fitted; ``criterion``, ``"objective"`` or ``"error"``; ``estimator`` over
            draws, ``"mean"`` or ``"median"``; ``level`` of the interval; ``interpolated``, to leave the mean's crossing
            between whole numbers.

    Raises:
        InvalidArgument: for cells that were not measured or have no number.
    """
    return _smallest(dataset, "time", {"samples": samples, "size": size}, **reading)


def _smallest(
    dataset: xr.Dataset,
    axis: str,
    at: dict[str, float | None],
    *,
    tolerance: float = TOLERANCE,
    criterion: Criterion = "objective",
    estimator: ThresholdEstimator = "mean",
    level: float = LEVEL,
    interpolated: bool = False,
) -> FittingThreshold:
    epsilon, kind = checked_tolerance(tolerance), checked_criterion(criterion)
    for name, wanted in at.items():
        dataset = dataset.isel({name: [place_on(name, dataset[name].values, wanted)]})
    positions = dataset[axis].values.astype(np.float64)
    # The logarithm of a time of zero is no number, and nothing is fitted before training.
    is_usable = np.isfinite(positions) & (positions > 0.0)
    if not is_usable.any():
        raise invalid("surface", f"holds the end of training alone; measure it with {axis}s=[...].")
    risks = np.moveaxis(training_risks(dataset, kind), 0 if axis == "size" else 1, 0).reshape(len(positions), -1)
    if not np.isfinite(risks[is_usable]).all():
        raise invalid("surface", f"has a training risk that is no number at some {axis}; leave it out.")
    if axis == "size" and (note := wrong_way_note(dataset, kind, epsilon)):
        raise InvalidArgument(note)
    found = read_threshold(
        positions,
        risks,
        epsilon,
        estimator=estimator,
        level=level,
        seed=int(dataset.attrs.get("seed", 0)),
        is_fitted_below=axis == "size" and is_read_inversely(dataset),
        interpolated=interpolated,
    )
    return described(replace(found, criterion=kind), dataset, axis)


def described(found: FittingThreshold, dataset: xr.Dataset, axis: str) -> FittingThreshold:
    """The threshold with the names of what was measured, at one n and along one axis."""
    n, attributes = int(dataset["samples"].values.item()), dataset.attrs
    unit = attributes.get("size_name") if axis == "size" else attributes.get("time_name")
    notes = (attributes[SOURCE_NOTES],) if SOURCE_NOTES in attributes else ()
    return replace(
        found, unit=str(unit or _UNITS[axis]), samples=n, title=f"Threshold {axis} at n = {n:,}", data_notes=notes
    )
