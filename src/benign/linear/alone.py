"""Few sizes beyond n, without those in between.

At each size the triangle L of the row space alone, Z = L Q, gives the dual a = L^-T L^-1 Y; a second pass over the
columns gives the predictions Z_test Z^T a. These "seminormal equations" lose no more digits than a method that keeps Q
(Demmel & Higham 1993, SIAM J. Matrix Anal. Appl. 14:1). They cost 2 n^2 flops a column and n^3 / 3 a size, where the
path takes 9 n^2 a column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from benign.linear.beyond import State, panel_width, record_spectrum, record_usable, restart
from benign.linear.columns import Columns
from benign.linear.problem import PathProblem, PathRecord
from benign.linear.row_space import RowSpace, append, empty_row_space
from benign.linear.trust import is_trusted

# Alone must be this many times cheaper than the path, and save so many flops: else one way for all is simpler.
_GAIN = 2.0
_SAVED = 1e8


def sizes_alone(problem: PathProblem, test_samples: int) -> tuple[int, ...]:
    """The sizes beyond n that are asked for, where solving those alone is clearly cheaper than the path; else none."""
    n, last, outputs = float(problem.samples), problem.last, problem.groups * problem.targets.shape[1]
    far = tuple(sorted(size for size in problem.asked | problem.spectrum_at if size > n))
    has_dual = problem.leave_one_out or problem.ridge > 0.0
    path = n**2 * (6 * n + 5 * test_samples) + (last - n) * ((3 + 2 * has_dual) * n**2 + 6 * n * test_samples)
    alone = 2 * n**2 * last + sum(n**3 / 3 + outputs * (4 * n**2 + 2 * size * (n + test_samples)) for size in far)
    return far if _GAIN * alone < path and path - alone > _SAVED else ()


def record_alone(columns: Columns, record: PathRecord, sizes: Sequence[int], tell: Callable[[int], None]) -> bool:
    """Measure these sizes beyond n and no other; or none, and say no, where one is left to the path to judge."""
    problem = record.problem
    states = []
    for state, space in _solve(problem, columns, sizes):
        if not state.is_usable:
            return False
        states.append(state)
        record_spectrum(record, space, state.size)
        tell(state.size)
    for state in _predict(problem, columns, states):
        record_usable(record, state)
    at = np.array(sizes) - 1
    return bool(is_trusted(record.condition[at], record.sensitivity[:, at]).all())


def _solve(problem: PathProblem, columns: Columns, sizes: Sequence[int]) -> Iterator[tuple[State, RowSpace]]:
    """First pass: the state of every size, without predictions."""
    space = empty_row_space(problem.samples, 0, problem.ridge)
    frobenius = problem.ridge * problem.samples
    for start, stop in _panels(problem, sizes):
        train = np.array(columns.train_panel(start, stop).T, order="F")
        frobenius += float(np.vdot(train, train))
        append(space, train, np.empty((stop - start, 0)))
        if stop in sizes:
            yield restart(problem, space, stop, frobenius), space


def _predict(problem: PathProblem, columns: Columns, states: Sequence[State]) -> list[State]:
    """Second pass: the test predictions of every size, and with ridge an upper bound of its spread."""
    outputs = problem.groups * problem.targets.shape[1]
    predicted = [np.zeros((outputs, columns.test_samples)) for _ in states]
    spreads = np.zeros(len(states))
    for start, stop in _panels(problem, [state.size for state in states]):
        train, test = columns.panel(start, stop)
        for number, state in enumerate(states):
            if state.size >= stop:
                predicted[number] += (state.dual @ train) @ test.T
                spreads[number] += float(np.vdot(test, test))
    if problem.ridge > 0.0:
        spreads /= problem.ridge
    return [replace(s, predicted=p, spread=float(v)) for s, p, v in zip(states, predicted, spreads, strict=True)]


def _panels(problem: PathProblem, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last column of panels that end at these sizes."""
    start, width = 0, panel_width(problem.samples)
    for size in sizes:
        while start < size:
            stop = min(start + width, size)
            yield start, stop
            start = stop
