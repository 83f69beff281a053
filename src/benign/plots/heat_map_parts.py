"""What a heat map is made of: its grid of cells, contours of a second risk, one time for each size, a region."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Real, Shaped

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_position
from benign.plots.scales import Scale
from benign.plots.series import check_line, freeze


@dataclass(frozen=True, kw_only=True, eq=False)
class CellAxis:
    """One axis of a heat map: which of its positions have a place on it, and the edges of their cells."""

    name: str
    positions: Float[np.ndarray, " K"]
    kept: Bool[np.ndarray, " K"]
    edges: Float[np.ndarray, " E"]
    scale: Scale

    @property
    def places(self) -> Float[np.ndarray, " k"]:
        """The positions that have a place."""
        return self.positions[self.kept]

    @property
    def text(self) -> str:
        """The axis in words."""
        return f"axis{self.scale.kind}: {self.name}, {words_of_range(self.places)}."

    def at(self, position: float) -> str:
        """A place on it in words."""
        return f"{self.name} = {format_position(float(position))}"


def cell_axis(positions: Float[np.ndarray, " K"], name: str, *, log: bool) -> CellAxis:
    """Cells that meet half-way between neighbours: at geometric means on a log axis, at arithmetic ones on a linear.

    A position that is not positive has no place on a log axis: it is left out and ``scale.note`` says so. Where none is
    positive the axis is linear.
    """
    kept = np.ones(len(positions), dtype=np.bool_)
    note = ""
    if log and not (positions > 0).any():
        log, note = False, f"The axis of {name} is linear, because a logarithm needs a positive position."
    if log and not (positions > 0).all():
        kept = positions > 0
        left_out = ", ".join(format_position(float(one)) for one in positions[~kept])
        note = f"Left out: {name} {left_out}, which has no place on a logarithmic axis."
    places = np.log(positions[kept]) if log else positions[kept]
    steps = np.diff(places) if len(places) > 1 else np.array([np.log(2.0) if log else 1.0])
    ends = [places[0] - steps[0] / 2, places[-1] + steps[-1] / 2]
    edges = np.concatenate([ends[:1], (places[1:] + places[:-1]) / 2, ends[1:]])
    edges = np.exp(edges) if log else edges
    scale = Scale(is_log=log, low=float(edges[0]), high=float(edges[-1]), note=note)
    return CellAxis(name=name, positions=positions, kept=kept, edges=edges, scale=scale)


def words_of_range(positions: Float[np.ndarray, " K"]) -> str:
    """The first and the last of rising positions, in words."""
    return f"{format_position(float(positions[0]))} to {format_position(float(positions[-1]))}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """The axes of sizes and of times."""

    x: CellAxis
    y: CellAxis

    @property
    def scales(self) -> tuple[Scale, Scale]:
        """The horizontal and the vertical axis."""
        return self.x.scale, self.y.scale

    @property
    def places(self) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " t"]]:
        """The sizes and times that have a place."""
        return self.x.places, self.y.places

    def shown(self, table: Shaped[np.ndarray, "S T"]) -> Shaped[np.ndarray, "s t"]:
        """The part of a table of sizes x times that has a place in the picture."""
        return table[self.x.kept][:, self.y.kept]

    def at(self, size: float, time: float) -> str:
        """A place in words."""
        return f"{self.x.at(size)}, {self.y.at(time)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Contour:
    """A line along which a second risk has one value, such as "training error 0.1".

    Attributes:
        label: stands at the line, with the level in it.
        values: the second risk, sizes x times of the display.
        level: its value along the line.
    """

    label: str
    values: Real[np.ndarray, "_S _T"] = field(repr=False)
    level: float

    def __post_init__(self) -> None:
        freeze(self, "values")
        if not np.isfinite(self.level):
            raise invalid("level", f"of contour {self.label!r} must be a finite number, got {self.level}.")

    def first_times(self, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, " S"]:
        """For each size the time at which the level is first crossed, between two times in proportion; NaN for never.

        >>> Contour(label="train 1", values=np.array([[3.0, 2.0, 0.0], [3.0, 3.0, 2.0]]), level=1.0).first_times(
        ...     np.array([1.0, 2.0, 4.0]))
        array([ 3., nan])
        """
        beyond = self.values <= self.level
        known = np.isfinite(self.values)
        crosses = (beyond[:, 1:] != beyond[:, :-1]) & known[:, 1:] & known[:, :-1]
        found = np.full(len(self.values), np.nan)
        for row in np.flatnonzero(crosses.any(axis=1)):
            step = int(crosses[row].argmax())
            start, stop = self.values[row, step : step + 2]
            found[row] = times[step] + (times[step + 1] - times[step]) * (self.level - start) / (stop - start)
        return found

    @property
    def is_drawn(self) -> bool:
        """Whether the level is crossed anywhere: a line needs two values at two sizes and times."""
        known = self.values[np.isfinite(self.values)]
        return min(self.values.shape) >= 2 and len(known) > 0 and bool(known.min() < self.level < known.max())

    def shown(self, grid: Grid) -> Contour:
        """The line through the values that have a place in the picture."""
        return replace(self, values=grid.shown(self.values))

    def notes(self, grid: Grid) -> list[str]:
        """What the caption says of a line that is not there."""
        return [] if self.shown(grid).is_drawn else [f"Nowhere in the picture: {self.label}."]

    def text(self, grid: Grid) -> str:
        """The line in words: where it is first crossed."""
        found = self.first_times(grid.y.positions)
        crossed = np.flatnonzero(np.isfinite(found) & (found >= grid.y.scale.low))
        if not len(crossed):
            return f"Contour {self.label}: crossed at no {grid.x.name}."
        ends = [grid.at(grid.x.positions[row], found[row]) for row in (crossed[0], crossed[-1])]
        text = f"Contour {self.label}: first crossed from {ends[0]} to {ends[1]}"
        rest = len(found) - len(crossed)
        return text + (f"; not at {rest:,} of {len(found):,} positions." if rest else ".")


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """One time for each size, such as the best epoch. NaN is a gap.

    Attributes:
        label: stands at the line.
        positions: sizes, strictly rising.
        values: the times.
        low: lower ends of their intervals, or None for none.
        high: upper ends, or None for none.
    """

    label: str
    positions: Real[np.ndarray, " _K"] = field(repr=False)
    values: Real[np.ndarray, " _K"] = field(repr=False)
    low: Real[np.ndarray, " _K"] | None = field(repr=False, default=None)
    high: Real[np.ndarray, " _K"] | None = field(repr=False, default=None)

    def __post_init__(self) -> None:
        freeze(self, "positions", "values", "low", "high")
        check_line(self, "values", "low", "high", of=f"of trace {self.label!r} ")
        if (self.low is None) != (self.high is None):
            raise InvalidArgument(f"`low` and `high` of trace {self.label!r} make one interval; give both or neither.")

    def notes(self, grid: Grid) -> list[str]:
        """How many points are drawn at the edge, because they lie above or below the picture."""
        x, y = grid.scales
        inside = np.isfinite(self.values) & (self.positions >= x.low) & (self.positions <= x.high)
        beyond = int((inside & ((self.values < y.low) | (self.values > y.high))).sum())
        text = f"At the edge: {self.label} leaves the picture at {beyond:,} of {len(inside):,} sizes."
        return [text] if beyond else []

    def text(self, grid: Grid) -> str:
        """The line in words: where it starts, its extremes and where it ends."""
        drawn = np.isfinite(self.values)
        if not drawn.any():
            return f"Line {self.label}: undefined throughout."
        positions, values = self.positions[drawn], self.values[drawn]
        ways = {"starts at": 0, "lowest at": np.argmin(values), "highest at": np.argmax(values), "ends at": -1}
        runs = [f"{way} {grid.at(positions[row], values[row])}" for way, row in ways.items()]
        return f"Line {self.label}: {'; '.join(runs)}."


@dataclass(frozen=True, kw_only=True, eq=False)
class Region:
    """A part of the picture in which a ratio lies within two levels, such as the critical regime.

    Attributes:
        label: stands at its edge.
        values: the ratio, sizes x times of the display; NaN where it is not known.
        low: the lower level.
        high: the upper level.
        is_decided: whether it is known of each value on which side of the edges it lies.
    """

    label: str
    values: Real[np.ndarray, "_S _T"] = field(repr=False)
    low: float
    high: float
    is_decided: Bool[np.ndarray, "_S _T"] = field(repr=False)

    def __post_init__(self) -> None:
        freeze(self, "values", "is_decided")
        of = f"of region {self.label!r}"
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            fault = f"must be two rising finite numbers, got {self.low}, {self.high}."
            raise InvalidArgument(f"`low` and `high` {of} {fault}")
        if self.is_decided.shape != self.values.shape:
            fault = f"must have the shape of its values, {self.values.shape}, got {self.is_decided.shape}."
            raise invalid("is_decided", f"{of} {fault}")

    @property
    def is_inside(self) -> Bool[np.ndarray, "S T"]:
        """Where the ratio lies within the levels, decided or not."""
        return (self.values >= self.low) & (self.values <= self.high)

    @property
    def edges(self) -> tuple[Contour, Contour]:
        """The lines along which the ratio has the lower and the upper level."""
        first, second = (Contour(label=self.label, values=self.values, level=one) for one in (self.low, self.high))
        return first, second

    def _undecided(self, grid: Grid) -> int:
        return int((~grid.shown(self.is_decided)).sum())

    def notes(self, grid: Grid) -> list[str]:
        """What the rings are, and whether there is nothing to outline."""
        shown, undecided = grid.shown(self.is_inside), self._undecided(grid)
        notes = [] if shown.any() else [f"Nowhere in the picture: {self.label}."]
        if undecided:
            notes.append(f"Rings: {undecided:,} of {shown.size:,} values for which that is undecided.")
        return notes

    def text(self, grid: Grid) -> str:
        """How many values lie in it and, for the latest time at which there are any, from which size to which."""
        inside = self.is_inside & self.is_decided
        shown = grid.shown(inside)
        text = f"Region {self.label}: {int(shown.sum()):,} of {shown.size:,} values lie in it"
        text += f", {self._undecided(grid):,} are undecided"
        columns = np.flatnonzero(inside.any(axis=0) & grid.y.kept)
        if not len(columns):
            return f"{text}."
        sizes, time = grid.x.positions[inside[:, columns[-1]]], grid.y.positions[columns[-1]]
        return f"{text}; {grid.x.name} = {words_of_range(sizes)} at {grid.y.at(time)}."
