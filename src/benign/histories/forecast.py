"""The odds of a new best within k times the time, from the slope in log time.

Fitted on the development half of the bank of real trainings (benchmarks/triage): a logistic curve of one number, whose
form was chosen by leaving families out. For five times the time the fit is of networks and boosting alone, as half of
the runs that are long enough are linear models built to fall twice; for ten times there are 37 cuts in all. How often
the odds are right is measured on the other half: *How far to trust it* in the documentation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benign.histories.smoothing import Curve

_FITTED = {2: (-0.53, 2.58, 0.01), 5: (-0.13, 1.58, 0.02), 10: (1.14, 1.71, 0.05)}
_ANSWERED = 0.85
_MOST_SCORE = 4.0
_LEVEL = 0.03  # a slope in log time below which a curve neither rises nor falls
_SMALL_RISE = 0.35
Trend = Literal["rising", "level", "falling"]

# Moments of the networks and boosted trees of the bank, both halves, whose loss had really risen and whose learning
# rate had not been raised since the best: at how many a new best came within 2 and 5 times the time, and of how many.
_COUNTED: dict[tuple[Trend, bool], dict[int, tuple[int, int]]] = {
    ("rising", True): {2: (0, 1645), 5: (1, 241)},
    ("rising", False): {2: (1, 1804), 5: (2, 158)},
    ("level", True): {2: (0, 110), 5: (0, 15)},
    ("level", False): {2: (0, 48), 5: (0, 9)},
    ("falling", True): {2: (72, 189), 5: (29, 46)},
    ("falling", False): {2: (78, 330), 5: (102, 134)},
}


@dataclass(frozen=True, kw_only=True)
class Comparable:
    """Moments of other runs that had risen like this one; several moments may be of one run.

    Attributes:
        came: at how many a new best came.
        of: how many there were.
    """

    came: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Odds:
    """Of a new best within k times the time.

    Attributes:
        probability: of one.
        answer: whether one comes; None where neither is sure enough (.85).
        comparable: how it went with others; None where this one has not risen, or none were followed so long.
    """

    probability: float
    answer: bool | None
    comparable: Comparable | None


def slope(times: Curve, smooth: Curve) -> float:
    """The least-squares slope on log time, over the last quarter of the points (at least three).

    >>> round(slope(np.arange(1.0, 41.0), 2 - 0.5 * np.log(np.arange(1.0, 41.0))), 6)
    -0.5
    """
    last = max(3, smooth.size // 4)
    log_time, values = np.log(times[-last:]), smooth[-last:]
    log_time = log_time - log_time.mean()
    spread = float(log_time @ log_time)
    return float(log_time @ (values - values.mean())) / spread if spread > 0 else 0.0


def trend(sigma: float) -> Trend:
    """What the slope in log time is called.

    >>> trend(0.2), trend(0.0), trend(-0.2)
    ('rising', 'level', 'falling')
    """
    return "rising" if sigma > _LEVEL else "falling" if sigma < -_LEVEL else "level"


def forecast(rise: float, sigma: float, se: float, *, risen: bool) -> dict[int, Odds]:
    r"""The odds for 2, 5 and 10 times the time.

    $$z_k = -\frac{.01 + r + \sigma \log k}{.008 + |\sigma| \log k / 2 + 3\,SE + .3\,r}$$

    clipped to 4; $P = 1 / (1 + e^{-A - B z})$ with A and B fitted for each k. What comes within twice the time comes
    within five times: none is less than one of a smaller k, as the fits may have it for the surest.

    Args:
        rise: of the log loss since its lowest.
        sigma: its slope in log time.
        se: the standard error of the rise.
        risen: whether the rise is real.
    """
    counted = _COUNTED[trend(sigma), rise <= math.log(1 + _SMALL_RISE)] if risen else {}
    odds: dict[int, Odds] = {}
    probability = 0.0
    for k in _FITTED:
        probability = max(probability, _probability(k, rise, sigma, se))
        odds[k] = _odds(probability, counted.get(k))
    return odds


def spread(rise: float, sigma: float, se: float, k: float) -> float:
    """The scale of what may become of the slope until k times the time: the denominator of z."""
    return 0.008 + 0.5 * abs(sigma) * math.log(k) + 3 * se + 0.3 * rise


def _probability(k: int, rise: float, sigma: float, se: float) -> float:
    constant, weight, least = _FITTED[k]
    score = -(0.01 + rise + sigma * math.log(k)) / spread(rise, sigma, se, k)
    score = min(max(score, -_MOST_SCORE), _MOST_SCORE)
    return min(max(1 / (1 + math.exp(-constant - weight * score)), least), 1 - least)


def _odds(probability: float, counted: tuple[int, int] | None) -> Odds:
    return Odds(
        probability=probability,
        answer=True if probability > _ANSWERED else False if probability < 1 - _ANSWERED else None,
        comparable=Comparable(came=counted[0], of=counted[1]) if counted else None,
    )
