"""Pictures in words, made from the numbers that they draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from benign.foundation.number_words import format_number, format_position
from benign.plots.scales import Scale
from benign.plots.series import Series

if TYPE_CHECKING:
    from benign.plots.curve import CurveDisplay
    from benign.plots.heat_map import HeatMapDisplay
    from benign.plots.heat_map_parts import Contour, Region, Trace
    from benign.plots.scatter import ScatterDisplay


def describe_curve(display: CurveDisplay) -> str:
    """One paragraph: title, axes, each line's start, extremes and end, threshold and landmarks."""
    x, y = display.scales
    sentences = [
        f"Line chart: {display.title or display.y_label}.",
        f"Horizontal axis{_kind(x)}: {display.x_label}, {format_position(x.low)} to {format_position(x.high)}.",
        f"Vertical axis{_kind(y)}: {display.y_label}.",
        *(describe_series(one) for one in display.series),
    ]
    if display.threshold is not None:
        sentences.append(f"Marked: {display.threshold.text}.")
    sentences += [f"Shaded: {band.text}." for band in display.regimes if band.is_critical and band.is_decided]
    sentences += [f"Hatched: {band.text}." for band in display.regimes if not band.is_decided]
    sentences += [f"Marked: {mark.text} at {format_position(mark.position)}." for mark in display.marks]
    if display.full_caption:
        sentences.append(display.full_caption)
    return " ".join(sentences)


def _kind(scale: Scale) -> str:
    return " (logarithmic)" if scale.is_log else ""


def describe_heat_map(display: HeatMapDisplay) -> str:
    """One paragraph: title, axes, where the risk is smallest and largest, and where contours and traces run."""
    x, y = (one.scale for one in display.axes_cells)
    sentences = [
        f"Heat map: {display.title or display.value_label}.",
        f"Horizontal axis{_kind(x)}: {display.x_label}, {_range(display.sizes[display.axes_cells[0].kept])}.",
        f"Vertical axis{_kind(y)}: {display.y_label}, {_range(display.times[display.axes_cells[1].kept])}.",
        f"Colour{_kind(display.colours)}: {display.value_label}, {_extremes(display)}",
        *(_describe_contour(one, display) for one in display.contours),
        *(_describe_trace(one, display) for one in display.traces),
        *([] if display.region is None else [_describe_region(display.region, display)]),
    ]
    for name, mark in ((display.x_label, display.threshold), (display.y_label, display.time_threshold)):
        if mark is not None:
            sentences.append(f"Marked on the axis of {name}: {mark.text}.")
    return " ".join([*sentences, display.full_caption]).strip()


def _range(positions: Float[np.ndarray, " K"]) -> str:
    return f"{format_position(float(positions[0]))} to {format_position(float(positions[-1]))}"


def _extremes(display: HeatMapDisplay) -> str:
    table = display.shown(display.values)
    if not np.isfinite(table).any():
        return "undefined throughout."
    x, y = display.axes_cells
    sizes, times = display.sizes[x.kept], display.times[y.kept]
    found = []
    for word, filler, pick in (("smallest", np.inf, np.argmin), ("largest", -np.inf, np.argmax)):
        row, column = np.unravel_index(int(pick(np.where(np.isfinite(table), table, filler))), table.shape)
        place = _place(display, float(sizes[row]), float(times[column]))
        found.append(f"{word} {format_number(float(table[row, column]))} at {place}")
    return ", ".join(found) + "."


def _place(display: HeatMapDisplay, size: float, time: float) -> str:
    return f"{display.x_label} = {format_position(size)}, {display.y_label} = {format_position(time)}"


def _describe_contour(contour: Contour, display: HeatMapDisplay) -> str:
    y = display.axes_cells[1]
    found = contour.first_times(display.times)
    crossed = np.flatnonzero(np.isfinite(found) & (found >= y.scale.low))
    if not len(crossed):
        return f"Contour {contour.label}: crossed at no {display.x_label}."
    ends = [_place(display, float(display.sizes[row]), float(found[row])) for row in (crossed[0], crossed[-1])]
    text = f"Contour {contour.label}: first crossed from {ends[0]} to {ends[1]}"
    rest = len(found) - len(crossed)
    return text + (f"; not at {rest:,} of {len(found):,} positions." if rest else ".")


def _describe_trace(trace: Trace, display: HeatMapDisplay) -> str:
    drawn = trace.is_drawn
    if not drawn.any():
        return f"Line {trace.label}: undefined throughout."
    positions, values = trace.positions[drawn], trace.values[drawn]
    ways = (("starts at", 0), ("lowest at", int(np.argmin(values))), ("highest at", int(np.argmax(values))),
            ("ends at", -1))  # fmt: skip
    runs = [f"{way} {_place(display, float(positions[row]), float(values[row]))}" for way, row in ways]
    return f"Line {trace.label}: {'; '.join(runs)}."


def _describe_region(region: Region, display: HeatMapDisplay) -> str:
    """How many values lie in it and, for the latest time at which there are any, from which size to which."""
    inside = region.is_inside & region.is_decided
    shown, undecided = display.shown(inside), int((~display.shown(region.is_decided)).sum())
    counts = f"{int(shown.sum()):,} of {shown.size:,} values lie in it, {undecided:,} are undecided"
    columns = np.flatnonzero(inside.any(axis=0) & display.axes_cells[1].kept)
    if not len(columns):
        return f"Region {region.label}: {counts}."
    sizes, time = display.sizes[inside[:, columns[-1]]], float(display.times[columns[-1]])
    ends = f"{display.x_label} = {_range(sizes)} at {display.y_label} = {format_position(time)}"
    return f"Region {region.label}: {counts}; {ends}."


def describe_scatter(display: ScatterDisplay) -> str:
    """One paragraph: title, axes, how many points lie on each side of the diagonal, and each point with its ratio."""
    above = sum(point.y > point.x for point in display.points)
    below = sum(point.y < point.x for point in display.points)
    sentences = [
        f"Scatter chart: {display.title or display.y_label}.",
        f"Horizontal axis (logarithmic): {display.x_label}. Vertical axis (logarithmic): {display.y_label}.",
        f"Diagonal: {display.diagonal_label}.",
        f"{above:,} of {len(display.points):,} points lie above it and {below:,} below.",
    ]
    for point in display.points:
        numbers = f"{format_number(point.y)} against {format_number(point.x)}, ratio {format_number(point.y / point.x)}"
        sentences.append(f"{point.label} ({point.group}): {numbers}.")
    return " ".join([*sentences, display.full_caption]).strip()


def describe_series(series: Series) -> str:
    """Where a line starts, its smallest and largest value, and where it ends."""
    drawn = series.is_drawn
    if not drawn.any():
        return f"{series.name}: undefined throughout."
    positions, values = series.positions[drawn], series.median[drawn]

    def at(index: int) -> str:
        return f"{format_number(float(values[index]))} at {format_position(float(positions[index]))}"

    if len(values) == 1:
        return f"{series.name}: {at(0)}."
    text = f"{series.name}: starts with {at(0)}, smallest {at(int(np.argmin(values)))}, "
    text += f"largest {at(int(np.argmax(values)))}, ends with {at(-1)}."
    gaps = int((~drawn).sum())
    return text + (f" Undefined at {gaps:,} positions." if gaps else "")
