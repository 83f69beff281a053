"""Test rows that are copies of training rows, or nearly so: remembering these lowers the test risk and teaches nothing.

*Equal* rows are found among all, by their bytes. A row is *nearly* equal to others that are nearer than 1e-4 where no
row is between 1e-4 and 1e-2 away, or nearer than 1e-6 where none is between 1e-6 and 1e-4: the root of the mean squared
difference over columns, each in units of its standard deviation. Copies, however many, move neither the units nor the
gaps; a jitter above 1e-4 is not found. Of rows spread at random along a line, of which x are expected within 1e-4, a
share of exp(-99 x) - exp(-100 x) has the first gap, and one of exp(-0.99 x) - exp(-x) the second: together at most 0.38
%, and in a plane 0.0037 %. Where more than half of the rows are near, outliers have set the units: nothing is said.
Where every column takes many values, all may be jittered: then those that hardly vary are counted in the median
column's unit. Nearness is looked for among the first 500 test rows of the draw, and of its training rows the first
20,000 or 5 million entries; not where columns hold text or gaps.

Where columns take few values, equal rows are natural. They are called so where at most a fifth of all rows are
different and so few values stand in each of their columns, or where these columns, combined at random, would give a
quarter as many. Nearly equal rows that such a chance explains, with values rounded to 1e-3, are not told at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.sources.checks import InputRows

NOTABLE = 0.01
"""The share of test rows above which copies are worth a sentence."""

_TEST_ROWS, _TRAINING_ROWS, _TRAINING_ENTRIES = 500, 20_000, 5_000_000
_ROWS_AT_ONCE = 50
_NEAR = (1e-6, 1e-4)
_GAP = 100.0  # times as far
_ROUNDING = 1e-3
_BULK = 0.5  # of the rows
_FEW = 0.2  # of all rows, and of the different ones
_FEW_VALUES = 5  # are few, however few rows are different


@dataclass(frozen=True, kw_only=True, eq=False)
class Copies:
    """Where in the pool of a draw the test rows have copies.

    Attributes:
        equal: for each test row the place of the first equal row of the pool; the pool's length where there is none.
        near: for each of the first test rows the place of the first nearly equal one; likewise.
        distinct: how many different rows the data have.
        rows: how many rows.
        chance: that two rows agree whose columns take their values independently; 0 where no row is worth a sentence.
        has_few_values: whether few rows are different, and few the values in each column; False likewise.
        near_chance: the same of rounded values; 0 where no row is nearly equal.
    """

    equal: Int[np.ndarray, " n_test"]
    near: Int[np.ndarray, " looked"]
    distinct: int
    rows: int
    chance: float
    has_few_values: bool
    near_chance: float

    def sentence(self, samples: int) -> str:
        """What is worth knowing of a training set of ``samples``; empty where copies are too few."""
        is_equal, is_near = self._found(samples)
        equal, near = self._shares(samples)
        if equal + near <= NOTABLE:
            return ""
        found = [
            f"{looked.sum():,} of {len(looked):,} test rows ({100.0 * share:.3g} %) {verb} a training row"
            for verb, looked, share in (("equal", is_equal, equal), ("nearly equal", is_near, near))
            if share
        ]
        where = f"In the first draw {' and '.join(found)} at n = {samples:,}"
        if self._are_natural(samples):
            few = f"natural where columns take few values ({self.distinct:,} of {self.rows:,} rows differ)"
            return f"{where}: {few}; if they are copies, drop them, or split by group."
        return f"{where}, and the test risk rewards remembering it: drop the copies, or split by group."

    def misleading(self, samples: int) -> float:
        """The share of test rows that are copies of a training row; 0 where that is natural."""
        return 0.0 if self._are_natural(samples) else sum(self._shares(samples))

    def _found(self, samples: int) -> tuple[Bool[np.ndarray, " n_test"], Bool[np.ndarray, " looked"]]:
        """Which test rows are equal, and which of the first of them nearly equal, to one of so many training rows."""
        is_equal = self.equal < samples
        return is_equal, (self.near < samples) & ~is_equal[: len(self.near)]

    def _shares(self, samples: int) -> tuple[float, float]:
        equal, near = (float(found.mean()) if len(found) else 0.0 for found in self._found(samples))
        return equal, 0.0 if _explains(self.near_chance, samples, near) else near

    def _are_natural(self, samples: int) -> bool:
        equal, near = self._shares(samples)
        return near <= equal and (self.has_few_values or _explains(self.chance, samples, equal))


def _explains(chance: float, samples: int, share: float) -> bool:
    """Whether the chance that two rows agree gives a quarter of this share of rows an equal among ``samples``."""
    return -math.expm1(-samples * chance) > share / 4.0


def row_codes(inputs: InputRows) -> Int[np.ndarray, " rows"]:
    """A number for each row, equal for equal rows (and, by a chance of 1 in 10^19 a pair, for others)."""
    codes = (hash((row + 0.0).tobytes()) for row in inputs)  # + 0.0 makes one zero of both
    return np.fromiter(codes, dtype=np.int64, count=len(inputs))


def find_copies(
    inputs: InputRows,
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
    near, near_chance = np.zeros(0, dtype=np.int64), 0.0
    if are_numbers:
        places = np.sort(first)[: min(_TRAINING_ROWS, _TRAINING_ENTRIES // inputs.shape[1])]
        pool, test = (
            inputs[rows].astype(np.float64, copy=False) for rows in (pool_rows[places], test_rows[:_TEST_ROWS])
        )
        unit = _units(pool)
        near = _first_near(test, pool, unit, places, len(pool_rows))
        if (near < len(pool_rows)).any():
            values = np.round((pool - pool.mean(axis=0)) / (_ROUNDING * unit))
            near_chance = _chance_of_equal(_value_counts(values, row_codes(values)))
    chance, has_few_values, different = 0.0, False, len(np.unique(codes))
    if is_equal.mean() > NOTABLE:
        counts = _value_counts(inputs, codes)
        chance, few = _chance_of_equal(counts), max(_FEW_VALUES, _FEW * different)
        is_varied = len(counts) > 1 and any(len(column) > few for column in counts)
        has_few_values = different <= _FEW * len(codes) and not is_varied
    return Copies(
        equal=equal,
        near=near,
        distinct=different,
        rows=len(codes),
        chance=chance,
        has_few_values=has_few_values,
        near_chance=near_chance,
    )


def _value_counts(inputs: InputRows, codes: Int[np.ndarray, " rows"]) -> list[Int[np.ndarray, " _values"]]:
    """How often each value stands in each column of the different rows: copies must not make their own look frequent.

    Of one column nobody can tell, and all rows count.
    """
    rows = inputs if inputs.shape[1] == 1 else inputs[np.unique(codes, return_index=True)[1]]
    return [np.unique(column, return_counts=True)[1] for column in rows.T]


def _chance_of_equal(counts: list[Int[np.ndarray, " _values"]]) -> float:
    """The chance that two rows agree in every column, were the columns independent."""
    rows = float(counts[0].sum())
    pairs = max(1.0, rows * (rows - 1.0))
    return math.prod(float(np.sum(column * (column - 1.0))) / pairs for column in counts)


def _units(pool: Float[np.ndarray, "different d"]) -> Float[np.ndarray, " d"]:
    """What a column's differences are counted in: its spread; see the module for columns that hardly vary."""
    spread, varied = pool.std(axis=0), np.ptp(pool, axis=0) > 0.0
    if not varied.any():
        return np.ones_like(spread)
    takes_few = any(len(np.unique(column)) <= _FEW * len(pool) for column in pool.T[varied])
    return np.maximum(spread, (np.min if takes_few else np.median)(spread[varied]))


def _first_near(
    test: Float[np.ndarray, "looked d"],
    pool: Float[np.ndarray, "different d"],
    unit: Float[np.ndarray, " d"],
    places: Int[np.ndarray, " different"],
    none: int,
) -> Int[np.ndarray, " looked"]:
    """The place of the first row of the pool that is near, or equal; ``none`` where there is none."""
    found = np.full(len(test), none)
    columns = max(1, int(np.count_nonzero(np.ptp(pool, axis=0))))
    pool, test = ((rows - pool.mean(axis=0)) / unit / math.sqrt(columns) for rows in (pool, test))
    sizes = np.einsum("ij,ij->i", pool, pool)
    for start in range(0, len(test), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        squares = sizes - 2.0 * (test[part] @ pool.T) + np.einsum("ij,ij->i", test[part], test[part])[:, None]
        for near in _NEAR:
            is_near, is_here = squares < near**2, squares < (_GAP * near) ** 2
            count = np.count_nonzero(is_near, axis=1)
            is_copied = (count > 0) & (count == np.count_nonzero(is_here, axis=1)) & (count <= _BULK * len(pool))
            found[part] = np.where(is_copied, places[is_near.argmax(axis=1)], found[part])
    return found
