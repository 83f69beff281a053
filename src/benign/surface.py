"""What users hold: a surface, a curve, and the calls that make them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign import frames, schema
from benign.curves import Landmark, Landmarks, PeakPlace, PeakTest, find_landmarks, peak_place
from benign.curves.threshold_search import REGIME_BAND, ThresholdEstimate
from benign.diagnosis import (
    Basis,
    ComplexitySurface,
    RegimeMap,
    emc_on_surface,
    regimes_of_surface,
    shortest_time,
    smallest_size,
)
from benign.diagnosis.size_direction import is_read_inversely, notes_of_surface, wrong_way_note
from benign.diagnosis.training_risks import Criterion
from benign.experiments import IN_MEMORY, Executor, MeasurementInterrupted, Place
from benign.experiments import measure as measure_dataset
from benign.experiments.notes import SOURCE_NOTES
from benign.experiments.resolution import Sizes
from benign.foundation.arguments import checked_file, checked_name
from benign.foundation.errors import InvalidArgument, unknown_name
from benign.foundation.output import write_whole
from benign.foundation.progress import Progress, silent
from benign.foundation.wording import reason
from benign.procedures import Procedure
from benign.sources import Source

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from benign.plots import CurveDisplay


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
        measured = ", ".join(filter(None, [n, axes, f"{dataset.sizes['replicate']:,} replicates"]))
        return "\n".join([f"{dataset.attrs.get('title', 'surface')}: {measured}", *self.notes])

    def curve(self, metric: str, dim: str = "size", **at: float) -> Curve:
        """The section of one metric along one axis.

        Args:
            metric: a variable of the surface, for example ``"test_loss"``.
            dim: the axis that stays: ``"size"``, ``"time"`` or ``"samples"``.
            at: values of the other axes, for example ``samples=1000``, ``label_noise=0.2`` where the surface has levels
                of label noise among them; not needed where an axis has one value.

        Raises:
            InvalidArgument: for an unknown metric or axis, or where an axis of several values is not fixed.
        """
        checked_name("metric of this surface", metric, [n for n in schema.METRICS if n in self.dataset])
        checked_name("axis", dim, ("size", "time", "samples"))
        others = [axis for axis in ("size", "time", "samples") if axis != dim]
        others += [axis for axis in schema.LEADING if axis in self.dataset.dims]
        for axis in at:
            if axis == dim:
                raise InvalidArgument(f"`{axis}` is the axis of the curve and cannot be fixed; leave it out.")
            if axis not in others:
                raise unknown_name("axis", axis, others)
        if dim == "time" and not np.isfinite(self.dataset["time"].values).all():
            raise InvalidArgument('`dim="time"` needs recorded times; this surface holds the end of training alone.')
        section = self.dataset
        for axis in others:
            section = _fix(section, axis, at.get(axis))
        return Curve(metric=metric, dim=dim, section=section)

    def regimes(
        self,
        band: float = REGIME_BAND,
        tolerance: float = 0.02,
        criterion: Criterion = "objective",
        basis: Basis | None = None,
        **at: float,
    ) -> RegimeMap:
        """The regime of every (size, time, samples), with the basis that it was read on.

        Args:
            band: a cell is critical where EMC / n lies within 1 / ``band`` and ``band``, or its size / threshold size
                where too few n were measured; see :mod:`benign.diagnosis.regimes_of_surface`.
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
        self, tolerance: float = 0.02, criterion: Criterion = "objective", **at: float
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
        tolerance: float = 0.02,
        criterion: Criterion = "objective",
        **at: float,
    ) -> ThresholdEstimate:
        """The smallest size that fits ``samples`` after ``time``, with its interval; see :meth:`shortest_time`."""
        dataset = _at_levels(self.dataset, at)
        return smallest_size(dataset, samples=samples, time=time, tolerance=tolerance, criterion=criterion)

    def shortest_time(
        self,
        samples: int | None = None,
        size: int | None = None,
        *,
        tolerance: float = 0.02,
        criterion: Criterion = "objective",
        **at: float,
    ) -> ThresholdEstimate:
        """The shortest recorded time after which a model of ``size`` fits ``samples``, with its interval.

        What has one value in the surface may be left out; the other arguments are those of :meth:`regimes`.

        Raises:
            InvalidArgument: for what was not measured or has no number.
        """
        dataset = _at_levels(self.dataset, at)
        return shortest_time(dataset, samples=samples, size=size, tolerance=tolerance, criterion=criterion)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before reading it, a sentence each: whether test rows are copies of training rows, and at which
        n the sizes and times miss the threshold.
        """
        return notes_of_surface(self.dataset)

    def to_netcdf(self, path: str | os.PathLike[str]) -> Path:
        """Write the surface as netCDF-4, whole or not at all.

        Raises:
            OutputFailed: if the file cannot be written.
        """
        content = frames.netcdf_bytes(self.dataset)
        return write_whole(path, lambda temporary: temporary.write_bytes(content))

    def to_arrow(self) -> pa.Table:
        """The long table: one row for each (size, time, samples, replicate), and level of label noise if there are any.

        NaN stays NaN; it is not null.
        """
        return frames.to_arrow(self.dataset)

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
        return frames.to_polars(self.dataset)

    def to_parquet(self, path: str | os.PathLike[str]) -> Path:
        """Write :meth:`to_arrow` as Parquet, whole or not at all.

        Raises:
            OutputFailed: if the file cannot be written.
        """
        return write_whole(path, lambda temporary: frames.write_parquet(self.dataset, temporary))

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write :meth:`to_arrow` as CSV, whole or not at all; ``inf`` and ``NaN`` stand for themselves.

        Raises:
            OutputFailed: if the file cannot be written.
        """
        return write_whole(path, lambda temporary: frames.write_csv(self.dataset, temporary))

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Surface:
        """Read a surface that :meth:`to_netcdf` wrote.

        Raises:
            InvalidArgument: if the file is missing or is no surface.
        """
        file = checked_file("path", path)
        try:
            with xr.open_dataset(file, engine="h5netcdf") as stored:
                return cls(stored.load())
        except (OSError, KeyError) as error:
            raise InvalidArgument(
                f"`path` {str(file)!r} holds no surface that can be read: {reason(error)}."
            ) from error


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Risk along one axis, one row a replicate, with its landmarks."""

    metric: str
    dim: str
    section: xr.Dataset

    def __str__(self) -> str:
        """What is drawn over what, the landmarks, what the peak test says, and what there is to know of the data."""
        unit = self.section.attrs.get("size_name", "size") if self.dim == "size" else self.dim
        lines = [f"{self.metric.replace('_', ' ')} over {unit}", str(self.landmarks), self.note]
        lines.append(self.section.attrs.get(SOURCE_NOTES, ""))
        return "\n".join(filter(None, lines))

    @property
    def note(self) -> str:
        """Why no threshold is read along sizes, where they are read the wrong way round; empty elsewhere."""
        return wrong_way_note(self.section) if self.dim == "size" and self._varies else ""

    @property
    def _varies(self) -> bool:
        """Whether no draw is fitted by a constant: of one class, say."""
        return bool(np.all(self.section["train_loss_constant"].values > 0.0))

    @property
    def _is_inverse(self) -> bool:
        return self.dim == "size" and is_read_inversely(self.section)

    @property
    def positions(self) -> Float[np.ndarray, " positions"]:
        """Values of the axis."""
        return self.section[self.dim].values.astype(np.float64)

    @property
    def values(self) -> Float[np.ndarray, "replicates positions"]:
        """The metric, one row a replicate."""
        return np.asarray(self.section[self.metric].transpose("replicate", self.dim).values)

    @cached_property
    def landmarks(self) -> Landmarks:
        """All landmarks, found together; the threshold is read from the training loss of the same section."""
        train = self.section["train_loss"].transpose("replicate", self.dim).values
        constant = self.section["train_loss_constant"].values
        # A training draw of one class is fitted by the constant: then "fitted" says nothing and there is no threshold.
        has_threshold = self.dim == "size" and self._varies and not self.note
        return find_landmarks(
            self.positions,
            self.values,
            train if has_threshold else None,
            np.broadcast_to(constant, len(train)) if has_threshold else None,
            seed=int(self.section.attrs.get("seed", 0)),
            is_fitted_below=self._is_inverse,
        )

    @property
    def threshold(self) -> Landmark | None:
        """The smallest size that fits the training set to within 0.02 of the best constant predictor's loss.

        The largest, of an inverse of a size. None where no size does, where some training draw holds one class only,
        and where sizes are read the wrong way round, as :attr:`note` says.
        """
        return self.landmarks.threshold

    @property
    def classical_minimum(self) -> Landmark | None:
        """The lowest point before the peak, or of the whole curve where there is none."""
        return self.landmarks.classical_minimum

    @property
    def peak(self) -> Landmark | None:
        """The highest point, if the peak test finds one."""
        return self.landmarks.peak

    @property
    def second_descent(self) -> Landmark | None:
        """The lowest point beyond the peak."""
        return self.landmarks.second_descent

    @property
    def first_better(self) -> Landmark | None:
        """Where the second descent first beats the classical minimum."""
        return self.landmarks.first_better

    @property
    def peak_test(self) -> PeakTest:
        """Whether there is a peak at all."""
        return self.landmarks.peak_test

    @property
    def predicted_peak(self) -> PeakPlace | None:
        """Where the test risk peaks along sizes or samples, if it does, from training risk alone.

        None along time, where some training draw holds one class only, and where too little was measured; see
        ``benign.curves.peak_place``.
        """
        constant = self.section["train_loss_constant"].transpose("replicate", ...).values
        if self.dim == "time" or not np.all(constant > 0.0) or self.note:
            return None
        train, error = (
            self.section[name].transpose("replicate", self.dim).values.astype(np.float64)
            if name in self.section
            else None
            for name in ("train_loss", "train_error")
        )
        attributes = self.section.attrs
        return peak_place(
            self.positions, train / (constant if constant.ndim > 1 else constant[:, None]), error=error,
            objective=attributes.get("objective", "squared"),
            is_fitted_below=self.dim == "samples" or self._is_inverse,
            unit="samples" if self.dim == "samples" else str(attributes["size_name"]),
        )  # fmt: skip

    def plot(self, ax: object = None) -> CurveDisplay:
        """Draw the curve with its landmarks; returns the Display that was drawn."""
        return self.display().plot(ax=ax)

    def display(self) -> CurveDisplay:
        """The Display of this curve: its numbers with their spread, landmarks and threshold."""
        from benign.figures.drawing import curve_display

        return curve_display(self.section, self.metric, self.dim, self.landmarks)


def measure(
    procedure: Procedure,
    source: Source,
    *,
    sizes: Sizes = "every",
    times: Sequence[float] | None = None,
    samples: Sequence[int],
    replicates: int | None = None,
    crossed: tuple[int, int, int] | None = None,
    seed: int = 0,
    metrics: Sequence[str] | None = None,
    workers: int | None = None,
    executor: str | Executor | None = None,
    store: Place = IN_MEMORY,
    name: str | None = None,
    progress: Progress = silent,
) -> Surface:
    """Measure train and test risk of ``procedure`` on ``source``.

    Args:
        procedure: for example :class:`benign.RandomFourier`.
        source: for example ``benign.sources.digits(label_noise=0.1)``.
        sizes: ``"every"`` (up to 10 times the largest n where sizes have no end); strictly increasing sizes; or
            ``"auto"``: a pilot searches the smallest size that fits each n, by training risk alone (0.02 of the best
            constant predictor's), and some 25 to 30 sizes are placed densely there and log-spaced from a tenth of it
            to five times beyond. The surface's attribute ``size_search`` says what it found.
        times: recorded training times; None for the end of training.
        samples: numbers of training samples n.
        replicates: how many paired replicates (draw, initialisation and noise all afresh); 10 unless said.
        crossed: instead, numbers of draws, initialisations and noise draws whose full grid is measured.
        seed: root seed.
        metrics: more than the default ones; see ``benign.schema.METRICS``.
        workers: processes; None chooses. The numbers do not depend on it.
        executor: ``"here"``, ``"processes"``, ``"ray"`` or a ready one; None chooses.
        store: path or URL of a store that keeps what is measured, None for the default one; unless given, nothing is
            kept. What a store holds already is not measured again.
        name: what ``benign runs`` calls it; says what was measured unless given.
        progress: told the number of finished jobs.

    Returns:
        The surface; ``.curve("test_loss")`` is a section of it.

    Raises:
        InvalidArgument: for settings that make no sense; the message says what to do.
        MeasurementInterrupted: on Ctrl-C; its ``dataset`` is what had been measured.
    """
    return Surface(
        measure_dataset(
            procedure, source, sizes=sizes, times=times, samples=samples, replicates=replicates, crossed=crossed,
            seed=seed, metrics=metrics, workers=workers, executor=executor, store=store, name=name, progress=progress,
        )
    )  # fmt: skip


def _at_levels(dataset: xr.Dataset, at: Mapping[str, float]) -> xr.Dataset:
    """The dataset at one level of what stands before its four axes, such as label noise."""
    levels = [axis for axis in schema.LEADING if axis in dataset.dims]
    for axis in at:
        if axis not in levels:
            raise InvalidArgument(f"`{axis}` must be left out: this surface has no levels of that name.")
    for axis in levels:
        dataset = _fix(dataset, axis, at.get(axis))
    return dataset


def _fix(section: xr.Dataset, axis: str, value: float | None) -> xr.Dataset:
    values = section[axis].values
    if value is None:
        if len(values) > 1:
            raise InvalidArgument(
                f"`{axis}` has {len(values)} values; say which, for example {axis}={values[-1]}."
            )  # fmt: skip
        return section.isel({axis: 0})
    if schema.checked_position(axis, value) not in values:
        nearest = values[np.abs(values.astype(float) - value).argmin()]
        raise InvalidArgument(f"`{axis}` was not measured at {value}; the nearest is {nearest}.")
    return section.sel({axis: value})


__all__ = ["Curve", "MeasurementInterrupted", "Surface", "measure"]
