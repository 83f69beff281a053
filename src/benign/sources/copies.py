"""Test rows that are copies of training rows, or nearly so: remembering these lowers the test risk and teaches nothing.

*Equal* rows are found among all, by their bytes. A row is *nearly* equal to another one that is nearer than a
ten-thousandth of its distance to the fifth nearest, each column in units of its standard deviation or of the median
column's, whichever is larger. This follows the density of the data: of rows spread at random along a line, 0.04 % have
such a neighbour, and in a plane 4 in 100 million. Nearness is looked for among the first 500 test rows of the draw, and
of its training rows the first 20,000 or 5 million entries; not where procedures are handed a data frame.

Where columns take few values, equal rows are natural. They are called so where at most a fifth of all rows are
different, or where the different rows' columns, combined at random, would give a quarter as many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

NOTABLE = 0.01
"""The share of test rows above which copies are worth a sentence."""

_TEST_ROWS, _TRAINING_ROWS, _TRAINING_ENTRIES = 500, 20_000, 5_000_000
_ROWS_AT_ONCE = 50
_NEAR = 1e-4
_NEIGHBOUR = 5
_FEW = 0.2  # of all rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Copies:
    """Where in the pool of a draw the test rows have copies.

    Attributes:
        equal: for each test row the place of the first equal row of the pool; the pool's length where there is none.
        near: for each of the first test rows the place of the first nearly equal one; likewise.
        distinct: how many different rows the data have.
        rows: how many rows.
        chance: that two rows agree whose columns take their values independently; 0 where no row is worth a sentence.
    """

    equal: Int[np.ndarray, " n_test"]
    near: Int[np.ndarray, " looked"]
    distinct: int
    rows: int
    chance: float

    def sentence(self, samples: int) -> str:
        """What is worth knowing of a training set of ``samples``; empty where copies are too few."""
        is_equal = self.equal < samples
        is_near = (self.near < samples) & ~is_equal[: len(self.near)]
        equal, near = (float(found.mean()) if len(found) else 0.0 for found in (is_equal, is_near))
        if equal + near <= NOTABLE:
            return ""
        found = [
            f"{looked.sum():,} of {len(looked):,} test rows ({100.0 * share:.3g} %) {verb} a training row"
            for verb, looked, share in (("equal", is_equal, equal), ("nearly equal", is_near, near))
            if share
        ]
        is_natural = self.distinct <= _FEW * self.rows or -math.expm1(-samples * self.chance) > equal / 4.0
        where = f"In the first draw {' and '.join(found)} at n = {samples:,}"
        if is_natural:
            few = f"natural where columns take few values ({self.distinct:,} of {self.rows:,} rows differ)"
            return f"{where}: {few}; if they are copies, drop them, or split by group."
        return f"{where}, and the test risk rewards remembering it: drop the copies, or split by group."


def row_codes(inputs: Float[np.ndarray, "rows d"]) -> Int[np.ndarray, " rows"]:
    """A number for each row, equal for equal rows (and, by a chance of 1 in 10^19 a pair, for others)."""
    codes = (hash((row + 0.0).tobytes()) for row in inputs)  # + 0.0 makes one zero of both
    return np.fromiter(codes, dtype=np.int64, count=len(inputs))


def find_copies(
    inputs: Float[np.ndarray, "rows d"],
    codes: Int[np.ndarray, " rows"],
    *,
    test_rows: Int[np.ndarray, " n_test"],
    pool_rows: Int[np.ndarray, " pool"],
    are_numbers: bool,
) -> Copies:
    """Where the test rows have copies in the pool.

    Args:
        inputs: all rows.
        codes: :func:`row_codes` of them.
        test_rows: which are for testing.
        pool_rows: the others, in draw order.
        are_numbers: whether distances between rows mean something.
    """
    distinct, first = np.unique(codes[pool_rows], return_index=True)
    nearest = np.minimum(np.searchsorted(distinct, codes[test_rows]), len(distinct) - 1)
    is_equal = distinct[nearest] == codes[test_rows]
    equal = np.where(is_equal, first[nearest], len(pool_rows))
    near = np.zeros(0, dtype=np.int64)
    if are_numbers:
        places = np.sort(first)[: min(_TRAINING_ROWS, _TRAINING_ENTRIES // inputs.shape[1])]
        looked = test_rows[:_TEST_ROWS]
        near = _first_near(inputs[looked], inputs[pool_rows[places]], places, len(pool_rows))
    chance, different = 0.0, np.unique(codes, return_index=True)[1]
    if is_equal.mean() > NOTABLE:
        # Rows that were copied must not make their own values look frequent; of one column nobody can tell.
        chance = _chance_of_equal(inputs if inputs.shape[1] == 1 else inputs[different])
    return Copies(equal=equal, near=near, distinct=len(different), rows=len(codes), chance=chance)


def _chance_of_equal(inputs: Float[np.ndarray, "rows d"]) -> float:
    """The chance that two rows agree in every column, were the columns independent."""
    counts = (np.unique(column, return_counts=True)[1].astype(np.float64) for column in inputs.T)
    pairs = max(1.0, len(inputs) * (len(inputs) - 1.0))
    return math.prod(float(np.sum(count * (count - 1.0))) / pairs for count in counts)


def _first_near(
    test: Float[np.ndarray, "looked d"],
    pool: Float[np.ndarray, "different d"],
    places: Int[np.ndarray, " different"],
    none: int,
) -> Int[np.ndarray, " looked"]:
    """The place of the first row of the pool that is near, or equal; ``none`` where there is none."""
    found = np.full(len(test), none)
    if len(pool) <= _NEIGHBOUR:
        return found
    centre, spread = pool.mean(axis=0), pool.std(axis=0)
    unit = np.maximum(spread, np.median(spread[spread > 0.0])) if spread.any() else 1.0
    pool, test = (pool - centre) / unit, (test - centre) / unit
    sizes = np.einsum("ij,ij->i", pool, pool)
    for start in range(0, len(test), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        squares = sizes - 2.0 * (test[part] @ pool.T) + np.einsum("ij,ij->i", test[part], test[part])[:, None]
        is_near = squares < _NEAR**2 * np.partition(squares, _NEIGHBOUR - 1, axis=1)[:, [_NEIGHBOUR - 1]]
        found[part] = np.where(is_near.any(axis=1), places[is_near.argmax(axis=1)], none)
    return found
