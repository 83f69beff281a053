"""Sizes among which a column adds no rank, below the rank n.

With Z_k = U L Q, U (n x r) and the rows of Q orthonormal, L lower triangular, r the rank so far, a column is w = U^T z
and a remainder z - U w. Where the remainder is rounding, the column is what every column beyond n is, and a run of such
columns is the panel step of :mod:`benign.linear.beyond` with r in place of n. A run of independent columns, remainder
Q' R', gives

    D = (V - T L^-1 W) R'^-1,  c = Q'^T Y,  P_(k+j) = P_k + sum_(i<=j) D_i c_i^T,  T = Z_test Q^T,

and [[L, W], [0, R']] is rotated to the next L. The solution is the one of smallest norm in both. A zero column is a
zero term in either run.

L and T are held at the largest order that they can reach: rows from r on are those of the identity, which no column and
no target sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float, Int
from scipy.linalg import blas

from benign.linear.beyond import (
    Panel,
    Start,
    State,
    downdated,
    group_squares,
    grouped,
    later_squares,
    next_width,
    restart,
    rows_of,
    solve_panel,
    traces,
)
from benign.linear.columns import Columns
from benign.linear.problem import FACTORISATION, PathProblem, PathRecord
from benign.linear.recording import (
    keep_predictions,
    leave_out_into,
    record_sensitivity,
    record_solution,
    squares_along,
    sweep_into,
)
from benign.linear.row_space import RowSpace, append, empty_row_space, project
from benign.linear.triangle import set_diagonal, solve_right, to_dense
from benign.linear.truncated import truncated_solution
from benign.linear.trust import is_trusted

# A remainder is rounding where it is at most 10 units in the last place of the columns in play, of z itself and of the
# columns z_i of the basis that represent it: |z - U w| <= 10 eps (|z| + (sum_i |z_i|^2 theta_i^2)^(1/2)), U w = sum_i
# theta_i z_i. In exactly dependent columns at n = 30 to 1,000 we saw at most 2.2 units, and 4 where the dependence held
# to the rounding of a standardisation; taken as independent, such a column has a condition number beyond 1e14.
_ROUNDING = 10.0 * np.finfo(float).eps
# Only a column that loses this much of its length is looked at: what an ill-conditioned L says of others is noise.
_SUSPICIOUS = 1e-5
_WIDTH = 64


def is_dependent(
    remainders: Float[np.ndarray, " b"],
    lengths: Float[np.ndarray, " b"],
    represented: Float[np.ndarray, " b"],
) -> Bool[np.ndarray, " b"]:
    """Whether columns of these lengths depend on those before them, ``represented`` as above."""
    return np.asarray(is_suspicious(remainders, lengths) & (remainders <= _ROUNDING * (lengths + represented)))


def is_suspicious(remainders: Float[np.ndarray, " b"], lengths: Float[np.ndarray, " b"]) -> Bool[np.ndarray, " b"]:
    """Whether columns of these lengths may depend on those before them."""
    return np.asarray(remainders <= _SUSPICIOUS * lengths)


@dataclass(frozen=True, kw_only=True, eq=False)
class Span:
    """Z_k = U L Q at one size; the arrays that have their full order are updated in place.

    Attributes:
        rank: r; the first r columns of ``basis`` count, and the first r rows of ``upper`` and ``space``.
        basis: U.
        upper: U^T [z_1 .. z_r], upper triangular, of the r columns that raised the rank.
        smoother: (T L^-1)^T, what each column of the basis predicts for the test rows.
        space: L and T.
        targets: U^T Y as rows, zero from r on.
        residual: Y - U U^T Y.
        complements: 1 - leverage of each sample.
        state: the solution in these coordinates.
        refreshed: the last size at which the condition number was no mere bound.
    """

    rank: int
    basis: Float[np.ndarray, "n order"]
    upper: Float[np.ndarray, "order order"]
    smoother: Float[np.ndarray, "order n_test"]
    space: RowSpace
    targets: Float[np.ndarray, "groups outputs order"]
    residual: Float[np.ndarray, "groups outputs n"]
    complements: Float[np.ndarray, " n"]
    state: State
    refreshed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Columns yet to be taken: ``coordinates`` U^T z as rows, ``remainders`` z - U U^T z, the test rows as rows."""

    coordinates: Float[np.ndarray, "b order"]
    remainders: Float[np.ndarray, "n b"]
    lengths: Float[np.ndarray, " b"]
    test: Float[np.ndarray, "b n_test"]

    def __len__(self) -> int:
        return len(self.lengths)

    def part(self, start: int, stop: int | None = None) -> Batch:
        """Columns ``start`` .. ``stop`` - 1, of the same memory."""
        where = slice(start, stop)
        return Batch(
            coordinates=self.coordinates[where],
            remainders=self.remainders[:, where],
            lengths=self.lengths[where],
            test=self.test[where],
        )

    def are_suspicious(self) -> Bool[np.ndarray, " b"]:
        """Whether each may depend on the basis."""
        return is_suspicious(np.linalg.norm(self.remainders, axis=0), self.lengths)


def span_of(
    problem: PathProblem,
    basis: Float[np.ndarray, "n r"],
    upper: Float[np.ndarray, "r r"],
    test: Float[np.ndarray, "n_test r"],
) -> Span:
    """The span of the first r columns, independent ones, Z_r = ``basis`` @ ``upper``."""
    rank, order = len(upper), min(problem.samples, problem.last)
    space = empty_row_space(order, len(test), 0.0)
    set_diagonal(space.triangle, slice(rank, order), 1.0)
    bases, uppers = (np.zeros((rows, order), order="F") for rows in (problem.samples, order))
    bases[:, :rank], uppers[:rank, :rank] = basis, upper
    if rank:
        rows = np.zeros((rank, order), order="F")
        rows[:, :rank] = upper.T
        append(space, rows, np.array(test.T, order="F"))
    targets = np.zeros((*problem.targets.shape[:2], order))
    targets[..., :rank] = problem.targets @ basis
    reduced = replace(problem, targets=targets)
    span = Span(
        rank=rank,
        basis=bases,
        upper=uppers,
        smoother=np.zeros((order, len(test))),
        space=space,
        targets=targets,
        residual=problem.targets - targets[..., :rank] @ basis.T,
        complements=1.0 - np.einsum("ij,ij->i", basis, basis),
        state=restart(reduced, space, rank, 0.0),
        refreshed=rank,
    )
    return _at(problem, span, rank, float(np.vdot(upper, upper)), None)


def record_dependent(columns: Columns, record: PathRecord, span: Span, until: int, tell: Callable[[int], None]) -> Span:
    """Measure the sizes after ``span`` up to ``until``, or until the rank is n.

    Costs at most 9 n^2 flops a size for n_test = n, where runs are long.
    """
    problem = record.problem
    while span.state.size < until and span.rank < problem.samples:
        start = span.state.size
        stops = [size for size in problem.spectrum_at if size > start]
        train, test = columns.panel(start, min([start + _WIDTH, until, *stops]))
        batch = _batch(span, train, test)
        reach = len(batch)
        while len(batch) and span.rank < problem.samples:
            if not span.state.is_usable:
                reach = next_width(record, span.state.size, span.state.size + min(reach, len(batch)))
            span, rest = _record_run(record, span, batch.part(0, reach), batch)
            taken = len(batch) - len(rest)
            reach, batch = max(2 * taken, 8), rest
        if span.state.size in problem.spectrum_at:
            record.singular_values.setdefault(span.state.size, _singular_values(problem, span))
        tell(span.state.size)
    return span


def as_start(columns: Columns, span: Span) -> Start:
    """What the sizes beyond go on from: the row space of all columns, with the remainders that the basis dropped.

    Where other columns were far from orthogonal those are more than rounding of the columns.
    """
    size, space = span.state.size, empty_row_space(columns.samples, columns.test_samples, 0.0)
    for start in range(0, size, _WIDTH):
        append(space, *rows_of(columns, start, min(start + _WIDTH, size)))
    return Start(
        size=size,
        frobenius_squared=span.state.frobenius_squared,
        spread=0.0,
        train=to_dense(space.triangle),
        test=np.asfortranarray(np.concatenate(space.test_rows)),
    )


def _batch(span: Span, train: Float[np.ndarray, "n b"], test: Float[np.ndarray, "n_test b"]) -> Batch:
    """Columns after a first pass of Gram-Schmidt; a second follows before they are judged.

    Twice is enough (Kahan, in Parlett 1980, The Symmetric Eigenvalue Problem, section 6.9).
    """
    coordinates = np.zeros((train.shape[1], span.basis.shape[1]), order="F")
    batch = Batch(
        coordinates=coordinates,
        remainders=np.array(train, order="F"),
        lengths=np.linalg.norm(train, axis=0),
        test=np.array(test.T, order="F"),
    )
    _take_out(span, batch, slice(span.rank))
    return batch


def _take_out(span: Span, batch: Batch, directions: slice) -> None:
    """One pass of Gram-Schmidt against some directions of the basis."""
    basis = span.basis[:, directions]
    share = basis.T @ batch.remainders
    batch.remainders[...] -= basis @ share
    batch.coordinates[:, directions] += share.T


def _record_run(record: PathRecord, span: Span, group: Batch, batch: Batch) -> tuple[Span, Batch]:
    """Take the leading columns that are all dependent, or all independent or zero; return what is left of the batch."""
    _take_out(span, group, slice(span.rank))
    suspicious = group.are_suspicious()
    if suspicious[0]:
        group = group.part(0, _leading(suspicious))
        remainders = np.linalg.norm(group.remainders, axis=0)
        count = _leading(is_dependent(remainders, group.lengths, _represented(span, group.coordinates)))
        if count:
            new = _take_dependent(record, span, group.part(0, count))
            return new, batch.part(new.state.size - span.state.size)
        group = group.part(0, 1)
    else:
        group = group.part(0, _leading(~suspicious | (group.lengths == 0.0)))
    new = _take_independent(record, span, group)
    rest = batch.part(new.state.size - span.state.size)
    _take_out(new, rest, slice(span.rank, new.rank))
    return new, rest


def _represented(span: Span, coordinates: Float[np.ndarray, "b order"]) -> Float[np.ndarray, " b"]:
    """Root of the sum of |z_i|^2 theta_i^2, U w = sum theta_i z_i, over the columns z_i that raised the rank."""
    upper = np.asfortranarray(span.upper[: span.rank, : span.rank])
    weights = scipy.linalg.solve_triangular(upper, coordinates[:, : span.rank].T, check_finite=False)
    return np.asarray(np.linalg.norm(np.linalg.norm(upper, axis=0)[:, None] * weights, axis=0))


def _leading(values: Bool[np.ndarray, " b"]) -> int:
    """Number of leading true values."""
    return len(values) if values.all() else int(values.argmin())


def _take_dependent(record: PathRecord, span: Span, group: Batch) -> Span:
    """The panel step beyond n, with r in place of n."""
    problem, old, panel, width = record.problem, span.state, None, len(group)
    if old.is_usable:
        panel = solve_panel(_reduced(problem, span), span.space, old, group.coordinates, group.test)
        width = panel.width
    taken = group.part(0, width)
    append(span.space, np.array(taken.coordinates, order="F"), np.array(taken.test, order="F"))
    size, frobenius = old.size + width, old.frobenius_squared + float(np.sum(taken.lengths**2))
    is_due = width < len(group) or size >= 2 * span.refreshed
    if panel is not None and panel.dual_directions is not None:
        span.smoother[: span.rank] += panel.dual_directions[:, : span.rank].T @ panel.test_directions
    inherited = downdated(old, panel) if panel is not None and not is_due else None
    new = _at(problem, span, size, frobenius, inherited)
    if panel is not None and width > 1:
        _record_dependent_run(record, span, new.state, panel)
    _record_span(record, new)
    return new


def _reduced(problem: PathProblem, span: Span) -> PathProblem:
    """The problem in the coordinates of the basis, whose panels come with their directions of the dual."""
    return replace(problem, targets=span.targets, leave_one_out=True)


def _record_dependent_run(record: PathRecord, span: Span, new: State, panel: Panel) -> None:
    """Record the sizes strictly between two states, whose spread is taken to be the larger of theirs."""
    old, inner = span.state, panel.width - 1
    where = np.arange(old.size, old.size + inner)
    _record_terms(record, span, where, panel.terms[:inner], panel.test_directions[:inner], None)
    squares = group_squares(record.problem, new.whitened)
    record.norm_squared[:, where] = squares[:, None] + later_squares(panel.terms)[:, 1:]
    frobenius, inverse = old.frobenius_squared + panel.growth[:inner], traces(old, panel)[:inner]
    unfitted = np.repeat(_residual_squares(span)[:, None], inner, axis=1)
    _record_reliability(record, where, frobenius, inverse, np.full(inner, max(old.spread, new.spread)), unfitted)
    record.truncated[where] = True


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    """Independent columns Q' R' after their coordinates W; ``weight_directions`` are [-L^-1 W; I] R'^-1 as rows."""

    basis: Float[np.ndarray, "n b"]
    upper: Float[np.ndarray, "b b"]
    terms: Float[np.ndarray, "b groups outputs"]
    test_directions: Float[np.ndarray, "b n_test"]
    weight_directions: Float[np.ndarray, "b order"]
    frobenius: Float[np.ndarray, " b"]
    inverse: Float[np.ndarray, " b"]


def _take_independent(record: PathRecord, span: Span, group: Batch) -> Span:
    """The step of the sizes up to n, from a span in place of nothing; zero columns are zero terms."""
    problem, old, rank = record.problem, span.state, span.rank
    filled = np.flatnonzero(group.lengths)
    run = _solve_run(span, group, filled[: problem.samples - rank])
    trusted = _leading(is_trusted(np.sqrt(run.frobenius * run.inverse))) if old.is_usable else 0
    count = max(1, trusted if old.is_usable else len(run.terms))
    taken = int(filled[count]) if count < len(filled) else len(group)
    _extend(span, run, group.coordinates[filled[:count]], group.test[filled[:count]])
    inherited = old.gram_inverse.copy()
    inherited[rank : rank + count] = np.einsum("ij,ij->i", run.weight_directions[:count], run.weight_directions[:count])
    frobenius = old.frobenius_squared + float(np.sum(group.lengths[:taken] ** 2))
    extended = replace(
        span,
        rank=rank + count,
        residual=span.residual - np.einsum("bgo,nb->gon", run.terms[:count], run.basis[:, :count]),
        complements=span.complements - np.einsum("ij,ij->i", run.basis[:, :count], run.basis[:, :count]),
    )
    new = _at(problem, extended, old.size + taken, frobenius, inherited if trusted else None)
    if trusted:
        _record_independent_run(record, span, run, filled[:count], taken)
    else:
        _record_span(record, new)
    return new


def _solve_run(span: Span, group: Batch, filled: Int[np.ndarray, " b"]) -> _Run:
    """The terms of the longest leading part whose columns are independent of each other, at least of one."""
    basis, upper = scipy.linalg.qr(group.remainders[:, filled], mode="economic", check_finite=False)
    width = max(1, _leading(~is_suspicious(np.abs(upper.diagonal()), group.lengths[filled])))
    basis, upper, filled = basis[:, :width], np.asfortranarray(upper[:width, :width]), filled[:width]
    with np.errstate(all="ignore"):
        weights = solve_right(span.space.triangle, group.coordinates[filled])
        directions = np.asfortranarray(group.test[filled]) - project(span.space, weights)
        weights *= -1.0
        weights[:, span.rank : span.rank + width] = np.eye(width)
        weights = blas.dtrsm(1.0, upper, weights, trans_a=True)
        inverse = span.state.gram_inverse.sum() + np.cumsum(np.einsum("ij,ij->i", weights, weights))
    return _Run(
        basis=basis,
        upper=upper,
        terms=np.einsum("nb,gon->bgo", basis, span.residual),
        test_directions=blas.dtrsm(1.0, upper, directions, trans_a=True),
        weight_directions=weights,
        inverse=inverse,
        frobenius=span.state.frobenius_squared + np.cumsum(group.lengths[filled] ** 2),
    )


def _extend(
    span: Span, run: _Run, coordinates: Float[np.ndarray, "b order"], test: Float[np.ndarray, "b n_test"]
) -> None:
    """Make the run's columns part of the basis and of the row space."""
    count = len(coordinates)
    new = slice(span.rank, span.rank + count)
    rows = np.array(coordinates, order="F")
    rows[:, new] = run.upper[:count, :count].T
    set_diagonal(span.space.triangle, new, 0.0)
    append(span.space, rows, np.array(test, order="F"))
    span.basis[:, new] = run.basis[:, :count]
    span.upper[:, new] = coordinates.T
    span.upper[new, new] = run.upper[:count, :count]
    span.smoother[new] = run.test_directions[:count]
    span.targets[..., new] = np.moveaxis(run.terms[:count], 0, 2)


def _at(
    problem: PathProblem, span: Span, size: int, frobenius: float, inherited: Float[np.ndarray, " order"] | None
) -> Span:
    """The span with its state at ``size``; a bound of the condition number that is not trusted is computed anew."""
    reduced = _reduced(problem, span)
    state = restart(reduced, span.space, size, frobenius, inherited=inherited)
    if inherited is None or not state.is_usable:
        state = restart(reduced, span.space, size, frobenius)
        state.gram_inverse[span.rank :] = 0.0
        if state.is_usable:
            _smooth_anew(span)
        span = replace(span, refreshed=size)
    smoother = span.smoother[: span.rank]
    return replace(span, state=replace(state, spread=float(np.vdot(smoother, smoother))))


def _smooth_anew(span: Span) -> None:
    """(T L^-1)^T from the row space itself."""
    rank = span.rank
    tests = np.concatenate(span.space.test_rows)[:rank]
    upper = to_dense(span.space.triangle)[:rank, :rank]
    span.smoother[:rank] = scipy.linalg.solve_triangular(upper, tests, check_finite=False) if rank else 0.0


def _record_independent_run(
    record: PathRecord, span: Span, run: _Run, filled: Int[np.ndarray, " b"], taken: int
) -> None:
    """Record ``taken`` sizes from a span on, of which ``filled`` raise the rank."""
    problem, count, where = record.problem, len(filled), np.arange(span.state.size, span.state.size + taken)

    def spread(rows: Float[np.ndarray, "b *shape"]) -> Float[np.ndarray, "taken *shape"]:
        padded = np.zeros((taken, *rows.shape[1:]))
        padded[filled] = rows[:count]
        return padded

    terms, raised = spread(run.terms), np.cumsum(spread(np.ones(count)).astype(int))
    _record_terms(record, span, where, terms, spread(run.test_directions), spread(run.basis.T))
    start = grouped(problem, span.state.whitened)
    record.norm_squared[:, where] = squares_along(start, spread(run.weight_directions), terms)
    unfitted = _residual_squares(span)[:, None] - np.cumsum(np.sum(terms**2, axis=2), axis=0).T
    spreads = span.state.spread + np.cumsum(np.sum(run.test_directions**2, axis=1))
    frobenius, inverse, spreads = (values[raised - 1] for values in (run.frobenius, run.inverse, spreads))
    _record_reliability(record, where, frobenius, inverse, spreads, np.maximum(unfitted, 0.0))
    record.truncated[where] = span.rank + raised < np.minimum(where + 1, problem.samples)


def _record_terms(
    record: PathRecord,
    span: Span,
    where: Int[np.ndarray, " b"],
    terms: Float[np.ndarray, "b groups outputs"],
    test_directions: Float[np.ndarray, "b n_test"],
    train_directions: Float[np.ndarray, "b n"] | None,
) -> None:
    """Sweep from a span; without training directions its training and leave-one-out risk hold for every size."""
    problem = record.problem
    sweep_into(grouped(problem, span.state.predicted), test_directions, terms, record.test, where)
    directions, steps = train_directions, terms
    if directions is None:
        directions, steps = np.zeros((1, problem.samples)), np.zeros((1, *terms.shape[1:]))
    fitted = np.ascontiguousarray((problem.targets - span.residual)[..., : problem.measured])
    sweep_into(fitted, directions[:, : problem.measured], steps, record.train, where)
    if problem.leave_one_out:
        residual, complements = span.residual.copy(), span.complements.copy()
        leave_out_into(record, residual, complements, directions, steps, where, scale=1.0)
    keep_predictions(record, grouped(problem, span.state.predicted), test_directions, terms, int(where[0]))


def _record_span(record: PathRecord, span: Span) -> None:
    """Record the size of a span; one that is not usable goes to the singular value decomposition, if asked for."""
    problem, state, where = record.problem, span.state, np.array([span.state.size - 1])
    record.truncated[where] = span.rank < min(problem.samples, state.size)
    if not state.is_usable:
        record.condition[where] = np.inf
        if state.size in problem.asked:
            _rescue(record, span)
        return
    no_direction, nothing = np.zeros((1, state.predicted.shape[1])), np.zeros((1, *problem.targets.shape[:2]))
    _record_terms(record, span, where, nothing, no_direction, None)
    record.norm_squared[:, where] = group_squares(problem, state.whitened)[:, None]
    frobenius, inverse = np.array([state.frobenius_squared]), np.array([state.gram_inverse.sum()])
    spread, unfitted = np.array([state.spread]), _residual_squares(span)[:, None]
    _record_reliability(record, where, frobenius, inverse, spread, unfitted)


def _residual_squares(span: Span) -> Float[np.ndarray, " groups"]:
    return np.asarray(np.sum(span.residual**2, axis=(1, 2)))


def _record_reliability(
    record: PathRecord,
    where: Int[np.ndarray, " b"],
    frobenius: Float[np.ndarray, " b"],
    inverse: Float[np.ndarray, " b"],
    spread: Float[np.ndarray, " b"],
    unfitted: Float[np.ndarray, "groups b"],
) -> None:
    """Record the condition number and the bound of the error, from squared Frobenius norms of L and L^-1."""
    record.condition[where] = np.maximum(np.sqrt(frobenius * inverse), 1.0)
    amplitude = record.norm_squared[:, where] + inverse * unfitted
    record_sensitivity(record, where, frobenius=frobenius, amplitude=amplitude, spread=spread)


def _rescue(record: PathRecord, span: Span) -> None:
    """Z = U L Q has the singular values of L, so its truncated solution is that of L, carried back by U and Q."""
    rank, size = span.rank, span.state.size
    if not record.pays(size, FACTORISATION * rank**3):
        return
    lower = to_dense(span.space.triangle)[:rank, :rank].T
    targets = span.targets.reshape(-1, span.targets.shape[2])[:, :rank].T
    solution = truncated_solution(lower, targets, order=max(record.problem.samples, size))
    if solution is None:
        return
    inverse = np.zeros((solution.inverse.shape[1], span.targets.shape[2]), order="F")
    inverse[:, :rank] = solution.inverse.T
    basis, smoother = span.basis[:, :rank] @ solution.basis, project(span.space, inverse)
    frobenius = span.state.frobenius_squared
    record_solution(record, size, solution, basis=basis, smoother=smoother, frobenius=frobenius)


def _singular_values(problem: PathProblem, span: Span) -> Float[np.ndarray, " values"]:
    """The singular values of the design matrix: those of L, and zeros."""
    values = np.zeros(min(problem.samples, span.state.size))
    if span.rank:
        values[: span.rank] = scipy.linalg.svdvals(to_dense(span.space.triangle)[: span.rank, : span.rank])
    return values
