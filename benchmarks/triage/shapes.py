"""What a population curve does until a place: rises, reversals and gains, each with what chance there is left in it.

The curve is smoothed as the rule smooths a validation curve. Two things could still be mistaken for an event: the
iterates' jitter, of which the lowest of many means is the lowest by luck, and the finite number of population samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benign.histories.smoothing import iterate_sd, smoothed, window

Curve = Float[np.ndarray, " points"]

_CORRELATION = 2.0  # neighbouring epochs jitter alike: a mean of w is worth one of w / 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Shape:
    """A curve until a place.

    Attributes:
        levels: without its jitter, each a mean of the half window that ends there: a curve that falls to its end is at
            its lowest there, which a mean would hide that is compared with single points.
        jitter: the standard deviation of a difference of two places by jitter alone.
        window: over how many points the means go.
        base: the variance of a difference by sampling; 0 where the population is exact.
        growth: what a squared difference adds to it.
    """

    levels: Curve
    jitter: float
    window: int
    base: float = 0.0
    growth: float = 0.0

    @property
    def end(self) -> float:
        """The level at the end."""
        return float(self.levels[-1])

    @property
    def lowest(self) -> float:
        """The lowest level so far."""
        return float(self.levels.min())

    def sampling(self, difference: float = 0.0) -> float:
        """The standard error of a difference by the finite population."""
        return math.sqrt(self.base + self.growth * difference**2)

    def luck(self, points: int | None = None) -> float:
        """How low the lowest of so many neighbouring means lies by jitter alone, about."""
        apart = max(1.0, (self.levels.size if points is None else points) / self.window)
        return self.jitter * math.sqrt(math.log(apart))

    def exceeds(self, size: float, low: float, high: float) -> bool | None:
        """Whether an event is there: one of size ``low`` or less is none, one of ``high`` or more is; None between.

        Both limits move apart where the standard error is more than half of what lies between. Jitter can make an event
        seem to be there, so it counts for that side alone.
        """
        sampling = self.sampling(size)
        if size >= max(high, low + 2 * math.hypot(sampling, self.jitter)):
            return True
        return False if size <= min(low, high - 2 * sampling) else None


@dataclass(frozen=True, kw_only=True)
class Reversal:
    """Down, up and down again: the peak whose smaller side is the largest.

    Attributes:
        size: of the smaller side, less what luck made of it.
        difference: by how much the later minimum lies above the earlier one.
        peak: its place.
    """

    size: float
    difference: float
    peak: int


Shapes = tuple[Shape, ...]


def shapes_of(curve: Curve, *, fine: float, base: float = 0.0, growth: float = 0.0) -> Shapes:
    """The shapes of a curve of at least three finite points.

    One as the rule smooths it; and where its jitter is more than ``fine``, one of means over a fifth of it: this sees
    slow events in which the first is certain of nothing.
    """
    width = window(curve.size)
    narrow, wide = _shape_of(curve, width, base, growth), max(width, 2 * (curve.size // 10) + 1)
    return (narrow,) if narrow.jitter <= fine or wide == width else (narrow, _shape_of(curve, wide, base, growth))


def happened(shapes: Shapes, size: Callable[[Shape], float], low: float, high: float) -> bool | None:
    """Whether one of the shapes shows an event of this size; None where none does and not all exclude it."""
    answers = [shape.exceeds(size(shape), low, high) for shape in shapes]
    return True if True in answers else None if None in answers else False


def _shape_of(curve: Curve, width: int, base: float, growth: float) -> Shape:
    half = width // 2
    totals = np.convolve(smoothed(curve, width), np.ones(half))[: curve.size]
    return Shape(
        levels=totals / np.minimum(np.arange(1, curve.size + 1), half),
        jitter=iterate_sd(curve) * math.sqrt(2 * _CORRELATION / width),
        window=width,
        base=base,
        growth=growth,
    )


def rise_of(shape: Shape) -> float:
    """How far the end lies above the lowest so far, less what luck made of the lowest."""
    rivals = int(np.count_nonzero(shape.levels < shape.lowest + 2 * shape.jitter))
    return shape.end - shape.lowest - shape.luck(rivals)


def gain_of(shape: Shape) -> float:
    """How far the end lies below the lowest of the first three quarters, by luck too low; negative where above."""
    return float(shape.levels[: (3 * shape.levels.size) // 4].min()) - shape.end


def reversal_of(shape: Shape) -> Reversal:
    """The largest reversal; of size 0 or less where there is none."""
    levels = shape.levels
    before, after = np.minimum.accumulate(levels), np.minimum.accumulate(levels[::-1])[::-1]
    smaller = levels - np.maximum(before, after)
    peak = int(np.argmax(smaller))
    return Reversal(
        size=float(smaller[peak]) - shape.luck(),
        difference=float(after[peak] - before[peak]),
        peak=peak,
    )


def largest_rise_of(shape: Shape) -> float:
    """The largest rise above the lowest so far, less what luck made of it."""
    return float((shape.levels - np.minimum.accumulate(shape.levels)).max()) - shape.luck()
