"""A curve in one line of text."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Float[np.ndarray, " position"], width: int = 40) -> str:
    """The values from left to right as bars, on a logarithmic scale where all are positive; gaps where NaN.

    With more values than ``width``, each bar is the largest of its share: a narrow peak stays visible.

    >>> sparkline(np.array([1.0, 10.0, 100.0, 10.0, 1.0]))
    '▁▅█▅▁'
    """
    shares = np.array_split(np.asarray(values, dtype=np.float64), min(width, len(values)))
    heights = np.array([_largest(share) for share in shares])
    finite = heights[np.isfinite(heights)]
    if not len(finite):
        return " " * len(heights)
    if finite.min() > 0.0:
        heights, finite = np.log(heights), np.log(finite)
    span = float(finite.max() - finite.min()) or 1.0
    levels = np.clip((heights - finite.min()) / span, 0.0, 1.0) * (len(_BARS) - 1)
    return "".join(" " if np.isnan(level) else _BARS[round(float(level))] for level in levels)


def _largest(share: Float[np.ndarray, " position"]) -> float:
    finite = share[~np.isnan(share)]
    return float(finite.max()) if len(finite) else float("nan")
