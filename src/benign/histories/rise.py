"""Whether a curve has risen, still improves, or does neither; and whether the error rose with the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benign.histories.history import History
from benign.histories.noise import ASSUMED_SAMPLES, Noise, beyond
from benign.histories.smoothing import Curve, level_sd, settled, smoothed, travelled, window
from benign.histories.watched import error_variance, finite, rise_that_matters

StateName = Literal["improving", "plateau", "risen", "diverged", "undecided"]

LEAST_POINTS = 8
_SURE, _POSSIBLE = 0.85, 0.35
_SURE_Z = 1.0364  # normal(_SURE_Z) = _SURE
_ERROR_UP, _ERROR_NOT_UP = 0.9, 0.2


@dataclass(frozen=True, kw_only=True)
class Rise:
    """From the lowest point of the smoothed curve to its end.

    Attributes:
        log: how far, on the scale of the curve: log v for a loss.
        se: its standard error.
        p: the probability that it is more than what matters (2 % of a loss), that luck apart.
        gain: how far the end lies below the lowest of the first three quarters; negative where it lies above.
        gain_se: its standard error.
        lowest: the place of the lowest point.
        end: the level at the end, on that scale.
        luck: by how much the lowest is too low, since it was chosen among all that chance does not tell from it.
        way: how far the smoothed curve travelled from its lowest to its end, up and down.
        gain_way: the same since the lowest of the first three quarters.
    """

    log: float
    se: float
    p: float
    gain: float
    gain_se: float
    lowest: int
    end: float
    luck: float
    way: float
    gain_way: float


@dataclass(frozen=True, kw_only=True)
class State:
    """Where the curve stands.

    Attributes:
        name: which of the five.
        p: the probability of what is said; of a rise where nothing is said; None where there was nothing to compute.
        deciding_samples: of an undecided one, how many validation samples would decide it; None where no number would.
    """

    name: StateName
    p: float | None = None
    deciding_samples: int | None = None


@dataclass(frozen=True, kw_only=True)
class ErrorRise:
    """Whether the validation error rose from its lowest to its end.

    Attributes:
        rise: how far, less the bias of a minimum, which is too low.
        se: its standard error.
        p: the probability that it is more than what matters.
        answer: what follows.
        lowest: the lowest smoothed error.
        end: the error at the end.
        lowest_time: when it was lowest.
        matters: what a rise must exceed.
        validation_samples: what was assumed or said.
    """

    rise: float
    se: float
    p: float
    answer: Literal["up", "not up", "undecided"]
    lowest: float
    end: float
    lowest_time: float
    matters: float
    validation_samples: int


def level_at_end(smooth: Curve, width: int | None = None) -> float:
    """The mean of the last half window: of the window of so many points, unless its width is given."""
    return float(smooth[-((width or window(smooth.size)) // 2) :].mean())


def lowest_of(smooth: Curve) -> int:
    """The place of the lowest, but for the raw points at the end."""
    return int(np.argmin(smooth[settled(smooth.size)]))


def rise_of(smooth: Curve, noise: Noise) -> Rise:
    """The rise of a smoothed curve of at least :data:`LEAST_POINTS` points.

    The lowest of k means that chance does not tell apart lies too low: that is no part of a rise that counts.
    """
    end, lowest = level_at_end(smooth), lowest_of(smooth)
    rise = max(0.0, end - float(smooth[lowest]))
    before = int(np.argmin(smooth[: (3 * smooth.size) // 4]))
    way = travelled(smooth)
    since, gain_way = float(way[-1] - way[lowest]), float(way[-1] - way[before])
    se = noise.se(since)
    rivals = int(np.count_nonzero(smooth < smooth[lowest] + 2 * noise.jitter**0.5))
    luck = noise.luck(rivals)
    gain = float(smooth[before]) - end
    p = beyond(rise - luck - noise.rise_tolerance, se)
    return Rise(
        log=rise, se=se, p=p, gain=gain, gain_se=noise.se(gain_way), lowest=lowest, end=end, luck=luck,
        way=since, gain_way=gain_way,
    )  # fmt: skip


def state_of(rise: Rise, noise: Noise) -> State:
    """Risen, improving or on a plateau, where the noise allows one of them to be said."""
    if rise.p > _SURE:
        return State(name="risen", p=rise.p)
    if rise.log > noise.rise_tolerance and rise.p > _POSSIBLE:
        return State(
            name="undecided",
            p=rise.p,
            deciding_samples=noise.samples_for((rise.log - rise.luck - noise.rise_tolerance) / _SURE_Z, rise.way),
        )
    improved = beyond(rise.gain - noise.gain_tolerance, rise.gain_se)
    if rise.gain > max(noise.gain_tolerance, rise.gain_se):
        return State(name="improving", p=improved)
    if rise.gain < noise.gain_tolerance:
        return State(name="plateau", p=min(1 - rise.p, 1 - improved))
    return State(name="undecided", p=rise.p, deciding_samples=noise.samples_for(rise.gain, rise.gain_way))


def error_rise(history: History) -> ErrorRise | None:
    """Whether the validation error rose; None where it was recorded at fewer than :data:`LEAST_POINTS` times."""
    times, errors = finite(history.times, history.validation_error)
    if errors.size < LEAST_POINTS:
        return None
    smooth = smoothed(errors)
    lowest, end = lowest_of(smooth), level_at_end(smooth)
    samples = history.validation_samples or ASSUMED_SAMPLES
    rise, se = error_difference(float(smooth[lowest]), end, level_sd(errors, smooth), samples)
    matters = rise_that_matters(float(smooth[lowest]))
    p = beyond(rise - matters, se)
    return ErrorRise(
        rise=rise,
        se=se,
        p=p,
        answer="up" if p > _ERROR_UP else "not up" if p < _ERROR_NOT_UP else "undecided",
        lowest=float(smooth[lowest]),
        end=end,
        lowest_time=float(times[lowest]),
        matters=matters,
        validation_samples=samples,
    )


def error_difference(low: float, high: float, sd: float, samples: int) -> tuple[float, float]:
    """How far ``high`` lies above the minimum ``low`` less its bias, half a standard error of sampling; and its SE.

    Args:
        low: a smoothed error.
        high: another of the same curve.
        sd: of one of them by jitter.
        samples: in the validation set.
    """
    sampling = (error_variance(low, high) / samples) ** 0.5
    return high - low - 0.5 * sampling, float(np.hypot(2**0.5 * sd, sampling))
