"""A finite data set as a source: rows outside the test set are the pool, in an order that the draw shuffles."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from benign.foundation.arguments import checked_name, checked_text
from benign.foundation.errors import InvalidArgument, invalid, listed
from benign.foundation.memory import require_memory
from benign.foundation.numbers import checked_count, checked_positive
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Column, Split
from benign.sources.checks import InputRows, fingerprint, frozen, noted, refuse_all, refuse_weights
from benign.sources.copies import Copies, find_copies, row_codes
from benign.sources.label_noise import checked_deviation, checked_rate, under_noise
from benign.sources.tables import LARGEST_INPUT, Place, array_targets, column_names, input_matrix, input_samples

_SCALES = ("standard", "unit", "none")
_SQUARES_AT_ONCE = 2**16  # half a megabyte: they stay in the processor's cache


@dataclass(frozen=True, kw_only=True, eq=False)
class FiniteData:
    """All rows of a data set: what sources of different settings share.

    Attributes:
        inputs: rows x d, finite but for the gaps of ``columns``; pixels that came as uint8 are held as such, and are
            float64 only in the splits.
        targets: rows x outputs, noise-free; one-hot for classification.
        classes: names of the classes in index order, or None for regression.
        columns: what the columns of inputs are, where they are to be handed on as a data frame; see :class:`Split`.
        identifiers: names of the columns that seem to number the rows; they decide nothing.
        names: of all columns, where somebody has named them; they decide nothing either.
        shape: of one sample, where it is no plain row; see :class:`Split`.
        is_shape_known: whether the shape follows from the name, so that it decides nothing: of the images that come
            with packages, whose keys are older than shapes.
    """

    inputs: InputRows
    targets: Float[np.ndarray, "rows outputs"]
    classes: tuple[str, ...] | None
    columns: tuple[Column, ...] | None = None
    identifiers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    is_shape_known: bool = False

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of inputs and targets, and of the columns where they matter."""
        numbers = fingerprint(self.inputs, self.targets)
        if self.columns is None:
            return numbers
        named = json.dumps([numbers, [asdict(column) for column in self.columns]])
        return hashlib.sha256(named.encode()).hexdigest()

    @cached_property
    def largest(self) -> float:
        """Size of the largest input."""
        return max(float(np.fmax.reduce(self.inputs, axis=None)), -float(np.fmin.reduce(self.inputs, axis=None)))

    @cached_property
    def row_codes(self) -> Int[np.ndarray, " rows"]:
        """A number for each row of inputs, equal for equal rows."""
        return row_codes(self.inputs)


@dataclass(frozen=True, kw_only=True, eq=False)
class FiniteSource:
    """A source over a :class:`FiniteData`; :func:`arrays`, :func:`digits` and :func:`mnist` make it.

    Attributes:
        data: the rows.
        name: what titles and messages call it.
        label_noise: share of flipped labels (classification) or standard deviation (regression).
        test_samples: rows of the test set, drawn afresh in each draw.
        scale: how inputs are scaled; see :func:`arrays`.
    """

    revision: ClassVar[int] = 1

    data: FiniteData
    name: str
    label_noise: float
    test_samples: int
    scale: str | float

    def __post_init__(self) -> None:
        rows = len(self.data.inputs)
        checked_text("name", self.name)
        if checked_count("test_samples", self.test_samples) >= rows:
            raise invalid(
                "test_samples",
                f"must leave rows to train on, got {self.test_samples} of {rows} rows; ask for at most {rows - 1}.",
            )
        _check_scale(self.scale, self.data.largest)
        if self.classes is None:
            checked_deviation("label_noise", self.label_noise)
        else:
            checked_rate(self.label_noise)

    @property
    def max_samples(self) -> int:
        """The rows outside the test set."""
        return len(self.data.inputs) - self.test_samples

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes in index order, or None for regression."""
        return self.data.classes

    @property
    def columns(self) -> tuple[Column, ...] | None:
        """What the columns of inputs are, where procedures are handed a data frame; else None."""
        return self.data.columns

    def notes(self, samples: int, replicate: Replicate) -> tuple[str, ...]:
        """What to know of the data: whether test rows are copies of training rows, and whether inputs number them."""
        sentences = [self.copies(replicate).sentence(samples)]
        if names := self.data.identifiers:
            sentences.append(f"Columns that seem to number the rows are learnt from: {listed(names)}; leave them out.")
        return tuple(filter(None, sentences))

    def copies(self, replicate: Replicate) -> Copies:
        """Which test rows of a draw are copies of rows of its pool."""
        return _copies(self.data, self.test_samples, replicate.seed, replicate.draw)

    def spec(self) -> dict[str, object]:
        """Canonical settings with the SHA-256 of the data."""
        return {
            "source": "finite",
            "name": self.name,
            "rows": len(self.data.inputs),
            "classes": None if self.classes is None else list(self.classes),
            "label_noise": float(self.label_noise),
            "test_samples": int(self.test_samples),
            "scale": self.scale if isinstance(self.scale, str) else float(self.scale),
            "data": self.data.fingerprint,
            **({} if self.data.shape is None or self.data.is_shape_known else {"shape": list(self.data.shape)}),
        }

    def with_label_noise(self, level: float) -> FiniteSource:
        """The same source at another level of label noise.

        Raises:
            InvalidArgument: for a level that cannot be one.
        """
        return replace(self, label_noise=level)

    @property
    def folds(self) -> int:
        """How many test sets of one draw share no row."""
        return max(1, len(self.data.inputs) // self.test_samples)

    def draw(self, samples: int, replicate: Replicate, *, fold: int = 0) -> Split:
        """Draw ``samples`` training rows and the test set of a replicate.

        Args:
            samples: n.
            replicate: its ``draw`` shuffles the rows.
            fold: which test set of that draw, below :attr:`folds`; no two share a row. Training rows follow the test
                rows in the draw's order, which goes round.

        Raises:
            InvalidArgument: if ``samples`` is not a positive integer or the pool has fewer rows.
        """
        if checked_count("samples", samples) > self.max_samples:
            raise invalid(
                "samples",
                f"must be at most {self.max_samples}, got {samples}: {self.name} has {len(self.data.inputs)} rows and "
                f"{self.test_samples} of them are for testing; ask for fewer or lower `test_samples`.",
            )
        drawn = _drawn(self.data, self.test_samples, self.scale, (replicate.seed, replicate.draw, fold))
        train_clean = frozen(self.data.targets[drawn.pool_rows[:samples]])
        test_clean = frozen(self.data.targets[drawn.test_rows])
        clean = Split(
            train_inputs=drawn.pool[:samples],
            train_targets=train_clean,
            train_targets_clean=train_clean,
            test_inputs=drawn.test,
            test_targets=test_clean,
            test_targets_noisy=test_clean,
            pool=drawn.pool,
            classes=self.classes,
            replicate=replicate,
            columns=self.columns,
            shape=self.data.shape,
        )
        return under_noise(clean, float(self.label_noise))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Drawn:
    """Scaled inputs of one draw, shared by all its splits."""

    pool: Float[np.ndarray, "pool d"]
    test: Float[np.ndarray, "n_test d"]
    pool_rows: Int[np.ndarray, " pool"]
    test_rows: Int[np.ndarray, " n_test"]


@lru_cache(maxsize=2)
def _drawn(data: FiniteData, test_samples: int, scale: str | float, which: tuple[int, int, int]) -> _Drawn:
    """Shuffle, set the test rows apart, fit the scaling on the rest; kept for the label-noise draws that follow."""
    test_rows, pool_rows = _rows(data, test_samples, *which)
    require_memory(
        8.0 * data.inputs.size,
        purpose=f"a draw of {len(data.inputs):,} rows of {data.inputs.shape[1]:,} numbers",
        advice="give a part of the rows",
    )
    pool, test = (np.take(data.inputs, rows, axis=0).astype(np.float64, copy=False) for rows in (pool_rows, test_rows))
    _scale(pool, test, scale)
    return _Drawn(pool=frozen(pool), test=frozen(test), pool_rows=pool_rows, test_rows=test_rows)


def _rows(
    data: FiniteData, test_samples: int, seed: int, draw: int, fold: int = 0
) -> tuple[Int[np.ndarray, " n_test"], Int[np.ndarray, " pool"]]:
    """Which rows are the test set and the pool of a fold of a draw, in its order."""
    order = np.roll(generator(seed, "rows", draw).permutation(len(data.inputs)), -fold * test_samples)
    return order[:test_samples], order[test_samples:]


@lru_cache(maxsize=2)
def _copies(data: FiniteData, test_samples: int, seed: int, draw: int) -> Copies:
    test_rows, pool_rows = _rows(data, test_samples, seed, draw)
    are_numbers = all(column.is_plain for column in data.columns or ())
    return find_copies(data.inputs, data.row_codes, test_rows=test_rows, pool_rows=pool_rows, are_numbers=are_numbers)


def _scale(pool: Float[np.ndarray, "pool d"], test: Float[np.ndarray, "n_test d"], scale: str | float) -> None:
    """Scale both as fitted on the pool, in place: the pool of a large table must not be held twice."""
    if scale == "none":
        return
    if scale == "standard":
        centre = pool.mean(axis=0)
        pool -= centre
        test -= centre
        divisor = math.sqrt(_sum_of_squares(pool.reshape(-1)) / pool.size) or 1.0
    elif scale == "unit":
        divisor = float(max(pool.max(), -pool.min())) or 1.0
    else:
        divisor = float(scale)
    pool /= divisor
    test /= divisor


def _sum_of_squares(values: Float[np.ndarray, " m"]) -> float:
    """Equivalent to ``numpy.sum(values**2)``, whose pairwise order it keeps, without holding all squares at once."""
    if len(values) <= _SQUARES_AT_ONCE:
        return float(np.sum(values**2))
    half = len(values) // 2
    half -= half % 8
    return _sum_of_squares(values[:half]) + _sum_of_squares(values[half:])


def _check_scale(scale: str | float, largest: float) -> None:
    """Refuse what is no scale, and what would leave inputs, the largest of this size, without squares."""
    if isinstance(scale, str):
        checked_name("scale", scale, _SCALES)
        divisor = 1.0
    else:
        divisor = checked_positive("scale", scale, kind='a positive number, "standard", "unit" or "none"')
    Place("inputs").check_size(largest / divisor, LARGEST_INPUT)


def arrays(
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    task: str = "auto",
    label_noise: float = 0.0,
    test_samples: int | None = None,
    scale: str | float = "standard",
    name: str = "arrays",
    sample_weight: None = None,
) -> FiniteSource:
    """Your own data as a source.

    Args:
        inputs: rows x features, finite numbers; one dimension is one feature. Images (rows x channels x height x width)
            keep their shape where a training loop takes one, and are flattened elsewhere. Arrays, nested lists and data
            frames will do. The values are copied.
        targets: one label or value a row, or rows x outputs values for regression.
        task: ``"classification"``, ``"regression"``, or ``"auto"``: strings and booleans are classes, integers are
            classes where they take at most 50 different values and each twice on average, other numbers are values.
        label_noise: share of labels flipped to another class (classification), or standard deviation of the Gaussian
            noise added to the values (regression); on top of what noise the data have.
        test_samples: rows kept for testing, drawn afresh in each draw; a fifth of the rows, at most 2,000, unless said.
        scale: ``"standard"`` centres each column and divides all by one number, the standard deviation over all
            entries; ``"unit"`` divides by the largest absolute entry; a number divides by that number (255 for
            pixels); ``"none"`` does nothing. Fitted on the pool of each draw: all rows outside its test set.
        name: what titles and messages call it.
        sample_weight: none can be given: every sample counts the same.

    Raises:
        InvalidArgument: for data or settings that cannot be used; the message says where and what to do.

    >>> source = arrays([[0.0], [1.0], [2.0], [3.0]], ["a", "b", "a", "b"], test_samples=1)
    >>> source.max_samples, source.classes
    (3, ('a', 'b'))
    """
    refuse_weights(sample_weight)
    samples, problems = input_samples(inputs), list[InvalidArgument]()
    with noted(problems):
        matrix = input_matrix(samples)
    with noted(problems):
        target_rows, classes = array_targets(targets, task=task, rows=len(samples))
    refuse_all(problems)
    names = column_names(inputs, matrix.shape[1])
    data = FiniteData(
        inputs=matrix, targets=target_rows, classes=classes, names=names, shape=sample_shape(samples.shape[1:])
    )
    return source_of(data, name=name, label_noise=label_noise, test_samples=test_samples, scale=scale)


def sample_shape(axes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of samples with so many entries along each axis: None where they are plain rows."""
    return axes if len(axes) > 1 else None


def source_of(
    data: FiniteData, *, name: str, label_noise: float, test_samples: int | None, scale: str | float
) -> FiniteSource:
    """A source over a user's data, a fifth of whose rows, at most 2,000, are kept for testing unless said.

    Raises:
        InvalidArgument: for settings that cannot be used.
    """
    if data.columns is not None and scale not in ("standard", "none"):
        raise invalid("scale", "must be left out where columns are handed on as a data frame.")
    if test_samples is None:
        test_samples = min(2000, max(1, len(data.inputs) // 5))
    scale = scale if data.columns is None else "none"
    return FiniteSource(data=data, name=name, label_noise=label_noise, test_samples=test_samples, scale=scale)
