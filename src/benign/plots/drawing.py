"""Drawing one curve into one pair of axes: first the lines, then, once the axes have their place, the words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from benign.foundation.number_words import format_number
from benign.plots.labels import Box, best_place, felt_points, points_box, spread, text_size, write_beside
from benign.plots.scales import Scale, apply_scales
from benign.plots.series import Band, Series, Threshold
from benign.plots.style import (
    CRITICAL_TINT,
    GRID,
    INK,
    LEAST_POINTS,
    MUTED,
    PAPER,
    REPEAT_MARKERS,
    SMALL_POINTS,
    TEXT_POINTS,
    Look,
    look_of,
)
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from benign.plots.curve import CurveDisplay

_FEW = 32  # with so few positions each of them is marked: the reader sees what was measured
_END_GAP = 12.5
_LIFT = 3.0
_UNDECIDED_HATCH = "#e3c9a5"  # light, but darker in grey print than the tint
_SIGNS = {"s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚"}


@dataclass(frozen=True, kw_only=True)
class Key:
    """How a series is named: name, words at its end, look and marker; ``end`` is its last point, in the data."""

    name: str
    text: str
    look: Look
    marker: str
    end: tuple[float, float] | None
    marker_size: float = 4.5

    @property
    def ending(self) -> str:
        """The words at the line's end, with the sign that the line carries where several share a look."""
        return f"{_SIGNS[self.marker]} {self.text}" if self.marker in _SIGNS else self.text


def draw_lines(ax: Axes, display: CurveDisplay) -> None:
    """Scales, bands, lines, the threshold and landmarks; no words but the axis labels."""
    x, y = display.scales
    apply_scales(ax, x, y)
    for band in display.regimes:
        _shade(ax, band, x)
    _draw_frame(ax)
    for series, key in zip(display.drawn, keys(display), strict=True):
        _draw_series(ax, series, key)
    if display.threshold is not None and x.low <= display.threshold.position <= x.high:
        _draw_threshold(ax, display.threshold, x)
    for mark in display.marks:
        place = (mark.position, min(max(mark.value, y.low), y.high))
        ax.plot(*place, "o", ms=6, mfc="white", mec=INK, mew=1.3, zorder=6, clip_on=False, label="_mark")
    ax.set_xlabel(visible(display.x_label), fontsize=TEXT_POINTS)
    ax.set_ylabel(visible(display.y_label), fontsize=TEXT_POINTS)


def _shade(ax: Axes, band: Band, x: Scale) -> None:
    """Tint a critical range between two thin lines, which stay in grey print; hatch an undecided one."""
    low, high = max(band.low, x.low), min(band.high, x.high)
    if low >= high:
        return
    if not band.is_decided:
        style: dict[str, Any] = {"facecolor": "none", "edgecolor": _UNDECIDED_HATCH, "hatch": "////", "linewidth": 0}
        ax.axvspan(low, high, zorder=0, label="_undecided", hatch_linewidth=0.7, **style)
    elif band.is_critical:
        ax.axvspan(low, high, color=CRITICAL_TINT, linewidth=0, zorder=0, label="_critical")
        for edge in (band.low, band.high):
            if x.low < edge < x.high:
                ax.axvline(edge, color=MUTED, linewidth=0.6, zorder=0.4, label="_edge")


def _draw_frame(ax: Axes) -> None:
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(which="major", length=3.5, width=0.8, labelsize=SMALL_POINTS)
    ax.tick_params(which="minor", length=2, width=0.5)
    ax.tick_params(axis="y", which="both", length=0)
    ax.grid(axis="y", which="major", color=GRID, linewidth=0.8, zorder=0.5)
    ax.set_axisbelow(True)


def keys(display: CurveDisplay) -> list[Key]:
    """The name of each series, with what became of a line that leaves the picture: "train < 0.001"."""
    y = display.scales[1]
    found = []
    seen: dict[Look, int] = {}
    for series in display.drawn:
        look = look_of(series.role, series.condition)
        repeat = seen.get(look, 0)
        seen[look] = repeat + 1
        found.append(_key(series, y, look, REPEAT_MARKERS[repeat % len(REPEAT_MARKERS)]))
    return found


def _key(series: Series, y: Scale, look: Look, marker: str) -> Key:
    drawn = np.flatnonzero(series.is_drawn)
    name = visible(series.name)
    if not len(drawn):
        return Key(name=name, text=f"{name}: undefined", look=look, marker=marker, end=None)
    end = (float(series.positions[drawn[-1]]), float(series.median[drawn[-1]]))
    if end[1] < y.low:
        text = f"{name} < {format_number(y.low)}"
    elif end[1] > y.high:
        text = f"{name} > {format_number(y.high)}"
    else:
        text = name
    return Key(name=name, text=text, look=look, marker=marker, end=end)


def _draw_series(ax: Axes, series: Series, key: Key) -> None:
    look = key.look
    band = series.is_drawn & np.isfinite(series.low) & np.isfinite(series.high)
    if band.any() and (series.high[band] > series.low[band]).any():
        ax.fill_between(
            series.positions, series.low, series.high, where=band,
            color=look.colour, alpha=0.17, linewidth=0, zorder=look.order - 1, label="_band",
        )  # fmt: skip
    few = len(series.positions) <= _FEW
    ax.plot(
        series.positions, series.median, linestyle=look.linestyle, linewidth=look.width, color=look.colour,
        zorder=look.order, label=series.name, marker=key.marker or ("o" if few else ""),
        markersize=4.5 if key.marker else 3.2, markevery=None if few else 0.12,
        dash_capstyle="butt", solid_joinstyle="round",
    )  # fmt: skip
    alone = _alone(series.is_drawn)
    if alone.any() and not few:
        ax.plot(
            series.positions[alone], series.median[alone], "o", ms=3.2, color=look.colour, zorder=look.order,
            label="_alone",
        )  # fmt: skip


def _alone(drawn: Bool[np.ndarray, " K"]) -> Bool[np.ndarray, " K"]:
    """Defined between two gaps: a line would not show it."""
    padded = np.concatenate([[False], drawn, [False]])
    return drawn & ~padded[:-2] & ~padded[2:]


def _draw_threshold(ax: Axes, threshold: Threshold, x: Scale) -> None:
    if threshold.low < threshold.high:
        low, high = max(threshold.low, x.low), min(threshold.high, x.high)
        ax.axvspan(low, high, color=INK, alpha=0.10, linewidth=0, zorder=1, label="_interval")
    ax.axvline(threshold.position, color=INK, linestyle=(0, (1, 1.6)), linewidth=1.2, zorder=2.5, label="_threshold")


def write_words(ax: Axes, display: CurveDisplay, *, names: bool, top: bool = True) -> None:
    """Regimes, the threshold, landmarks and, with ``names``, series names at the lines' ends.

    The axes must have their final place. ``top`` is whether the axes are the uppermost of a stack, which alone carry
    the words that all share.
    """
    inside = points_box(ax, ax.bbox).grown(-1)
    boxes = [box for band in display.regimes if (box := _write_band(ax, band, display.scales[0]))] if top else []
    boxes += [_around(ax, (mark.position, mark.value)) for mark in display.marks]
    if top and display.threshold is not None:
        write_threshold(ax, display.threshold, display.scales[0])
    lines = _lines(ax, display)
    for mark in sorted(display.marks, key=lambda one: -one.value):
        point = (mark.position, min(max(mark.value, ax.get_ylim()[0]), ax.get_ylim()[1]))
        anchor = _in_points(ax, point)
        texts = settings(visible(mark.text))
        sizes = [(text, text_size(ax, text, fontsize=TEXT_POINTS)) for text in texts]
        placed = best_place(anchor, sizes, inside=inside, boxes=boxes, lines=lines)
        write_beside(ax, placed, anchor=anchor, point=point)
        boxes.append(placed.box)
    if names:
        _write_names(ax, display)


def _lines(ax: Axes, display: CurveDisplay) -> Float[np.ndarray, "P 2"]:
    """Every line of the panel, as points that labels keep clear of."""
    found = [felt_points(ax, one.positions, one.median) for one in display.drawn]
    if display.threshold is not None:
        found.append(felt_points(ax, np.full(2, display.threshold.position), np.array(ax.get_ylim())))
    return np.concatenate(found)


def settings(text: str) -> list[str]:
    """A label on one line and, if it has several words, on two of about equal length."""
    words = text.split(" ")
    splits = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    if len(text) < 14 or not splits:
        return [text]
    first, second = min(splits, key=lambda pair: max(len(pair[0]), len(pair[1])))
    return [text, f"{first}\n{second}"]


def _in_points(ax: Axes, point: tuple[float, float]) -> tuple[float, float]:
    x, y = ax.transData.transform(point) * (72 / ax.get_figure(root=True).dpi)  # type: ignore[union-attr]
    return float(x), float(y)


def _around(ax: Axes, point: tuple[float, float]) -> Box:
    x, y = _in_points(ax, (point[0], min(max(point[1], ax.get_ylim()[0]), ax.get_ylim()[1])))
    return Box(left=x - 4, bottom=y - 4, right=x + 4, top=y + 4)


def _write_band(ax: Axes, band: Band, x: Scale) -> Box | None:
    """The regime's name at the top of its range, on two lines where one is too wide, or nowhere."""
    start, stop = max(x.to_unit(band.low), 0.0), min(x.to_unit(band.high), 1.0)
    outer = points_box(ax, ax.bbox)
    room = (stop - start) * (outer.right - outer.left) - 4
    label = visible(band.label)
    halves = label.replace("-", "-\n").replace(" ", "\n")
    for text, size in ((label, SMALL_POINTS), (halves, SMALL_POINTS), (label, LEAST_POINTS), (halves, LEAST_POINTS)):
        wide, high = text_size(ax, text, fontsize=size)
        if wide <= room:
            middle = (start + stop) / 2
            style: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": size, "color": MUTED, "zorder": 2.7}
            ground: dict[str, Any] = {
                "facecolor": CRITICAL_TINT if band.is_critical and band.is_decided else PAPER,
                "edgecolor": "none",
                "pad": 1.0,
            }
            ax.annotate(
                text, (middle, 1), xycoords="axes fraction", xytext=(0, -_LIFT), textcoords="offset points",
                bbox=ground, **style,
            )  # fmt: skip
            centre = outer.left + middle * (outer.right - outer.left)
            top = outer.top - _LIFT
            return Box(left=centre - wide / 2, right=centre + wide / 2, top=top, bottom=top - high)
    return None


def write_threshold(ax: Axes, threshold: Threshold, x: Scale) -> None:
    """The threshold's name above the axes, centred on its line as far as the picture's edges allow."""
    unit = x.to_unit(threshold.position)
    if not 0 <= unit <= 1:
        return
    outer = points_box(ax, ax.bbox)
    figure = points_box(ax, ax.get_figure(root=True).bbox)  # type: ignore[union-attr]
    wide, _ = text_size(ax, visible(threshold.text), fontsize=TEXT_POINTS, fontweight="bold")
    line = outer.left + unit * (outer.right - outer.left)
    centre = min(max(line, outer.left + wide / 2), max(figure.right - 4 - wide / 2, outer.left + wide / 2))
    ax.annotate(
        visible(threshold.text), (unit, 1), xycoords="axes fraction", xytext=(centre - line, _LIFT),
        textcoords="offset points", ha="center", va="bottom", fontsize=TEXT_POINTS, fontweight="bold", color=INK,
        annotation_clip=False,
    )  # fmt: skip


def _write_names(ax: Axes, display: CurveDisplay) -> None:
    ends = [key for key in keys(display) if key.end is not None]
    x, y = display.scales
    outer = points_box(ax, ax.bbox)
    high = outer.top - outer.bottom
    targets = [min(max(y.to_unit(key.end[1]), 0.0), 1.0) * high for key in ends if key.end is not None]
    heights = spread(targets, gap=_END_GAP, low=4.0, high=high - 4.0)
    for key, target, height in zip(ends, targets, heights or targets, strict=True):
        style: dict[str, Any] = {
            "ha": "left",
            "va": "center",
            "fontsize": TEXT_POINTS,
            "fontweight": "bold",
            "color": key.look.colour,
        }
        ax.annotate(
            key.ending, (1, height / high), xycoords="axes fraction", xytext=(9, 0), textcoords="offset points",
            annotation_clip=False, **style,
        )  # fmt: skip
        if key.end is not None and (abs(target - height) > 4 or x.to_unit(key.end[0]) < 0.985):
            start = x.to_unit(key.end[0])
            away = ((1 - start) * (outer.right - outer.left) + 8, height - target)
            ax.annotate(
                "", (start, target / high), xycoords="axes fraction", xytext=away, textcoords="offset points",
                annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip


def names_width(ax: Axes, display: CurveDisplay) -> float:
    """Points needed right of the axes to name the series at their ends; infinite where they would not fit in height."""
    found = keys(display)
    outer = points_box(ax, ax.bbox)
    if (len(found) - 1) * _END_GAP > outer.top - outer.bottom - 8 or any(key.end is None for key in found):
        return float("inf")
    return 14.0 + max(text_size(ax, key.ending, fontsize=TEXT_POINTS, fontweight="bold")[0] for key in found)
