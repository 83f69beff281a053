"""What a path is asked: targets to fit, label sets to compare with, and the arrays in which every size is recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """Reference targets and their classes (-1 where a row has none), for each group of outputs."""

    targets: Float[np.ndarray, "references groups outputs m"]
    classes: Int[np.ndarray, "references groups m"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PathProblem:
    """Least squares in ``groups`` target matrices on the same features, at every size 1..``last``.

    Attributes:
        targets: what is fitted, all training rows.
        train: label sets on the leading training rows, where training risk is measured (all rows, but for embeddings).
        test: label sets on the test rows.
        ridge: scikit-learn's alpha.
        last: largest size.
        asked: the sizes whose numbers are read; the others are measured where that costs nothing.
        leave_one_out: whether leave-one-out risk is recorded.
        predict_at: sizes whose test predictions are kept.
        spectrum_at: sizes whose singular values are kept.
    """

    targets: Float[np.ndarray, "groups outputs n"]
    train: Labels
    test: Labels
    ridge: float
    last: int
    asked: frozenset[int]
    leave_one_out: bool
    predict_at: frozenset[int]
    spectrum_at: frozenset[int]

    @property
    def groups(self) -> int:
        """Number of target matrices."""
        return self.targets.shape[0]

    @property
    def samples(self) -> int:
        """Number of training rows n."""
        return self.targets.shape[2]

    @property
    def measured(self) -> int:
        """Number of leading training rows on which training risk is measured."""
        return self.train.targets.shape[3]

    def flat_targets(self) -> Float[np.ndarray, "columns n"]:
        """All outputs of all groups as rows, Fortran order."""
        return np.asfortranarray(self.targets.reshape(-1, self.samples))


# Flops that sizes which the path cannot trust may cost together, a factorisation each: a minute or so, and ten times
# the path's own. They are many, and large, only for features whose singular values fall gradually to nothing.
_BUDGET, _BUDGET_OF_PATH = 5e11, 10.0
FACTORISATION = 10.0  # times the cube of the rank


@dataclass(frozen=True, kw_only=True, eq=False)
class Risk:
    """Sums over samples at every size, against each of the label sets that predictions are compared with."""

    labels: Labels
    squares: Float[np.ndarray, "references groups last"]
    wrong: Float[np.ndarray, "references groups last"]


class PathRecord:
    """Everything measured of a ``problem`` along its path; index k - 1 holds size k. NaN where nothing could be said.

    ``train`` and ``test`` are the risks on the training rows that count and on the test rows. ``budget`` is what is
    left for the sizes that the path cannot trust, ``spared`` are those that it no longer paid for, ``many_digits``
    those answered by :mod:`benign.linear.many_digits`.
    """

    def __init__(self, problem: PathProblem) -> None:
        groups, last = problem.groups, problem.last
        self.problem = problem
        self.train, self.test = (_unknown(labels, groups, last) for labels in (problem.train, problem.test))
        self.left_out_squares = np.full((groups, last), np.nan)
        self.left_out_wrong = np.full((groups, last), np.nan)
        self.norm_squared = np.full((groups, last), np.nan)
        self.condition = np.full(last, np.inf)
        self.sensitivity = np.zeros((groups, last))
        self.spread = np.zeros(last)
        self.truncated = np.zeros(last, dtype=bool)
        self.many_digits = np.zeros(last, dtype=bool)
        self.spared = np.zeros(last, dtype=bool)
        self.budget = _BUDGET + _BUDGET_OF_PATH * 9.0 * problem.samples**2 * last
        self.predictions: dict[int, np.ndarray] = {}
        self.singular_values: dict[int, np.ndarray] = {}

    def pays(self, size: int, flops: float) -> bool:
        """Whether the budget allows these flops; if not, the size is spared."""
        self.budget -= flops
        self.spared[size - 1] = self.budget < 0.0
        return self.budget >= 0.0

    def measures(self) -> tuple[np.ndarray, ...]:
        """The arrays whose last axis is the size and that become NaN where a size is not trusted."""
        risks = (self.train.squares, self.train.wrong, self.test.squares, self.test.wrong)
        return (*risks, self.left_out_squares, self.left_out_wrong, self.norm_squared)


def _unknown(labels: Labels, groups: int, last: int) -> Risk:
    squares, wrong = np.full((2, len(labels.targets), groups, last), np.nan)
    return Risk(labels=labels, squares=squares, wrong=wrong)
