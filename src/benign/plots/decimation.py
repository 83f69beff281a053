"""Which rows of a long curve are drawn: every extreme survives, nothing is averaged and nothing is smoothed."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from jaxtyping import Bool, Float, Int

MAX_ROWS = 400
NEAR_THRESHOLD = 5.0


def kept_rows(
    positions: Float[np.ndarray, " K"],
    quantiles: Float[np.ndarray, "Q K"],
    *,
    always: Float[np.ndarray, " A"],
    threshold: float | None = None,
    limit: int = MAX_ROWS,
) -> Int[np.ndarray, " rows"]:
    """Rows to draw of a curve with ``K`` positions, in order.

    The positions are cut into bins of equal width on a log scale (linear, where a position is not positive), as many as
    keep the number of rows within ``limit``. Kept are the rows of each bin's smallest and largest value of every
    quantile, one undefined row of each bin with its defined neighbours (a gap stays a gap), the first and the last row,
    the rows at the positions ``always`` and all rows within 5 of the threshold.

    Args:
        positions: rising.
        quantiles: the drawn lines and band edges; NaN where undefined.
        always: positions that are drawn whatever the bins, such as landmarks.
        threshold: the interpolation threshold, or None.
        limit: rows to aim at; only ``always`` and the threshold's neighbourhood may exceed it.

    Returns:
        Row indices, rising, without repetition; all of them where K <= limit.
    """
    count = len(positions)
    if count <= limit:
        return np.arange(count, dtype=np.int64)
    required = np.isin(positions, always)
    required[[0, -1]] = True
    if threshold is not None:
        required |= np.abs(positions - threshold) <= NEAR_THRESHOLD

    def rows(bins: int) -> Bool[np.ndarray, " K"]:
        return _rows(positions, quantiles, required, bins)

    most = bisect_right(range(1, limit + 1), limit, key=lambda bins: int(rows(bins).sum()))
    return np.flatnonzero(rows(max(most, 1)))


def _rows(
    positions: Float[np.ndarray, " K"],
    quantiles: Float[np.ndarray, "Q K"],
    required: Bool[np.ndarray, " K"],
    bins: int,
) -> Bool[np.ndarray, " K"]:
    kept = required.copy()
    places = np.log(positions) if positions[0] > 0 else positions
    bin_of = np.searchsorted(np.linspace(places[0], places[-1], bins + 1)[1:-1], places, side="right")
    for row in quantiles:
        kept[_extremes(row, bin_of)] = True
        kept[_gaps(row, bin_of)] = True
    return kept


def _extremes(row: Float[np.ndarray, " K"], bin_of: Int[np.ndarray, " K"]) -> Int[np.ndarray, " rows"]:
    """The rows of each bin's smallest and largest defined value."""
    defined = np.flatnonzero(np.isfinite(row))
    rising = defined[np.lexsort((row[defined], bin_of[defined]))]
    changes = np.diff(bin_of[rising]) > 0
    is_first = np.concatenate([[True], changes])[: len(rising)]
    is_last = np.concatenate([changes, [True]])[: len(rising)]
    return rising[is_first | is_last]


def _gaps(row: Float[np.ndarray, " K"], bin_of: Int[np.ndarray, " K"]) -> Int[np.ndarray, " rows"]:
    """The first undefined row of each bin, with the row before it and the next defined one."""
    defined = np.isfinite(row)
    undefined = np.flatnonzero(~defined)
    firsts = undefined[np.unique(bin_of[undefined], return_index=True)[1]]
    known = np.flatnonzero(defined)
    beyond = known[np.searchsorted(known, firsts)[np.searchsorted(known, firsts) < len(known)]]
    return np.concatenate([firsts, np.maximum(firsts - 1, 0), beyond])
