"""What people do without a program: patience, and the gap between training and validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

PATIENCE = 10
GAP = 0.1

Column = Sequence[float | None]


def runs_out(validation: Column) -> bool:
    """Whether the best validation loss is :data:`PATIENCE` evaluations old, now."""
    return _waits(validation)[-1] >= PATIENCE


def ran_out(validation: Column) -> bool:
    """Whether it ever was: early stopping had then ended the training, and what came after had not been seen."""
    return max(_waits(validation)) >= PATIENCE


def is_apart(train: Column, validation: Column) -> bool:
    """Whether the last validation loss is more than :data:`GAP` above the last training loss."""
    pairs = [
        (below, above)
        for below, above in zip(train, validation, strict=True)
        if below is not None and above is not None
    ]
    return bool(pairs) and bool(pairs[-1][1] > (1 + GAP) * pairs[-1][0])


def thumb_rules(columns: Mapping[str, Column]) -> dict[str, bool]:
    """By name, whether each rule calls."""
    validation = columns["val_loss"]
    answers = {f"patience {PATIENCE}": runs_out(validation), f"patience {PATIENCE}, ever": ran_out(validation)}
    train = columns.get("train_loss")
    return answers | {f"gap > {GAP:.0%}": train is not None and is_apart(train, validation)}


def _waits(validation: Column) -> list[int]:
    """For every evaluation, how many are behind it since the best so far; what is no number is no best."""
    known = np.array([value for value in validation if value is not None], float)
    places = np.arange(known.size)
    best = np.minimum.accumulate(np.where(np.isnan(known), np.inf, known))
    improved = np.concatenate([[True], [after < before for before, after in pairwise(best)]])
    waits: list[int] = (places - np.maximum.accumulate(np.where(improved, places, 0))).tolist()
    return waits
