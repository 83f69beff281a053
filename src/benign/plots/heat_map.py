"""The picture of a risk over size and time, as in Nakkiran et al. (2020), Fig. 2: colour is the risk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Real

from benign.foundation.errors import InvalidArgument
from benign.foundation.number_words import format_number
from benign.plots import heat_map_drawing as ink
from benign.plots.display import Display, Table
from benign.plots.heat_map_parts import CellAxis, Contour, Grid, Region, Trace, cell_axis
from benign.plots.layout import PAD, Room, Sheet, prepare, room_above, write_threshold
from benign.plots.scales import SMALLEST, Scale, fitted_scale, given_scale, why_linear
from benign.plots.series import Threshold, check_rising, freeze

_COLUMNS = ("layer", "name", "level", "size", "time", "value", "low", "high")


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

    The frame has the columns layer (risk, contour, region, undecided, trace, mark), name, level, size, time, value, low
    and high. A contour's rows are the second risk at every size and time, a region's the ratio, with its levels in low
    and high; a trace and a mark have their interval of sizes or times there. Undecided rows are the region's.

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

    _heights: ClassVar[tuple[float, float]] = (300.0, 295.0)  # on a narrow sheet the colour bar stands below, in them

    def __post_init__(self) -> None:
        freeze(self, "sizes", "times", "values", tuples=("contours", "traces"))
        for name in ("sizes", "times"):
            check_rising(name, getattr(self, name))
        tables = [("`values`", self.values)]
        tables += [(f"`values` of contour {one.label!r}", one.values) for one in self.contours]
        if self.region is not None:
            tables.append((f"`values` of region {self.region.label!r}", self.region.values))
        shape = (len(self.sizes), len(self.times))
        for name, table in tables:
            if table.shape != shape:
                fault = f"must be sizes x times, {shape[0]} x {shape[1]}, got shape {table.shape}."
                raise InvalidArgument(f"{name} {fault}")
        if self.value_limits is not None:
            given_scale("value_limits", self.value_limits, is_log=self.value_log)

    @cached_property
    def grid(self) -> Grid:
        """Which sizes and times have a place in the picture, and where."""
        x, y = cell_axis(self.sizes, self.x_label, log=self.x_log), cell_axis(self.times, self.y_label, log=self.y_log)
        return Grid(x=x, y=y)

    @property
    def edges(self) -> tuple[Float[np.ndarray, " E"], Float[np.ndarray, " F"]]:
        """Edges of the cells along sizes and along times."""
        return self.grid.x.edges, self.grid.y.edges

    @cached_property
    def shown(self) -> Float[np.ndarray, "s t"]:
        """The values that have a place in the picture."""
        return self.grid.shown(self.values)

    @cached_property
    def colours(self) -> Scale:
        """The scale of the colour bar."""
        known = self.shown[np.isfinite(self.shown)]
        note = why_linear("Colours are", known) if self.value_log else ""
        is_log = self.value_log and not note
        if self.value_limits is not None:
            return given_scale("value_limits", self.value_limits, is_log=is_log, note=note)
        fitted = known[known > SMALLEST] if is_log else known
        low, high = (float(fitted.min()), float(fitted.max())) if len(fitted) else (1.0, 1.0)
        return fitted_scale(low, high, is_log=is_log, note=note)

    def _notes(self) -> Sequence[str]:
        grid, undefined = self.grid, int((~np.isfinite(self.shown)).sum())
        notes = [grid.x.scale.note, grid.y.scale.note, self.colours.note]
        if undefined:
            notes.append(f"Hatched: {undefined:,} of {self.shown.size:,} values are undefined.")
        notes += [note for part in self._parts for note in part.notes(grid)]
        outside = [mark.text for _, axis, mark in self._marks if not axis.scale.shows(mark.position)]
        return notes + [f"Outside the picture: {text}." for text in outside]

    @property
    def _parts(self) -> list[Contour | Trace | Region]:
        return [*self.contours, *self.traces, *([] if self.region is None else [self.region])]

    @property
    def _marks(self) -> list[tuple[str, CellAxis, Threshold]]:
        """The sizes and times that are marked, each with its column of the frame and its axis."""
        found = (("size", self.grid.x, self.threshold), ("time", self.grid.y, self.time_threshold))
        return [(column, axis, mark) for column, axis, mark in found if mark is not None]

    def _sentences(self) -> Sequence[str]:
        """Title, axes, where the risk is smallest and largest, where contours and traces run."""
        grid = self.grid
        return [
            f"Heat map: {self.title or self.value_label}.",
            f"Horizontal {grid.x.text}",
            f"Vertical {grid.y.text}",
            f"Colour{self.colours.kind}: {self.value_label}, {self._extremes()}.",
            *(part.text(grid) for part in self._parts),
            *(f"Marked on the axis of {axis.name}: {mark.text}." for _, axis, mark in self._marks),
        ]

    def _extremes(self) -> str:
        known, (sizes, times) = np.isfinite(self.shown), self.grid.places
        if not known.any():
            return "undefined throughout"
        found, table = [], np.where(known, self.shown, np.nan)
        for word, place in (("smallest", np.nanargmin(table)), ("largest", np.nanargmax(table))):
            row, column = np.unravel_index(place, known.shape)
            number = format_number(float(table[row, column]))
            found.append(f"{word} {number} at {self.grid.at(sizes[row], times[column])}")
        return ", ".join(found)

    def _draw(self, sheet: Sheet) -> Iterator[Room]:
        ax, grid = sheet.axes[0], self.grid
        prepare(ax, *grid.scales, self.x_label, self.y_label, spines=())
        mesh = ink.draw_cells(ax, grid, self.shown, self.colours)
        ink.draw_bar(ax, mesh, self.shown, self.colours, self.value_label, sheet.narrow)
        outline = [] if self.region is None else ink.draw_region(ax, self.region, grid)
        contours = zip(self.contours, cycle(ink.DASHES), strict=False)
        lines = [line for one, dashes in contours for line in ink.draw_contour(ax, one, grid, dashes)]
        traces = zip(self.traces, cycle(ink.DASHES), strict=False)
        lines += [ink.draw_trace(ax, one, grid.y.scale, dashes) for one, dashes in traces]
        lines += ink.draw_mark(ax, self.threshold, grid, upright=True)
        lines += ink.draw_mark(ax, self.time_threshold, grid, upright=False)
        yield Room(above=room_above(self.threshold), right=PAD)
        write_threshold(ax, self.threshold, grid.x.scale)
        ink.write_line_names(ax, [*lines, *outline])

    def _tables(self) -> Iterator[Table]:
        grid = {"size": np.repeat(self.sizes, len(self.times)), "time": np.tile(self.times, len(self.sizes))}
        yield _part("risk", self.value_label, value=self.values.ravel(), **grid)
        for one in self.contours:
            yield _part("contour", one.label, level=one.level, value=one.values.ravel(), **grid)
        if self.region is not None:
            region, ratio, undecided = self.region, self.region.values.ravel(), ~self.region.is_decided.ravel()
            yield _part("region", region.label, value=ratio, low=region.low, high=region.high, **grid)
            if undecided.any():
                places = {name: values[undecided] for name, values in grid.items()}
                yield _part("undecided", region.label, value=ratio[undecided], **places)
        for trace in self.traces:
            ends = {} if trace.low is None else {"low": trace.low, "high": trace.high}
            yield _part("trace", trace.label, size=trace.positions, time=trace.values, **ends)
        for column, _, mark in self._marks:
            yield _part("mark", mark.label, **{column: [mark.position], "low": [mark.low], "high": [mark.high]})


def _part(layer: str, name: str, **numbers: object) -> Table:
    """Rows of the frame; a column that is not given holds NaN."""
    return dict.fromkeys(_COLUMNS, np.nan) | {"layer": layer, "name": name} | numbers
