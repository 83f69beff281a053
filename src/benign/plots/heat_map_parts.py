"""What a heat map is made of: cells, contours of a second risk, and one time for each size."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Real

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_position
from benign.plots.scales import Scale


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
        object.__setattr__(self, "values", frozen(self.values))
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
        for name in ("positions", "values", "low", "high"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen(getattr(self, name)))
        _check_trace(self)

    @property
    def is_drawn(self) -> Bool[np.ndarray, " K"]:
        """Where the line exists."""
        return np.isfinite(self.values)


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
        object.__setattr__(self, "values", frozen(self.values))
        decided = np.array(self.is_decided, dtype=np.bool_)
        decided.setflags(write=False)
        object.__setattr__(self, "is_decided", decided)
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise InvalidArgument(
                f"`low` and `high` of region {self.label!r} must be two rising finite numbers, got {self.low}, "
                f"{self.high}."
            )
        if decided.shape != self.values.shape:
            raise invalid(
                "is_decided",
                f"of region {self.label!r} must have the shape of its values, {self.values.shape}, got "
                f"{decided.shape}.",
            )

    @property
    def is_inside(self) -> Bool[np.ndarray, "S T"]:
        """Where the ratio lies within the levels, decided or not."""
        return (self.values >= self.low) & (self.values <= self.high)

    @property
    def edges(self) -> tuple[Contour, Contour]:
        """The lines along which the ratio has the lower and the upper level."""
        first, second = (Contour(label=self.label, values=self.values, level=one) for one in (self.low, self.high))
        return first, second


def frozen(values: Real[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """A copy in double precision that cannot be written to."""
    copy = np.array(values, dtype=np.float64)
    copy.setflags(write=False)
    return copy


def _check_trace(trace: Trace) -> None:
    positions = trace.positions
    if positions.ndim != 1 or not len(positions) or not np.isfinite(positions).all() or (np.diff(positions) <= 0).any():
        raise invalid("positions", f"of trace {trace.label!r} must be a non-empty, strictly rising list of numbers.")
    for name in ("values", "low", "high"):
        values = getattr(trace, name)
        if values is not None and values.shape != positions.shape:
            raise invalid(
                name,
                f"of trace {trace.label!r} must hold one time for each of the {len(positions)} positions, "
                f"got shape {values.shape}.",
            )
    if (trace.low is None) != (trace.high is None):
        raise InvalidArgument(f"`low` and `high` of trace {trace.label!r} make one interval; give both or neither.")
    if trace.low is not None and trace.high is not None and (trace.low > trace.high).any():
        raise invalid("low", f"of trace {trace.label!r} must not exceed `high`; swap the two.")


@dataclass(frozen=True, kw_only=True)
class Cells:
    """One axis of a heat map: which positions have a place on it, and the edges of their cells."""

    scale: Scale
    kept: Bool[np.ndarray, " K"]
    edges: Float[np.ndarray, " E"]


def cells(positions: Float[np.ndarray, " K"], name: str, *, log: bool) -> Cells:
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
    return Cells(scale=scale, kept=kept, edges=edges)
