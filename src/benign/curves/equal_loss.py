"""Networks compared at equal training loss: what is read where the loss of each first falls to a level."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def at_loss(
    trained: Float[np.ndarray, "*cells times"],
    values: Float[np.ndarray, "*cells times"],
    level: float,
    *,
    by_ratio: bool = False,
) -> Float[np.ndarray, "*cells"]:
    """Values where the training loss first falls to ``level``, linear in its logarithm between two recordings.

    Args:
        trained: training losses over the recorded times.
        values: of another metric at the same times.
        level: above 0.
        by_ratio: whether the logarithm of the values is what is linear.

    Returns:
        One value a cell; NaN where the loss does not fall to the level, or has before the first recording.
    """
    reached = trained <= level
    after = np.maximum(reached.argmax(axis=-1), 1)[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        (high, low), (first, second) = (
            [np.take_along_axis(table, place, axis=-1)[..., 0] for place in (after - 1, after)]
            for table in (trained, np.log(values) if by_ratio else values)
        )
        share = (np.log(high) - np.log(level)) / (np.log(high) - np.log(low))
        found = (1.0 - share) * first + share * second
    return np.where(reached.any(axis=-1) & ~reached[..., 0], np.exp(found) if by_ratio else found, np.nan)
