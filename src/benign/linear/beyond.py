"""Every size beyond n, panel by panel, from the rotated row space.

At size k0 the state is Z_k0 = L Q, T = Z_test Q^T. A panel of b further features U (train), V (test) gives

    S = L^-1 U,  C C^T = I + S^T S,  D = (V - T S) C^-T,  c = C^-1 S^T A,  A = L^-1 Y,  W = L^-T S C^-T,

and P_(k0+j) = P_k0 + sum_(i<=j) D_i c_i^T. Then [L U] and [T V] are rotated and everything restarts from the new state,
so that errors do not add up over panels. The last size of each panel is read from the new state itself. The update of
an inverse by a panel is Woodbury's (1950); carrying T along, so that no kernel matrix is formed, is ours.

Which sizes are answered does not depend on where panels end: a panel is cut before a size that its bound of the
condition number does not trust, and the state there is judged by its own condition number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float
from scipy.linalg import blas, lapack

from benign.linear.columns import Columns
from benign.linear.problem import FACTORISATION, PathProblem, PathRecord
from benign.linear.recording import (
    keep_predictions,
    leave_out_into,
    measure_at,
    record_left_out,
    record_sensitivity,
    record_solution,
    sweep_into,
)
from benign.linear.row_space import RowSpace, append, empty_row_space, project
from benign.linear.spectrum import without_ridge
from benign.linear.triangle import inverse_row_norms, solve_right, solve_right_transposed, to_dense
from benign.linear.truncated import truncated_solution
from benign.linear.trust import is_trusted

# A panel is cut where eps (max C_jj / min C_jj)^2 exceeds this: I + S^T S squares the condition of [L U].
_CUT = 1e-13
# With ridge, a squared norm that is this small against what it is the difference of has lost half of its digits.
_CANCELLED = 1e-7


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """The solution at one size, recomputed from the row space; ``spread`` as in :class:`Start`.

    ``whitened`` is (L^-1 Y)^T, ``dual`` (L^-T L^-1 Y)^T and ``predicted`` (T L^-1 Y)^T, one row for each output;
    ``gram_inverse`` is the diagonal of (L L^T)^-1, or an earlier one: an upper bound, since singular values only grow.
    """

    size: int
    frobenius_squared: float
    spread: float
    whitened: Float[np.ndarray, "columns n"]
    dual: Float[np.ndarray, "columns n"]
    predicted: Float[np.ndarray, "columns n_test"]
    gram_inverse: Float[np.ndarray, " n"]

    @property
    def condition(self) -> float:
        """kappa_F, or an upper bound of it."""
        return float(self.condition_after(np.zeros(1))[0])

    def condition_after(self, growth: Float[np.ndarray, " b"]) -> Float[np.ndarray, " b"]:
        """Upper bound of kappa_F once the squares of the features have grown so far."""
        with np.errstate(over="ignore", invalid="ignore"):
            product = np.sqrt(self.frobenius_squared + growth) * np.sqrt(self.gram_inverse.sum())
        return np.asarray(np.where(np.isfinite(product), product, np.inf))

    @property
    def is_usable(self) -> bool:
        """Whether a panel can start here."""
        return bool(is_trusted(self.condition)) and bool(np.isfinite(self.dual).all())


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """The terms of the longest safe leading part of a panel; ``growth`` is the prefix sum of its columns' squares."""

    test_directions: Float[np.ndarray, "b n_test"]
    dual_directions: Float[np.ndarray, "b n"] | None
    terms: Float[np.ndarray, "b groups outputs"]
    growth: Float[np.ndarray, " b"]

    @property
    def width(self) -> int:
        """Number of features b."""
        return len(self.terms)


def panel_width(samples: int) -> int:
    """Features a step: wide enough for fast products, narrow enough that the b x b work stays small."""
    return int(np.clip(samples // 4, 64, 256))


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """A size whose features span R^n, as n rows with the same row space: its own columns if there are n of them.

    ``spread`` is the sum of z^T (Z^T Z + ridge I)^-1 z over the test rows z, kept along with a ridge.
    """

    size: int
    frobenius_squared: float
    spread: float
    train: Float[np.ndarray, "n n"]
    test: Float[np.ndarray, "n n_test"]


def first_columns(problem: PathProblem, columns: Columns, spread: float) -> Start:
    """The first n columns; a ``spread`` of 0 is one that is not known."""
    samples = problem.samples
    train, test = rows_of(columns, 0, samples)
    frobenius = problem.ridge * samples + float(np.vdot(train, train))
    spread = spread if spread > 0.0 else _largest_spread(problem, test)
    return Start(size=samples, frobenius_squared=frobenius, spread=spread, train=train, test=test)


def record_beyond(columns: Columns, record: PathRecord, start: Start, tell: Callable[[int], None]) -> None:
    """Measure the sizes after ``start``. Costs 9 n^2 flops a size for n_test = n, 10 n^2 with leave-one-out."""
    problem = record.problem
    space = empty_row_space(problem.samples, columns.test_samples, problem.ridge)
    append(space, start.train, start.test)
    state = restart(problem, space, start.size, start.frobenius_squared, spread=start.spread)
    refreshed = start.size
    if start.size > problem.samples:
        _record_state(record, space, state)
    while state.size < problem.last:
        if state.is_usable:
            due = 2 * refreshed - start.size
            state, is_fresh = _step(record, space, columns, state, due)
            refreshed = state.size if is_fresh else refreshed
        else:
            state = _leap(record, space, columns, state)
            refreshed = state.size
        _record_state(record, space, state)
        tell(state.size)


def _step(record: PathRecord, space: RowSpace, columns: Columns, old: State, due: int) -> tuple[State, bool]:
    """One panel from a usable state, the sizes between the two states recorded; and whether its condition is fresh."""
    problem = record.problem
    stop = _next_stop(problem, old.size, panel_width(problem.samples))
    train, test = rows_of(columns, old.size, stop)
    panel = solve_panel(problem, space, old, train, test)
    size = old.size + panel.width
    append(space, np.array(train[: panel.width], order="F"), np.array(test[: panel.width], order="F"))
    is_due = panel.width < len(train) or size >= due
    frobenius = old.frobenius_squared + float(panel.growth[-1])
    spread = old.spread + float(_spreads(problem, panel)[-1])
    inherited = None if is_due else downdated(old, panel)
    new = restart(problem, space, size, frobenius, spread=spread, inherited=inherited)
    if not (is_due or new.is_usable):
        new, is_due = restart(problem, space, size, frobenius, spread=spread), True
    _record_panel(record, old, new, panel)
    return new, is_due


def _leap(record: PathRecord, space: RowSpace, columns: Columns, old: State) -> State:
    """Append the features up to the next size asked for, to a row space too close to singular for a panel."""
    problem = record.problem
    stop = old.size + next_width(record, old.size, _next_stop(problem, old.size, panel_width(problem.samples)))
    train, test = rows_of(columns, old.size, stop)
    frobenius = old.frobenius_squared + float(np.vdot(train, train))
    spread = old.spread + _largest_spread(problem, test)
    append(space, train, test)
    return restart(problem, space, stop, frobenius, spread=spread)


def _largest_spread(problem: PathProblem, test: Float[np.ndarray, "b n_test"]) -> float:
    """Upper bound of what features add to the spread, with these test rows."""
    return float(np.vdot(test, test)) / problem.ridge if problem.ridge > 0.0 else 0.0


def next_width(record: PathRecord, size: int, stop: int) -> int:
    """Features to append to a row space too close to singular: up to the next size asked for, or all, and spared."""
    if record.budget < 0.0:
        record.spared[size:stop] = True
        return stop - size
    return min([stop, *[asked for asked in record.problem.asked if asked > size]]) - size


def rows_of(columns: Columns, start: int, stop: int) -> tuple[Float[np.ndarray, "b n"], Float[np.ndarray, "b n_test"]]:
    """Columns ``start`` .. ``stop`` - 1 as rows, train and test."""
    train, test = columns.panel(start, stop)
    return np.array(train.T, order="F"), np.array(test.T, order="F")


def _next_stop(problem: PathProblem, size: int, width: int) -> int:
    """End of the next panel: panels end at the sizes whose spectrum is asked for."""
    stops = [wanted for wanted in problem.spectrum_at if wanted > size]
    return min([size + width, problem.last, *stops])


def restart(
    problem: PathProblem,
    space: RowSpace,
    size: int,
    frobenius: float,
    *,
    spread: float = 0.0,
    inherited: Float[np.ndarray, " n"] | None = None,
) -> State:
    """The state of a row space, with the diagonal of (L L^T)^-1 computed unless it is ``inherited``."""
    with np.errstate(all="ignore"):
        whitened = solve_right(space.triangle, problem.flat_targets())
        return State(
            size=size,
            frobenius_squared=frobenius,
            spread=spread,
            whitened=whitened,
            dual=solve_right_transposed(space.triangle, whitened),
            predicted=project(space, whitened),
            gram_inverse=inverse_row_norms(space.triangle) if inherited is None else inherited,
        )


def downdated(state: State, panel: Panel) -> Float[np.ndarray, " n"]:
    """The diagonal of (L L^T)^-1 after a panel, or where its directions of the dual were not computed, before it."""
    if panel.dual_directions is None:
        return state.gram_inverse
    return np.asarray(state.gram_inverse - np.einsum("ji,ji->i", panel.dual_directions, panel.dual_directions))


def solve_panel(
    problem: PathProblem,
    space: RowSpace,
    state: State,
    train: Float[np.ndarray, "b n"],
    test: Float[np.ndarray, "b n_test"],
) -> Panel:
    """The terms of the longest leading part of a panel that is safe and whose condition number is trusted."""
    growth = np.cumsum(np.einsum("ij,ij->i", train, train))
    weights = solve_right(space.triangle, train)
    factor = _safe_factor(weights)
    width = max(1, int(np.sum(is_trusted(state.condition_after(growth[: len(factor)])))))
    factor = np.asfortranarray(factor[:width, :width])
    weights = np.asfortranarray(weights[:width])
    coefficients = blas.dtrsm(1.0, factor, np.asfortranarray(weights @ state.whitened.T), lower=True)
    directions = np.asfortranarray(test[:width]) - project(space, weights)
    dual = None
    if problem.leave_one_out or problem.ridge > 0.0:
        dual = blas.dtrsm(1.0, factor, solve_right_transposed(space.triangle, weights), lower=True)
        dual = np.ascontiguousarray(dual)
    groups, outputs, _ = problem.targets.shape
    return Panel(
        test_directions=np.ascontiguousarray(blas.dtrsm(1.0, factor, directions, lower=True)),
        dual_directions=dual,
        terms=np.ascontiguousarray(coefficients).reshape(width, groups, outputs),
        growth=growth[:width],
    )


def _safe_factor(weights: Float[np.ndarray, "b n"]) -> Float[np.ndarray, "width width"]:
    """Cholesky factor of I + S^T S for the longest leading part of the panel that it answers safely."""
    gram = blas.dsyrk(1.0, weights, lower=True)
    np.fill_diagonal(gram, gram.diagonal() + 1.0)
    first = np.sqrt(gram[:1, :1])
    factor, info = lapack.dpotrf(gram, lower=True, overwrite_a=True)
    if info != 0:
        return np.asfortranarray(first)
    pivots = factor.diagonal()
    ratio = np.maximum.accumulate(pivots) / np.minimum.accumulate(pivots)
    unsafe = np.flatnonzero(np.finfo(float).eps * ratio**2 > _CUT)
    width = max(1, int(unsafe[0])) if len(unsafe) else len(pivots)
    return np.asfortranarray(factor[:width, :width])


def traces(state: State, panel: Panel) -> Float[np.ndarray, " b"]:
    """The trace of (L L^T)^-1 after each feature of a panel, or the one before it as an upper bound."""
    trace = np.full(panel.width, state.gram_inverse.sum())
    if panel.dual_directions is not None:
        trace -= np.cumsum(np.einsum("ij,ij->i", panel.dual_directions, panel.dual_directions))
    return trace


def _spreads(problem: PathProblem, panel: Panel) -> Float[np.ndarray, " b"]:
    """Growth of the spread over a panel: z^T (Z^T Z + ridge I)^-1 z grows by D^2 / ridge a feature."""
    if problem.ridge == 0.0:
        return np.zeros(panel.width)
    return np.cumsum(np.einsum("ij,ij->i", panel.test_directions, panel.test_directions)) / problem.ridge


def _record_panel(record: PathRecord, old: State, new: State, panel: Panel) -> None:
    """Record the sizes strictly between two states."""
    problem, inner = record.problem, panel.width - 1
    if not inner:
        return
    where = slice(old.size, old.size + inner)
    terms, test_directions = panel.terms[:inner], panel.test_directions[:inner]
    sweep_into(grouped(problem, old.predicted), test_directions, terms, record.test, where)
    _record_fit(record, old, panel.dual_directions, terms, where)
    whitened_squares = group_squares(problem, new.whitened)[:, None] + later_squares(panel.terms)[:, 1:]
    _record_norm(record, whitened_squares, where)
    frobenius = old.frobenius_squared + panel.growth[:inner]
    if problem.ridge > 0.0:
        spread = old.spread + _spreads(problem, panel)[:inner]
        record_sensitivity(record, where, frobenius=frobenius, amplitude=whitened_squares, spread=spread)
    record.condition[where] = np.sqrt(frobenius * traces(old, panel)[:inner])
    if problem.leave_one_out and panel.dual_directions is not None:
        residuals, complements = grouped(problem, old.dual), old.gram_inverse.copy()
        leave_out_into(record, residuals, complements, panel.dual_directions[:inner], terms, where, scale=None)
    keep_predictions(record, grouped(problem, old.predicted), test_directions, terms, old.size)


def _record_state(record: PathRecord, space: RowSpace, state: State) -> None:
    """Record the size of a state; a singular one goes to the singular value decomposition, if it is asked for."""
    record_spectrum(record, space, state.size)
    if state.is_usable:
        record_usable(record, state)
        return
    record.condition[state.size - 1] = np.inf
    if state.size in record.problem.asked:
        _rescue(record, space, state)


def record_spectrum(record: PathRecord, space: RowSpace, size: int) -> None:
    """Keep the singular values, if they are asked for at this size."""
    if size in record.problem.spectrum_at:
        values = scipy.linalg.svdvals(to_dense(space.triangle))
        record.singular_values[size] = without_ridge(values, record.problem.ridge)


def record_usable(record: PathRecord, state: State) -> None:
    """Record the size of a state that is trusted, read off by a zero term."""
    problem, size = record.problem, state.size
    record.condition[size - 1] = state.condition
    where = slice(size - 1, size)
    measure_at(grouped(problem, state.predicted), record.test, size)
    no_direction, nothing = np.zeros((1, problem.samples)), np.zeros((1, *problem.targets.shape[:2]))
    _record_fit(record, state, no_direction, nothing, where)
    whitened_squares = group_squares(problem, state.whitened)[:, None]
    _record_norm(record, whitened_squares, where)
    if problem.ridge > 0.0:
        spread, frobenius = np.array([state.spread]), np.array([state.frobenius_squared])
        record_sensitivity(record, where, frobenius=frobenius, amplitude=whitened_squares, spread=spread)
    record_left_out(record, size, grouped(problem, state.dual), state.gram_inverse.copy(), scale=None)
    if size in problem.predict_at:
        record.predictions[size] = grouped(problem, state.predicted)


def _record_fit(
    record: PathRecord,
    state: State,
    directions: Float[np.ndarray, "b n"] | None,
    terms: Float[np.ndarray, "inner groups outputs"],
    where: slice,
) -> None:
    """Training risk: without ridge the fit is exact, so only other references than the fitted one can differ."""
    problem = record.problem
    if problem.ridge > 0.0 and directions is not None:
        fitted = problem.targets - problem.ridge * grouped(problem, state.dual)
        steps = problem.ridge * directions[: len(terms)]
    else:
        fitted, steps = problem.targets[..., : problem.measured].copy(), np.zeros((1, problem.measured))
        terms = np.zeros((1, *terms.shape[1:]))
    sweep_into(fitted, steps, terms, record.train, where)


def _record_norm(record: PathRecord, whitened_squares: Float[np.ndarray, "groups b"], where: slice) -> None:
    """|theta|^2 = |A|^2 - ridge |a|^2, where ridge a is the training residual; NaN where the difference cancels."""
    squares, ridge = whitened_squares, record.problem.ridge
    if ridge > 0.0:
        squares = whitened_squares - record.train.squares[0][:, where] / ridge
        squares = np.where(squares > _CANCELLED * whitened_squares, squares, np.nan)
    record.norm_squared[:, where] = squares


def later_squares(terms: Float[np.ndarray, "b groups outputs"]) -> Float[np.ndarray, "groups b"]:
    """Sum of the squares of each term and those after it."""
    return np.asarray(np.cumsum(np.sum(terms**2, axis=2)[::-1], axis=0)[::-1].T)


def grouped(problem: PathProblem, flat: Float[np.ndarray, "columns m"]) -> Float[np.ndarray, "groups outputs m"]:
    """A copy with the outputs of each group apart."""
    groups, outputs, _ = problem.targets.shape
    return np.array(flat, order="C").reshape(groups, outputs, -1)


def group_squares(problem: PathProblem, flat: Float[np.ndarray, "columns m"]) -> Float[np.ndarray, " groups"]:
    """Sum of squares of each group."""
    return np.asarray(np.sum(grouped(problem, flat) ** 2, axis=(1, 2)))


def _rescue(record: PathRecord, space: RowSpace, state: State) -> None:
    """Z = L Q has the singular values of L, so its truncated solution is that of L, carried back by Q."""
    problem = record.problem
    if not record.pays(state.size, FACTORISATION * problem.samples**3) or problem.ridge > 0.0:
        return
    solution = truncated_solution(to_dense(space.triangle).T, problem.flat_targets().T, order=state.size)
    if solution is not None:
        smoother, frobenius = project(space, np.asfortranarray(solution.inverse.T)), state.frobenius_squared
        record_solution(record, state.size, solution, basis=solution.basis, smoother=smoother, frobenius=frobenius)
