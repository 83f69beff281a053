"""Axes of a curve's picture: logarithmic or linear, from where to where, with which ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_position
from benign.plots.series import Series
from benign.plots.style import Role, tick_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_SMALLEST, _LARGEST = 1e-307, 1e307
_PEAK_ROOM = 10.0  # a band may reach this much higher than the highest median before the axis cuts it


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One axis: ``note`` says where the picture could not do what was asked, or is empty."""

    is_log: bool
    low: float
    high: float
    note: str = ""

    @property
    def kind(self) -> str:
        """The word for a logarithmic axis, in a sentence."""
        return " (logarithmic)" if self.is_log else ""

    def to_unit(self, value: float) -> float:
        """Where a value lies between the ends, which are 0 and 1; minus infinity for what a log axis cannot show."""
        if not self.is_log:
            return (value - self.low) / (self.high - self.low)
        if value <= 0:
            return -math.inf
        low = math.log(self.low)
        return (math.log(value) - low) / (math.log(self.high) - low)

    def with_headroom(self, share: float) -> Scale:
        """The axis lengthened upwards by a share of its length."""
        if self.is_log:
            length = math.log(self.high) - math.log(self.low)
            high = math.exp(min(math.log(self.high) + share * length, math.log(_LARGEST)))
        else:
            high = self.high + share * (self.high - self.low)
        return Scale(is_log=self.is_log, low=self.low, high=high, note=self.note)


def position_scale(series: Sequence[Series], *, log: bool) -> Scale:
    """The horizontal axis: all positions, without margins."""
    low = min(float(one.positions[0]) for one in series)
    high = max(float(one.positions[-1]) for one in series)
    note = ""
    if log and low <= 0:
        note = f"The horizontal axis is linear, because a logarithm cannot show position {format_position(low)}."
        log = False
    if low == high:
        low, high = (low / 1.5, high * 1.5) if log else (low - 1, high + 1)
    return Scale(is_log=log, low=low, high=high, note=note)


def value_scale(
    series: Sequence[Series], *, log: bool, limits: tuple[float, float] | None, marks: Iterable[float] = ()
) -> Scale:
    """The vertical axis: fitted to the lines and bands, unless ``limits`` are given.

    On a log axis a training loss that falls to nothing does not stretch the axis: the axis reaches one decade below the
    other series, and the line leaves the picture. An axis that cannot be logarithmic becomes linear and says why.
    """
    drawn = np.concatenate([one.median[one.is_drawn] for one in series] + [np.array([*marks], dtype=np.float64)])
    note = _why_not_log(drawn) if log else ""
    log = log and not note
    if log and limits is not None and limits[0] <= 0:
        raise invalid("y_limits", f"of a log axis must be positive, got {limits}; raise the lower one.")
    if limits is not None:
        if not (math.isfinite(limits[0]) and math.isfinite(limits[1]) and limits[0] < limits[1]):
            raise invalid("y_limits", f"must be two rising finite numbers, got {limits}.")
        return Scale(is_log=log, low=limits[0], high=limits[1], note=note)
    low, high = _log_range(series, drawn) if log else _linear_range(series, drawn)
    return Scale(is_log=log, low=low, high=high, note=note)


def _why_not_log(drawn: Float[np.ndarray, " values"]) -> str:
    negative = int((drawn < 0).sum())
    if negative:
        values = "1 value is" if negative == 1 else f"{negative:,} values are"
        return f"The vertical axis is linear, because {values} negative."
    if len(drawn) and not (drawn > 0).any():
        return "The vertical axis is linear, because every value is zero."
    return ""


def _log_range(series: Sequence[Series], drawn: Float[np.ndarray, " values"]) -> tuple[float, float]:
    if not len(drawn):
        return 0.1, 10.0
    positive = drawn[drawn > 0]
    kept = [one for one in series if one.role is not Role.TRAIN and (one.median[one.is_drawn] > 0).any()] or series
    values = np.concatenate([one.median[one.is_drawn] for one in kept])
    anchor = float(values[values > 0].min()) if (values > 0).any() else float(positive.max())
    lows = np.concatenate([one.low[np.isfinite(one.low)] for one in kept])
    anchor = min([anchor, *lows[lows >= anchor / 3].tolist()])
    floor = max(min(_decade(anchor) / 10, float(positive.max()) / 100), _SMALLEST)
    low = max(floor, _decade(float(positive.min())))
    high = _capped(series, float(positive.max()), float(positive.max()) * _PEAK_ROOM)
    return low, min(max(high * 1.25, low * 10), _LARGEST)


def _linear_range(series: Sequence[Series], drawn: Float[np.ndarray, " values"]) -> tuple[float, float]:
    if not len(drawn):
        return 0.0, 1.0
    low, high = float(drawn.min()), float(drawn.max())
    extent = (high - low) or abs(high) or 1.0
    highest = _capped(series, high, high + extent)
    lows = np.concatenate([one.low[np.isfinite(one.low)] for one in series])
    lowest = max(min([low, *lows]), low - extent)
    margin = 0.05 * ((highest - lowest) or extent)
    return (0.0 if 0 <= lowest <= 0.3 * highest else lowest - margin), highest + margin


def _capped(series: Sequence[Series], floor: float, cap: float) -> float:
    highs = np.concatenate([one.high[np.isfinite(one.high)] for one in series])
    return min(max(floor, float(highs.max()) if len(highs) else floor), cap)


def _decade(value: float) -> float:
    """The largest power of ten up to ``value``."""
    return float(10.0 ** math.floor(math.log10(value) + 1e-9)) if value > _SMALLEST * 10 else _SMALLEST


def apply_scales(ax: Axes, x: Scale, y: Scale) -> None:
    """Set both axes: scale, limits, ticks and a quiet grid."""
    for axis, scale, points in ((ax.xaxis, x, ax.bbox.width), (ax.yaxis, y, ax.bbox.height)):
        name = "x" if axis is ax.xaxis else "y"
        if scale.is_log:
            getattr(ax, f"set_{name}scale")("log", nonpositive="clip" if name == "y" else "mask")
        getattr(ax, f"set_{name}lim")(scale.low, scale.high)
        room = points / ax.get_figure(root=True).dpi * 72  # type: ignore[union-attr]
        set_ticks(axis, scale, labels=room / (55 if name == "x" else 26))


def _steps(first: int, high: float, stride: int) -> range:
    return range(first, math.floor(math.log10(high) / stride) + 1)


def set_ticks(axis: Axis, scale: Scale, *, labels: float) -> None:
    """Ticks of one axis, with about so many ``labels``."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    axis.set_major_formatter(FuncFormatter(tick_text))
    axis.set_minor_formatter(NullFormatter())
    if not scale.is_log:
        axis.set_major_locator(MaxNLocator(nbins=int(np.clip(labels, 2, 7)), steps=[1, 2, 2.5, 5, 10]))
        axis.set_minor_locator(NullLocator())
        return
    decades = math.log10(scale.high) - math.log10(scale.low)
    if decades > 100:  # matplotlib's own locator looks beyond the ends, where powers of ten overflow
        stride = math.ceil(decades / labels / 50) * 50
        first = math.ceil(math.log10(scale.low) / stride)
        axis.set_major_locator(FixedLocator([10.0 ** (stride * step) for step in _steps(first, scale.high, stride)]))
        axis.set_minor_locator(NullLocator())
        return
    subs = next(subs for subs in ((1, 2, 5), (1, 3), (1,)) if len(subs) * decades <= labels or subs == (1,))
    axis.set_major_locator(LogLocator(subs=subs, numticks=max(int(labels), 2)))
    small = tuple(range(2, 10)) if decades <= 8 else ()
    axis.set_minor_locator(LogLocator(subs=small, numticks=200) if small else NullLocator())
