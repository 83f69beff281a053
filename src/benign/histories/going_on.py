"""A training that went on while its epochs were counted from the start again, as by a second call of Keras's fit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from benign.histories.positions import Positions, in_order

_NEARER = 0.5

Offsets = Float[np.ndarray, " runs"]


def offsets_of(positions: Positions, losses: Float[np.ndarray, " points"]) -> Offsets | None:
    r"""By how much each run's positions are to be moved, if the runs are one training.

    A run goes on from the one before if its first loss $l_j$ is nearer to the last loss $m_{j-1}$ of that one than to
    the first of all, by half: $|l_j - m_{j-1}| < |l_j - l_1| / 2$. New weights begin near $l_1$.

    Args:
        positions: as recorded, of the curve that decides.
        losses: of training, or of validation where there is none.

    Returns:
        One offset for each run, the first 0; None where positions do not begin again, or a run began anew.

    >>> offsets_of(np.array([0.0, 1.0, 2.0, 0.0, 1.0]), np.array([9.0, 5.0, 4.0, 3.9, 3.8]))
    array([0., 3.])
    """
    starts = _starts(positions)
    if not (starts.size and np.all(np.isfinite(positions))) or in_order(positions).kind != "run":
        return None
    firsts, lasts = losses[np.append(0, starts)], losses[np.append(starts, losses.size) - 1]
    if not np.all(np.abs(firsts[1:] - lasts[:-1]) < _NEARER * np.abs(firsts[1:] - firsts[0])):
        return None
    rises = np.diff(positions)
    rises = rises[rises > 0.0]
    step = np.median(rises) if rises.size else 1.0
    lengths = positions[starts - 1] - positions[starts] + step
    return np.append(0.0, np.cumsum(lengths))


def moved(positions: Positions, offsets: Offsets) -> Positions:
    """The positions of a curve with as many runs, counted on; of any other as they are."""
    starts = _starts(positions)
    if starts.size + 1 != offsets.size:
        return positions
    runs = np.zeros(positions.size, dtype=int)
    runs[starts] = 1
    return positions + offsets[np.cumsum(runs)]


def _starts(positions: Positions) -> Int[np.ndarray, " starts"]:
    """Where positions fall back to their first."""
    return np.flatnonzero((positions[1:] < positions[:-1]) & (positions[1:] <= positions[:1])) + 1
