"""Axes of a picture: logarithmic or linear, from where to where, with which ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_position
from benign.plots.series import Series
from benign.plots.style import Role, tick_text

if TYPE_CHECKING:
    from matplotlib.axis import Axis

SMALLEST, _LARGEST = 1e-307, 1e307
_PEAK_ROOM = 10.0  # a band may reach this much higher than the highest median before the axis cuts it
_MOST_DECADES = 100  # beyond it matplotlib's own locator looks beyond the ends, where powers of ten overflow


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

    def shows(self, value: float) -> bool:
        """Whether a value lies between the ends."""
        return self.low <= value <= self.high

    def nearest(self, value: float) -> float:
        """The value between the ends that is nearest."""
        return min(max(value, self.low), self.high)

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
        if not self.is_log:
            return replace(self, high=self.high + share * (self.high - self.low))
        length = math.log(self.high) - math.log(self.low)
        return replace(self, high=math.exp(min(math.log(self.high) + share * length, math.log(_LARGEST))))


def fitted_scale(low: float, high: float, *, is_log: bool, note: str = "") -> Scale:
    """An axis between two values, wider where they are one."""
    if low == high:
        low, high = (low / 1.5, high * 1.5) if is_log else (low - 1, high + 1)
    return Scale(is_log=is_log, low=low, high=high, note=note)


def given_scale(name: str, limits: tuple[float, float], *, is_log: bool, note: str = "") -> Scale:
    """An axis between the ends that the user gave as the argument ``name``."""
    if not (np.isfinite(limits).all() and limits[0] < limits[1]):
        raise invalid(name, f"must be two rising finite numbers, got {limits}.")
    if is_log and limits[0] <= 0:
        raise invalid(name, f"of a logarithmic scale must be positive, got {limits}; raise the lower.")
    return Scale(is_log=is_log, low=limits[0], high=limits[1], note=note)


def why_linear(what: str, values: Float[np.ndarray, " values"]) -> str:
    """The sentence on what, such as "Colours are", cannot be logarithmic, or nothing."""
    negative = int((values < 0).sum())
    if negative:
        fault = "1 value is negative" if negative == 1 else f"{negative:,} values are negative"
    else:
        fault = "every value is zero" if len(values) and not values.any() else ""
    return f"{what} linear, because {fault}." if fault else ""


def position_scale(series: Sequence[Series], *, log: bool) -> Scale:
    """The horizontal axis: all positions, without margins."""
    low = min(float(one.positions[0]) for one in series)
    high = max(float(one.positions[-1]) for one in series)
    note = ""
    if log and low <= 0:
        note = f"The horizontal axis is linear, because a logarithm cannot show position {format_position(low)}."
    return fitted_scale(low, high, is_log=log and not note, note=note)


def value_scale(
    series: Sequence[Series], *, log: bool, limits: tuple[float, float] | None, marks: Iterable[float] = ()
) -> Scale:
    """The vertical axis: fitted to the lines and bands, unless ``limits`` are given.

    On a log axis a training loss that falls to nothing does not stretch the axis: the axis reaches one decade below the
    other series, and the line leaves the picture. An axis that cannot be logarithmic becomes linear and says why.
    """
    drawn = np.concatenate([_finite("median", series), np.array([*marks], dtype=np.float64)])
    note = why_linear("The vertical axis is", drawn) if log else ""
    log = log and not note
    if limits is not None:
        return given_scale("y_limits", limits, is_log=log, note=note)
    low, high = _log_range(series, drawn) if log else _linear_range(series, drawn)
    return Scale(is_log=log, low=low, high=high, note=note)


def _finite(edge: str, series: Sequence[Series]) -> Float[np.ndarray, " values"]:
    """All numbers of the medians, or of an edge of the bands."""
    values = np.concatenate([getattr(one, edge) for one in series])
    return values[np.isfinite(values)]


def _log_range(series: Sequence[Series], drawn: Float[np.ndarray, " values"]) -> tuple[float, float]:
    drawn = drawn[drawn > 0]
    if not len(drawn):
        return 0.1, 10.0
    top = float(drawn.max())
    kept = [one for one in series if one.role is not Role.TRAIN and (_finite("median", [one]) > 0).any()] or series
    values, lows = _finite("median", kept), _finite("low", kept)
    anchor = float(values[values > 0].min(initial=top))
    anchor = float(lows[lows >= anchor / 3].min(initial=anchor))
    floor = max(min(_decade(anchor) / 10, top / 100), SMALLEST)
    low = max(floor, _decade(float(drawn.min())))
    high = _capped(series, top, top * _PEAK_ROOM)
    return low, min(max(high * 1.25, low * 10), _LARGEST)


def _linear_range(series: Sequence[Series], drawn: Float[np.ndarray, " values"]) -> tuple[float, float]:
    if not len(drawn):
        return 0.0, 1.0
    low, high = float(drawn.min()), float(drawn.max())
    extent = (high - low) or abs(high) or 1.0
    highest = _capped(series, high, high + extent)
    lowest = max(float(_finite("low", series).min(initial=low)), low - extent)
    margin = 0.05 * ((highest - lowest) or extent)
    return (0.0 if 0 <= lowest <= 0.3 * highest else lowest - margin), highest + margin


def _capped(series: Sequence[Series], floor: float, cap: float) -> float:
    return min(float(_finite("high", series).max(initial=floor)), cap)


def _decade(value: float) -> float:
    """The largest power of ten up to ``value``."""
    return float(10.0 ** math.floor(math.log10(value) + 1e-9)) if value > SMALLEST * 10 else SMALLEST


def set_ticks(axis: Axis, scale: Scale, *, labels: float) -> None:
    """Ticks of one axis, with about so many ``labels``."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    axis.set_major_formatter(FuncFormatter(tick_text))
    if not scale.is_log:
        axis.set_major_locator(MaxNLocator(nbins=int(np.clip(labels, 2, 7)), steps=[1, 2, 2.5, 5, 10]))
        return
    axis.set_minor_formatter(NullFormatter())
    low, high = math.log10(scale.low), math.log10(scale.high)
    decades = high - low
    if decades > _MOST_DECADES:
        stride = math.ceil(decades / labels / 50) * 50
        steps = range(math.ceil(low / stride), math.floor(high / stride) + 1)
        axis.set_ticks([10.0 ** (stride * step) for step in steps])
    else:
        subs = next(subs for subs in ((1, 2, 5), (1, 3), (1,)) if len(subs) * decades <= labels or subs == (1,))
        axis.set_major_locator(LogLocator(subs=subs, numticks=max(int(labels), 2)))
    if decades <= 8:
        axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=200))
    else:
        axis.minorticks_off()
