"""Paths in the plane of two parameters, over the level lines of their loss: as in Barrett & Dherin (2021), Fig. 1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Real

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number
from benign.plots.display import Display, Table
from benign.plots.labels import write
from benign.plots.layout import Room, Sheet, prepare
from benign.plots.scales import Scale
from benign.plots.series import freeze, frozen
from benign.plots.style import INK, LOOKS, PAPER, SMALL_POINTS, Look, Role
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

MOST_PATHS = 6  # that colour and dashes tell apart
_VALLEY = Look(colour="#8a919a", dashes=None, width=5.0, order=1.5)
_LOOKS = (
    Look(colour=INK, dashes=None, width=1.3, order=3.0),
    Look(colour=LOOKS[Role.TRAIN].colour, dashes=(4.0, 1.8), width=1.8, order=3.2),
    Look(colour=LOOKS[Role.TEST].colour, dashes=None, width=1.6, order=3.4),
    Look(colour=LOOKS[Role.REMEDY].colour, dashes=(1.0, 1.1), width=2.2, order=3.6),
    Look(colour=LOOKS[Role.NORM].colour, dashes=(7.0, 1.5, 1.5, 1.5), width=1.6, order=3.8),
    Look(colour="#8a6a00", dashes=(3.0, 1.0), width=1.4, order=4.0),
)
_LEVELS = "#d9dde2"
_MOST_STEPS = 400  # beyond it dots are a line


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
        freeze(self, "points")
        if self.points.ndim != 2 or self.points.shape[1:] != (2,) or not len(self.points):
            fault = f"must be rows of two numbers, got shape {self.points.shape}."
            raise invalid("points", f"of path {self.name!r} {fault}")
        if not np.isfinite(self.points).all():
            raise invalid("points", f"of path {self.name!r} must be finite; cut the path where it diverges.")


@dataclass(frozen=True, kw_only=True)
class PlanePoint:
    """A place that is marked by a cross, with its name."""

    label: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneDisplay(Display):
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

    The axes end where the grid ends. The frame holds the paths: path, step, and the two parameters as x and y.
    """

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

    _heights: ClassVar[tuple[float, float]] = (330.0, 280.0)

    def __post_init__(self) -> None:
        freeze(self, "x", "y", "values", tuples=("paths", "points"))
        object.__setattr__(self, "valley", tuple(frozen(line) for line in self.valley))
        if not 1 <= len(self.paths) <= MOST_PATHS:
            raise invalid("paths", f"must hold 1 to {MOST_PATHS} paths, got {len(self.paths)}; draw two pictures.")
        if self.values.shape != (len(self.y), len(self.x)):
            fault = f"{(len(self.y), len(self.x))}, got shape {self.values.shape}; transpose it."
            raise invalid("values", f"must have one row for each y and one column for each x, {fault}")
        if min(self.values.shape) < 2 or any((np.diff(axis) <= 0).any() for axis in (self.x, self.y)):
            raise InvalidArgument("`x` and `y` must rise and hold at least two numbers each.")
        if not (np.isfinite(self.values).all() and self.values.min() >= 0.0 < self.values.max()):
            raise invalid("values", "must be finite and not negative: levels are powers of ten.")

    @cached_property
    def scales(self) -> tuple[Scale, Scale]:
        """The horizontal and the vertical axis, both linear."""
        x, y = (Scale(is_log=False, low=float(axis[0]), high=float(axis[-1])) for axis in (self.x, self.y))
        return x, y

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """The powers of ten, at most five, up to the function's largest value."""
        top = math.floor(math.log10(float(self.values.max())))
        positive = self.values[self.values > 0.0]
        bottom = max(math.ceil(math.log10(float(positive.min()))), top - 4)
        return tuple(10.0**power for power in range(bottom, top + 1))

    def is_inside(self, points: Real[np.ndarray, "K 2"]) -> Bool[np.ndarray, " K"]:
        """Which points the axes show."""
        low, high = (self.x[0], self.y[0]), (self.x[-1], self.y[-1])
        return np.all((points >= low) & (points <= high), axis=1)

    def _notes(self) -> Sequence[str]:
        """What the level lines are, and which paths leave the picture."""
        levels = ", ".join(format_number(level) for level in self.levels)
        notes = [f"Circle: start; disc: end. Thin lines: {self.value_label} {levels}."] if levels else []
        leaving = [path.name for path in self.paths if not self.is_inside(path.points).all()]
        if len(leaving) == len(self.paths):
            notes.append("The paths are partly outside the picture.")
        elif leaving:
            notes.append(f"Partly outside the picture: {', '.join(leaving)}.")
        return notes

    def _sentences(self) -> Sequence[str]:
        sentences = [f"Paths in a plane: {self.title or self.value_label}."]
        for way, name, axis in (("Horizontal", self.x_label, self.x), ("Vertical", self.y_label, self.y)):
            ends = (format_number(float(end)) for end in axis[[0, -1]])
            sentences.append(f"{way} axis: {name}, {' to '.join(ends)}.")
        sentences += [
            f"{path.name}: from {_pair(*path.points[0])} to {_pair(*path.points[-1])}." for path in self.paths
        ]
        return sentences + [f"Marked: {one.label} {_pair(one.x, one.y)}." for one in self.points]

    def _tables(self) -> Iterator[Table]:
        for path in self.paths:
            x, y = path.points.T
            yield {"path": path.name, "step": range(len(x)), "x": x, "y": y}

    def _draw(self, sheet: Sheet) -> Iterator[Room]:
        ax = sheet.axes[0]
        prepare(ax, *self.scales, self.x_label, self.y_label, spines=("left", "bottom"))
        ax.contour(self.x, self.y, self.values, levels=self.levels, colors=_LEVELS, linewidths=0.8, zorder=1)
        lines = [_draw_path(ax, path, look) for path, look in zip(self.paths, _LOOKS, strict=False)]
        key = [(line, visible(path.name)) for line, path in zip(lines, self.paths, strict=True)]
        for points in self.valley:
            valley = ax.plot(*points.T, label=f"_{self.valley_label}", solid_capstyle="butt", **_VALLEY.line)
            key[len(self.paths) :] = [(valley[0], visible(self.valley_label))]
        for point in self.points:
            _draw_point(ax, point, self.scales[0])
        yield Room(key=key)


def _pair(x: float, y: float) -> str:
    return f"({format_number(float(x))}, {format_number(float(y))})"


def _draw_path(ax: Axes, path: PlanePath, look: Look) -> Line2D:
    dots = path.has_steps and len(path.points) <= _MOST_STEPS
    (line,) = ax.plot(*path.points.T, marker="." if dots else "", ms=4.0, label=path.name, **look.line)
    for place, ms, fill, label in ((0, 7, PAPER, "_start"), (-1, 6, look.colour, "_end")):
        style: dict[str, Any] = {"marker": "o", "ms": ms, "mfc": fill, "mec": look.colour, "mew": 1.3, "zorder": 6}
        ax.plot(*path.points[place], linestyle="none", label=label, **style)
    return line


def _draw_point(ax: Axes, point: PlanePoint, x: Scale) -> None:
    ax.plot(point.x, point.y, marker="x", ms=9, mew=2.2, color=INK, zorder=7, label=f"_{point.label}")
    at_right = x.to_unit(point.x) > 0.75
    style: dict[str, Any] = {"ha": "right" if at_right else "left", "fontsize": SMALL_POINTS, "fontstyle": "italic"}
    offset = (-9 if at_right else 9, 6)
    write(ax, visible(point.label), (point.x, point.y), offset, zorder=7, annotation_clip=True, **style)
