"""A second descent: down, up and down again, each by more than chance, and what explains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from benign.histories.learning_rate import is_restarted_between
from benign.histories.noise import Noise, beyond
from benign.histories.rise import level_at_end
from benign.histories.smoothing import Curve, level_sd, settled, smoothed, travelled

_SIGNIFICANT = 0.98
_TO_BEST = 0.01  # of the log loss: closer than this is "to" its old best
TRAIN_RISE = 0.15  # of its range
_DROP = 0.5  # of the learning rate
_BEFORE_PEAK = 3  # evaluations
_ROUNDING = 1e-12
_CERTAIN_RISE = 6.0  # standard errors: the largest of up to 10^6 rises by chance

Explanation = Literal["", "restart", "learning-rate", "train-rise"]


@dataclass(frozen=True, kw_only=True)
class SecondDescent:
    """The largest of them.

    Attributes:
        valley: the place of the old best, in the curve that is watched.
        peak: the place of the peak.
        minimum: the place of the later minimum.
        rise: from valley to peak, on the scale of the curve.
        fall: from the peak to the later minimum.
        p: the probability that the smaller of both is none of chance.
        against_best: where the later minimum lies, against the old best.
        difference: by how much it lies above it.
        explained_by: "restart" (the learning rate was raised again and fell), "learning-rate" (it fell),
            "train-rise", or empty where none of them was seen.
        rate_checked: whether the learning rate was recorded there.
        train_checked: whether the training loss was recorded there.
        averaged_share: the share of the second fall that averaged weights show too; None where they were not recorded.
    """

    valley: int
    peak: int
    minimum: int
    rise: float
    fall: float
    p: float
    against_best: Literal["below", "to", "above"]
    difference: float
    explained_by: Explanation = ""
    rate_checked: bool = False
    train_checked: bool = False
    averaged_share: float | None = None


@dataclass(frozen=True, kw_only=True)
class LossRise:
    """The largest rise of a smoothed curve above its lowest so far.

    Attributes:
        share: of the range of the curve.
        now: how far its end lies above its lowest, as a share of the range.
        ratio: its end by its first value; NaN where that is not positive.
        low: the place from which it rose.
        high: the place to which it rose.
        real: whether it is more than the jitter could do.
    """

    share: float
    now: float
    ratio: float
    low: int
    high: int
    real: bool


def second_descent(
    smooth: Curve, noise: Noise, *, rate: Curve | None = None, train: Curve | None = None, averaged: Curve | None = None
) -> SecondDescent | None:
    r"""The peak whose smaller side is the largest, if that is more than chance.

    For each place p, $S_p = x_p - \max(\min_{i<p} x_i, \min_{j>p} x_j)$; the largest S, less what the extreme of so
    many points is by chance, must exceed what matters (2 %), and $\Phi(S / SE) \ge .98$. Below its old best is what
    lies lower by more than a standard error of the validation set: of these weights, whose jitter is no error.

    Args:
        smooth: the smoothed curve on its scale; its raw end counts for nothing.
        noise: of that curve.
        rate: the learning rate at the same times; NaN where unknown.
        train: the training loss there.
        averaged: the same curve of averaged weights, on the same scale; NaN where unknown.

    >>> known = {"iterate_sd": 0.01, "window": 5, "level_sd": 0.006, "base": 0, "growth": 2, "samples_told": True}
    >>> noise = Noise(**known, validation_samples=1000)
    >>> second_descent(np.array([1.0, 0.5, 0.0, 0.5, 1.0, 0.5, -0.2, -0.2]), noise).against_best
    'below'
    """
    certain = smooth[settled(smooth.size)]
    if certain.size < 3:
        return None
    before = np.minimum.accumulate(certain)
    after = np.minimum.accumulate(certain[::-1])[::-1]
    smaller = certain - np.maximum(before, after)
    peak = int(np.argmax(smaller))
    size = float(smaller[peak])
    beyond_luck = size - noise.luck(smooth.size)
    if beyond_luck <= noise.rise_tolerance:
        return None
    valley = int(np.argmin(certain[:peak]))
    minimum = peak + int(np.argmin(certain[peak:]))
    way = travelled(smooth)
    start, end = (valley, peak) if smooth[valley] > smooth[minimum] else (peak, minimum)  # the smaller side
    p = beyond(beyond_luck, noise.se_of_means(float(way[end] - way[start])))
    if p < _SIGNIFICANT:
        return None
    difference = float(smooth[minimum] - smooth[valley])
    margin = max(_TO_BEST, noise.sampling(abs(difference)))
    return SecondDescent(
        valley=valley,
        peak=peak,
        minimum=minimum,
        rise=float(smooth[peak] - smooth[valley]),
        fall=float(smooth[peak] - smooth[minimum]),
        p=p,
        against_best="below" if difference < -margin else "above" if difference > margin else "to",
        difference=difference,
        explained_by=_explanation(rate, train, valley, peak, minimum),
        rate_checked=rate is not None and bool(np.isfinite(_around(rate, peak, minimum)).sum() > 1),
        train_checked=train is not None and bool(np.isfinite(train[valley : minimum + 1]).sum() > 1),
        averaged_share=_averaged_share(averaged, peak, minimum, float(smooth[peak] - smooth[minimum])),
    )


def largest_rise(values: Float[np.ndarray, " recorded"]) -> LossRise | None:
    """The largest rise of a recorded loss, such as that of training; None where fewer than three points are finite."""
    values = values[np.isfinite(values)]
    if values.size < 3:
        return None
    smooth = smoothed(values)
    span = float(np.ptp(smooth))
    rounding = _ROUNDING * float(np.abs(smooth).max())  # what the mean of equal values differs from them
    if not span > rounding or not np.isfinite(span):
        return LossRise(share=0.0, now=0.0, ratio=1.0, low=0, high=0, real=False)
    risen = smooth - np.minimum.accumulate(smooth)
    high = int(np.argmax(risen))
    end = level_at_end(smooth)
    error = 2**0.5 * level_sd(values, smooth)
    return LossRise(
        share=float(risen[high]) / span,
        now=(end - float(smooth.min())) / span,
        ratio=end / float(smooth[0]) if smooth[0] > 0 else float("nan"),
        low=int(np.argmin(smooth[: high + 1])),
        high=high,
        real=float(risen[high]) > _CERTAIN_RISE * error,
    )


def _around(curve: Curve, peak: int, minimum: int) -> Float[np.ndarray, " part"]:
    return curve[max(0, peak - _BEFORE_PEAK) : peak + (minimum - peak) // 2 + 1]


def _explanation(rate: Curve | None, train: Curve | None, valley: int, peak: int, minimum: int) -> Explanation:
    if is_restarted_between(rate, valley, peak):
        return "restart"
    if train is not None and _rose_meanwhile(train, valley, minimum):
        return "train-rise"
    if rate is not None:
        rates = _around(rate, peak, minimum)
        rates = rates[np.isfinite(rates)]
        if rates.size > 1 and np.any(rates < _DROP * np.maximum.accumulate(rates)):
            return "learning-rate"
    return ""


def _rose_meanwhile(train: Curve, valley: int, minimum: int) -> bool:
    """Whether the training loss rose by more than 15 % of its whole range between valley and later minimum."""
    recorded = np.isfinite(train)
    whole = largest_rise(train)
    first, last = int(recorded[:valley].sum()), int(recorded[: minimum + 1].sum())
    if whole is None or not whole.real or last - first < 3:
        return False
    smooth = smoothed(train[recorded])
    part = smooth[first:last]
    return float((part - np.minimum.accumulate(part)).max()) > TRAIN_RISE * float(np.ptp(smooth))


def _averaged_share(averaged: Curve | None, peak: int, minimum: int, fall: float) -> float | None:
    """How much of the fall the curve of averaged weights shows: its own largest fall between peak and minimum."""
    if averaged is None:
        return None
    part = averaged[peak : minimum + 1]
    part = part[np.isfinite(part)]
    if part.size < 2:
        return None
    return float((np.maximum.accumulate(part) - part).max()) / fall
