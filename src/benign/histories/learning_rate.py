"""Whether a learning rate was raised again after it had fallen: a loss that rises with it falls with it as well."""

from __future__ import annotations

import numpy as np

from benign.histories.smoothing import Curve

RAISED = 1.5
"""Times what it was before: from there on a learning rate counts as raised."""

_FELL, _DOUBLED = 0.5, 2.0  # below half of its highest, then twice as high again


def is_restarted(rate: Curve | None) -> bool:
    """Whether the learning rate was raised again, at any time, after it had fallen by half.

    >>> is_restarted(np.array([0.0, 1.0, 0.5, 0.1])), is_restarted(np.array([1.0, 0.5, 0.1, 1.0]))
    (False, True)
    """
    if rate is None:
        return False
    known = rate[np.isfinite(rate)]
    fallen = np.flatnonzero(known < _FELL * np.maximum.accumulate(known)) if known.size else known
    if not fallen.size:
        return False
    since = known[int(fallen[0]) :]
    return bool(np.any(since > _DOUBLED * np.minimum.accumulate(since)))


def is_restarted_between(rate: Curve | None, first: int, last: int) -> bool:
    """Whether the learning rate had fallen until the first of two places and was raised from there to the last one.

    A warm-up, which rises from the start, is no restart.

    >>> cycle = np.array([1.0, 0.5, 0.1, 1.0, 0.5])
    >>> is_restarted_between(cycle, 2, 3), is_restarted_between(cycle, 0, 2), is_restarted_between(cycle[2:], 0, 1)
    (True, False, False)
    """
    if rate is None:
        return False
    before, between = (part[np.isfinite(part)] for part in (rate[: first + 1], rate[first : last + 1]))
    if not before.size or not between.size:
        return False
    low = RAISED * float(min(before[-1], between.min()))
    return bool(before.max() > low and between.max() >= low)
