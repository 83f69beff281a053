"""One metric along one axis, as claims and pictures speak of it: here and there, its best before a place, its peak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Landmarks, find_landmarks
from benign.curves.claims import RELEVANT_FACTOR, below_the_best_claim, rises_claim
from benign.curves.falling import falling_claim
from benign.curves.findings import LEVEL
from benign.curves.fitting_threshold import ThresholdEstimator
from benign.figures.claims import Judge, Surfaces, Values, higher, no_peak, peak_at
from benign.surface.sections import (
    along_samples,
    along_size,
    along_time,
    at,
    at_end,
    landmarks_along_samples,
    landmarks_along_size,
    median_of,
    over_parameters,
    sample_counts_of,
    seed_of,
    sizes_of,
    stopping_of,
    times_of,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """One metric of a surface along one axis, at the end of training, one row a replicate; read when it is needed.

    Attributes:
        positions: of a surface.
        values: of the metric there.
        landmarks: of the metric, at a level; unless given, without a threshold.
        unit: of the metric.
        of: the name of the surface.
    """

    of: str
    unit: str
    positions: Callable[[xr.Dataset], Float[np.ndarray, " K"]]
    values: Callable[[xr.Dataset], Float[np.ndarray, "R K"]]
    landmarks: Callable[[xr.Dataset, float], Landmarks] | None = field(default=None, repr=False)

    def at(self, position: float) -> Values:
        """At the measured place nearest to ``position``."""

        def read(surfaces: Surfaces) -> Float[np.ndarray, " R"]:
            place = int(np.abs(self.positions(surfaces[self.of]) - position).argmin())
            return self.values(surfaces[self.of])[:, place].copy()

        return Values(read, self.unit)

    def median(self, surfaces: Surfaces, position: float) -> float:
        """Of those at the place that have a number."""
        return median_of(self.at(position).read(surfaces))

    def before(self, surfaces: Surfaces, position: float) -> Float[np.ndarray, "R some"]:
        """At all places below ``position``."""
        return self.values(surfaces[self.of])[:, self.positions(surfaces[self.of]) < position]

    def higher(self, at: float, than: float, *, on: Course | None = None, factor: float = 1.0) -> Judge:
        """That it is higher ``at`` one place ``than`` at another, there of the course ``on``, by a factor, paired."""
        return higher(self.at(at), than=(on or self).at(than), factor=factor)

    def rises(self, to: float, *, before: float | None = None) -> Judge:
        """That it is higher at a place than where it is lowest before it, or ``before`` another place."""
        edge = to if before is None else before
        return lambda surfaces, said, _: rises_claim(
            **said, values=self.before(surfaces, edge), peak=self.at(to).read(surfaces), unit=self.unit
        )

    def falls_below_the_best(self, at: float, *, before: float, on: Course | None = None) -> Judge:
        """That it is lower at a place than where it, or the course ``on``, is lowest ``before`` another place."""
        best = on or self
        return lambda surfaces, said, _: below_the_best_claim(
            **said, references=best.before(surfaces, before), candidate=self.at(at).read(surfaces), unit=self.unit
        )

    def only_falls(self, edges: Float[np.ndarray, " B"]) -> Judge:
        """That it only falls from the first edge to the last, from block to block."""
        return lambda surfaces, said, _: falling_claim(
            **said, positions=self.positions(surfaces[self.of]), values=self.values(surfaces[self.of]), edges=edges
        )

    def peaks_at(
        self, scale: float, allowed: tuple[float, float], *, scale_word: str = "n", factor: float = RELEVANT_FACTOR
    ) -> Judge:
        """That it has a peak, at ``allowed`` times ``scale``."""
        return peak_at(self.landmarks_at, scale, allowed, scale_word=scale_word, factor=factor)

    def has_no_peak(self, factor: float = RELEVANT_FACTOR) -> Judge:
        """That no peak of it stands a ``factor`` above both its sides."""
        return no_peak(self.landmarks_at, factor)

    def landmarks_at(self, surfaces: Surfaces, level: float = LEVEL) -> Landmarks:
        """Landmarks, their intervals and the peak test at a level."""
        surface = surfaces[self.of]
        if self.landmarks is not None:
            return self.landmarks(surface, level)
        return find_landmarks(
            self.positions(surface), self.values(surface), None, None, level=level, seed=seed_of(surface)
        )


def over_sizes(
    of: str,
    metric: str,
    *,
    samples: int | None = None,
    time: float | None = None,
    unit: str = "",
    estimator: ThresholdEstimator | None = "mean",
    in_parameters: bool = False,
) -> Course:
    """A metric of a surface with one n, or at one of several, at its last time or another.

    Without ``estimator`` no threshold is read.
    """

    def section(surface: xr.Dataset) -> xr.Dataset:
        then = at_end(surface) if time is None else at(surface, time=time)
        there = then if samples is None else at(then, samples=samples)
        return over_parameters(there) if in_parameters else there

    def landmarks(surface: xr.Dataset, level: float) -> Landmarks:
        return landmarks_along_size(section(surface), metric, level=level, estimator=estimator or "mean")

    return Course(
        of=of,
        unit=unit or _unit(metric),
        positions=lambda surface: sizes_of(section(surface)),
        values=lambda surface: along_size(section(surface), metric),
        landmarks=landmarks if estimator else None,
    )


def over_times(of: str, metric: str, *, size: int, unit: str = "") -> Course:
    """A metric of a surface with one n, at one of its sizes."""
    return Course(
        of=of,
        unit=unit or _unit(metric),
        positions=times_of,
        values=lambda surface: along_time(surface, metric, size),
    )


Stopping = Literal["last", "stopped", "oracle", "gain", "oracle_gain"]


def stopping_over_sizes(of: str, what: Stopping) -> Course:
    """An error of :func:`stopping_of`: at the last time, where validation stops, at its lowest; or what that saves."""
    values = attrgetter(what)
    return Course(of=of, unit=_unit("error"), positions=sizes_of, values=lambda surface: values(stopping_of(surface)))


def over_samples(
    of: str, metric: str, *, size: float | None = None, unit: str = "", estimator: ThresholdEstimator | None = "mean"
) -> Course:
    """A metric of a surface with one size, or at one of several; without ``estimator`` no threshold is read."""

    def section(surface: xr.Dataset) -> xr.Dataset:
        return surface if size is None else at(surface, size=size)

    def landmarks(surface: xr.Dataset, level: float) -> Landmarks:
        values = along_samples(section(surface), metric)
        return landmarks_along_samples(section(surface), values, level=level, estimator=estimator or "mean")

    return Course(
        of=of,
        unit=unit or _unit(metric),
        positions=sample_counts_of,
        values=lambda surface: along_samples(section(surface), metric),
        landmarks=landmarks if estimator else None,
    )


def _unit(metric: str) -> str:
    return "loss" if "loss" in metric else "zero-one error"
