r"""Rows that come in groups: clusters far closer than chance, such as the visits of one patient.

Under a density that is smooth on the scale of a row's neighbours, of intrinsic dimension D, the volumes within its
neighbours are the times of a Poisson process: with :math:`r_g` the distance to the g-th one,
:math:`g D \log(r_{g+1} / r_g)` are independent and exponential of mean 1 (Levina and Bickel 2005, equation 7, gives D
from the farther half of the neighbours). A row in a group of g + 1 has one such step that is far larger. Neighbours are
of the same class, since classes may be clusters; equal rows count once; a column that takes few values is spread out
over the smallest difference between them, so that a lattice is no cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from benign.diagnosis.data.rows import Rows
from benign.foundation.randomness import generator
from benign.sources.copies import row_codes

NOTABLE = 0.25
"""The share of rows in clusters from which on rows are said to come in groups; chance puts 7 % there at most."""
_STEP = 5.0  # of ten steps one is larger in 6.5 % of rows
_NEIGHBOURS, _LEAST_NEIGHBOURS = 20, 6
_LOOKED_AT = (100, 1_000)  # rows, at least and at most
_MOST_PRODUCTS = 200_000_000
_MOST_ENTRIES = 5_000_000


@dataclass(frozen=True, kw_only=True)
class RowGroups:
    """How many rows come in groups.

    Attributes:
        share: of the rows that were looked at.
        size: the median group's.
    """

    share: float
    size: int


def find_row_groups(rows: Rows, *, seed: int) -> RowGroups:
    """The share of rows that lie in clusters of 2 to 11 rows; 0 where there are too few rows to tell.

    Args:
        rows: those of the data.
        seed: chooses which rows are looked at, of many.

    Cost: from 100 to 1,000 times the entries of the table, of which 5 million are looked at.
    """
    random = generator(seed, "rows looked at for groups")
    inputs, labels = _apart(rows, random)
    looked_at = int(np.clip(_MOST_PRODUCTS // max(1, inputs.size), *_LOOKED_AT))
    kinds, counts = np.unique(labels, return_counts=True)
    shares = np.ceil(looked_at * counts / counts.sum()).astype(np.int64).tolist()
    found = [_sizes(inputs[labels == kind], most, random) for kind, most in zip(kinds, shares, strict=True)]
    sizes = np.concatenate(found)
    is_grouped = sizes > 1
    if not is_grouped.any():
        return RowGroups(share=0.0, size=1)
    return RowGroups(share=float(is_grouped.mean()), size=int(np.median(sizes[is_grouped])))


def _apart(
    rows: Rows, random: np.random.Generator
) -> tuple[Float[np.ndarray, "different d"], Int[np.ndarray, " different"]]:
    """Different rows in units of their columns' spread, and their classes."""
    inputs = rows.inputs[: max(1, _MOST_ENTRIES // rows.inputs.shape[1])]
    first = np.unique(row_codes(inputs), return_index=True)[1]
    inputs = inputs[first]
    if np.isnan(inputs).any():
        inputs = np.where(np.isnan(inputs), np.nanmean(inputs, axis=0), inputs)
    inputs = inputs[:, np.ptp(inputs, axis=0) > 0.0]
    steps = np.diff(np.sort(inputs, axis=0), axis=0)
    widths = np.min(np.where(steps > 0.0, steps, np.inf), axis=0, initial=np.inf)
    inputs = (inputs + (random.random(inputs.shape) - 0.5) * widths) / inputs.std(axis=0)
    labels = np.zeros(len(first), dtype=np.int64) if rows.labels is None else rows.labels[first]
    return inputs, labels


def _sizes(inputs: Float[np.ndarray, "n d"], looked_at: int, random: np.random.Generator) -> Int[np.ndarray, " looked"]:
    """The size of the group that each of the rows looked at is in; 1 where in none, nothing where nobody can tell."""
    most = min(_NEIGHBOURS, (len(inputs) - 1) // 2)
    if most < _LEAST_NEIGHBOURS or inputs.shape[1] == 0:
        return np.zeros(0, dtype=np.int64)
    inputs = inputs - inputs.mean(axis=0)
    asked = random.permutation(len(inputs))[:looked_at]
    squares = np.einsum("ij,ij->i", inputs, inputs)
    distances = squares[asked, None] + squares - 2.0 * (inputs[asked] @ inputs.T)
    distances[np.arange(len(asked)), asked] = -np.inf  # itself comes first
    nearest = np.sort(np.partition(distances, most, axis=1)[:, : most + 1], axis=1)[:, 1:]
    rounding = 1e-14 * float(squares.max()) + np.finfo(np.float64).tiny
    steps = 0.5 * np.diff(np.log(np.maximum(nearest, rounding)), axis=1) * np.arange(1, most)
    half = most // 2
    mean = float(steps[:, half:].mean())
    largest = steps[:, :half].max(axis=1)
    return np.where(largest > _STEP * max(mean, 1e-12), steps[:, :half].argmax(axis=1) + 2, 1)
