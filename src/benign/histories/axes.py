"""Curves that were recorded on different axes, brought to one: steps to epochs, training to validation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from benign.histories.log import Column, Log
from benign.histories.positions import in_order

_FURTHER = 5.0  # beyond so many times the evaluations' last position, positions count something else
_FEWEST = 3

Positions = Float[np.ndarray, " points"]
Times = Float[np.ndarray, " times"]


def on_axis_of(times: Times, positions: Positions, log: Log) -> tuple[Positions, str]:
    """The positions of a curve on the axis of others, where the two count different things.

    One counts epochs if it goes up by ones from 0 or 1 and ends far below the other's end. Then a column of the log
    that is called ``epoch`` and stands at steps tells which is which; without one, the last stands with the last and
    what is between is spread evenly.

    Args:
        times: rising, of the evaluations.
        positions: rising, of the other curve.
        log: where a map may be found.

    Returns:
        The positions on the axis of ``times`` (rising, equal where several fall on one), with how they were joined;
        an empty text where both count the same.
    """
    if min(times.size, positions.size) < _FEWEST:
        return positions, ""
    if counts_epochs(times) and positions[-1] > _FURTHER * max(times[-1], 1.0):
        return _to_epochs(times, positions, _map(log, positions))
    if counts_epochs(positions) and times[-1] > _FURTHER * max(positions[-1], 1.0):
        return _to_steps(times, positions, _map(log, times))
    return positions, ""


def counts_epochs(positions: Positions) -> bool:
    """Whether positions go up by ones from 0 or 1, which evaluations at steps hardly do."""
    return bool(positions[0] in (0.0, 1.0) and positions.size > 1 and np.median(np.diff(positions)) == 1.0)


def _to_epochs(times: Times, positions: Positions, found: Column | None) -> tuple[Positions, str]:
    if found is not None:
        rows = np.clip(np.searchsorted(found.positions, positions, side="right") - 1, 0, None)
        return np.maximum.accumulate(found.values[rows]), "by the log's own column of epochs"
    share = np.arange(1.0, positions.size + 1.0) / positions.size
    if positions[-1] > positions[0]:
        step = (positions[-1] - positions[0]) / (positions.size - 1)
        share = (positions - positions[0] + step) / (positions[-1] - positions[0] + step)
    rows = np.ceil(share * times.size - 1e-9).astype(int) - 1
    return times[np.clip(rows, 0, times.size - 1)], "by their order, the last with the last"


def _to_steps(times: Times, positions: Positions, found: Column | None) -> tuple[Positions, str]:
    if found is not None:
        rows = np.clip(np.searchsorted(found.values, positions, side="right") - 1, 0, None)
        return found.positions[rows], "by the log's own column of epochs"
    return times[-1] * np.arange(1.0, positions.size + 1.0) / positions.size, "by their order, the last with the last"


def _map(log: Log, steps: Positions) -> Column | None:
    """The log's column of epochs at steps, both rising."""
    for column in log.columns:
        if column.name.strip().lower().rpartition("/")[2] not in ("epoch", "epochs") or column.values.size < _FEWEST:
            continue
        rows = in_order(column.positions).rows
        at, epochs = column.positions[rows], column.values[rows]
        if np.all(np.isfinite(epochs)) and np.all(np.diff(epochs) >= 0.0) and 2.0 * at[-1] >= steps[-1] > epochs[-1]:
            return Column(name=column.name, positions=at, values=epochs)
    return None
