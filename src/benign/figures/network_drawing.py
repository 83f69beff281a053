"""Curves of networks over width, epochs or samples: conditions in order, a measured threshold, averaged weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from benign.curves import Landmarks
from benign.figures.drawing import landmark_marks, metric_series, size_label, threshold_line
from benign.plots import CurveDisplay, Role, Series, Threshold, spread_sentence


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """One line of a picture.

    Attributes:
        section: a surface of length one along every axis but replicate and the one drawn; see :func:`at_end`.
        metric: of the surface.
        name: stands at the line's end.
        role: how it is drawn.
        condition: its place in an ordered comparison, or None.
    """

    section: xr.Dataset
    metric: str
    name: str
    role: Role = Role.TEST
    condition: int | None = None


def at_end(surface: xr.Dataset) -> xr.Dataset:
    """The surface at its last time, which stays an axis of length one."""
    return surface.isel(time=[-1])


def at(surface: xr.Dataset, **positions: float) -> xr.Dataset:
    """The surface at one measured position of some axes, which stay as axes of length one."""
    return surface.sel({axis: [position] for axis, position in positions.items()})


def over_parameters(surface: xr.Dataset) -> xr.Dataset:
    """The surface with its sizes counted in trained parameters."""
    return surface.assign_coords(size=surface["parameters"].values)


def curve_of(
    lines: Sequence[Line],
    dim: str,
    *,
    title: str,
    x_label: str,
    y_label: str,
    landmarks: Landmarks | None = None,
    threshold: Threshold | None = None,
    x_log: bool = True,
    y_log: bool = False,
    y_limits: tuple[float, float] | None = None,
) -> CurveDisplay:
    """The lines over ``dim``, with the landmarks of one of them and the threshold that was measured."""
    replicates = sorted({line.section.sizes["replicate"] for line in lines})
    return CurveDisplay(
        title=title,
        series=tuple(_series(line, dim) for line in lines),
        marks=() if landmarks is None else landmark_marks(landmarks),
        threshold=threshold or (None if landmarks is None else threshold_line(landmarks.threshold)),
        x_label=x_label,
        y_label=y_label,
        x_log=x_log,
        y_log=y_log,
        y_limits=y_limits,
        caption=spread_sentence(replicates[0] if len(replicates) == 1 else None),
        position_name={"size": "widths", "time": "times", "samples": "sample sizes"}[dim],
    )


def _series(line: Line, dim: str) -> Series:
    others = [axis for axis in ("size", "time", "samples") if axis != dim]
    series = metric_series(line.section.squeeze(others), line.metric, dim, name=line.name, role=line.role)
    return replace(series, condition=line.condition)


def median_of(section: xr.Dataset, metric: str) -> float:
    """Median over replicates of one cell."""
    return float(np.nanmedian(section[metric].values))


__all__ = ["Line", "at", "at_end", "curve_of", "median_of", "over_parameters", "size_label"]
