"""How far two points of a recorded curve may differ by chance.

Two things move a validation curve that stand still in the population: the iterates jitter from epoch to epoch, which a
mean over neighbours averages out, and the validation set is finite, which is mostly common to all epochs: what it adds
to the difference of two log losses grows with the way that the curve went between them. Measured on real trainings, as
the difference between validation and thousands of further samples, the variance times n is .6 to 1.4 of that way
between two places, for cross-entropy and squared loss, networks, linear models and boosting; 1.3 to 2.7 of it between
the lowest place and the end, as the lowest is chosen, and up to 4 in single linear models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ASSUMED_SAMPLES = 1000
"""How many validation samples are assumed where nobody says."""

_JITTERS = 3.0  # 1 for a mean over a whole window, 2 for the end, a mean of fewer
_JITTERS_OF_MEANS = 2.0
LOSS_GROWTH = 2.0  # of the variance of a difference of two log losses, times n, by how far the curve travelled
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
    r"""The standard error of a rise or fall between two points of a smoothed curve.

    $$SE^2 = 3 \sigma^2 + q^2 / 6 + (a + b \ell) / n$$

    with $\ell$ the way that the smoothed curve went between both points, up and down. Where the
    same samples were measured at both points, their paired differences give the last term.

    Attributes:
        iterate_sd: of a single point by jitter, in the unit of the curve that is watched.
        window: w, over how many points the means of the smoothed curve go.
        level_sd: $\sigma$, of such a mean by jitter.
        base: a, 0 for a loss.
        growth: b, 0 for an error.
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
    level_sd: float
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
        return _JITTERS * self.level_sd**2 + self.step**2 / 6

    def luck(self, points: int) -> float:
        r"""How low the lowest of so many neighbouring points of the smoothed curve lies by jitter alone.

        $\sigma (\sqrt{2 \log k} - .6)$ with k = points / w means that share no value: within .03 $\sigma$ the expected
        extreme of k = 2 to 30 normal ones, within .1 that of 500.

        >>> noise = {"iterate_sd": 0.01, "base": 0, "growth": 0, "validation_samples": 1000, "samples_told": True}
        >>> one = Noise(**noise, window=4, level_sd=0.01)
        >>> one.luck(4), round(one.luck(40), 4)
        (0.0, 0.0155)
        """
        count = max(1.0, points / self.window)
        return self.level_sd * max(0.0, math.sqrt(2 * math.log(count)) - 0.6)

    def se(self, way: float) -> float:
        """The standard error of a rise or fall between two points, the way between which is so long.

        >>> noise = {"iterate_sd": 0, "window": 3, "level_sd": 0, "base": 0, "growth": 2, "samples_told": True}
        >>> round(Noise(**noise, validation_samples=2000).se(0.1), 6)
        0.01
        """
        if self.paired_se is not None:
            return math.hypot(math.sqrt(self.jitter), self.paired_se)
        return math.sqrt(self.jitter + (self.base + self.growth * way) / self.validation_samples)

    def sampling(self, way: float) -> float:
        """The part of it that is the validation set's: by how much further samples would differ at the same weights."""
        if self.paired_se is not None:
            return self.paired_se
        return math.sqrt((self.base + self.growth * way) / self.validation_samples)

    def se_of_means(self, way: float) -> float:
        """The same of two means over whole windows, none of which is the end."""
        fewer = (_JITTERS - _JITTERS_OF_MEANS) * self.level_sd**2
        return math.sqrt(max(0.0, self.se(way) ** 2 - fewer))

    def samples_for(self, error: float, way: float) -> int | None:
        """How many validation samples would make the standard error of such a rise or fall as small as this.

        None where the jitter alone is too large for any number.
        """
        variance, of_one = error**2 - self.jitter, self.base + self.growth * way
        if not variance > 0 or of_one > 1e12 * variance:
            return None
        return max(1, math.ceil(of_one / variance))
