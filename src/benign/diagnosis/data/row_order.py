r"""Rows in an order of time: the target follows the order of the rows in a way that the inputs do not explain.

What a ridge regression on the ranks of the inputs and their squares leaves of the target's ranks (of each class) is
looked at along the rows: its correlation between neighbours (one minus half of von Neumann's ratio), and the share of
it that lies in its six slowest cosines. If the order means nothing, every order of these remainders is as likely: the
first is normal with variance 1 / rows, rows times the second is chi-squared with six degrees of freedom, whatever the
model. Both must be improbable *and* large: a dependence too small to matter is left alone. A target that follows the
order is enough where half of the inputs do so, too.

A sorted table tells nothing of time: where the target or an input ascends or descends with the rows, or each class is
one block, nothing is said, but for an input that is called a date.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benign.diagnosis.data.rows import Rows, ranks

_LEAST_ROWS = 40
_LEAST_DIFFERENT = 20
_MOST_ENTRIES = 400_000
_SURE = 4.5  # standard deviations: 7 in a million tables
_SURE_OF_DRIFT = 35.0  # of chi-squared with six degrees of freedom: 4 in a million
_NEIGHBOURS_ALIKE = 0.3
_BOTH_ALIKE = 0.5
_DRIFT = 0.1
_SLOW = 6
_RIDGE = 0.03  # of the rows
_A_DATE = re.compile(
    r"(^|[^a-z])(date|datetime|time|timestamp|year|yr|month|week|day|hour|minute|second|epoch|quarter)s?($|[^a-z])"
)


@dataclass(frozen=True, kw_only=True)
class RowOrder:
    """How the rows follow each other.

    Attributes:
        dates: the columns that are called dates and ascend or descend with the rows.
        neighbours: correlation of what the inputs do not explain between rows that follow each other.
        drift: the share of it that changes slowly along the rows.
        is_dependent: whether either is more than chance, and too large to be left alone.
    """

    dates: tuple[int, ...]
    neighbours: float
    drift: float
    is_dependent: bool


def find_row_order(rows: Rows) -> RowOrder:
    """Whether neighbouring rows, or early and late ones, are alike.

    Args:
        rows: in the user's order; of more than 400,000 entries the first.
    """
    nothing = RowOrder(dates=(), neighbours=0.0, drift=0.0, is_dependent=False)
    looked_at = max(1_000, _MOST_ENTRIES // rows.inputs.shape[1])
    inputs, targets = rows.inputs[:looked_at], rows.targets[:looked_at]
    if not rows.are_as_given or len(inputs) < _LEAST_ROWS:
        return nothing
    keys = _sort_keys(inputs)
    dates = tuple(
        key for key in keys if rows.names and _is_date(rows.names[key]) and len(np.unique(inputs[:, key])) > 2
    )
    if keys or _are_sorted(targets, rows.classes is not None):
        return RowOrder(dates=dates, neighbours=0.0, drift=0.0, is_dependent=False)
    if _mostly_one(targets):
        return RowOrder(dates=dates, neighbours=0.0, drift=0.0, is_dependent=False)
    wanted = targets if rows.classes is not None else ranks(targets)
    columns = ranks(inputs)
    columns = columns[:, np.ptp(columns, axis=0) > 0.0]
    left = _unexplained(columns, wanted)
    alike, drift = _neighbours_alike(left), _slow_share(left)
    n, sure = len(left), _SURE / math.sqrt(len(left))
    is_alike = alike > max(_NEIGHBOURS_ALIKE, sure)
    is_drifting = drift > max(_DRIFT, _SURE_OF_DRIFT / n)
    of_inputs = np.median([_neighbours_alike(column[:, None]) for column in columns.T]) if columns.size else 0.0
    are_both = min(_neighbours_alike(wanted), of_inputs) > max(_BOTH_ALIKE, sure)
    return RowOrder(dates=dates, neighbours=alike, drift=drift, is_dependent=bool(is_alike or is_drifting or are_both))


def _is_date(name: str) -> bool:
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return _A_DATE.search(spread.lower()) is not None


def _sort_keys(inputs: Float[np.ndarray, "rows d"]) -> list[int]:
    """The columns that never turn along the rows, and are not constant."""
    steps = np.diff(inputs, axis=0)
    never_turns = np.all(steps >= 0.0, axis=0) | np.all(steps <= 0.0, axis=0)
    return [int(j) for j in np.flatnonzero(never_turns & np.any(steps != 0.0, axis=0))]


def _are_sorted(targets: Float[np.ndarray, "rows outputs"], are_classes: bool) -> bool:
    if not are_classes:
        return targets.shape[1] == 1 and bool(_sort_keys(targets))
    labels = targets.argmax(axis=1)
    return bool(np.count_nonzero(np.diff(labels)) <= len(np.unique(labels)) - 1)


def _unexplained(
    columns: Float[np.ndarray, "rows d"], wanted: Float[np.ndarray, "rows outputs"]
) -> Float[np.ndarray, "rows outputs"]:
    """What a ridge regression on the columns and their squares leaves, in whichever form is smaller."""
    unit = columns - columns.mean(axis=0)
    features = np.concatenate([unit, unit**2 - np.mean(unit**2, axis=0)], axis=1)
    features /= np.maximum(features.std(axis=0), 1e-12)
    wanted = wanted - wanted.mean(axis=0)
    n, d = features.shape
    if d <= n:
        gram = features.T @ features + _RIDGE * n * np.eye(d)
        return np.asarray(wanted - features @ np.linalg.solve(gram, features.T @ wanted))
    gram = features @ features.T + _RIDGE * n * np.eye(n)
    return np.asarray(_RIDGE * n * np.linalg.solve(gram, wanted))


def _mostly_one(targets: Float[np.ndarray, "rows outputs"]) -> bool:
    """Whether so few rows differ from the most frequent target that two of them beside each other would be much."""
    counts = np.unique(targets, axis=0, return_counts=True)[1]
    return bool(len(targets) - counts.max() < _LEAST_DIFFERENT)


def _neighbours_alike(values: Float[np.ndarray, "rows columns"]) -> float:
    variance = float(np.sum(np.var(values, axis=0)))
    return 1.0 - float(np.sum(np.mean(np.diff(values, axis=0) ** 2, axis=0))) / (2.0 * max(variance, 1e-300))


def _slow_share(values: Float[np.ndarray, "rows columns"]) -> float:
    """The share of the variance in the six slowest cosines of an orthonormal basis."""
    n = len(values)
    places = (np.arange(n) + 0.5) / n
    cosines = np.sqrt(2.0 / n) * np.cos(np.pi * np.outer(np.arange(1, _SLOW + 1), places))
    centred = values - values.mean(axis=0)
    return float(np.sum((cosines @ centred) ** 2)) / max(float(np.sum(centred**2)), 1e-300)
