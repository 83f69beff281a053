"""Paths in the plane of two parameters, over the level lines of their loss: as in Barrett & Dherin (2021), Fig. 1."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Real

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number
from benign.plots.display import Display
from benign.plots.layout import Key, Sheet, Words, key_rows, name_axes, new_figure, place, quiet_ticks, write_title
from benign.plots.scales import Scale, apply_scales
from benign.plots.series import freeze, frozen
from benign.plots.style import INK, LOOKS, MUTED, PAPER, SMALL_POINTS, Look, Role
from benign.plots.text import visible

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PATHS = 6  # that colour and dashes tell apart
_PANEL, _NARROW_PANEL = 330.0, 280.0
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

    The axes end where the grid ends.
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

    def __post_init__(self) -> None:
        freeze(self, "x", "y", "values")
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

    def _on_sheet(self, sheet: Sheet, words: Words) -> Figure:
        panel = _NARROW_PANEL if sheet.is_narrow else _PANEL
        figure = new_figure(sheet.width, 100 + panel)
        ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        _draw(ax, self)
        entries = [(path.name, look) for path, look in zip(self.paths, _LOOKS, strict=False)]
        if self.valley:
            entries.append((self.valley_label, _VALLEY))
        keys = [Key(name=name, text=visible(name), look=look) for name, look in entries]
        place(figure, [ax], words, panel=panel, key=key_rows(ax, keys))
        apply_scales(ax, *self.scales)
        return figure

    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        _draw(axes[0], self)
        write_title(axes[0], self.title, pad=8)
        axes[0].legend(frameon=False, fontsize=SMALL_POINTS, loc="best")

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


def _draw(ax: Axes, display: PlaneDisplay) -> None:
    apply_scales(ax, *display.scales)
    quiet_ticks(ax, hidden=("top", "right"))
    ax.contour(
        display.x, display.y, display.values, levels=list(display.levels), colors=_LEVELS, linewidths=0.8, zorder=1
    )
    for line in display.valley:
        ax.plot(
            line[:, 0], line[:, 1], color=_VALLEY.colour, linewidth=_VALLEY.width, zorder=_VALLEY.order,
            solid_capstyle="butt", label=f"_{display.valley_label}",
        )  # fmt: skip
    for path, look in zip(display.paths, _LOOKS, strict=False):
        dots = path.has_steps and len(path.points) <= _MOST_STEPS
        ax.plot(
            path.points[:, 0], path.points[:, 1], color=look.colour, linestyle=look.linestyle, linewidth=look.width,
            marker="." if dots else "", markersize=4.0, zorder=look.order, label=path.name,
        )  # fmt: skip
        shown: dict[str, Any] = {"linestyle": "none", "mec": look.colour, "mew": 1.3, "zorder": 6}
        ax.plot(*path.points[0], marker="o", ms=7, mfc=PAPER, label="_start", **shown)
        ax.plot(*path.points[-1], marker="o", ms=6, mfc=look.colour, label="_end", **shown)
    for point in display.points:
        ax.plot(point.x, point.y, marker="x", ms=9, mew=2.2, color=INK, zorder=7, label=f"_{point.label}")
        at_right = display.scales[0].to_unit(point.x) > 0.75
        ax.annotate(
            visible(point.label), (point.x, point.y), xytext=(-9 if at_right else 9, 6), textcoords="offset points",
            fontsize=SMALL_POINTS, fontstyle="italic", color=INK, ha="right" if at_right else "left", zorder=7,
            annotation_clip=True,
        )  # fmt: skip
    name_axes(ax, display.x_label, display.y_label)
    ax.tick_params(colors=MUTED, labelcolor=INK)
