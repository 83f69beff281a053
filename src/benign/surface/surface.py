"""A measured surface, as everybody holds it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from benign import schema
from benign.curves.fitting_threshold import Criterion, FittingThreshold, ThresholdEstimator
from benign.foundation.arguments import checked_file, checked_name, checked_text
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.output import write_whole
from benign.foundation.wording import reason
from benign.surface import tables
from benign.surface.arrays import surface_from_arrays
from benign.surface.complexity import ComplexitySurface, emc_on_surface, shortest_time, smallest_size
from benign.surface.curve import Curve
from benign.surface.notes import notes_of
from benign.surface.regimes import Basis, RegimeMap, regimes_of_surface
from benign.surface.training_risks import place_on

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from benign.plots import HeatMapDisplay


_AXES = {"size": "sizes", "time": "times", "samples": "numbers of samples"}


@dataclass(frozen=True, eq=False)
class Surface:
    """Measured risk over (size, time, samples, replicate), and over ``label_noise`` where several levels were measured;
    ``dataset`` holds every number.
    """

    dataset: xr.Dataset

    def __post_init__(self) -> None:
        schema.check(self.dataset)

    def __str__(self) -> str:
        """What was measured, in a line, and the notes."""
        dataset = self.dataset
        axes = ", ".join(f"{dataset.sizes[axis]:,} {word}" for axis, word in _AXES.items() if dataset.sizes[axis] > 1)
        n = "" if dataset.sizes["samples"] > 1 else f"n = {int(dataset['samples'].values[0]):,}"
        count = dataset.sizes["replicate"]
        measured = ", ".join(filter(None, [n, axes, f"{count:,} replicate{'s' if count > 1 else ''}"]))
        return "\n".join([f"{dataset.attrs.get('title', 'surface')}: {measured}", *self.notes])

    def curve(self, metric: str, dim: str = "size", *, estimator: ThresholdEstimator = "mean", **at: float) -> Curve:
        """The section of one metric along one axis.

        Args:
            metric: a variable of the surface, for example ``"test_loss"``.
            dim: the axis that stays: ``"size"``, ``"time"`` or ``"samples"``.
            estimator: of the threshold: ``"mean"`` or ``"median"`` over replicates.
            at: values of the other axes, for example ``samples=1000``, ``label_noise=0.2`` where the surface has levels
                of label noise among them; not needed where an axis has one value.

        Raises:
            InvalidArgument: for an unknown metric, axis or estimator, or where an axis of several values is not fixed.
        """
        metric = self._checked_metric(metric)
        checked_name("axis", dim, ("size", "time", "samples"), argument="dim")
        checked_name("estimator", estimator, get_args(ThresholdEstimator))
        others = [axis for axis in ("size", "time", "samples") if axis != dim]
        others += [axis for axis in schema.LEADING if axis in self.dataset.dims]
        for axis in at:
            if axis == dim:
                raise invalid(axis, "is the axis of the curve and cannot be fixed; leave it out.")
            checked_name("axis", axis, others)
        if dim == "time" and not np.isfinite(self.dataset["time"].values).all():
            raise InvalidArgument(
                '`dim="time"` needs recorded times; this surface holds the end of training alone.', "dim"
            )
        section = self.dataset
        for axis in others:
            section = section.isel({axis: place_on(axis, section[axis].values, at.get(axis))})
        return Curve(metric=metric, dim=dim, section=section, estimator=estimator)

    def heat_map(self, metric: str, **at: float) -> HeatMapDisplay:
        """The picture of a metric over size and time: colour is its median over replicates, a line is where the
        training set is just fitted, the critical regime about it is hatched. ``plot`` draws it.

        Args:
            metric: a variable of the surface, for example ``"test_error"``.
            at: ``samples=`` and ``label_noise=`` where the surface holds several of them.

        Raises:
            InvalidArgument: for an unknown metric, one size or one time, or where an axis of several values is not
                fixed.
        """
        from benign.surface.heat_maps import heat_map

        metric = self._checked_metric(metric)
        levels = {axis: value for axis, value in at.items() if axis != "samples"}
        section = _at_levels(self.dataset, levels)
        n = place_on("samples", section["samples"].values, at.get("samples"))
        return heat_map(section.isel(samples=[n]), metric)

    def _checked_metric(self, metric: str) -> str:
        known = [name for name in schema.METRICS if name in self.dataset]
        return schema.asked_name(metric, known=known, kind="metric of this surface", argument="metric")

    def regimes(
        self,
        band: float = REGIME_BAND,
        tolerance: float = TOLERANCE,
        criterion: Criterion = "objective",
        basis: Basis | None = None,
        **at: float,
    ) -> RegimeMap:
        """The regime of every (size, time, samples), with the basis that it was read on.

        Args:
            band: a cell is critical where EMC / n lies within 1 / ``band`` and ``band``, or its size / threshold size
                where too few n were measured; see :mod:`benign.surface.regimes`.
            tolerance: what counts as fitted.
            criterion: ``"objective"`` or ``"error"``.
            basis: ``"EMC / n"``, ``"size / threshold size"`` or ``"time / threshold time"``; None chooses.
            at: the level, where the surface has several of label noise: ``label_noise=0.2``.

        Raises:
            InvalidArgument: for a surface with one size, time and n, or arguments that cannot be used.
        """
        dataset = _at_levels(self.dataset, at)
        return regimes_of_surface(dataset, band=band, tolerance=tolerance, criterion=criterion, basis=basis)

    def effective_model_complexity(
        self, tolerance: float = TOLERANCE, criterion: Criterion = "objective", **at: float
    ) -> ComplexitySurface:
        """The largest n that is fitted, for every (size, time) of a surface of several n; arguments as :meth:`regimes`.

        Raises:
            InvalidArgument: for a surface of one n, or arguments that cannot be used.
        """
        return emc_on_surface(_at_levels(self.dataset, at), tolerance=tolerance, criterion=criterion)

    def smallest_size(
        self,
        samples: int | None = None,
        time: float | None = None,
        *,
        tolerance: float = TOLERANCE,
        criterion: Criterion = "objective",
        estimator: ThresholdEstimator = "mean",
        **at: float,
    ) -> FittingThreshold:
        """The smallest size that fits ``samples`` after ``time``, with its interval; see :meth:`shortest_time`."""
        return smallest_size(
            _at_levels(self.dataset, at),
            samples=samples,
            time=time,
            tolerance=tolerance,
            criterion=criterion,
            estimator=estimator,
        )

    def shortest_time(
        self,
        samples: int | None = None,
        size: int | None = None,
        *,
        tolerance: float = TOLERANCE,
        criterion: Criterion = "objective",
        estimator: ThresholdEstimator = "mean",
        **at: float,
    ) -> FittingThreshold:
        """The shortest recorded time after which a model of ``size`` fits ``samples``, with its interval.

        What has one value in the surface may be left out; the other arguments are those of :meth:`regimes`, and
        ``estimator``: whether the ``"mean"`` or the ``"median"`` over draws falls to the tolerance there.

        Raises:
            InvalidArgument: for what was not measured or has no number.
        """
        return shortest_time(
            _at_levels(self.dataset, at),
            samples=samples,
            size=size,
            tolerance=tolerance,
            criterion=criterion,
            estimator=estimator,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before reading it, a sentence each: whether test rows are copies of training rows, and at which
        n the sizes and times miss the threshold.
        """
        return notes_of(self.dataset)

    def to_netcdf(self, path: str | os.PathLike[str]) -> Path:
        """Write the surface as netCDF-4, whole or not at all.

        Raises:
            OutputFailed: if the file cannot be written.
        """
        content = tables.netcdf_bytes(self.dataset)
        return write_whole(path, lambda temporary: temporary.write_bytes(content))

    def to_arrow(self) -> pa.Table:
        """The long table: one row for each (size, time, samples, replicate), and level of label noise if there are any.

        NaN stays NaN; it is not null.
        """
        return tables.to_arrow(self.dataset)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """:meth:`to_arrow` for what reads Arrow: ``polars.DataFrame(surface)``, ``pyarrow.table(surface)``, DuckDB."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> pd.DataFrame:
        """:meth:`to_arrow` as a pandas frame."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """:meth:`to_arrow` as a polars frame.

        Raises:
            MissingExtra: if polars is not installed.
        """
        return tables.to_polars(self.dataset)

    def to_parquet(self, path: str | os.PathLike[str]) -> Path:
        """Write :meth:`to_arrow` as Parquet, whole or not at all.

        Raises:
            OutputFailed: if the file cannot be written.
        """
        return write_whole(path, lambda temporary: tables.write_parquet(self.dataset, temporary))

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write :meth:`to_arrow` as CSV, whole or not at all; ``inf`` and ``NaN`` stand for themselves.

        Raises:
            OutputFailed: if the file cannot be written.
        """
        return write_whole(path, lambda temporary: tables.write_csv(self.dataset, temporary))

    @classmethod
    def from_arrays(
        cls,
        metrics: Mapping[str, ArrayLike],
        *,
        size: ArrayLike,
        samples: ArrayLike,
        time: ArrayLike | None = None,
        size_name: str = "units",
        time_name: str = "epochs",
        objective: str = "squared",
        title: str = "somebody else's numbers",
    ) -> Surface:
        """A surface out of numbers that were measured elsewhere.

        >>> errors = [[0.3, 0.2, 0.4, 0.1], [0.3, 0.2, 0.5, 0.1]]
        >>> Surface.from_arrays({"test_error": errors}, size=[1, 2, 4, 8], samples=100).curve("test_error").values.shape
        (2, 4)

        Args:
            metrics: by their names in ``benign.schema.METRICS``, arrays of shape (replicate, samples, size, time):
                axes of length one may be missing. ``train_loss_constant`` (replicate, samples), the training loss of
                the best constant predictor, is what thresholds and regimes are read against; ``parameters`` (size) may
                be given, too.
            size: the sizes, increasing.
            samples: the numbers of training samples, increasing.
            time: the training times, increasing; None for the end of training.
            size_name: what a size counts.
            time_name: what a time counts.
            objective: ``"squared"`` or ``"cross-entropy"``: what a loss is.
            title: what was measured.

        Raises:
            InvalidArgument: for an unknown metric or objective, what is no number, or an array whose shape does not fit
                the axes.
        """
        attributes = {
            "title": checked_text("title", title),
            "size_name": checked_text("size_name", size_name),
            "time_name": "" if time is None else checked_text("time_name", time_name),
            "objective": checked_name("objective", objective, ("squared", "cross-entropy")),
            "seed": 0,
        }
        return cls(surface_from_arrays(metrics, size=size, samples=samples, time=time, attributes=attributes))

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Surface:
        """Read a surface that :meth:`to_netcdf` wrote.

        Raises:
            InvalidArgument: if the file is missing or is no surface.
        """
        file = checked_file("path", path)
        try:
            return cls(schema.unmarked(tables.read_netcdf(file)))
        except (OSError, KeyError) as error:
            raise invalid("path", f"{str(file)!r} holds no surface that can be read: {reason(error)}.") from error


def _at_levels(dataset: xr.Dataset, at: Mapping[str, float]) -> xr.Dataset:
    """The dataset at one level of what stands before its four axes, such as label noise."""
    levels = [axis for axis in schema.LEADING if axis in dataset.dims]
    for axis in at:
        if axis not in levels:
            raise invalid(axis, "must be left out: this surface has no levels of that name.")
    for axis in levels:
        dataset = dataset.isel({axis: place_on(axis, dataset[axis].values, at.get(axis))})
    return dataset
