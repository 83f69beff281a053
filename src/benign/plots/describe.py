"""Pictures in words, made from the numbers that they draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benign.plots.scales import Scale
from benign.plots.series import Series
from benign.plots.text import format_number, format_position

if TYPE_CHECKING:
    from benign.plots.curve import CurveDisplay


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
    sentences += [f"Marked: {mark.text} at {format_position(mark.position)}." for mark in display.marks]
    if display.full_caption:
        sentences.append(display.full_caption)
    return " ".join(sentences)


def _kind(scale: Scale) -> str:
    return " (logarithmic)" if scale.is_log else ""


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
