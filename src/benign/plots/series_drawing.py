"""Ink of a curve's parts: lines with their bands, regimes, the threshold, and names at the lines' ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from benign.foundation.number_words import format_number
from benign.plots.labels import Box, points_box, spread, text_size
from benign.plots.layout import LIFT, Key
from benign.plots.scales import Scale
from benign.plots.series import Band, Series, Threshold
from benign.plots.style import (
    CRITICAL_TINT,
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

_FEW = 32  # with so few positions each of them is marked: the reader sees what was measured
_END_GAP = 12.5
_UNDECIDED_HATCH = "#e3c9a5"  # light, but darker in grey print than the tint


def keys(drawn: Sequence[Series], y: Scale) -> list[Key]:
    """The name of each series, with what became of a line that leaves the picture: "train < 0.001"."""
    found = []
    seen: dict[Look, int] = {}
    for series in drawn:
        look = look_of(series.role, series.condition)
        repeat = seen.get(look, 0)
        seen[look] = repeat + 1
        found.append(_key(series, y, look, REPEAT_MARKERS[repeat % len(REPEAT_MARKERS)]))
    return found


def _key(series: Series, y: Scale, look: Look, marker: str) -> Key:
    drawn = np.flatnonzero(series.is_drawn)
    name = visible(series.name)
    if not len(drawn):
        return Key(name=name, text=f"{name}: undefined", look=look, marker=marker)
    end = (float(series.positions[drawn[-1]]), float(series.median[drawn[-1]]))
    if end[1] < y.low:
        text = f"{name} < {format_number(y.low)}"
    elif end[1] > y.high:
        text = f"{name} > {format_number(y.high)}"
    else:
        text = name
    return Key(name=name, text=text, look=look, marker=marker, end=end)


def draw_band(ax: Axes, band: Band, x: Scale) -> None:
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


def draw_series(ax: Axes, series: Series, key: Key) -> None:
    """Draw the line over its band, and a dot where it is defined between two gaps."""
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


def draw_threshold(ax: Axes, threshold: Threshold, x: Scale) -> None:
    """Draw a dotted line over its interval, if the picture reaches so far."""
    if not x.low <= threshold.position <= x.high:
        return
    if threshold.low < threshold.high:
        low, high = max(threshold.low, x.low), min(threshold.high, x.high)
        ax.axvspan(low, high, color=INK, alpha=0.10, linewidth=0, zorder=1, label="_interval")
    ax.axvline(threshold.position, color=INK, linestyle=(0, (1, 1.6)), linewidth=1.2, zorder=2.5, label="_threshold")


def write_band(ax: Axes, band: Band, x: Scale) -> Box | None:
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
                text, (middle, 1), xycoords="axes fraction", xytext=(0, -LIFT), textcoords="offset points",
                bbox=ground, **style,
            )  # fmt: skip
            centre = outer.left + middle * (outer.right - outer.left)
            top = outer.top - LIFT
            return Box(left=centre - wide / 2, right=centre + wide / 2, top=top, bottom=top - high)
    return None


def write_names(ax: Axes, keys: Sequence[Key], x: Scale, y: Scale) -> None:
    """Write each name beside its line's end, joined to it by a thin leader where it had to move away."""
    outer = points_box(ax, ax.bbox)
    high = outer.top - outer.bottom
    ends = [(key, key.end) for key in keys if key.end is not None]
    targets = [min(max(y.to_unit(end[1]), 0.0), 1.0) * high for _, end in ends]
    heights = spread(targets, gap=_END_GAP, low=4.0, high=high - 4.0)
    offset: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False}
    for (key, end), target, height in zip(ends, targets, heights or targets, strict=True):
        ax.annotate(
            key.ending, (1, height / high), xycoords="axes fraction", xytext=(9, 0), ha="left", va="center",
            fontsize=TEXT_POINTS, fontweight="bold", color=key.look.colour, **offset,
        )  # fmt: skip
        start = x.to_unit(end[0])
        if abs(target - height) > 4 or start < 0.985:
            away = ((1 - start) * (outer.right - outer.left) + 8, height - target)
            leader = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", (start, target / high), xycoords="axes fraction", xytext=away, arrowprops=leader, **offset)


def names_width(ax: Axes, keys: Sequence[Key]) -> float:
    """Points needed right of the axes to name the series at their ends; infinite where they would not fit in height."""
    outer = points_box(ax, ax.bbox)
    if (len(keys) - 1) * _END_GAP > outer.top - outer.bottom - 8 or any(key.end is None for key in keys):
        return float("inf")
    return 14.0 + max(text_size(ax, key.ending, fontsize=TEXT_POINTS, fontweight="bold")[0] for key in keys)
