"""The picture of a risk over size and time, as in Nakkiran et al. (2020), Fig. 2: colour is the risk."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Real

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number
from benign.plots.display import Display
from benign.plots.heat_map_drawing import (
    Line,
    draw_bar,
    draw_cells,
    draw_contours,
    draw_mark,
    draw_region,
    draw_traces,
    write_line_names,
)
from benign.plots.heat_map_parts import Contour, Grid, Region, Trace, cells, words_of_range
from benign.plots.labels import points_box
from benign.plots.layout import (
    AXIS_ROWS,
    PAD,
    THRESHOLD_ROW,
    Sheet,
    Words,
    left_margin,
    name_axes,
    new_figure,
    write_around,
    write_threshold,
    write_title,
)
from benign.plots.scales import Scale, apply_scales
from benign.plots.series import Threshold, check_rising, freeze

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL, _NARROW_PANEL = 300.0, 240.0
_BAR, _BAR_GAP, _BAR_ROWS = 12.0, 8.0, 30.0
_SMALLEST = 1e-307
_NUMBERS = ("level", "size", "time", "value", "low", "high")


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatMapDisplay(Display):
    """A risk over size and time as colour, with the lines along which another risk is constant.

    Attributes:
        title: what the picture is about; drawn where it stands alone.
        sizes: strictly rising.
        times: strictly rising. A time of 0 is left out of a log axis, and the caption says so.
        values: the risk, sizes x times, as a rule the median over replicates. What is not finite is hatched.
        value_label: names the risk at its colour bar.
        contours: lines of a second risk, each named in place.
        traces: one time for each size, such as the best epoch.
        region: a part that is outlined and hatched, such as the critical regime, or None; rings mark the
            values of which it is not decided whether they lie in it.
        threshold: a size that is marked, such as the interpolation threshold, or None.
        time_threshold: a time that is marked, or None.
        x_label: names the sizes.
        y_label: names the times.
        x_log: logarithmic sizes.
        y_log: logarithmic times.
        value_log: logarithmic colours; linear where a value is negative. Zeros take the colour of the smallest.
        value_limits: the risks with the first and the last colour, or None for the smallest and the largest.
        caption: one sentence, such as "Colour: median of 5 replicates."

    >>> HeatMapDisplay(title="", sizes=np.array([1, 4]), times=np.array([1, 9]), values=np.eye(2)).edges[0]
    array([0.5, 2. , 8. ])
    """

    sizes: Real[np.ndarray, " _S"] = field(repr=False)
    times: Real[np.ndarray, " _T"] = field(repr=False)
    values: Real[np.ndarray, "_S _T"] = field(repr=False)
    value_label: str = "test error"
    contours: tuple[Contour, ...] = ()
    traces: tuple[Trace, ...] = ()
    region: Region | None = None
    threshold: Threshold | None = None
    time_threshold: Threshold | None = None
    x_label: str = "size"
    y_label: str = "epochs"
    x_log: bool = True
    y_log: bool = True
    value_log: bool = False
    value_limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        freeze(self, "sizes", "times", "values")
        for name in ("contours", "traces"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check(self)

    @cached_property
    def grid(self) -> Grid:
        """Which sizes and times have a place in the picture, and where."""
        x, y = cells(self.sizes, self.x_label, log=self.x_log), cells(self.times, self.y_label, log=self.y_log)
        return Grid(sizes=self.sizes, times=self.times, x_label=self.x_label, y_label=self.y_label, x=x, y=y)

    @property
    def edges(self) -> tuple[Float[np.ndarray, " E"], Float[np.ndarray, " F"]]:
        """Edges of the cells along sizes and along times."""
        return self.grid.x.edges, self.grid.y.edges

    @cached_property
    def colours(self) -> Scale:
        """The scale of the colour bar."""
        table = self.grid.shown(self.values)
        known = table[np.isfinite(table)]
        negative = int((known < 0).sum())
        note = ""
        if self.value_log and negative:
            note = f"Colours are linear, because {negative:,} value{' is' if negative == 1 else 's are'} negative."
        elif self.value_log and not (known > 0).any():
            note = "Colours are linear, because no value is positive."
        is_log = self.value_log and not note
        if self.value_limits is not None:
            return Scale(is_log=is_log, low=self.value_limits[0], high=self.value_limits[1], note=note)
        fitted = known[known > _SMALLEST] if is_log else known
        low, high = (float(fitted.min()), float(fitted.max())) if len(fitted) else (0.0, 1.0)
        if low == high:
            low, high = (low / 2, high * 2) if is_log else (low - 0.5, high + 0.5)
        return Scale(is_log=is_log, low=low, high=high, note=note)

    @property
    def full_caption(self) -> str:
        """The caption, with a sentence on everything that the picture does not show as it was asked."""
        x, y = self.grid.scales
        table = self.grid.shown(self.values)
        undefined = int((~np.isfinite(table)).sum())
        notes = [x.note, y.note, self.colours.note]
        if undefined:
            notes.append(f"Hatched: {undefined:,} of {table.size:,} values are undefined.")
        notes += [one.note(self.grid) for one in self.contours]
        notes += [] if self.region is None else self.region.notes(self.grid)
        notes += [one.note(self.grid) for one in self.traces]
        for mark, scale in ((self.threshold, x), (self.time_threshold, y)):
            if mark is not None and not scale.low <= mark.position <= scale.high:
                notes.append(f"Outside the picture: {mark.text}.")
        return " ".join(filter(None, [self.caption, *notes]))

    @property
    def alternative_text(self) -> str:
        """The picture in words: title, axes, where the risk is smallest and largest, where contours and traces run."""
        grid = self.grid
        (x, y), (sizes, times) = grid.scales, grid.places
        sentences = [
            f"Heat map: {self.title or self.value_label}.",
            f"Horizontal axis{x.kind}: {self.x_label}, {words_of_range(sizes)}.",
            f"Vertical axis{y.kind}: {self.y_label}, {words_of_range(times)}.",
            f"Colour{self.colours.kind}: {self.value_label}, {_extremes(self)}",
            *(one.text(grid) for one in self.contours),
            *(one.text(grid) for one in self.traces),
            *([] if self.region is None else [self.region.text(grid)]),
        ]
        for name, mark in ((self.x_label, self.threshold), (self.y_label, self.time_threshold)):
            if mark is not None:
                sentences.append(f"Marked on the axis of {name}: {mark.text}.")
        return " ".join([*sentences, self.full_caption]).strip()

    def _on_sheet(self, sheet: Sheet, words: Words) -> Figure:
        """The colour bar stands to the right or, on a narrow sheet, below."""
        narrow = sheet.is_narrow
        panel = _NARROW_PANEL if narrow else _PANEL
        above = words.above + (self.threshold is not None) * THRESHOLD_ROW
        below = AXIS_ROWS + (_BAR_GAP + _BAR + _BAR_ROWS if narrow else 0.0) + words.below
        width, height = sheet.width, above + panel + below
        figure = new_figure(width, height)
        ax = figure.add_axes((0.1, below / height, 0.75, panel / height))
        bar = figure.add_axes((0.88, below / height, _BAR / width, panel / height))
        lines = _draw_map(ax, self, bar=bar, upright=not narrow)
        left = left_margin([ax], figure)
        right = 16.0 if narrow else _right_of(bar, figure) + _BAR + _BAR_GAP
        wide = (width - left - right) / width
        ax.set_position((left / width, below / height, wide, panel / height))
        if narrow:
            bar.set_position((left / width, (below - AXIS_ROWS - _BAR_GAP - _BAR) / height, wide, _BAR / height))
        else:
            bar.set_position((1 - (right - _BAR_GAP) / width, below / height, _BAR / width, panel / height))
        _write_words(ax, self, lines)
        write_around(figure, words)
        return figure

    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        lines = _draw_map(axes[0], self, bar=None, upright=True)
        write_title(axes[0], self.title, pad=19)
        _write_words(axes[0], self, lines)

    def frame(self) -> pd.DataFrame:
        """All numbers: layer (risk, contour, region, undecided, trace, mark), name, level, size, time, value, low,
        high.

        A contour's rows are the second risk at every size and time, a region's the ratio, with its levels in low and
        high; a trace and a mark have their interval of sizes or times there. Undecided rows are the region's.
        """
        import pandas as pd

        grid = {"size": np.repeat(self.sizes, len(self.times)), "time": np.tile(self.times, len(self.sizes))}
        frames = [_rows("risk", self.value_label, value=self.values.ravel(), **grid)]
        for one in self.contours:
            level = np.full(self.values.size, one.level)
            frames.append(_rows("contour", one.label, level=level, value=one.values.ravel(), **grid))
        frames += [] if self.region is None else _region_rows(self.region, grid)
        for trace in self.traces:
            ends = {} if trace.low is None or trace.high is None else {"low": trace.low, "high": trace.high}
            frames.append(_rows("trace", trace.label, size=trace.positions, time=trace.values, **ends))
        for column, mark in (("size", self.threshold), ("time", self.time_threshold)):
            if mark is not None:
                row = {column: mark.position, "low": mark.low, "high": mark.high}
                frames.append(_rows("mark", mark.label, **{name: np.array([value]) for name, value in row.items()}))
        return pd.concat(frames, ignore_index=True)


def _check(display: HeatMapDisplay) -> None:
    for name in ("sizes", "times"):
        check_rising(name, getattr(display, name))
    shape = (len(display.sizes), len(display.times))
    tables = [("`values`", display.values)]
    tables += [(f"`values` of contour {one.label!r}", one.values) for one in display.contours]
    if display.region is not None:
        tables.append((f"`values` of region {display.region.label!r}", display.region.values))
    for name, table in tables:
        if table.shape != shape:
            raise InvalidArgument(f"{name} must be sizes x times, {shape[0]} x {shape[1]}, got shape {table.shape}.")
    limits = display.value_limits
    if limits is not None and not (np.isfinite(limits).all() and limits[0] < limits[1]):
        raise invalid("value_limits", f"must be two rising finite numbers, got {limits}.")
    if limits is not None and display.value_log and limits[0] <= 0:
        raise invalid("value_limits", f"of logarithmic colours must be positive, got {limits}; raise the lower.")


def _extremes(display: HeatMapDisplay) -> str:
    grid = display.grid
    table, (sizes, times) = grid.shown(display.values), grid.places
    if not np.isfinite(table).any():
        return "undefined throughout."
    found = []
    for word, filler, pick in (("smallest", np.inf, np.argmin), ("largest", -np.inf, np.argmax)):
        row, column = np.unravel_index(int(pick(np.where(np.isfinite(table), table, filler))), table.shape)
        found.append(f"{word} {format_number(float(table[row, column]))} at {grid.at(sizes[row], times[column])}")
    return ", ".join(found) + "."


def _draw_map(ax: Axes, display: HeatMapDisplay, *, bar: Axes | None, upright: bool) -> list[Line]:
    grid, table = display.grid, display.grid.shown(display.values)
    apply_scales(ax, *grid.scales)
    mesh = draw_cells(ax, grid, table, display.colours)
    draw_bar(ax, mesh, table, display.colours, display.value_label, bar=bar, upright=upright)
    outline = [] if display.region is None else draw_region(ax, display.region, grid)
    lines = [*draw_contours(ax, display.contours, grid), *draw_traces(ax, display.traces, grid.y.scale)]
    lines += draw_mark(ax, display.threshold, grid, upright=True)
    lines += draw_mark(ax, display.time_threshold, grid, upright=False)
    name_axes(ax, display.x_label, display.y_label)
    return [*lines, *outline]


def _right_of(bar: Axes, figure: Figure) -> float:
    """Points needed right of the colour bar for its ticks and label."""
    box = bar.yaxis.get_tightbbox(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    assert box is not None
    return points_box(bar, box).right - points_box(bar, bar.bbox).right + PAD


def _write_words(ax: Axes, display: HeatMapDisplay, lines: list[Line]) -> None:
    if display.threshold is not None:
        write_threshold(ax, display.threshold, display.grid.x.scale)
    write_line_names(ax, lines)


def _region_rows(region: Region, grid: dict[str, Float[np.ndarray, " rows"]]) -> list[pd.DataFrame]:
    ends = {"low": np.full(region.values.size, region.low), "high": np.full(region.values.size, region.high)}
    rows = [_rows("region", region.label, value=region.values.ravel(), **ends, **grid)]
    undecided = ~region.is_decided.ravel()
    if undecided.any():
        places = {name: positions[undecided] for name, positions in grid.items()}
        rows.append(_rows("undecided", region.label, value=region.values.ravel()[undecided], **places))
    return rows


def _rows(layer: str, name: str, **columns: Float[np.ndarray, " rows"]) -> pd.DataFrame:
    """Rows of the frame; a column that is not given holds NaN."""
    import pandas as pd

    nothing = np.full(max(len(values) for values in columns.values()), np.nan)
    numbers = {column: columns.get(column, nothing) for column in _NUMBERS}
    return pd.DataFrame({"layer": layer, "name": name, **numbers})
