"""Where to measure once thresholds are known: log-spaced overall, densely where the peak will be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int

from benign.curves.fitting_threshold import ThresholdOutcome
from benign.experiments.size_search import SizeThreshold

BELOW = 10.0
BEYOND = 5.0
"""The sizes reach from a tenth of the first threshold to five times beyond the last one."""
_AROUND = (1.0, 1.01, 0.99, 1.025, 0.975, 1.05, 0.95, 1.09, 0.91)
_MARGIN = 1.15  # the dense zone reaches so far below the threshold
_ZONE_STEP = 1.06
_OVERALL_STEP = 1.35
_FINEST = 1.008  # for a few n; the one size axis of many would be longer than any of them needs
_FINEST_OF_MANY = 1.03
_MANY = 4


def place_sizes(thresholds: Sequence[SizeThreshold], *, available: float) -> Int[np.ndarray, " size"]:
    """One grid of sizes for all thresholds: the sizes that found them, and others between and about these.

    Args:
        thresholds: one for each n, or more.
        available: the largest size that exists.
    """
    low, high = _ends(thresholds, available)
    finest = _FINEST if len({found.samples for found in thresholds}) < _MANY else _FINEST_OF_MANY
    chosen: set[int] = set()

    def add(candidates: Iterable[float], *, apart: float) -> None:
        """Each, rounded, unless it is outside or a size is there already within this ratio."""
        for size in map(round, candidates):
            if low <= size <= high and all(max(size, other) >= apart * min(size, other) for other in chosen):
                chosen.add(size)

    add((low, high), apart=1.0)
    centres = [found.vanishing or found.size for found in thresholds if math.isfinite(found.size)]
    add((size for found in thresholds for size in found.tried), apart=finest)
    add(centres, apart=finest)
    add((centre * factor for factor in _AROUND for centre in centres), apart=finest)
    for found in thresholds:
        if found.outcome is ThresholdOutcome.FOUND:
            first, last = found.size / _MARGIN, (found.vanishing or found.size) * _MARGIN
            add(_spaced(first, last, _ZONE_STEP), apart=math.sqrt(_ZONE_STEP))
    add(_spaced(low, high, _OVERALL_STEP), apart=math.sqrt(_OVERALL_STEP))
    return np.array(sorted(chosen), dtype=np.int64)


def _ends(thresholds: Sequence[SizeThreshold], available: float) -> tuple[int, int]:
    """The smallest and the largest size."""
    firsts, lasts = [], []
    for found in thresholds:
        is_found = found.outcome is ThresholdOutcome.FOUND
        firsts.append(found.size / BELOW if is_found else float(found.tried[0]))
        lasts.append(BEYOND * (found.vanishing or found.size) if is_found else float(found.tried[-1]))
    least = max(found.least for found in thresholds)
    # Some models of size 1 do not exist (a tree of one leaf), and where 2 is far below the threshold nobody needs it.
    if min(firsts) < 2.0 and min(found.size for found in thresholds) > 4.0:
        least = max(least, 2)
    low = int(min(max(math.floor(min(firsts)), least), available))
    return low, max(low, math.ceil(min(max(lasts), available)))


def _spaced(first: float, last: float, step: float) -> list[float]:
    """From first to last with about this ratio between neighbours."""
    count = max(2, round(math.log(last / first) / math.log(step)) + 1) if last > first else 1
    return np.geomspace(first, last, count).tolist()
