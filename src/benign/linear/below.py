"""Every size from 1 to n from one QR factorisation.

With Z_n = Q R the coefficients c = Q^T Y and directions D = Z_test R^-1 do not depend on the size: the model of size k
predicts the first k terms of D c. The same holds for the training prediction (directions Q), for the weights
(directions R^-1) and for the leverages (sums of Q^2). With ridge it is the QR factorisation of [Z_n; sqrt(ridge) I].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float
from scipy.linalg import blas, lapack

from benign.linear.columns import Columns
from benign.linear.dependent import Span, is_dependent, span_of
from benign.linear.problem import PathRecord
from benign.linear.recording import leave_out_into, record_sensitivity, squares_along, sweep_into
from benign.linear.spectrum import without_ridge
from benign.linear.triangle import BLOCK
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
    """Z and the lower block of an orthonormal matrix: LAPACK's pentagonal QR of sqrt(ridge) I above Z."""
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


def record_below(columns: Columns, record: PathRecord, size: int) -> Span | None:
    """Measure the sizes 1 .. ``size``, at most n, up to the first that QR alone does not answer.

    Costs about 4 n^2 k + n n_test k flops.

    Returns:
        None where all are measured, else the span of the columns before the first that is dependent or not trusted.
    """
    problem = record.problem
    train, test = columns.panel(0, size)
    factors = factorise(train, problem.ridge)
    frobenius, inverse = _prefix_squares(factors.upper), _prefix_squares(factors.inverse)
    with np.errstate(over="ignore", invalid="ignore"):
        condition = np.sqrt(frobenius) * np.sqrt(inverse)
    record.condition[:size] = condition
    for wanted in problem.spectrum_at:
        if wanted <= size:
            values = scipy.linalg.svdvals(factors.upper[:wanted, :wanted])
            record.singular_values[wanted] = without_ridge(values, problem.ridge)
    is_answered = is_trusted(condition)
    if problem.ridge == 0.0:
        is_answered &= ~_are_dependent(factors)
    regular = size if is_answered.all() else int(is_answered.argmin())
    if regular:
        _sweep_regular(record, factors, test, regular)
    if regular == size or problem.ridge > 0.0:
        return None
    return span_of(problem, factors.basis[:, :regular], factors.upper[:regular, :regular], test[:, :regular])


def _are_dependent(factors: Factorisation) -> Bool[np.ndarray, " k"]:
    """Whether each column depends on those before it; of the answers after a first yes none counts."""
    residuals, lengths = np.abs(factors.upper.diagonal()), np.linalg.norm(factors.upper, axis=0)
    with np.errstate(all="ignore"):
        represented = np.linalg.norm(lengths[:, None] * np.triu(factors.inverse, 1), axis=0) * residuals
        return is_dependent(residuals, lengths, np.nan_to_num(represented))


def _prefix_squares(matrix: Float[np.ndarray, "k k"]) -> Float[np.ndarray, " k"]:
    """Squared Frobenius norm of every leading block of an upper triangular matrix."""
    return np.asarray(np.cumsum(np.einsum("ij,ij->j", matrix, matrix)))


def _sweep_regular(record: PathRecord, factors: Factorisation, test: Float[np.ndarray, "n_test k"], size: int) -> None:
    """Sweep c = Q^T Y along D = Z_test R^-1 (tests), Q (training rows, leverages) and R^-1 (weights)."""
    problem = record.problem
    groups, outputs, samples = problem.targets.shape
    basis = factors.basis[:, :size]
    coefficients = blas.dgemm(1.0, basis, problem.flat_targets(), trans_a=True, trans_b=True)
    directions = blas.dtrsm(1.0, factors.upper[:size, :size], np.asfortranarray(test[:, :size]), side=1)
    terms = np.ascontiguousarray(coefficients).reshape(size, groups, outputs)
    basis_rows = np.ascontiguousarray(basis.T)
    test_rows = np.ascontiguousarray(directions.T)
    for rows, risk in ((basis_rows[:, : problem.measured], record.train), (test_rows, record.test)):
        sweep_into(np.zeros((groups, outputs, rows.shape[1])), rows, terms, risk, slice(size))
    weights, nothing = np.ascontiguousarray(factors.inverse[:size, :size].T), np.zeros((groups, outputs, size))
    record.norm_squared[:, :size] = squares_along(nothing, weights, terms)
    _record_sensitivity(record, factors, terms, np.einsum("ij,ij->j", directions, directions))
    if problem.leave_one_out:
        leave_out_into(record, problem.targets.copy(), np.ones(samples), basis_rows, terms, slice(size), scale=1.0)
    for wanted in problem.predict_at:
        if wanted <= size:
            flat = coefficients[:wanted].T @ test_rows[:wanted]
            record.predictions[wanted] = flat.reshape(groups, outputs, -1)


def _record_sensitivity(
    record: PathRecord,
    factors: Factorisation,
    terms: Float[np.ndarray, "k groups outputs"],
    squares: Float[np.ndarray, " k"],
) -> None:
    """Bound the error of every size; the norm of K^(1/2) is at most R^-1's Frobenius norm, and 1 / sqrt(ridge)."""
    problem, where = record.problem, slice(len(squares))
    frobenius, inverse = (_prefix_squares(m)[where] for m in (factors.upper, factors.inverse))
    if problem.ridge > 0.0:
        inverse = np.minimum(inverse, 1.0 / problem.ridge)
    residual = record.train.squares[0][:, where]
    if problem.measured < problem.samples:
        fitted = np.cumsum(np.sum(terms**2, axis=2), axis=0).T
        residual = np.maximum(residual, np.sum(problem.targets**2, axis=(1, 2))[:, None] - fitted)
    amplitude = record.norm_squared[:, where] + residual * inverse
    record_sensitivity(record, where, frobenius=frobenius, amplitude=amplitude, spread=np.cumsum(squares))
    record.spread[where] = np.cumsum(squares)
