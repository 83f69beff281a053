"""The picture of a risk over size and time, as in Nakkiran et al. (2020), Fig. 2: colour is the risk."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Real, Shaped

from benign.foundation.errors import InvalidArgument, invalid
from benign.plots.describe import describe_heat_map
from benign.plots.heat_map_parts import Cells, Contour, Region, Trace, cells, frozen
from benign.plots.output import svg_html, svg_text
from benign.plots.scales import Scale
from benign.plots.series import Threshold

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SMALLEST = 1e-307
_NUMBERS = ("level", "size", "time", "value", "low", "high")


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatMapDisplay:
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

    title: str
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
    caption: str = ""
    ax_: Axes | None = field(init=False, repr=False, default=None)
    figure_: Figure | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        for name in ("sizes", "times", "values"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        for name in ("contours", "traces"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check(self)

    @cached_property
    def axes_cells(self) -> tuple[Cells, Cells]:
        """The horizontal and the vertical axis."""
        return cells(self.sizes, self.x_label, log=self.x_log), cells(self.times, self.y_label, log=self.y_log)

    @property
    def edges(self) -> tuple[Float[np.ndarray, " E"], Float[np.ndarray, " F"]]:
        """Edges of the cells along sizes and along times."""
        x, y = self.axes_cells
        return x.edges, y.edges

    def shown(self, table: Shaped[np.ndarray, "S T"]) -> Shaped[np.ndarray, "s t"]:
        """The part of a table of sizes x times that has a place in the picture."""
        x, y = self.axes_cells
        return table[x.kept][:, y.kept]

    @cached_property
    def colours(self) -> Scale:
        """The scale of the colour bar."""
        table = self.shown(self.values)
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
        x, y = (one.scale for one in self.axes_cells)
        table = self.shown(self.values)
        undefined = int((~np.isfinite(table)).sum())
        notes = [x.note, y.note, self.colours.note]
        if undefined:
            notes.append(f"Hatched: {undefined:,} of {table.size:,} values are undefined.")
        notes += [_not_reached(one, self) for one in self.contours]
        notes += [] if self.region is None else _about_region(self.region, self)
        notes += [_leaves(one, x, y) for one in self.traces]
        for mark, scale in ((self.threshold, x), (self.time_threshold, y)):
            if mark is not None and not scale.low <= mark.position <= scale.high:
                notes.append(f"Outside the picture: {mark.text}.")
        return " ".join(filter(None, [self.caption, *notes]))

    @property
    def alternative_text(self) -> str:
        """The picture in words, from its numbers."""
        return describe_heat_map(self)

    def plot(self, ax: object = None) -> HeatMapDisplay:
        """Draw on matplotlib axes, from which the colour bar takes a part, or on a new figure; returns the display.

        The axes and figure are then in ``ax_`` and ``figure_``.
        """
        from benign.plots.heat_map_drawing import draw_on
        from benign.plots.layout import as_axes

        if ax is None:
            axes = self.figure().axes[0]
        else:
            axes = as_axes(ax)
            draw_on(axes, self)
        object.__setattr__(self, "ax_", axes)
        object.__setattr__(self, "figure_", axes.get_figure(root=True))
        return self

    def figure(self, *, narrow: bool = False, alone: bool = True) -> Figure:
        """A new figure, for a phone if ``narrow``, with title and caption if it stands ``alone``."""
        from benign.plots.heat_map_drawing import draw_sheet

        return draw_sheet(self, narrow=narrow, alone=alone)

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

    def svg(self, *, narrow: bool = False, alone: bool = False) -> str:
        """The picture as SVG, the same text for the same numbers."""
        return svg_text(self.figure(narrow=narrow, alone=alone), self.title)

    def _repr_html_(self) -> str:
        return svg_html(self.svg(alone=True), self.alternative_text)


def _check(display: HeatMapDisplay) -> None:
    for name in ("sizes", "times"):
        positions = getattr(display, name)
        if positions.ndim != 1 or not len(positions):
            raise invalid(name, f"must be a non-empty list of numbers, got shape {positions.shape}.")
        if not np.isfinite(positions).all() or (np.diff(positions) <= 0).any():
            raise invalid(name, "must be finite and strictly rising; sort them.")
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


def _not_reached(contour: Contour, display: HeatMapDisplay) -> str:
    shown = Contour(label=contour.label, values=display.shown(contour.values), level=contour.level)
    return "" if shown.is_drawn else f"Nowhere in the picture: {contour.label}."


def _about_region(region: Region, display: HeatMapDisplay) -> list[str]:
    """What the rings are, and whether there is nothing to outline."""
    shown, undecided = display.shown(region.is_inside), int((~display.shown(region.is_decided)).sum())
    notes = [] if shown.any() else [f"Nowhere in the picture: {region.label}."]
    if undecided:
        notes.append(f"Rings: {undecided:,} of {shown.size:,} values for which that is undecided.")
    return notes


def _leaves(trace: Trace, x: Scale, y: Scale) -> str:
    """How many points of a trace are drawn at the edge, because they lie above or below the picture."""
    inside = trace.is_drawn & (trace.positions >= x.low) & (trace.positions <= x.high)
    beyond = int((inside & ((trace.values < y.low) | (trace.values > y.high))).sum())
    return f"At the edge: {trace.label} leaves the picture at {beyond:,} of {len(inside):,} sizes." if beyond else ""


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
