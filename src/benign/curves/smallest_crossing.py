"""The smallest size, or the shortest time, that is fitted: the crossing of the tolerance, read from above."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from benign.curves.threshold_search import LEVEL, ThresholdEstimate, find_threshold

Draws = Float[np.ndarray, " _R"]


def find_smallest(
    risks: Mapping[int, Draws] | Mapping[float, Draws], tolerance: float, *, level: float = LEVEL
) -> ThresholdEstimate:
    """The smallest position whose mean risk is at most the tolerance, with its interval.

    Fitting gets harder as the position falls, so this is :func:`benign.curves.threshold_search.find_threshold` along
    1 / position. ``ALL_FITTED`` says that all are fitted: the threshold is the smallest position, or below it;
    ``NONE_FITTED``, with an infinite value, that none is. Infinity above means unbounded, 0 below likewise.

    Args:
        risks: the draws at each position.
        tolerance: what counts as fitted.
        level: of the interval.
    """
    falling = sorted(risks.items(), reverse=True)
    positions = np.array([position for position, _ in falling], dtype=np.float64)
    found = find_threshold(1.0 / positions, [draws for _, draws in falling], tolerance, level=level)
    return ThresholdEstimate(
        value=_inverse(found.value),
        interval=(_inverse(found.interval[1]), _inverse(found.interval[0])),
        first_crossing=_inverse(found.first_crossing),
        outcome=found.outcome,
    )


def _inverse(number: float) -> float:
    return float(np.divide(1.0, number)) if number else np.inf
