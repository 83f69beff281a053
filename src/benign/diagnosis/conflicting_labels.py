"""The training risk that no model can undercut: equal inputs with different labels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from benign.curves.fitting_threshold import Criterion
from benign.foundation.split import Split
from benign.procedures.objectives import constant_loss
from benign.sources.copies import row_codes


def irreducible_risk(split: Split, criterion: Criterion, objective: str) -> float:
    """The smallest training risk of any function of the inputs, in the unit of the criterion.

    It is zero unless inputs repeat with other labels: within each group of equal inputs the best function is constant.

    Args:
        split: its training set is looked at.
        criterion: ``"error"``: share of samples outside their group's most frequent class. ``"objective"``: loss of the
            best constant of each group over that of the best constant of all.
        objective: one of :data:`benign.procedures.objectives.NAMES`.
    """
    targets = split.train_targets
    groups = conflicting_rows(split.train_inputs, targets)
    if criterion == "error":
        return float(sum(len(rows) - targets[rows].sum(axis=0).max() for rows in groups)) / len(targets)
    forced = sum(len(rows) * constant_loss(objective, targets[rows]) for rows in groups) / len(targets)
    overall = constant_loss(objective, targets) if groups else 0.0
    return float(forced / overall) if overall > 0.0 else 0.0


def conflicting_rows(
    inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n outputs"]
) -> list[Int[np.ndarray, " _rows"]]:
    """The places of rows with equal inputs, for each input that has more than one target."""
    _, group, counts = np.unique(row_codes(inputs), return_inverse=True, return_counts=True)
    rows = np.argsort(group, kind="stable")
    ends = np.cumsum(counts)
    together = (rows[ends[i] - counts[i] : ends[i]] for i in np.flatnonzero(counts > 1))
    return [places for places in together if np.any(targets[places] != targets[places[0]])]
