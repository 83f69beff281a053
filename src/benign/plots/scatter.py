"""Models as points on two log axes with the line on which both are equal: parameters against numbers to fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_number
from benign.plots.display import Display
from benign.plots.labels import (
    Box,
    Placed,
    best_place,
    count_inside,
    felt_points,
    in_data,
    in_points,
    leader_points,
    points_box,
    settings,
    text_size,
    write_beside,
)
from benign.plots.layout import Key, Sheet, Words, draw_grid, key_rows, name_axes, new_figure, place, write_title
from benign.plots.scales import Scale, apply_scales
from benign.plots.style import INK, LEAST_POINTS, LOOKS, MUTED, PAPER, SMALL_POINTS, TEXT_POINTS, Look, Role
from benign.plots.text import visible

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE, _TOP = 0.16, 0.08  # of an axis's length in decades, beyond the outermost points; names need it at the sides
_OWN = (LOOKS[Role.TEST].colour, "*", 13.0)
_OTHERS = (
    (LOOKS[Role.TRAIN].colour, "o", 6.5),
    (LOOKS[Role.NORM].colour, "s", 6.0),
    (LOOKS[Role.REMEDY].colour, "^", 7.0),
    (LOOKS[Role.REFERENCE].colour, "D", 5.5),
    (INK, "v", 7.0),
)
_DASHES = (0, (5, 2.5))  # of a line beside the dotted diagonal
_ROUNDS = 4
_GROUND = "#f5f6f7"  # above the diagonal
_PANEL, _NARROW_PANEL = 340.0, 330.0
_CLEARANCE = 25.0  # points from the diagonal's name to a model, whose own name needs room
_REGION_SHARE = 0.62  # of the axes' width, at most, for a region's name on one line


@dataclass(frozen=True, kw_only=True)
class Point:
    """One model: its name, its two numbers, both positive, and the group that it belongs to."""

    label: str
    x: float
    y: float
    group: str

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise invalid(name, f"of point {self.label!r} must be positive and finite, got {value}.")

    @property
    def text(self) -> str:
        """The point in words."""
        ratio = format_number(self.y / self.x)
        return f"{self.label} ({self.group}): {format_number(self.y)} against {format_number(self.x)}, ratio {ratio}."


@dataclass(frozen=True, kw_only=True)
class RatioLine:
    """A line beside the diagonal, on which y is ``ratio`` times x; ``label`` stands along it."""

    ratio: float
    label: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ratio) and self.ratio > 0):
            raise invalid("ratio", f"of line {self.label!r} must be positive and finite, got {self.ratio}.")


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

    def __post_init__(self) -> None:
        for name in ("points", "lines"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.points:
            raise invalid("points", "must hold at least one point to draw.")
        others = [group for group in self.groups if group != self.own]
        if len(others) > len(_OTHERS):
            raise invalid(
                "points",
                f"must belong to at most {len(_OTHERS)} groups beside {self.own!r}, got {len(others)}; join some.",
            )

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
    def full_caption(self) -> str:
        """The caption, with a sentence on what the picture does not show."""
        names = [] if self.diagonal else [self.diagonal_label]
        names += [line.label for line in self.lines if not self.span(line.ratio)]
        note = f"Outside the picture: {'; '.join(names)}." if names else ""
        return " ".join(filter(None, [self.caption, note]))

    @property
    def alternative_text(self) -> str:
        """The picture in words: title, axes, how many points lie on each side, each point with its ratio, lines."""
        above = sum(point.y > point.x for point in self.points)
        below = sum(point.y < point.x for point in self.points)
        sentences = [
            f"Scatter chart: {self.title or self.y_label}.",
            f"Horizontal axis (logarithmic): {self.x_label}. Vertical axis (logarithmic): {self.y_label}.",
            f"Diagonal: {self.diagonal_label}.",
            f"{above:,} of {len(self.points):,} points lie above it and {below:,} below.",
            *(point.text for point in self.points),
            self.full_caption,
            *(f"Line {line.label}: {format_number(line.ratio)} of the diagonal." for line in self.lines),
        ]
        return " ".join(filter(None, sentences))

    def _on_sheet(self, sheet: Sheet, words: Words) -> Figure:
        panel = _NARROW_PANEL if sheet.is_narrow else _PANEL
        figure = new_figure(sheet.width, 100 + panel)
        ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        _draw_points(ax, self)
        keys = []
        for group, (colour, marker, size) in self.marks.items():
            look = Look(colour=colour, dashes=None, width=0.0, order=5.0)
            keys.append(Key(name=group, text=visible(group), look=look, marker=marker, marker_size=size))
        place(figure, [ax], words, panel=panel, key=key_rows(ax, keys) if len(keys) > 1 else [])
        apply_scales(ax, *self.scales)
        _write_words(ax, self, LEAST_POINTS if sheet.is_narrow else SMALL_POINTS)
        return figure

    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        _draw_points(axes[0], self)
        write_title(axes[0], self.title, pad=8)
        _write_words(axes[0], self, SMALL_POINTS)
        axes[0].legend(frameon=False, fontsize=SMALL_POINTS, loc="lower left")

    def frame(self) -> pd.DataFrame:
        """The numbers drawn: label, group, x, y."""
        import pandas as pd

        columns = ["label", "group", "x", "y"]
        return pd.DataFrame([{name: getattr(point, name) for name in columns} for point in self.points])


def _fitted(values: list[float], share: float) -> Scale:
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = max(share * (high - low), 0.3)
    return Scale(is_log=True, low=10 ** max(low - margin, -307), high=10 ** min(high + margin, 307))


def _draw_points(ax: Axes, display: ScatterDisplay) -> None:
    x, y = display.scales
    apply_scales(ax, x, y)
    draw_grid(ax, axis="both")
    corners = np.sort(np.array([x.low, x.high, *(display.diagonal or ())]))
    ax.fill_between(
        corners, np.clip(corners, y.low, y.high), y.high, color=_GROUND, linewidth=0, zorder=0.2, label="_above"
    )
    if display.diagonal:
        ax.plot(display.diagonal, display.diagonal, color=INK, linestyle=(0, (1, 1.6)), linewidth=1.3, zorder=2.5,
                label="_diagonal")  # fmt: skip
    for line in display.lines:
        if span := display.span(line.ratio):
            ends = np.array(span)
            ax.plot(ends, line.ratio * ends, color=MUTED, linestyle=_DASHES, linewidth=1.3, zorder=2.5, label="_line")
    for group, (colour, marker, size) in display.marks.items():
        points = [point for point in display.points if point.group == group]
        ax.plot(
            [point.x for point in points], [point.y for point in points], linestyle="none", marker=marker, ms=size,
            color=colour, mec=PAPER, mew=0.8, zorder=6 if group == display.own else 5, label=group, clip_on=False,
        )  # fmt: skip
    name_axes(ax, display.x_label, display.y_label)


def _write_words(ax: Axes, display: ScatterDisplay, size: float) -> None:
    """Regions, the diagonal and the points by name, those with the least room first; the axes have their place."""
    inside = points_box(ax, ax.bbox).grown(-3)
    places = in_points(ax, np.array([(point.x, point.y) for point in display.points]))
    radii = [display.marks[point.group][2] / 2 + 1 for point in display.points]
    dots = [Box(left=x - r, right=x + r, bottom=y - r, top=y + r) for (x, y), r in zip(places, radii, strict=True)]
    boxes = [box for above in (True, False) if (box := _write_region(ax, display, inside, dots, above=above))]
    named = [(1.0, display.diagonal_label), *((line.ratio, line.label) for line in display.lines)]
    felt = {
        label: felt_points(ax, np.array(span), ratio * np.array(span))
        for ratio, label in named if (span := display.span(ratio))
    }  # fmt: skip
    for label, line in felt.items():
        others = [other for name, other in felt.items() if name != label]
        boxes += _write_along(ax, label, line, dots, boxes, np.concatenate([np.empty((0, 2)), *others]))
    lines = np.concatenate([np.empty((0, 2)), *felt.values()])
    own: dict[str, Any] = {"fontsize": size + 1, "fontweight": "bold", "color": _OWN[0]}
    styles = [own if point.group == display.own else {"fontsize": size} for point in display.points]
    sizes = [
        [(text, text_size(ax, text, **style)) for text in settings(visible(point.label))]
        for point, style in zip(display.points, styles, strict=True)
    ]
    found = _placed(places, sizes, inside=inside, dots=dots, boxes=boxes, lines=lines)
    for point, anchor, style, placed in zip(display.points, places, styles, found, strict=True):
        at = (float(anchor[0]), float(anchor[1]))
        write_beside(ax, placed, anchor=at, point=(point.x, point.y)).set(**style)


def _placed(
    places: Float[np.ndarray, "P 2"],
    sizes: Sequence[Sequence[tuple[str, tuple[float, float]]]],
    *,
    inside: Box,
    dots: Sequence[Box],
    boxes: Sequence[Box],
    lines: Float[np.ndarray, "Q 2"],
) -> list[Placed]:
    """A place for each name; after the first round each looks again, knowing where all others are."""
    found: dict[int, Placed] = {}
    for _ in range(_ROUNDS):
        before = dict(found)
        for index in _crowded_first(places):
            anchor = (float(places[index, 0]), float(places[index, 1]))
            others = {row: placed for row, placed in found.items() if row != index}
            taken = [*boxes, *dots[:index], *dots[index + 1 :], *(placed.box for placed in others.values())]
            leaders = [leader_points(placed.box, tuple(places[row].tolist())) for row, placed in others.items()]
            found[index] = best_place(
                anchor, sizes[index], inside=inside, boxes=taken, lines=np.concatenate([lines, *leaders]),
                has_leader=True,
            )  # fmt: skip
        if found == before:
            break
    return [found[index] for index in range(len(places))]


def _crowded_first(places: Float[np.ndarray, "P 2"]) -> list[int]:
    """Rows by how near their neighbours are: who has the least choice chooses first."""
    distances = np.hypot(*(places[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
    crowding = (1.0 / (1.0 + (distances / 40.0) ** 2)).sum(axis=1)
    return [int(row) for row in np.lexsort((np.arange(len(places)), -np.round(crowding, 6)))]


def _write_region(ax: Axes, display: ScatterDisplay, inside: Box, dots: Sequence[Box], *, above: bool) -> Box | None:
    """A region's name in its outer corner, or along its edge where points stand in the corner."""
    label = visible(display.above_label if above else display.below_label)
    x, y = display.scales
    corner = (x.low, y.high) if above else (x.high, y.low)
    if not label or (corner[1] > corner[0]) != above:
        return None
    style: dict[str, Any] = {"fontsize": TEXT_POINTS, "fontstyle": "italic", "color": MUTED}
    texts = settings(label)
    wide, high = text_size(ax, texts[0], **style)
    text = texts[0]
    if wide > _REGION_SHARE * (inside.right - inside.left):
        text = texts[-1]
        wide, high = text_size(ax, text, **style)
    found = []
    for step in range(8):
        shift = step * (high + 6)
        left = inside.left if above else inside.right - wide
        top = inside.top - shift if above else inside.bottom + shift + high
        box = Box(left=left, right=left + wide, bottom=top - high, top=top)
        found.append((sum(box.grown(3).overlap(dot) for dot in dots) * 20 + step, step, box))
    box = min(found, key=lambda one: one[:2])[2]
    outer = points_box(ax, ax.bbox)
    ax.annotate(
        text, (0, 0), xycoords="axes fraction", xytext=(box.left - outer.left, box.bottom - outer.bottom),
        textcoords="offset points", ha="left", va="bottom", zorder=2.7, **style,
    )  # fmt: skip
    return box


def _write_along(
    ax: Axes,
    label: str,
    line: Float[np.ndarray, "P 2"],
    dots: Sequence[Box],
    boxes: Sequence[Box],
    others: Float[np.ndarray, "Q 2"],
) -> list[Box]:
    """A line's name along it, where it meets no point and no other line; returns small boxes that cover it."""
    start, stop = line[line[:, 0].argmin()], line[line[:, 0].argmax()]
    length = float(np.hypot(*(stop - start)))
    along = (stop - start) / length
    label = visible(label)
    wide, high = text_size(ax, label, fontsize=SMALL_POINTS)
    if not label or wide > length - 12:
        return []
    up = np.array([-along[1], along[0]]) * (high / 2 + 3)
    found = []
    for index, middle in enumerate(np.linspace(wide / 2 + 6, length - wide / 2 - 6, 25)):
        for side in (1, -1):
            steps = np.linspace(-wide / 2, wide / 2, max(int(wide / high) + 1, 2))
            centres = [start + along * (middle + step) + side * up for step in steps]
            covers = [Box(left=x - 6, right=x + 6, bottom=y - 6, top=y + 6) for x, y in centres]
            clash = sum(cover.grown(_CLEARANCE).overlap(other) for cover in covers for other in [*dots, *boxes])
            clash += 1000.0 * sum(count_inside(others, cover) for cover in covers)
            found.append((round(clash, 3), side < 0, abs(index - 12), index, np.mean(centres, axis=0), covers))
    *_, middle, covers = min(found, key=lambda one: one[:4])
    offset, angle = middle - start, np.degrees(np.arctan2(along[1], along[0]))
    ax.annotate(
        label, in_data(ax, (float(start[0]), float(start[1]))), xytext=(float(offset[0]), float(offset[1])),
        textcoords="offset points", ha="center", va="center", rotation=float(angle),
        rotation_mode="anchor", fontsize=SMALL_POINTS, color=INK, zorder=2.7, annotation_clip=False,
    )  # fmt: skip
    return covers
