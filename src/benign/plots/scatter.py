"""Models as points on two log axes with the line on which both are equal: parameters against numbers to fit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_number
from benign.plots import labels
from benign.plots.display import Display, Table
from benign.plots.layout import Room, Sheet, prepare
from benign.plots.scales import Scale
from benign.plots.series import freeze
from benign.plots.style import INK, LEAST_POINTS, LOOKS, MUTED, PAPER, SMALL_POINTS, Role
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_SIDE, _TOP = 0.16, 0.08  # of an axis's length in decades, beyond the outermost points; names need it at the sides
_OWN = (LOOKS[Role.TEST].colour, "*", 13.0)
_COLOURS = [LOOKS[role].colour for role in (Role.TRAIN, Role.NORM, Role.REMEDY, Role.REFERENCE)] + [INK]
_OTHERS = tuple(zip(_COLOURS, "os^Dv", (6.5, 6.0, 7.0, 5.5, 7.0), strict=True))
_DIAGONAL = {"color": INK, "linestyle": (0, (1, 1.6)), "label": "_diagonal"}
_BESIDE = {"color": MUTED, "linestyle": (0, (5, 2.5)), "label": "_line"}
_GROUND = "#f5f6f7"  # above the diagonal
_CLEARANCE = 25.0  # points from the diagonal's name to a model, whose own name needs room
_REGION_SHARE = 0.62  # of the axes' width, at most, for a region's name on one line


def _check_positive(owner: object, of: str, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if not (math.isfinite(value) and value > 0):
            raise invalid(name, f"of {of} must be positive and finite, got {value}.")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One model: its name, its two numbers, both positive, and the group that it belongs to."""

    label: str
    x: float
    y: float
    group: str

    def __post_init__(self) -> None:
        _check_positive(self, f"point {self.label!r}", "x", "y")

    @property
    def text(self) -> str:
        """The point in words."""
        x, y, ratio = map(format_number, (self.x, self.y, self.y / self.x))
        return f"{self.label} ({self.group}): {y} against {x}, ratio {ratio}."


@dataclass(frozen=True, kw_only=True)
class RatioLine:
    """A line beside the diagonal, on which y is ``ratio`` times x; ``label`` stands along it."""

    ratio: float
    label: str

    def __post_init__(self) -> None:
        _check_positive(self, f"line {self.label!r}", "ratio")


@dataclass(frozen=True, kw_only=True, eq=False)
class ScatterDisplay(Display):
    """Labelled points on two log axes, the diagonal on which y = x, and the regions above and below it by name.

    Attributes:
        title: what the picture is about; drawn where it stands alone.
        points: the models; groups take marker and colour in the order in which they first occur.
        own: the group that is emphasised, as a rule the reader's own models.
        x_label: names the horizontal axis.
        y_label: names the vertical axis.
        diagonal_label: stands along the diagonal.
        above_label: names the region above the diagonal; empty for no name.
        below_label: names the region below.
        lines: further lines on which y is a multiple of x, drawn dashed.
        caption: one sentence, such as where the numbers are from.

    The frame holds the points: label, group, x, y.

    >>> ScatterDisplay(title="", points=(Point(label="AlexNet", x=1.2e9, y=6e7, group="vision"),)).groups
    ('vision',)
    """

    points: tuple[Point, ...]
    own: str = "own"
    x_label: str = "training samples × outputs"
    y_label: str = "parameters"
    diagonal_label: str = "parameters = samples × outputs"
    above_label: str = "more parameters than numbers to fit"
    below_label: str = "fewer parameters than numbers to fit"
    lines: tuple[RatioLine, ...] = ()

    _heights: ClassVar[tuple[float, float]] = (340.0, 330.0)

    def __post_init__(self) -> None:
        freeze(self, tuples=("points", "lines"))
        if not self.points:
            raise invalid("points", "must hold at least one point to draw.")
        others = [group for group in self.groups if group != self.own]
        if len(others) > len(_OTHERS):
            fault = f"must belong to at most {len(_OTHERS)} groups beside {self.own!r}, got {len(others)}; join some."
            raise invalid("points", fault)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in the order in which they first occur."""
        return tuple(dict.fromkeys(point.group for point in self.points))

    @cached_property
    def marks(self) -> dict[str, tuple[str, str, float]]:
        """Colour, marker and size of each group."""
        others = iter(_OTHERS)
        return {group: _OWN if group == self.own else next(others) for group in self.groups}

    @cached_property
    def scales(self) -> tuple[Scale, Scale]:
        """The horizontal and the vertical axis."""
        return _fitted([point.x for point in self.points], _SIDE), _fitted([point.y for point in self.points], _TOP)

    @property
    def diagonal(self) -> tuple[float, float] | None:
        """Where the diagonal enters and leaves the picture, at x = y; None where it does not cross it."""
        return self.span(1.0)

    def span(self, ratio: float) -> tuple[float, float] | None:
        """Where the line y = ``ratio`` x enters and leaves the picture, in x; None where it does not cross it."""
        x, y = self.scales
        low, high = max(x.low, y.low / ratio), min(x.high, y.high / ratio)
        return (low, high) if low < high else None

    @property
    def shown_lines(self) -> dict[RatioLine, Float[np.ndarray, "2 2"]]:
        """The diagonal and the other lines that cross the picture, each with its ends in the data."""
        spans = ((line, self.span(line.ratio)) for line in self._all_lines)
        return {line: np.array([(x, line.ratio * x) for x in span]) for line, span in spans if span is not None}

    @property
    def _all_lines(self) -> tuple[RatioLine, ...]:
        return (RatioLine(ratio=1.0, label=self.diagonal_label), *self.lines)

    def _notes(self) -> Sequence[str]:
        outside = [line.label for line in self._all_lines if line not in self.shown_lines]
        return [f"Outside the picture: {'; '.join(outside)}."] if outside else []

    def _sentences(self) -> Sequence[str]:
        """Title, axes, how many points lie on each side, each point with its ratio, lines."""
        above = sum(point.y > point.x for point in self.points)
        below = sum(point.y < point.x for point in self.points)
        return [
            f"Scatter chart: {self.title or self.y_label}.",
            f"Horizontal axis (logarithmic): {self.x_label}. Vertical axis (logarithmic): {self.y_label}.",
            f"Diagonal: {self.diagonal_label}.",
            f"{above:,} of {len(self.points):,} points lie above it and {below:,} below.",
            *(point.text for point in self.points),
            *(f"Line {line.label}: {format_number(line.ratio)} of the diagonal." for line in self.lines),
        ]

    def _tables(self) -> Iterator[Table]:
        columns = ("label", "group", "x", "y")
        yield {name: [getattr(point, name) for point in self.points] for name in columns}

    def _draw(self, sheet: Sheet) -> Iterator[Room]:
        groups = _draw_points(sheet.axes[0], self)
        yield Room(key=groups if len(groups) > 1 else ())
        _write_words(sheet.axes[0], self, LEAST_POINTS if sheet.narrow else SMALL_POINTS)


def _fitted(values: list[float], share: float) -> Scale:
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = max(share * (high - low), 0.3)
    return Scale(is_log=True, low=10 ** max(low - margin, -307), high=10 ** min(high + margin, 307))


def _draw_points(ax: Axes, display: ScatterDisplay) -> list[tuple[Line2D, str]]:
    """Draw the ground above the diagonal, the lines and the points; returns the groups for the key."""
    x, y = display.scales
    prepare(ax, x, y, display.x_label, display.y_label, grid="both")
    corners = np.sort([x.low, x.high, *(display.diagonal or ())])
    ground: dict[str, Any] = {"color": _GROUND, "linewidth": 0, "zorder": 0.2, "label": "_above"}
    ax.fill_between(corners, np.clip(corners, y.low, y.high), y.high, **ground)
    for line, ends in display.shown_lines.items():
        look: dict[str, Any] = _BESIDE if line in display.lines else _DIAGONAL
        ax.plot(*ends.T, linewidth=1.3, zorder=2.5, **look)
    key = []
    for group, (colour, marker, size) in display.marks.items():
        points = np.array([(point.x, point.y) for point in display.points if point.group == group])
        style: dict[str, Any] = {"color": colour, "marker": marker, "ms": size, "mec": PAPER, "mew": 0.8}
        style["zorder"] = 6 if group == display.own else 5
        (dots,) = ax.plot(*points.T, linestyle="none", label=group, clip_on=False, **style)
        key.append((dots, visible(group)))
    return key


def _write_words(ax: Axes, display: ScatterDisplay, size: float) -> None:
    """Regions, the lines and the points by name, those with the least room first; the axes have their place."""
    inside = labels.grown(labels.axes_box(ax), -3)
    anchors = labels.in_points(ax, np.array([(point.x, point.y) for point in display.points]))
    radii = np.array([[display.marks[point.group][2] / 2 + 1] for point in display.points])
    felt = {line.label: labels.felt_points(ax, *ends.T) for line, ends in display.shown_lines.items()}
    space = labels.Space(
        inside=inside, boxes=labels.squares(anchors, radii), lines=np.concatenate([labels.NO_PLACES, *felt.values()])
    )
    for above in (True, False):
        space = _write_region(ax, display, space, above=above)
    for label, line in felt.items():
        space = _write_along(ax, label, line, space)
    own: dict[str, Any] = {"fontsize": size + 1, "fontweight": "bold", "color": _OWN[0]}
    for row in _crowded_first(anchors):
        point = display.points[row]
        style = own if point.group == display.own else {"fontsize": size}
        space = labels.write_near(ax, point.label, [anchors[row]], space, **style)


def _crowded_first(anchors: labels.Places) -> list[int]:
    """Rows by how near their neighbours are: who has the least choice chooses first."""
    distances = np.hypot(*(anchors[:, None, :] - anchors[None, :, :]).transpose(2, 0, 1))
    crowding = (1.0 / (1.0 + (distances / 40.0) ** 2)).sum(axis=1)
    return [int(row) for row in np.argsort(-np.round(crowding, 6), kind="stable")]


def _write_region(ax: Axes, display: ScatterDisplay, space: labels.Space, *, above: bool) -> labels.Space:
    """A region's name in its outer corner, or along its edge where points stand in the corner; the space left."""
    label = display.above_label if above else display.below_label
    x, y = display.scales
    corner = (x.low, y.high) if above else (x.high, y.low)
    if not label or (corner[1] > corner[0]) != above:
        return space
    style: dict[str, Any] = {"fontstyle": "italic", "color": MUTED}
    left, bottom, right, top = space.inside
    choices = labels.settings(ax, label, **style)
    text, size = next((one for one in choices if one[1][0] <= _REGION_SHARE * (right - left)), choices[-1])
    start, away = ((left, top - size[1]), -1) if above else ((right - size[0], bottom), 1)
    corners = np.array([(start[0], start[1] + away * step * (size[1] + 6)) for step in range(8)])
    boxes = np.hstack([corners, corners + size])
    clash = labels.overlaps(labels.grown(boxes, 3), space.boxes).sum(axis=1) * 20 + np.arange(8)
    box = boxes[clash.argmin()]
    offset = box[:2] - labels.axes_box(ax)[:2]
    labels.write(ax, text, (0, 0), offset, of="axes fraction", va="bottom", zorder=2.7, **style)
    return space.without(box[None])


def _write_along(ax: Axes, label: str, line: labels.Places, space: labels.Space) -> labels.Space:
    """A line's name along it, far from what is taken and off all lines; the space left."""
    start, stop = line[line[:, 0].argmin()], line[line[:, 0].argmax()]
    length = float(np.hypot(*(stop - start)))
    along = (stop - start) / length
    across = np.array([-along[1], along[0]])
    wide, high = labels.text_size(ax, visible(label), fontsize=SMALL_POINTS)
    if not label or wide > length - 12:
        return space
    steps = np.linspace(-wide / 2, wide / 2, max(int(wide / high) + 1, 2))[:, None]
    found = []
    for index, middle in enumerate(np.linspace(wide / 2 + 6, length - wide / 2 - 6, 25)):
        for side in (1, -1):
            covers = labels.squares(start + (middle + steps) * along + side * (high / 2 + 3) * across, 6)
            clash = labels.overlaps(labels.grown(covers, _CLEARANCE), space.boxes).sum()
            clash += 1000 * labels.count_inside(space.lines, labels.grown(covers, -2)).sum()
            found.append((round(float(clash), 3), side < 0, abs(index - 12), index, covers))
    covers = min(found, key=lambda one: one[:4])[-1]
    offset = covers.mean(axis=0).reshape(2, 2).mean(axis=0) - labels.axes_box(ax)[:2]
    style: dict[str, Any] = {"rotation": float(np.degrees(np.arctan2(along[1], along[0]))), "rotation_mode": "anchor"}
    style |= {"ha": "center", "va": "center", "fontsize": SMALL_POINTS, "zorder": 2.7}
    labels.write(ax, visible(label), (0, 0), offset, of="axes fraction", **style)
    return space.without(covers)
