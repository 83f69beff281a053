"""Fits of one-dimensional data, model by model: training points, the truth and what was fitted, as in MML, Fig. 9.5."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Real

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number, format_position
from benign.plots.display import Display
from benign.plots.layout import (
    PAD,
    Key,
    Sheet,
    Words,
    as_panel_axes,
    name_axes,
    new_figure,
    write_around,
    write_key,
)
from benign.plots.series import freeze
from benign.plots.style import GRID, INK, LOOKS, MUTED, SMALL_POINTS, TITLE_POINTS, Look, Role, tick_text
from benign.plots.text import visible

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TRUTH, _FIT, _OTHERS = LOOKS[Role.REFERENCE], LOOKS[Role.TEST], LOOKS[Role.TRAIN]
_POINTS = Look(colour=INK, dashes=None, width=0.0, order=5.0)
_OTHERS_MEDIAN = Look(colour=_OTHERS.colour, dashes=_OTHERS.dashes, width=1.5, order=3.6)
_FAINT = Look(colour=_OTHERS.colour, dashes=None, width=0.5, order=2.0)
_MOST_FAINT = 10
_PANEL, _HEAD, _LEFT, _AXIS, _GAP = 140.0, 30.0, 42.0, 32.0, 12.0


@dataclass(frozen=True, kw_only=True, eq=False)
class FitPanel:
    """One model's fit.

    Attributes:
        label: heads the panel, such as "degree 4".
        fit: the fitted function on the display's grid.
        others: the same model fitted to other training sets, one a row, on the same grid; drawn faintly with their
            median and 10-90 % band. None for none.
        note: a few words beneath the label, such as "test error 0.31".
    """

    label: str
    fit: Real[np.ndarray, " _G"] = field(repr=False)
    others: Real[np.ndarray, "_R _G"] | None = field(repr=False, default=None)
    note: str = ""

    def __post_init__(self) -> None:
        if self.others is not None:
            object.__setattr__(self, "others", np.atleast_2d(self.others))
        freeze(self, "fit", "others")

    @property
    def spread(self) -> Float[np.ndarray, "3 G"] | None:
        """10 % quantile, median and 90 % quantile of the other fits at each grid point."""
        return None if self.others is None else np.nanquantile(self.others, [0.1, 0.5, 0.9], axis=0)


@dataclass(frozen=True, kw_only=True, eq=False)
class FitsDisplay(Display):
    """Panels of fits over one another's data.

    The vertical axis shows the training points and the truth; a fit that explodes leaves the picture.

    Attributes:
        title: what they show together.
        grid: inputs at which the functions are given, rising.
        truth: the true function on the grid, or None where it is unknown.
        train_inputs: inputs of the training points, which all panels share.
        train_targets: their targets.
        panels: from left to right, then down.
        x_label: the input.
        y_label: the target.
        caption: one sentence.
        y_limits: ends of the vertical axis, or None to fit it to points and truth.
    """

    grid: Real[np.ndarray, " _G"] = field(repr=False)
    truth: Real[np.ndarray, " _G"] | None = field(repr=False, default=None)
    train_inputs: Real[np.ndarray, " _n"] = field(repr=False)
    train_targets: Real[np.ndarray, " _n"] = field(repr=False)
    panels: tuple[FitPanel, ...]
    x_label: str = "x"
    y_label: str = "y"
    y_limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        freeze(self, "grid", "truth", "train_inputs", "train_targets")
        object.__setattr__(self, "panels", tuple(self.panels))
        _check(self)

    @cached_property
    def limits(self) -> tuple[float, float]:
        """Ends of the vertical axis: those given, or points and truth with a margin, whatever the fits do."""
        if self.y_limits is not None:
            return self.y_limits
        shown = np.concatenate([self.train_targets, self.grid[:0] if self.truth is None else self.truth])
        shown = shown[np.isfinite(shown)]
        if not len(shown):
            return -1.0, 1.0
        low, high = float(shown.min()), float(shown.max())
        margin = 0.3 * ((high - low) or abs(high) or 1.0)
        return low - margin, high + margin

    @property
    def alternative_text(self) -> str:
        """The pictures in words."""
        texts = [f"{self.title}: {len(self.panels)} charts of {self.y_label} against {self.x_label}."]
        texts.append(f"Each shows {len(self.train_inputs):,} training points and a fitted function.")
        texts += [f"{panel.label}: {_describe(panel, self)}" for panel in self.panels]
        return " ".join([*texts, self.caption]).strip()

    def _taken(self, ax: object) -> tuple[Axes, ...]:
        return as_panel_axes(ax, len(self.panels))

    def _on_sheet(self, sheet: Sheet, words: Words) -> Figure:
        """A key above, then rows of panels that share both axes."""
        columns = min(sheet.columns, len(self.panels))
        rows = math.ceil(len(self.panels) / columns)
        key = _key(self, narrow=sheet.is_narrow)
        above = words.above + 14 * len(key) + 2
        height = above + rows * (_PANEL + _HEAD) + _AXIS + words.below
        figure = new_figure(sheet.width, height)
        wide = (sheet.width - _LEFT - PAD - 6 - _GAP * (columns - 1)) / columns
        axes = []
        for index in range(len(self.panels)):
            row, column = divmod(index, columns)
            left, bottom = _LEFT + column * (wide + _GAP), height - above - (row + 1) * (_PANEL + _HEAD)
            axes.append(figure.add_axes((left / sheet.width, bottom / height, wide / sheet.width, _PANEL / height)))
        self._draw_on(tuple(axes))
        for index, ax in enumerate(axes):
            _share(ax, first=index % columns == 0, last=index + columns >= len(axes))
        write_around(figure, words)
        write_key(figure, key, left=_LEFT, top=height - words.above)
        return figure

    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        for ax, panel in zip(axes, self.panels, strict=True):
            _draw_panel(ax, panel, self)
            ax.set_xlim(float(self.grid[0]), float(self.grid[-1]))
            ax.set_ylim(*self.limits)
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
                axis.set_major_formatter(FuncFormatter(tick_text))
            name_axes(ax, self.x_label, self.y_label)

    def frame(self) -> pd.DataFrame:
        """The numbers drawn: panel, curve (points, truth, fit, other 1, ..., low, median, high), x, y."""
        import pandas as pd

        frames = [_rows("", "training points", self.train_inputs, self.train_targets)]
        if self.truth is not None:
            frames.append(_rows("", "truth", self.grid, self.truth))
        for panel in self.panels:
            frames.append(_rows(panel.label, "fit", self.grid, panel.fit))
            if panel.others is not None and panel.spread is not None:
                names = [f"other {row + 1}" for row in range(len(panel.others))] + ["low", "median", "high"]
                for name, values in zip(names, [*panel.others, *panel.spread], strict=True):
                    frames.append(_rows(panel.label, name, self.grid, values))
        return pd.concat(frames, ignore_index=True)


def _check(display: FitsDisplay) -> None:
    count = len(display.grid)
    if not display.panels:
        raise invalid("panels", "must hold at least one fit to draw.")
    if display.grid.ndim != 1 or count < 2 or not (np.diff(display.grid) > 0).all():
        raise invalid("grid", "must be a strictly rising list of at least two inputs.")
    if display.train_inputs.shape != display.train_targets.shape or display.train_inputs.ndim != 1:
        raise InvalidArgument(
            f"`train_inputs` and `train_targets` must be two lists of one length, got shapes "
            f"{display.train_inputs.shape} and {display.train_targets.shape}."
        )
    functions = [("truth", display.truth)] * (display.truth is not None)
    functions += [(f"fit of {panel.label!r}", panel.fit) for panel in display.panels]
    functions += [(f"others of {panel.label!r}", panel.others) for panel in display.panels if panel.others is not None]
    for name, values in functions:
        if values is not None and values.shape[-1] != count:
            raise invalid(name, f"must hold one value for each of the {count} grid points.")
    if display.y_limits is not None and not (
        math.isfinite(sum(display.y_limits)) and display.y_limits[0] < display.y_limits[1]
    ):
        raise invalid("y_limits", f"must be two rising finite numbers, got {display.y_limits}.")


def _rows(panel: str, curve: str, x: Float[np.ndarray, " P"], y: Float[np.ndarray, " P"]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"panel": panel, "curve": curve, "x": x, "y": y})


def _describe(panel: FitPanel, display: FitsDisplay) -> str:
    """How far the fit goes beyond the picture, and from the truth."""
    low, high = display.limits
    texts = [panel.note + "."] if panel.note else []
    outside = np.isfinite(panel.fit) & ((panel.fit < low) | (panel.fit > high))
    if outside.any():
        worst = int(np.nanargmax(np.where(outside, np.abs(panel.fit), -1)))
        x, y = format_position(float(display.grid[worst])), format_number(float(panel.fit[worst]))
        texts.append(f"The fit leaves the picture and reaches {y} at {display.x_label} = {x}.")
    if display.truth is not None:
        distance = float(np.nanmedian(np.abs(panel.fit - display.truth)))
        texts.append(f"Median distance of the fit from the true function: {format_number(distance)}.")
    return " ".join(texts)


def _share(ax: Axes, *, first: bool, last: bool) -> None:
    ax.tick_params(labelleft=first, labelbottom=last)
    if not first:
        ax.set_ylabel("")
    if not last:
        ax.set_xlabel("")


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
    row = [Key(name=text, text=text, look=look, marker=marker) for text, look, marker in entries]
    return [row[:2], row[2:]] if narrow and len(row) > 2 else [row]
