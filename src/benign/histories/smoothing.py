"""A recorded curve without its jitter, and how large the jitter is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Curve = Float[np.ndarray, " points"]

_TO_SD = 1.4826  # from the median absolute deviation, of a normal distribution
_CORRELATION = 1.3  # neighbouring medians are alike: a mean of w of them is worth one of w / 1.3 values
_MOST_ALIKE = 2.0  # by the square root of w: jitter whose neighbours correlate by .45
_SHORT = 8  # points at which the variance is taken twice: so little is known of it
_LATER = 4  # the first quarter is left out: there the trend bends
_REPEATED = 1 / 3  # share of steps of exactly nothing, beyond which a curve was rounded or stands still
_COARSE = 0.005  # a rounding step below this share of the values blurs nothing that is asked
_ENOUGH_TO_TELL_SMOOTHING = 200


def window(points: int) -> int:
    """Over how many points the mean goes: odd, a twentieth of the points within 3 to 15, and at least a hundredth.

    The hundredth is what very long logs need: of ten thousand means one lies four standard errors low by chance.

    >>> window(8), window(100), window(1000), window(10**6)
    (3, 5, 15, 10001)
    """
    return max(3, min(15, 2 * (points // 40) + 1), 2 * (points // 200) + 1)


def settled(points: int, width: int | None = None) -> slice:
    """Which places of a smoothed curve count: at its end fewer values jitter more, and the lowest would be a raw one.

    At the start they count: a curve may rise from its first point on.

    >>> settled(40), settled(80), settled(2)
    (slice(0, 39, None), slice(0, 78, None), slice(0, 2, None))
    """
    half = (width or window(points)) // 2
    return slice(0, points - half if points > 2 * half else points)


def smoothed(values: Curve, width: int | None = None) -> Curve:
    r"""The median of three, then a symmetric mean that shrinks at the ends: the first and last point stay as they are.

    Fewer than three points stay as they are.

    Args:
        values: finite.
        width: of the mean, odd and at most the number of points; :func:`window` of that number unless given.

    >>> smoothed(np.array([1.0, 1.0, 9.0, 1.0, 1.0, 4.0, 4.0]))
    array([1., 1., 1., 1., 2., 3., 4.])
    """
    points = values.size
    medians = values.astype(float)
    if points < 3:
        return medians
    low, middle, high = values[:-2], values[1:-1], values[2:]
    medians[1:-1] = np.maximum(np.minimum(low, middle), np.minimum(np.maximum(low, middle), high))
    half = (width or window(points)) // 2
    counts = np.arange(1, 2 * half, 2)
    out = np.empty(points)
    out[:half] = np.cumsum(medians[: 2 * half])[::2] / counts
    out[points - half :] = (np.cumsum(medians[: points - 2 * half - 1 : -1])[::2] / counts)[::-1]
    out[half : points - half] = _window_sums(medians, 2 * half + 1) / (2 * half + 1)
    return out


def travelled(smooth: Curve) -> Curve:
    """How far a curve went until each point, up and down.

    >>> travelled(np.array([1.0, 0.0, 0.5]))
    array([0. , 1. , 1.5])
    """
    return np.concatenate([[0.0], np.cumsum(np.abs(np.diff(smooth)))])


def iterate_sd(values: Curve) -> float:
    r"""The standard deviation of independent jitter, whatever smooth curve lies below it.

    $1.4826\,\mathrm{median}|d - \mathrm{median}\,d| / \sqrt 6$ with d the second differences of the last
    three quarters.

    >>> iterate_sd(np.arange(20.0) ** 2)
    0.0
    """
    return _spread(values[values.size // _LATER :], 1) / 6**0.5


def level_sd(values: Curve, smooth: Curve) -> float:
    r"""The standard deviation $\sigma$ by jitter of a mean over a whole window w.

    With s of :func:`iterate_sd`, $s \sqrt{1.3 / w}$: 1.1 times the truth for independent jitter. Jitter that neighbours
    share hides from s (where they correlate by .6 this is .45 of the truth); then second differences of the smoothed
    curve over whole windows show more of it, by the formula of :func:`iterate_sd`, and count, up to $2 s / \sqrt w$:
    what lies beyond that is no jitter but the curve, which bends. Of T points the variance is taken 1 + 8 / T times.

    Args:
        values: as recorded.
        smooth: the same, smoothed with their window.

    >>> level_sd(np.arange(40.0), np.arange(40.0))
    0.0
    """
    width = window(values.size)
    means = smooth[smooth.size // _LATER : settled(values.size).stop]
    apart = _spread(means, width) / 6**0.5
    single = iterate_sd(values) / width**0.5
    known = (1 + _SHORT / values.size) ** 0.5
    return known * min(max(apart, _CORRELATION**0.5 * single), _MOST_ALIKE * single)


@dataclass(frozen=True, kw_only=True)
class Blur:
    """What was done to the values before they were recorded, which hides how large their jitter is.

    Attributes:
        kind: "rounded", "smoothed", or empty where nothing shows.
        step: what was rounded to, in the unit of the values; 0 where nothing was.
    """

    kind: str = ""
    step: float = 0.0


def blur(values: Curve) -> Blur:
    r"""Whether the recorded values were rounded coarsely or smoothed.

    Rounded: more than a third of the steps are exactly nothing, and all values are multiples of a step that is more
    than half a percent of them. Smoothed: with $D_h = x_{t+h} - 2 x_t + x_{t-h}$, independent jitter has
    $\mathrm{var}\,D_h$ the same for every h, a smooth curve grows it by 16 from h to 2h, and an exponential mean of
    jitter nearly doubles it from 1 to 2 and from 2 to 4; told from 200 points on. Of 400 points whose neighbours
    correlate by a third none is taken for smoothed, of a mean with decay .9 nine in ten are.

    >>> blur(np.array([0.5, 0.5, 0.4, 0.4, 0.4, 0.5, 0.5, 0.6])).kind
    'rounded'
    """
    step = _rounding_step(values)
    if step > _COARSE * float(np.median(np.abs(values))):
        return Blur(kind="rounded", step=step)
    if values.size < _ENOUGH_TO_TELL_SMOOTHING or step:
        return Blur()
    later = values[values.size // _LATER :]
    one, two, four = (_spread(later, lag) ** 2 for lag in (1, 2, 4))
    if 1.3 * one < two and 2.8 * one < four < 4 * two:
        return Blur(kind="smoothed")
    return Blur()


def _window_sums(values: Curve, width: int) -> Float[np.ndarray, " kept"]:
    """The sums of ``width`` neighbours, by doubling: a running total would lose all digits at a spike."""
    kept = values.size - width + 1
    total, start, power = np.zeros(kept), 0, values
    length = 1
    while True:
        if width & length:
            total += power[start : start + kept]
            start += length
        if 2 * length > width:
            return total
        power = power[:-length] + power[length:]
        length *= 2


def _rounding_step(values: Curve) -> float:
    """The grid that all values lie on, where they repeat as rounded ones do; 0 where they do not."""
    if values.size < 3 or np.mean(np.diff(values) == 0) <= _REPEATED:
        return 0.0
    levels = np.unique(values)
    if levels.size < 2:
        return 0.0
    step = float(np.diff(levels).min())
    multiples = levels / step
    return step if np.all(np.abs(multiples - np.round(multiples)) < 1e-3) else 0.0


def _spread(values: Curve, lag: int) -> float:
    """The standard deviation of second differences of this lag, by their median absolute deviation."""
    if values.size < 2 * lag + 1:
        return 0.0
    differences = values[2 * lag :] - 2 * values[lag:-lag] + values[: -2 * lag]
    return _TO_SD * float(np.median(np.abs(differences - np.median(differences))))
