"""The training risk that no model can undercut: equal inputs with different labels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import Criterion
from benign.foundation.split import Split


def irreducible_risk(split: Split, criterion: Criterion, objective: str) -> float:
    """The smallest training risk of any function of the inputs, in the unit of the criterion.

    It is zero unless inputs repeat with other labels: within each group of equal inputs the best function is constant.

    Args:
        split: its training set is looked at.
        criterion: ``"error"``: share of samples outside their group's most frequent class. ``"objective"``: loss of the
            best constant of each group over that of the best constant of all.
        objective: ``"squared"`` or ``"cross-entropy"``.
    """
    _, group = np.unique(split.train_inputs, axis=0, return_inverse=True)
    group = group.ravel()
    Y = split.train_targets
    sizes = np.bincount(group).astype(np.float64)
    sums = np.stack([np.bincount(group, weights=column) for column in Y.T], axis=1)
    if criterion == "error":
        return float(1.0 - sums.max(axis=1).sum() / len(Y))
    within = _loss(sums, sizes, Y, objective)
    overall = _loss(sums.sum(axis=0, keepdims=True), np.array([float(len(Y))]), Y, objective)
    return max(0.0, within / overall) if overall > 0.0 else 0.0


def _loss(
    sums: Float[np.ndarray, "groups outputs"],
    sizes: Float[np.ndarray, " groups"],
    Y: Float[np.ndarray, "n outputs"],
    objective: str,
) -> float:
    """Loss, summed over samples, of predicting each group's mean (its class frequencies, for cross-entropy)."""
    means = sums / sizes[:, None]
    if objective == "cross-entropy":
        return -float(np.sum(sums * np.log(np.where(means > 0.0, means, 1.0))))
    return float(np.sum(Y**2) - np.sum(sums * means)) if len(sizes) < len(Y) else 0.0
