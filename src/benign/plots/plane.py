"""Paths in the plane of two parameters, over the level lines of their loss: as in Barrett & Dherin (2021), Fig. 1."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Real

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number
from benign.plots.heat_map_parts import frozen
from benign.plots.output import svg_html, svg_text
from benign.plots.scales import Scale

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PATHS = 6  # that colour and dashes tell apart


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanePath:
    """One path: its points in order, two numbers a row.

    Attributes:
        name: stands in the key.
        points: from start to end; both ends are marked.
        has_steps: whether each point is a step of a discrete method, marked by a dot, or one of a smooth curve.
    """

    name: str
    points: Real[np.ndarray, "_K 2"] = field(repr=False)
    has_steps: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", frozen(self.points))
        if self.points.ndim != 2 or self.points.shape[1:] != (2,) or not len(self.points):
            raise invalid(
                "points", f"of path {self.name!r} must be rows of two numbers, got shape {self.points.shape}."
            )
        if not np.isfinite(self.points).all():
            raise invalid("points", f"of path {self.name!r} must be finite; cut the path where it diverges.")


@dataclass(frozen=True, kw_only=True)
class PlanePoint:
    """A place that is marked by a cross, with its name."""

    label: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneDisplay:
    """Paths over the level lines of a function of two parameters, with a valley and named places.

    Attributes:
        title: what the picture is about; drawn where it stands alone.
        paths: at most six; later ones above earlier ones.
        x: of the grid, rising.
        y: of the grid, rising.
        values: the function on the grid, one row for each y; positive: its levels are powers of ten.
        valley: lines on which the function is smallest, each K x 2; drawn thick and grey.
        valley_label: names them.
        points: places marked by a cross.
        x_label: names the horizontal axis.
        y_label: names the vertical axis.
        value_label: names the function, for the caption.
        caption: one sentence.

    The axes end where the grid ends.
    """

    title: str
    paths: tuple[PlanePath, ...]
    x: Real[np.ndarray, " _X"] = field(repr=False)
    y: Real[np.ndarray, " _Y"] = field(repr=False)
    values: Real[np.ndarray, "_Y _X"] = field(repr=False)
    valley: tuple[Real[np.ndarray, "_K 2"], ...] = field(repr=False, default=())
    valley_label: str = "minima"
    points: tuple[PlanePoint, ...] = ()
    x_label: str = "a"
    y_label: str = "b"
    value_label: str = "loss"
    caption: str = ""
    ax_: Axes | None = field(init=False, repr=False, default=None)
    figure_: Figure | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        for name in ("x", "y", "values"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        object.__setattr__(self, "valley", tuple(frozen(line) for line in self.valley))
        for name in ("paths", "points"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not 1 <= len(self.paths) <= MOST_PATHS:
            raise invalid("paths", f"must hold 1 to {MOST_PATHS} paths, got {len(self.paths)}; draw two pictures.")
        if self.values.shape != (len(self.y), len(self.x)):
            raise invalid(
                "values",
                f"must have one row for each y and one column for each x, {(len(self.y), len(self.x))}, got "
                f"shape {self.values.shape}; transpose it.",
            )
        if min(self.values.shape) < 2 or any((np.diff(axis) <= 0).any() for axis in (self.x, self.y)):
            raise InvalidArgument("`x` and `y` must rise and hold at least two numbers each.")
        if not (np.isfinite(self.values).all() and self.values.min() >= 0.0 < self.values.max()):
            raise invalid("values", "must be finite and not negative: levels are powers of ten.")

    @cached_property
    def scales(self) -> tuple[Scale, Scale]:
        """The horizontal and the vertical axis, both linear."""
        return tuple(Scale(is_log=False, low=float(axis[0]), high=float(axis[-1])) for axis in (self.x, self.y))  # type: ignore[return-value]

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """The powers of ten, at most five, up to the function's largest value."""
        top = math.floor(math.log10(float(self.values.max())))
        positive = self.values[self.values > 0.0]
        bottom = max(math.ceil(math.log10(float(positive.min()))), top - 4)
        return tuple(10.0**power for power in range(bottom, top + 1))

    def is_inside(self, points: Real[np.ndarray, "K 2"]) -> Bool[np.ndarray, " K"]:
        """Which points the axes show."""
        x, y = self.scales
        return (points[:, 0] >= x.low) & (points[:, 0] <= x.high) & (points[:, 1] >= y.low) & (points[:, 1] <= y.high)

    @property
    def full_caption(self) -> str:
        """The caption, with what the level lines are and which paths leave the picture."""
        levels = [format_number(level) for level in self.levels]
        notes = [f"Circle: start; disc: end. Thin lines: {self.value_label} {', '.join(levels)}."] if levels else []
        leaving = [path.name for path in self.paths if not self.is_inside(path.points).all()]
        if len(leaving) == len(self.paths):
            notes.append("The paths are partly outside the picture.")
        elif leaving:
            notes.append(f"Partly outside the picture: {', '.join(leaving)}.")
        return " ".join(filter(None, [self.caption, *notes]))

    @property
    def alternative_text(self) -> str:
        """The picture in words, from its numbers."""
        x, y = self.scales
        sentences = [
            f"Paths in a plane: {self.title or self.value_label}.",
            f"Horizontal axis: {self.x_label}, {format_number(x.low)} to {format_number(x.high)}.",
            f"Vertical axis: {self.y_label}, {format_number(y.low)} to {format_number(y.high)}.",
        ]
        for path in self.paths:
            start, end = (f"({format_number(p[0])}, {format_number(p[1])})" for p in (path.points[0], path.points[-1]))
            sentences.append(f"{path.name}: from {start} to {end}.")
        sentences += [f"Marked: {one.label} ({format_number(one.x)}, {format_number(one.y)})." for one in self.points]
        return " ".join([*sentences, self.full_caption]).strip()

    def plot(self, ax: object = None) -> PlaneDisplay:
        """Draw on matplotlib axes, or on a new figure that pyplot does not know; returns the display.

        The axes and figure are then in ``ax_`` and ``figure_``.
        """
        from benign.plots.layout import as_axes
        from benign.plots.plane_drawing import draw_on

        if ax is None:
            axes = self.figure().axes[0]
        else:
            axes = as_axes(ax)
            draw_on(axes, self)
        object.__setattr__(self, "ax_", axes)
        object.__setattr__(self, "figure_", axes.get_figure(root=True))
        return self

    def figure(self, *, narrow: bool = False, alone: bool = True) -> Figure:
        """A new figure, for a phone if ``narrow``, with title and caption if it stands ``alone``."""
        from benign.plots.plane_drawing import draw_sheet

        return draw_sheet(self, narrow=narrow, alone=alone)

    def frame(self) -> pd.DataFrame:
        """The paths: path, step, and the two parameters as x and y."""
        import pandas as pd

        frames = [
            pd.DataFrame(
                {"path": path.name, "step": range(len(path.points)), "x": path.points[:, 0], "y": path.points[:, 1]}
            )
            for path in self.paths
        ]
        return pd.concat(frames, ignore_index=True)

    def svg(self, *, narrow: bool = False, alone: bool = False) -> str:
        """The picture as SVG, the same text for the same numbers."""
        return svg_text(self.figure(narrow=narrow, alone=alone), self.title)

    def _repr_html_(self) -> str:
        return svg_html(self.svg(alone=True), self.alternative_text)
