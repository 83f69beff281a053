"""Ink of a curve: lines with their bands, regimes, the threshold, landmarks, and names at the lines' ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from benign.foundation.number_words import format_number
from benign.plots import labels
from benign.plots.layout import LIFT
from benign.plots.scales import Scale
from benign.plots.series import Band, Mark, Series, Threshold
from benign.plots.style import CRITICAL_TINT, INK, LEAST_POINTS, MUTED, PAPER, SMALL_POINTS, Look, look_of
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_FEW = 32  # with so few positions each of them is marked: the reader sees what was measured
_END_GAP = 12.5
_UNDECIDED_HATCH = "#e3c9a5"  # light, but darker in grey print than the tint
_SIGNS = {"": "", "s": "■ ", "^": "▲ ", "D": "◆ ", "v": "▼ ", "P": "✚ "}  # markers of further series of one look


@dataclass(frozen=True, kw_only=True)
class NamedSeries:
    """A series with the look, the marker and the words that tell it from the others of its picture.

    ``end`` is its last point, in the data; None where it is undefined throughout.
    """

    series: Series
    look: Look
    marker: str
    text: str
    end: tuple[float, float] | None

    @property
    def ending(self) -> str:
        """The words at the line's end, with the sign that the line carries where several share a look."""
        return _SIGNS[self.marker] + self.text


def named_series(drawn: Iterable[Series], y: Scale) -> tuple[NamedSeries, ...]:
    """Each series with its name, and what became of a line that leaves the picture: "train < 0.001"."""
    seen: Counter[Look] = Counter()
    found = []
    for series in drawn:
        look = look_of(series.role, series.condition)
        marker = list(_SIGNS)[seen[look] % len(_SIGNS)]
        seen[look] += 1
        name, rows = visible(series.name), np.flatnonzero(series.is_drawn)
        end = (float(series.positions[rows[-1]]), float(series.median[rows[-1]])) if len(rows) else None
        if end is None:
            text = f"{name}: undefined"
        elif y.shows(end[1]):
            text = name
        else:
            text = f"{name} < {format_number(y.low)}" if end[1] < y.low else f"{name} > {format_number(y.high)}"
        found.append(NamedSeries(series=series, look=look, marker=marker, text=text, end=end))
    return tuple(found)


def draw_band(ax: Axes, band: Band, x: Scale) -> None:
    """Tint a critical range between two thin lines, which stay in grey print; hatch an undecided one."""
    low, high = max(band.low, x.low), min(band.high, x.high)
    if low >= high:
        return
    if not band.is_decided:
        hatch: dict[str, Any] = {"facecolor": "none", "edgecolor": _UNDECIDED_HATCH, "hatch": "////"}
        ax.axvspan(low, high, linewidth=0, hatch_linewidth=0.7, zorder=0, label="_undecided", **hatch)
    elif band.is_critical:
        ax.axvspan(low, high, color=CRITICAL_TINT, linewidth=0, zorder=0, label="_critical")
        for edge in (band.low, band.high):
            if x.low < edge < x.high:
                ax.axvline(edge, color=MUTED, linewidth=0.6, zorder=0.4, label="_edge")


def draw_series(ax: Axes, named: NamedSeries) -> Line2D:
    """Draw the line over its band, and a dot where it is defined between two gaps."""
    series, look = named.series, named.look
    band = series.is_drawn & np.isfinite(series.low) & np.isfinite(series.high)
    if (series.high[band] > series.low[band]).any():
        tint: dict[str, Any] = {"color": look.colour, "alpha": 0.17, "linewidth": 0, "zorder": look.order - 1}
        ax.fill_between(series.positions, series.low, series.high, where=band, label="_band", **tint)
    few = len(series.positions) <= _FEW
    dots: dict[str, Any] = {"marker": named.marker or ("o" if few else ""), "ms": 4.5 if named.marker else 3.2}
    dots["markevery"] = None if few else 0.12
    (line,) = ax.plot(series.positions, series.median, label=series.name, **dots, **look.line)
    alone = _alone(series.is_drawn)
    if alone.any() and not few:
        dot: dict[str, Any] = {"ms": 3.2, "color": look.colour, "zorder": look.order}
        ax.plot(series.positions[alone], series.median[alone], "o", label="_alone", **dot)
    return line


def _alone(drawn: Bool[np.ndarray, " K"]) -> Bool[np.ndarray, " K"]:
    """Defined between two gaps: a line would not show it."""
    padded = np.pad(drawn, 1)
    return drawn & ~padded[:-2] & ~padded[2:]


def draw_threshold(ax: Axes, threshold: Threshold | None, x: Scale) -> None:
    """Draw a dotted line over its interval, if the picture reaches so far."""
    if threshold is None or not x.shows(threshold.position):
        return
    if threshold.low < threshold.high:
        ends = x.nearest(threshold.low), x.nearest(threshold.high)
        ax.axvspan(*ends, color=INK, alpha=0.10, linewidth=0, zorder=1, label="_interval")
    ax.axvline(threshold.position, color=INK, linestyle=(0, (1, 1.6)), linewidth=1.2, zorder=2.5, label="_threshold")


def draw_marks(ax: Axes, marks: Sequence[Mark], y: Scale) -> None:
    """Draw a ring at each landmark, or at the picture's edge."""
    ring: dict[str, Any] = {"ms": 6, "mfc": PAPER, "mec": INK, "mew": 1.3, "zorder": 6, "clip_on": False}
    for mark in marks:
        ax.plot(mark.position, y.nearest(mark.value), "o", label="_mark", **ring)


def write_bands(ax: Axes, bands: Sequence[Band], x: Scale) -> labels.Boxes:
    """The regimes' names at the top of their ranges, on two lines where one is too wide, or nowhere; where they are."""
    left, _, right, top = labels.axes_box(ax)
    boxes = []
    for band in bands:
        start, stop = max(x.to_unit(band.low), 0.0), min(x.to_unit(band.high), 1.0)
        label, middle = visible(band.label), (start + stop) / 2
        tint = CRITICAL_TINT if band.is_critical and band.is_decided else PAPER
        style: dict[str, Any] = {"ha": "center", "va": "top", "color": MUTED, "zorder": 2.7}
        style["bbox"] = {"facecolor": tint, "edgecolor": "none", "pad": 1.0}
        halves = label.replace("-", "-\n").replace(" ", "\n")
        for points, text in product((SMALL_POINTS, LEAST_POINTS), (label, halves)):
            wide, high = labels.text_size(ax, text, fontsize=points)
            if wide <= (stop - start) * (right - left) - 4:
                labels.write(ax, text, (middle, 1), (0, -LIFT), of="axes fraction", fontsize=points, **style)
                centre = left + middle * (right - left)
                boxes.append([centre - wide / 2, top - LIFT - high, centre + wide / 2, top - LIFT])
                break
    return np.reshape(boxes, (-1, 4))


def write_marks(ax: Axes, marks: Sequence[Mark], y: Scale, boxes: labels.Boxes, lines: labels.Places) -> None:
    """Each landmark's name beside it, the highest first, off the boxes and the lines."""
    if not marks:
        return
    highest = sorted(marks, key=lambda one: -one.value)
    anchors = labels.in_points(ax, np.array([(one.position, y.nearest(one.value)) for one in highest]))
    space = labels.Space(inside=labels.grown(labels.axes_box(ax), -1), boxes=boxes, lines=lines)
    space = space.without(labels.squares(anchors, 4))
    for mark, anchor in zip(highest, anchors, strict=True):
        space = labels.write_near(ax, mark.text, [anchor], space)


def write_names(ax: Axes, named: Sequence[NamedSeries], y: Scale) -> None:
    """Write each name beside its line's end, joined to it by a thin leader where it had to move away."""
    _, bottom, right, top = labels.axes_box(ax)
    ends = [(one, (one.end[0], y.nearest(one.end[1]))) for one in named if one.end is not None]
    anchors = labels.in_points(ax, np.array([end for _, end in ends]))
    heights = labels.spread(anchors[:, 1], gap=_END_GAP, low=bottom + 4, high=top - 4)
    for (one, end), (x, height), goal in zip(ends, anchors, heights, strict=True):
        style: dict[str, Any] = {"va": "center", "fontweight": "bold", "color": one.look.colour}
        labels.write(ax, one.ending, (1, 0), (9, goal - bottom), of="axes fraction", **style)
        if abs(goal - height) > 4 or right - x > 7:
            leader = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
            labels.write(ax, "", end, (right - x + 8, goal - height), arrowprops=leader)


def names_width(ax: Axes, named: Sequence[NamedSeries]) -> float:
    """Points needed right of the axes to name the series at their ends; infinite where they would not fit in height."""
    _, bottom, _, top = labels.axes_box(ax)
    if (len(named) - 1) * _END_GAP > top - bottom - 8 or any(one.end is None for one in named):
        return float("inf")
    return 14.0 + max(float(labels.text_size(ax, one.ending, fontweight="bold")[0]) for one in named)


def room_beside(ax: Axes) -> float:
    """Points between the axes and what stands right of them: other axes or the figure's edge."""
    own, figure = labels.axes_box(ax), labels.figure_of(ax)
    others = [labels.axes_box(other) for other in figure.axes]
    beside = [box[0] - 45 for box in others if box[0] >= own[2] and box[1] < own[3] and box[3] > own[1]]
    return float(min([figure.bbox.x1 * labels.per_pixel(ax) - 2, *beside]) - own[2])
