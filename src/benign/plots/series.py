"""What a curve's picture is made of: series with their spread, landmarks, the threshold and regimes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Real, Shaped

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_number, format_position
from benign.plots.style import CONDITION_LOOKS, Role


def frozen(values: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """A copy that cannot be written to: numbers in double precision, or truth values."""
    copy = np.array(values, dtype=np.bool_ if np.asarray(values).dtype == np.bool_ else np.float64)
    copy.setflags(write=False)
    return copy


def freeze(owner: object, *arrays: str, tuples: Sequence[str] = ()) -> None:
    """Replace arrays of a frozen dataclass by frozen copies, and lists by tuples; None stays."""
    for names, kept in ((arrays, frozen), (tuples, tuple)):
        for name in names:
            if getattr(owner, name) is not None:
                object.__setattr__(owner, name, kept(getattr(owner, name)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One line with its band. NaN, or an infinity, is a gap in both.

    Attributes:
        name: stands at the line's end, such as "test" or "test, tuned ridge".
        positions: sizes (or times, or samples), strictly rising.
        median: the line.
        low: the band's lower edge, as a rule the 10 % quantile over replicates.
        high: the band's upper edge, as a rule the 90 % quantile.
        role: how it is drawn.
        condition: its place, from 0, in an ordered comparison such as label noise 0, 10, 20 %: drawn from light to
            dark with dashes of its own, whatever the role; None where nothing is compared.
    """

    name: str
    positions: Real[np.ndarray, " _K"] = field(repr=False)
    median: Real[np.ndarray, " _K"] = field(repr=False)
    low: Real[np.ndarray, " _K"] = field(repr=False)
    high: Real[np.ndarray, " _K"] = field(repr=False)
    role: Role = Role.TEST
    condition: int | None = None

    def __post_init__(self) -> None:
        freeze(self, "positions", "median", "low", "high")
        of = f"of series {self.name!r} "
        check_line(self, "median", "low", "high", of=of)
        most = len(CONDITION_LOOKS) - 1
        if self.condition is not None and not 0 <= self.condition <= most:
            fault = f"must be 0 to {most}, got {self.condition}; spread more conditions over several panels."
            raise invalid("condition", of + fault)

    @property
    def is_drawn(self) -> Bool[np.ndarray, " K"]:
        """Where the line exists."""
        return np.isfinite(self.median)

    @property
    def quantiles(self) -> Float[np.ndarray, "3 K"]:
        """Median, low and high, in rows."""
        return np.stack([self.median, self.low, self.high])

    @property
    def text(self) -> str:
        """The line in words: where it starts, its smallest and largest value, and where it ends."""
        drawn = self.is_drawn
        if not drawn.any():
            return f"{self.name}: undefined throughout."
        positions, values = self.positions[drawn], self.median[drawn]
        rows = {"starts with": 0, "smallest": values.argmin(), "largest": values.argmax(), "ends with": -1}
        places = [f"{format_number(float(values[row]))} at {format_position(positions[row])}" for row in rows.values()]
        if len(values) == 1:
            return f"{self.name}: {places[0]}."
        text = ", ".join(f"{way} {place}" for way, place in zip(rows, places, strict=True))
        gaps = int((~drawn).sum())
        return f"{self.name}: {text}." + (f" Undefined at {gaps:,} positions." if gaps else "")

    def rows(self, index: Int[np.ndarray, " rows"]) -> Series:
        """The series at some of its rows."""
        lines = {name: getattr(self, name)[index] for name in ("positions", "median", "low", "high")}
        return replace(self, **lines)


def check_rising(name: str, positions: Float[np.ndarray, "..."], of: str = "") -> None:
    """Refuse positions that are no strictly rising list of numbers; ``of`` says of what, such as "of series 'a' "."""
    if positions.ndim != 1 or not len(positions):
        raise invalid(name, f"{of}must be a non-empty list of numbers, got shape {positions.shape}.")
    if not np.isfinite(positions).all() or (np.diff(positions) <= 0).any():
        raise invalid(name, f"{of}must be finite and strictly rising; sort them.")


def check_line(line: object, *names: str, of: str) -> None:
    """Refuse a line whose arrays do not run along its rising ``positions``, or whose ``low`` exceeds its ``high``."""
    arrays = {name: getattr(line, name) for name in ("positions", *names)}
    positions = arrays["positions"]
    check_rising("positions", positions, of)
    for name, values in arrays.items():
        if values is not None and values.shape != positions.shape:
            count = f"one number for each of the {len(positions)} positions"
            raise invalid(name, f"{of}must hold {count}, got shape {values.shape}.")
    low, high = arrays["low"], arrays["high"]
    if low is not None and high is not None and (low > high).any():
        raise invalid("low", f"{of}must not exceed `high`; swap the two.")


def series_from_replicates(
    name: str,
    positions: Real[np.ndarray, " K"],
    values: Real[np.ndarray, "R K"],
    role: Role,
    *,
    quantiles: tuple[float, float] = (0.1, 0.9),
    condition: int | None = None,
) -> Series:
    """The series of R replicates: their median and the band between two quantiles, position by position.

    A position is a gap as soon as one replicate has no number there: the median of the others would flatter it.

    >>> series_from_replicates("test", np.array([1, 2]), np.array([[1.0, 4.0], [3.0, 5.0]]), Role.TEST).median
    array([2. , 4.5])
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or len(table) == 0:
        raise invalid("values", f"of series {name!r} must be replicates x positions, got shape {table.shape}.")
    undefined = ~np.isfinite(table).all(axis=0)
    low, median, high = np.quantile(np.where(undefined, 0.0, table), [quantiles[0], 0.5, quantiles[1]], axis=0)
    for line in (low, median, high):
        line[undefined] = np.nan
    return Series(
        name=name, positions=np.asarray(positions), median=median, low=low, high=high, role=role, condition=condition
    )


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A landmark on a curve; ``label`` is what it is ("peak"), its value is written behind."""

    position: float
    value: float
    label: str

    @property
    def text(self) -> str:
        """The words in the picture."""
        return f"{self.label} {format_number(self.value)}"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The interpolation threshold with its interval over replicates; ``label`` names it, such as "threshold"."""

    position: float
    low: float
    high: float
    label: str = "interpolation threshold"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.position) and self.low <= self.position <= self.high):
            interval = f"[{self.low}, {self.high}]"
            raise invalid("threshold", f"must be finite and lie in its interval, got {self.position} in {interval}.")

    @property
    def text(self) -> str:
        """The words in the picture, for example "interpolation threshold 200 (197 to 203)"."""
        text = f"{self.label} {format_position(self.position)}"
        if self.low < self.high:
            text += f" ({format_position(self.low)} to {format_position(self.high)})"
        return text


@dataclass(frozen=True, kw_only=True)
class Band:
    """A range of positions with a name, such as a regime; it may reach beyond the picture.

    Attributes:
        low: where it begins.
        high: where it ends, infinity for never.
        label: stands at its top where there is room.
        is_critical: tinted, between two thin lines.
        is_decided: hatched unless it is, for positions of which it is not known whether they are critical.
    """

    low: float
    high: float
    label: str
    is_critical: bool = False
    is_decided: bool = True

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise invalid("low", f"of band {self.label!r} must lie below `high`, got {self.low}, {self.high}.")

    @property
    def text(self) -> str:
        """The band in words, for example "critical 67 to 150" or "undecided 150 or more"."""
        low, high = (format_position(end) for end in (self.low, self.high))
        if math.isinf(self.high):
            return f"{self.label} {low} or more"
        return f"{self.label} up to {high}" if self.low <= 0 else f"{self.label} {low} to {high}"
