"""Drawing panels of fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benign.plots.drawing import Key
from benign.plots.layout import NARROW, WIDE, new_figure, wrapped, write_around, write_key
from benign.plots.style import (
    GRID,
    HEADLINE_POINTS,
    INK,
    LOOKS,
    MUTED,
    SMALL_POINTS,
    TEXT_POINTS,
    TITLE_POINTS,
    Look,
    Role,
    house_style,
    tick_text,
)
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benign.plots.fits import FitPanel, FitsDisplay

_TRUTH, _FIT, _OTHERS = LOOKS[Role.REFERENCE], LOOKS[Role.TEST], LOOKS[Role.TRAIN]
_POINTS = Look(colour=INK, dashes=None, width=0.0, order=5.0)
_OTHERS_MEDIAN = Look(colour=_OTHERS.colour, dashes=_OTHERS.dashes, width=1.5, order=3.6)
_FAINT = Look(colour=_OTHERS.colour, dashes=None, width=0.5, order=2.0)
_MOST_FAINT = 10
_PANEL, _HEAD, _LEFT, _AXIS, _GAP, _PAD = 140.0, 30.0, 42.0, 32.0, 12.0, 5.0


def draw_fits(display: FitsDisplay, *, narrow: bool, alone: bool) -> Figure:
    """A new figure: a key above, then rows of panels that share both axes."""
    sheet = NARROW if narrow else WIDE
    columns = min(sheet.columns, len(display.panels))
    rows = math.ceil(len(display.panels) / columns)
    title = wrapped(display.title if alone else "", sheet.width - 10, HEADLINE_POINTS)
    caption = wrapped(display.caption if alone else "", sheet.width - 10, SMALL_POINTS)
    key = _key(display, narrow=narrow)
    above = 2 * _PAD + 17 * len(title) + 14 * len(key) + 2
    below = _AXIS + 12 * len(caption) + _PAD
    height = above + rows * (_PANEL + _HEAD) + below
    with house_style():
        figure = new_figure(sheet.width, height)
        wide = (sheet.width - _LEFT - _PAD - 6 - _GAP * (columns - 1)) / columns
        axes = []
        for index in range(len(display.panels)):
            row, column = divmod(index, columns)
            left, bottom = _LEFT + column * (wide + _GAP), height - above - (row + 1) * (_PANEL + _HEAD)
            axes.append(figure.add_axes((left / sheet.width, bottom / height, wide / sheet.width, _PANEL / height)))
        draw_panels(axes, display)
        for index, ax in enumerate(axes):
            _share(ax, first=index % columns == 0, last=index + columns >= len(axes))
        write_around(figure, title, caption)
        write_key(figure, key, left=_LEFT, top=height - 2 * _PAD - 17 * len(title))
    return figure


def _share(ax: Axes, *, first: bool, last: bool) -> None:
    ax.tick_params(labelleft=first, labelbottom=last)
    if not first:
        ax.set_ylabel("")
    if not last:
        ax.set_xlabel("")


def draw_panels(axes: Sequence[Axes], display: FitsDisplay) -> None:
    """Draw each panel on its axes."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    with house_style():
        for ax, panel in zip(axes, display.panels, strict=True):
            _draw_panel(ax, panel, display)
            ax.set_xlim(float(display.grid[0]), float(display.grid[-1]))
            ax.set_ylim(*display.limits)
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
                axis.set_major_formatter(FuncFormatter(tick_text))
            ax.set_xlabel(visible(display.x_label), fontsize=TEXT_POINTS)
            ax.set_ylabel(visible(display.y_label), fontsize=TEXT_POINTS)


def _draw_panel(ax: Axes, panel: FitPanel, display: FitsDisplay) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=3, width=0.8, labelsize=SMALL_POINTS)
    ax.grid(color=GRID, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.set_title(visible(panel.label), loc="left", fontsize=TITLE_POINTS, fontweight="bold", pad=5)
    ax.set_title(visible(panel.note), loc="right", fontsize=SMALL_POINTS, color=MUTED, pad=5)
    grid = display.grid
    if panel.others is not None and panel.spread is not None:
        low, median, high = panel.spread
        ax.fill_between(grid, low, high, color=_OTHERS.colour, alpha=0.12, linewidth=0, zorder=1.5, label="_band")
        for row in panel.others[:_MOST_FAINT]:
            ax.plot(grid, row, color=_FAINT.colour, linewidth=_FAINT.width, alpha=0.28, zorder=2, label="_other")
        _line(ax, grid, median, _OTHERS_MEDIAN, "median of other fits")
    if display.truth is not None:
        _line(ax, grid, display.truth, _TRUTH, "truth")
    _line(ax, grid, panel.fit, _FIT, "fit")
    ax.plot(
        display.train_inputs, display.train_targets, "o", ms=4, mfc=INK, mec="white", mew=0.6, zorder=5,
        label="training points",
    )  # fmt: skip


def _line(ax: Axes, x: np.ndarray, y: np.ndarray, look: Look, label: str) -> None:
    ax.plot(x, y, color=look.colour, linestyle=look.linestyle, linewidth=look.width, zorder=look.order, label=label)


def _key(display: FitsDisplay, *, narrow: bool) -> list[list[Key]]:
    counts = [len(panel.others) for panel in display.panels if panel.others is not None]
    entries = [("training points", _POINTS, "o"), ("fit", _FIT, "")]
    if display.truth is not None:
        entries.append(("true function", _TRUTH, ""))
    if counts:
        entries.append((f"median of {max(counts)} other fits", _OTHERS_MEDIAN, ""))
    row = [Key(name=text, text=text, look=look, marker=marker, end=None) for text, look, marker in entries]
    return [row[:2], row[2:]] if narrow and len(row) > 2 else [row]
