"""Every size from 1 to n from one QR factorisation.

With Z_n = Q R the coefficients c = Q^T Y and directions D = Z_test R^-1 do not depend on the size: the model of size k
predicts the first k terms of D c. The same holds for the training prediction (directions Q), for the weights
(directions R^-1) and for the leverages (sums of Q^2). With ridge it is the QR factorisation of [Z_n; sqrt(ridge) I].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float
from scipy.linalg import blas, lapack

from benign.linear.columns import Columns
from benign.linear.problem import PathProblem, PathRecord
from benign.linear.recording import leave_out_into, record_solution, sweep_into
from benign.linear.spectrum import without_ridge
from benign.linear.sweep import sweep_predictions
from benign.linear.triangle import BLOCK
from benign.linear.truncated import truncated_solution
from benign.linear.trust import is_trusted


@dataclass(frozen=True, kw_only=True, eq=False)
class Factorisation:
    """Z = ``basis`` R: ``basis`` is orthonormal without ridge, the lower block of an orthonormal matrix with it."""

    basis: Float[np.ndarray, "n k"]
    upper: Float[np.ndarray, "k k"]
    inverse: Float[np.ndarray, "k k"]


def factorise(matrix: Float[np.ndarray, "n k"], ridge: float) -> Factorisation:
    """QR factorisation of [matrix; sqrt(ridge) I]. The inverse holds infinities from a zero pivot on."""
    if ridge == 0.0:
        basis, upper = scipy.linalg.qr(matrix, mode="economic", check_finite=False)
    else:
        basis, upper = _ridge_factors(matrix, ridge)
    return Factorisation(basis=basis, upper=upper, inverse=_nested_inverse(upper))


def _ridge_factors(
    matrix: Float[np.ndarray, "n k"], ridge: float
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "k k"]]:
    size = matrix.shape[1]
    top = np.zeros((size, size), order="F")
    np.fill_diagonal(top, np.sqrt(ridge))
    block = min(BLOCK, size)
    upper, reflectors, factors, _ = lapack.dtpqrt(0, block, top, np.asfortranarray(matrix))
    identity = np.asfortranarray(np.eye(size))
    _, basis, _ = lapack.dtpmqrt(0, reflectors, factors, identity, np.zeros_like(reflectors), overwrite_b=True)
    return basis, np.triu(upper)


def _nested_inverse(upper: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    """R^-1, whose leading blocks are the inverses of R's; columns from a zero pivot on are infinite."""
    pivots = np.abs(np.diag(upper))
    zero = np.flatnonzero(pivots == 0.0)
    regular = int(zero[0]) if len(zero) else len(upper)
    inverse = np.full_like(upper, np.inf)
    inverse[:, :regular] = 0.0
    if regular:
        inverse[:regular, :regular] = lapack.dtrtri(np.asfortranarray(upper[:regular, :regular]))[0]
    return inverse


def record_below(problem: PathProblem, columns: Columns, record: PathRecord) -> None:
    """Measure the sizes 1 .. min(n, last). Costs about 4 n^2 k + n n_test k flops."""
    size = min(problem.samples, problem.last)
    train, test = columns.panel(0, size)
    factors = factorise(train, problem.ridge)
    with np.errstate(over="ignore", invalid="ignore"):
        condition = np.sqrt(_prefix_squares(factors.upper)) * np.sqrt(_prefix_squares(factors.inverse))
    record.condition[:size] = condition
    untrusted = np.flatnonzero(~is_trusted(condition, problem.ridge))
    regular = int(untrusted[0]) if len(untrusted) else size
    if regular:
        _sweep_regular(problem, factors, test, regular, record)
    _answer_rank_deficient(problem, train, test, untrusted, record)
    for wanted in problem.spectrum_at:
        if wanted <= size:
            values = scipy.linalg.svdvals(factors.upper[:wanted, :wanted])
            record.singular_values[wanted] = without_ridge(values, problem.ridge)


def _prefix_squares(matrix: Float[np.ndarray, "k k"]) -> Float[np.ndarray, " k"]:
    """Squared Frobenius norm of every leading block of an upper triangular matrix."""
    return np.asarray(np.cumsum(np.einsum("ij,ij->j", matrix, matrix)))


def _sweep_regular(
    problem: PathProblem,
    factors: Factorisation,
    test: Float[np.ndarray, "n_test k"],
    size: int,
    record: PathRecord,
) -> None:
    groups, outputs, samples = problem.targets.shape
    basis = factors.basis[:, :size]
    coefficients = blas.dgemm(1.0, basis, problem.flat_targets(), trans_a=True, trans_b=True)
    directions = blas.dtrsm(1.0, factors.upper[:size, :size], np.asfortranarray(test[:, :size]), side=1)
    terms = np.ascontiguousarray(coefficients).reshape(size, groups, outputs)
    basis_rows = np.ascontiguousarray(basis.T)
    measured = problem.train.targets.shape[3]
    test_rows = np.ascontiguousarray(directions.T)
    for rows, labels, squares, wrong in (
        (basis_rows[:, :measured], problem.train, record.train_squares, record.train_wrong),
        (test_rows, problem.test, record.test_squares, record.test_wrong),
    ):
        nothing = np.zeros((groups, outputs, rows.shape[1]))
        sweep_into(nothing, rows, terms, labels, squares, wrong, slice(size))
    record.norm_squared[:, :size] = _norms(factors.inverse[:size, :size], terms)
    if problem.leave_one_out:
        leave_out_into(
            problem, problem.targets.copy(), np.ones(samples), basis_rows, terms, record, slice(size), scale=1.0
        )
    for wanted in problem.predict_at:
        if wanted <= size:
            flat = coefficients[:wanted].T @ test_rows[:wanted]
            record.predictions[wanted] = flat.reshape(groups, outputs, -1)


def _norms(
    inverse: Float[np.ndarray, "k k"], terms: Float[np.ndarray, "k groups outputs"]
) -> Float[np.ndarray, "groups k"]:
    """Squared norm of the weights at every size: the weights are prefix sums of the columns of R^-1."""
    size, groups, outputs = terms.shape
    squares, wrong = np.empty((1, groups, size)), np.empty((1, groups, size))
    sweep_predictions(
        np.zeros((groups, outputs, size)), np.ascontiguousarray(inverse.T), terms,
        np.zeros((1, groups, outputs, size)), np.full((1, groups, size), -1), squares, wrong,
    )  # fmt: skip
    return squares[0]


def _answer_rank_deficient(
    problem: PathProblem,
    train: Float[np.ndarray, "n k"],
    test: Float[np.ndarray, "n_test k"],
    untrusted: np.ndarray,
    record: PathRecord,
) -> None:
    """Answer some of the untrusted sizes by singular value decomposition: all while they are cheap, else a spread."""
    if problem.ridge > 0.0 or not len(untrusted):
        return
    affordable = max(8, int(2e10 / (20.0 * problem.samples * train.shape[1] ** 2 + 1e5)))
    chosen = untrusted[np.unique(np.linspace(0, len(untrusted) - 1, min(affordable, len(untrusted))).astype(int))]
    for index in chosen:
        solution = truncated_solution(
            train[:, : index + 1], problem.flat_targets().T, order=max(problem.samples, int(index) + 1)
        )
        if solution is not None:
            record_solution(
                problem, record, int(index) + 1,
                fitted=(train[:, : index + 1] @ solution.weights).T,
                predicted=(test[:, : index + 1] @ solution.weights).T,
                norm_squared=np.sum(solution.weights**2, axis=0), condition=solution.condition,
            )  # fmt: skip
