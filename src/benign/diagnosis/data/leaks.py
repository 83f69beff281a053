"""Leaks: a column, or a sum, difference, product or ratio of two, that tells the target on its own.

A row is predicted from those nearest to it in one column, itself left out: rows of one value by the class that most of
them have, or by their mean, a row whose value is its own by its neighbours on both sides. What is left is counted in
units of the best constant's: wrong labels, or squared error of the targets' ranks. Equal rows count once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from benign.diagnosis.data.rows import Rows, ranks
from benign.foundation.randomness import generator
from benign.sources.copies import row_codes

LEFT_OF_CLASSES = 0.02
"""A column is suspected that leaves less than this share of a constant's wrong labels."""
LEFT_OF_VALUES = 0.005
"""Or less than this share of the variance of the targets' ranks: interpolating alone costs about 2 / rows."""
_LEFT_BY_A_PAIR = 0.001  # of the variance, by a rule without any freedom
_EQUAL_WEIGHTS = 0.02  # how far two weights of a sum may differ
_LEAST_ROWS = 20
_MOST_ROWS, _MOST_ENTRIES = 5_000, 2_000_000
_MOST_PAIRED = 200  # columns
_PAIRED_ROWS = 400
_EVIDENCE = 15.0  # nats: by chance in 1 of 3 million tables


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What tells the target.

    Attributes:
        columns: places of one column or two.
        rule: of two, such as ``"difference"``; empty for one.
        left: what it leaves of the best constant's risk.
    """

    columns: tuple[int, ...]
    rule: str
    left: float


def find_leaks(rows: Rows, *, seed: int) -> list[Leak]:
    """All columns that tell the target, or else the pair that does so best; none of a table of one column.

    Args:
        rows: those of the data.
        seed: chooses which rows are looked at, of more than 5,000 (fewer where there are very many columns).
    """
    inputs, targets = _looked_at(rows, seed)
    columns = inputs.shape[1]
    if len(inputs) < _LEAST_ROWS or columns < 2:
        return []
    if rows.classes is None:
        left = _left_of_values(inputs, ranks(targets))
        limit = LEFT_OF_VALUES
    else:
        shares = targets.mean(axis=0)
        entropy = -float(np.sum(shares * np.log(np.where(shares > 0.0, shares, 1.0))))
        if len(inputs) * entropy < _EVIDENCE + 2.0 * math.log(columns):
            return []
        left = _left_of_classes(inputs, targets.argmax(axis=1))
        limit = LEFT_OF_CLASSES
    found = [Leak(columns=(int(j),), rule="", left=float(left[j])) for j in np.flatnonzero(left <= limit)]
    if found or columns < 3:
        return found
    pair = _pair_of_values(inputs, targets) if rows.classes is None else _pair_of_classes(inputs, targets)
    return [] if pair is None else [pair]


def _looked_at(rows: Rows, seed: int) -> tuple[Float[np.ndarray, "looked d"], Float[np.ndarray, "looked outputs"]]:
    """Different rows, so many that a second is enough."""
    most = min(_MOST_ROWS, max(_PAIRED_ROWS, _MOST_ENTRIES // rows.inputs.shape[1]))
    chosen = np.arange(len(rows.inputs))
    if len(chosen) > most:
        chosen = generator(seed, "rows looked at for leaks").choice(len(chosen), size=most, replace=False)
    inputs = rows.inputs[chosen]
    first = np.unique(row_codes(inputs), return_index=True)[1]
    return inputs[first], rows.targets[chosen[first]]


def _left_of_classes(inputs: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " d"]:
    """Wrong labels over a constant's, by each column."""
    classes = int(labels.max()) + 1
    constant = len(labels) - np.bincount(labels).max()
    wrong = np.array([_wrong_labels(column, labels, classes) for column in inputs.T])
    return wrong / constant if constant else np.full(len(wrong), np.inf)


def _wrong_labels(column: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"], classes: int) -> float:
    values, place = np.unique(column, return_inverse=True)
    counts = np.bincount(place * classes + labels, minlength=len(values) * classes).reshape(-1, classes)
    most = counts.argmax(axis=1)
    first = counts.max(axis=1)
    others = counts.copy()
    others[np.arange(len(counts)), most] = 0
    second = others.max(axis=1)
    # the others of a value: a row of its first class sees one fewer of it, and a tie tells nothing
    wrong = np.sum(counts, axis=1) - np.where(first - 1 > second, first, 0)
    changes = most[1:] != most[:-1]
    alone = 0.5 * (np.append(changes, False).astype(np.float64) + np.insert(changes, 0, False))
    return float(np.sum(np.where(first + second > 1, wrong, alone)))


def _left_of_values(
    inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n outputs"]
) -> Float[np.ndarray, " d"]:
    """Squared error over the variance, by each column, of the output that is told worst."""
    total = np.sum((targets - targets.mean(axis=0)) ** 2, axis=0)
    if not total.all():
        return np.full(inputs.shape[1], np.inf)
    return np.array([float(np.max(_squares_left(column, targets) / total)) for column in inputs.T])


def _squares_left(
    column: Float[np.ndarray, " n"], targets: Float[np.ndarray, "n outputs"]
) -> Float[np.ndarray, " outputs"]:
    values, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(values) < 2:
        return np.full(targets.shape[1], np.inf)
    values = np.nan_to_num(values, nan=values[-2] + 1.0)
    sums = np.stack([np.bincount(place, weights=output) for output in targets.T], axis=1)
    means = sums / counts[:, None]
    low, high = np.maximum(np.arange(len(values)) - 1, 0), np.minimum(np.arange(len(values)) + 1, len(values) - 1)
    low[0], high[-1] = 1, len(values) - 2
    width = values[high] - values[low]
    share = np.where(width > 0.0, (values - values[low]) / np.where(width > 0.0, width, 1.0), 0.0)
    beside = means[low] + share[:, None] * (means[high] - means[low])
    n = counts[place][:, None]
    own = (sums[place] - targets) / np.maximum(n - 1, 1)
    return np.asarray(np.sum((targets - np.where(n > 1, own, beside[place])) ** 2, axis=0))


def _pair_of_values(inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n outputs"]) -> Leak | None:
    """The sum, difference, product or ratio of two columns that is the target but for its unit and zero."""
    found = []
    rules = [(inputs, targets, ("sum", "difference"))]
    if targets.shape[1] == 1 and (targets > 0.0).all():
        positive = np.where(np.all(inputs > 0.0, axis=0), inputs, 1.0)
        rules.append((np.log(positive), np.log(targets), ("product", "ratio")))
    for columns, wanted, names in rules:
        if targets.shape[1] == 1 and (best := _best_pair(columns, wanted[:, 0])) is not None:
            pair, is_alike, left = best
            found.append(Leak(columns=pair, rule=names[0 if is_alike else 1], left=left))
    return min(found, key=lambda leak: leak.left, default=None)


def _best_pair(
    inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, " n"]
) -> tuple[tuple[int, int], bool, float] | None:
    """Of all pairs with weights of one size the one that leaves least; whether they have one sign; what is left."""
    inputs = np.nan_to_num(inputs)
    spread, scale = inputs.std(axis=0), float(targets.std())
    if scale == 0.0:
        return None
    unit = (inputs - inputs.mean(axis=0)) / np.where(spread > 0.0, spread, np.inf)
    told = unit.T @ ((targets - targets.mean()) / scale) / len(targets)
    kept = np.argsort(-np.abs(told), kind="stable")[:_MOST_PAIRED]
    unit, told, spread = unit[:, kept], told[kept], spread[kept]
    between = unit.T @ unit / len(targets)
    rest = 1.0 - between**2
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = (told[:, None] - between * told[None, :]) / rest  # of the first of a pair
        left = 1.0 - weight * told[:, None] - weight.T * told[None, :]
        ratio = (weight / spread[:, None]) / (weight.T / spread[None, :])
        is_trivial = (np.abs(np.abs(ratio) - 1.0) <= _EQUAL_WEIGHTS) & (rest > 1e-6)
    left = np.where(is_trivial & (np.arange(len(kept))[:, None] < np.arange(len(kept))[None, :]), left, np.inf)
    i, j = np.unravel_index(int(np.argmin(left)), left.shape)
    if not left[i, j] <= _LEFT_BY_A_PAIR:
        return None
    return (int(kept[i]), int(kept[j])), bool(ratio[i, j] > 0.0), max(0.0, float(left[i, j]))


def _pair_of_classes(inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n outputs"]) -> Leak | None:
    """The two columns the larger of which is the class, where there are two classes."""
    if targets.shape[1] != 2:
        return None
    inputs, label = inputs[:_PAIRED_ROWS, :_MOST_PAIRED], targets[:_PAIRED_ROWS, 1] > 0.0
    constant = min(label.mean(), 1.0 - label.mean())
    if constant * len(label) < _EVIDENCE:
        return None
    columns = inputs.shape[1]
    agree = np.array([np.mean((column[:, None] > inputs) == label[:, None], axis=0) for column in inputs.T])
    left = np.where(np.eye(columns, dtype=np.bool_), np.inf, np.minimum(agree, 1.0 - agree) / constant)
    i, j = np.unravel_index(int(np.argmin(left)), left.shape)
    if left[i, j] > LEFT_OF_CLASSES:
        return None
    return Leak(columns=(int(min(i, j)), int(max(i, j))), rule="larger", left=float(left[i, j]))
