"""How far two points of a recorded curve may differ by chance.

Two things move a validation curve that stand still in the population: the iterates jitter from epoch to epoch, which a
mean over neighbours averages out, and the validation set is finite, which is mostly common to all epochs. The shares
were measured on real trainings (networks, linear models, boosting) with two independent validation sets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ASSUMED_SAMPLES = 1000
"""How many validation samples are assumed where nobody says."""

_CORRELATION = 2.0  # neighbouring epochs jitter alike: a mean of w is worth one of w / 2
LOSS_VARIANCE = 0.2  # of the difference of two log losses, times n
LOSS_GROWTH = 2.0  # and what a squared rise adds to it
ERROR_SHARE = 0.35  # of the variance of two independent errors that two epochs of one validation set keep


def normal(z: float) -> float:
    r"""The standard normal distribution function $\Phi(z)$.

    >>> normal(0.0), round(normal(1.96), 3)
    (0.5, 0.975)
    """
    return 0.5 * math.erfc(-z / math.sqrt(2))


def beyond(excess: float, error: float) -> float:
    """The probability that something is positive whose estimate is ``excess`` with this standard error.

    >>> beyond(1.0, 0.0), beyond(0.0, 0.0), beyond(-1.0, 0.0)
    (1.0, 0.5, 0.0)
    """
    if error > 0:
        return normal(excess / error)
    return 0.5 if excess == 0 else float(excess > 0)


@dataclass(frozen=True, kw_only=True)
class Noise:
    r"""The standard error of a rise r between two points of a smoothed curve.

    $$SE(r)^2 = 2 s^2 \tau / w + q^2 / 6 + (a + b r^2) / n$$

    with $\tau = 2$. Where the same samples were measured at both points, their paired differences give the last term.

    Attributes:
        iterate_sd: s, in the unit of the curve that is watched.
        window: w.
        base: a.
        growth: b.
        validation_samples: n, assumed to be 1000 where nobody said it.
        samples_told: whether somebody said it.
        refused: "rounded" or "smoothed" where s says nothing about the jitter; empty where it does.
        step: q, what the curve was rounded to.
        paired_se: of the rise, from paired differences; None where there are none.
        rise_tolerance: below this a rise is none that matters.
        gain_tolerance: below this a fall is none.
    """

    iterate_sd: float
    window: int
    base: float
    growth: float
    validation_samples: int
    samples_told: bool
    refused: str = ""
    step: float = 0.0
    paired_se: float | None = None
    rise_tolerance: float = 0.02
    gain_tolerance: float = 0.01

    @property
    def jitter(self) -> float:
        """The part of the variance that no further validation sample lowers."""
        return 2 * self.iterate_sd**2 * _CORRELATION / self.window + self.step**2 / 6

    @property
    def se_zero(self) -> float:
        """SE(0): of two points between which nothing rose."""
        return math.sqrt(self.jitter + self.base / self.validation_samples)

    def luck(self, points: int) -> float:
        r"""How low the lowest of so many neighbouring points of the smoothed curve lies by jitter alone.

        $\sigma \sqrt{2 \log k}$ with $\sigma^2$ half of the jitter's variance of a difference and k = points / w means
        that share no value: an upper bound of the expected extreme of k normal ones.

        >>> one = Noise(iterate_sd=0.01, window=4, base=0, growth=0, validation_samples=1000, samples_told=True)
        >>> one.luck(4), round(one.luck(40) / one.luck(400), 6)
        (0.0, 0.707107)
        """
        return math.sqrt(self.jitter * max(0.0, math.log(max(points, 1) / self.window)))

    def se(self, rise: float) -> float:
        """The standard error of this rise.

        >>> still = Noise(iterate_sd=0, window=3, base=0.2, growth=2, validation_samples=2000, samples_told=True)
        >>> round(still.se(0.0), 6)
        0.01
        """
        if self.paired_se is not None:
            return math.hypot(math.sqrt(self.jitter), self.paired_se)
        return math.sqrt(self.jitter + (self.base + self.growth * rise**2) / self.validation_samples)

    def samples_for(self, rise: float, z: float) -> int | None:
        """How many validation samples would put this rise ``z`` standard errors from what matters.

        None where the jitter alone is too large for any number.
        """
        variance = (abs(rise - self.rise_tolerance) / z) ** 2 - self.jitter
        if not variance > 0 or self.base + self.growth * rise**2 > 1e12 * variance:
            return None
        return max(1, math.ceil((self.base + self.growth * rise**2) / variance))
