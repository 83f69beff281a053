"""Where along an axis something is, over bootstrap resamples of the replicates: columns, and intervals of positions."""

from __future__ import annotations

import itertools
import math

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.curves.intervals import percentile_interval

RESAMPLES = 1000
MOST_POSITIONS = 2000  # up to here the bootstrap sees every position
NEVER = np.iinfo(np.int64).max
"""The column of what happens nowhere."""
_NEIGHBOURS = 100  # on each side of a landmark, always seen
_BLOCKS = 300  # by index, and as many by its logarithm


def crossing_columns(
    conditions: Bool[np.ndarray, "B K"], is_inside: Bool[np.ndarray, "B K"] | None = None
) -> Int[np.ndarray, "B"]:
    """The column from which on a condition is met: the split, inside, that the fewest columns contradict, the first one
    of equals; ``NEVER`` where it is nowhere met.
    """
    inside = np.ones(conditions.shape, dtype=bool) if is_inside is None else is_inside
    met = conditions & inside
    missed_before = np.cumsum(met, axis=1) - met
    missed_beyond = np.cumsum((inside & ~met)[:, ::-1], axis=1)[:, ::-1]
    contradicting = np.where(met, missed_before + missed_beyond, conditions.shape[1] + 1)
    return np.where(met.any(axis=1), np.argmin(contradicting, axis=1), NEVER)


def between_positions(
    places: Float[np.ndarray, "K"], indices: Int[np.ndarray, "B"], level: float, *, is_crossing: bool, is_falling: bool
) -> tuple[float, float]:
    """Percentile interval of resampled columns, from the position before it to the one beyond it.

    A crossing lies before the column where it was seen. Infinite above where too many resamples never crossed, 0 below
    where the positions fall from column to column (``is_falling``).
    """
    low, high = percentile_interval(indices.astype(np.float64), level=level)
    last, never = len(places) - 1, 0.0 if is_falling else math.inf
    start = never if low > last else float(places[max(int(low) - 1, 0)])
    end = never if high > last else float(places[min(int(high) + (not is_crossing), last)])
    return (end, start) if is_falling else (start, end)


def seen_columns(median: Float[np.ndarray, "K"], landmarks: tuple[int, ...]) -> Int[np.ndarray, "L"]:
    """The columns that the bootstrap looks at; all of them, if they are few."""
    K = len(median)
    if K <= MOST_POSITIONS:
        return np.arange(K)
    edges = np.concatenate([np.linspace(0, K, _BLOCKS + 1), np.geomspace(1, K, _BLOCKS)]).astype(np.int64)
    edges = np.unique(edges)
    chosen = [np.arange(max(0, at - _NEIGHBOURS), min(K, at + _NEIGHBOURS + 1)) for at in landmarks]
    for start, end in itertools.pairwise(edges):
        block = median[start:end]
        chosen.append(np.array([start + np.argmin(block), start + np.argmax(block)]))
    return np.unique(np.concatenate(chosen))
