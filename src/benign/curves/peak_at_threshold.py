r"""A peak where training risk says that one must be: nothing is searched, so four replicates can decide.

The place is where the fit becomes exact, read from training risk alone (:func:`benign.curves.peak_place.peak_place`),
with one more column beyond it. In each replicate the mean risk of these columns is compared with the mean risk of a
fixed block on either side, N/4 .. N/2 and 2 N .. 4 N. Where a curve has no peak, its mean over the place is at most its
mean over one of the two blocks, whatever the shape; so the larger of two one-sided p-values is one (an
intersection-union test). Tested is the mean of the log ratio by Student's t against a factor, not against one, and
three replicates of four must exceed it too: a column whose noise is skewed or wide would otherwise look like a peak.
Measured in ``benchmarks/statistics.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from benign.curves.mean_tests import is_most, student_p_values
from benign.curves.peak_place import peak_place

FACTOR = 1.25
_MOST = 0.75  # of the replicates must exceed the factor on both sides
_NEAREST = 4  # columns of a block, where fewer lie within its bounds


@dataclass(frozen=True, kw_only=True)
class PeakAtThreshold:
    """What became of the test at the place.

    Attributes:
        p_value: of "the risk is not higher there by :data:`FACTOR` than on both sides".
        rise: the mean log ratio of the risk there to the block before.
        fall: to the block beyond.
        place: positions of the place's first and last column.
    """

    p_value: float
    rise: float
    fall: float
    place: tuple[float, float]


def peak_at_threshold(
    positions: Float[np.ndarray, "K"], logs: Float[np.ndarray, "R K"], training: Float[np.ndarray, "R K"]
) -> PeakAtThreshold | None:
    """Test for a peak where training risk falls to nothing; None where that is not seen, or lies at an edge.

    Args:
        positions: sizes, increasing and positive.
        logs: logarithms of the test risk, one row a replicate.
        training: training risk over the best constant predictor's, likewise; it names the place and nothing else.
    """
    found = peak_place(positions, training)
    if found is None or not found.is_bounded:
        return None
    inside = np.flatnonzero((positions >= found.interval[0]) & (positions <= found.interval[1]))
    place = np.arange(inside[0], min(inside[-1] + 2, len(positions)))
    before, beyond = _blocks(positions, place)
    if not (len(before) and len(beyond)):
        return None
    here = _log_mean(logs[:, place])
    rise, fall = here - _log_mean(logs[:, before]), here - _log_mean(logs[:, beyond])
    margin = math.log(FACTOR)
    sides = np.stack([rise, fall])
    p_value = float(student_p_values(sides, margin).max())
    if not is_most(sides, margin, _MOST).all():
        p_value = 1.0
    return PeakAtThreshold(
        p_value=p_value,
        rise=float(rise.mean()),
        fall=float(fall.mean()),
        place=(float(positions[place[0]]), float(positions[place[-1]])),
    )


def _blocks(
    positions: Float[np.ndarray, "K"], place: Int[np.ndarray, "P"]
) -> tuple[Int[np.ndarray, "B"], Int[np.ndarray, "C"]]:
    """Columns of the two blocks; the nearest ones that do not touch the place where their bounds hold too few."""
    low, high = positions[place[0]], positions[place[-1]]
    columns = np.arange(len(positions))
    before, beyond = columns[columns < place[0] - 1], columns[columns > place[-1] + 1]
    within = before[(positions[before] >= low / 4.0) & (positions[before] <= low / 2.0)]
    after = beyond[(positions[beyond] >= 2.0 * high) & (positions[beyond] <= 4.0 * high)]
    return (
        within if len(within) >= _NEAREST else before[-_NEAREST:],
        after if len(after) >= _NEAREST else beyond[:_NEAREST],
    )


def _log_mean(logs: Float[np.ndarray, "R C"]) -> Float[np.ndarray, "R"]:
    """Logarithm of the mean risk, without overflow."""
    largest = logs.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(logs - largest).mean(axis=1)) + largest[:, 0])
