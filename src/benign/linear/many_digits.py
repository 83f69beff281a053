"""Least squares in a hundred digits, for the few small sizes whose answer float64 does not hold.

With K = Z^T Z + ridge I up to n columns and Z Z^T + ridge I beyond, the solution is

    theta = K^-1 Z^T Y  or  Z^T K^-1 Y,

and leaving sample i out gives the residual r_i / (1 - (Z K^-1 Z^T)_ii) or (K^-1 Y)_i / (K^-1)_ii. These normal
equations square the condition number, which so many digits bear. The features are taken as they are in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

import numpy as np
from jaxtyping import Float, Shaped

from benign.linear.columns import Columns
from benign.linear.problem import PathProblem, PathRecord
from benign.linear.recording import record_left_out, record_predictions
from benign.linear.trust import is_trusted

_DIGITS = 100
# A solution counts where its bound of the error of predictions is this small against the root mean square of targets.
_LARGEST_ERROR = Decimal("1e-12")
# The most multiplications of a size; each takes half a microsecond, as long as so many flops of the budget.
_MOST_MULTIPLICATIONS, _FLOPS_OF_ONE = 2e5, 5e3


@dataclass(frozen=True, kw_only=True, eq=False)
class ManyDigits:
    """A solution, rounded at last. ``residual`` / ``complements`` are the leave-one-out residuals."""

    fitted: Float[np.ndarray, "n columns"]
    predicted: Float[np.ndarray, "n_test columns"]
    weights: Float[np.ndarray, "k columns"]
    residual: Float[np.ndarray, "n columns"]
    complements: Float[np.ndarray, " n"]
    condition: float


def record_untrusted(columns: Columns, record: PathRecord) -> None:
    """Answer the small sizes that are asked for and not trusted, but for those of dependent columns or samples."""
    problem = record.problem
    is_left = ~(is_trusted(record.condition, record.sensitivity).all(axis=0) | record.truncated | record.spared)
    for size in sorted(problem.asked):
        cost = _multiplications(problem, columns.test_samples, size)
        is_small = cost <= _MOST_MULTIPLICATIONS
        if is_left[size - 1] and is_small and record.pays(size, _FLOPS_OF_ONE * problem.groups * cost):
            train, test = columns.panel(0, size)
            solution = many_digits(train, problem.flat_targets().T, test, problem.ridge)
            if solution is not None:
                _record(record, size, solution)


def _multiplications(problem: PathProblem, test_samples: int, size: int) -> float:
    """Those of one group, so that none depends on how many share the path."""
    n, order = problem.samples, min(problem.samples, size)
    return float(2 * order * n * size + order**3 + problem.targets.shape[1] * size * (2 * n + test_samples))


def _record(record: PathRecord, size: int, solution: ManyDigits) -> None:
    problem, shape = record.problem, (*record.problem.targets.shape[:2], -1)
    fitted, predicted, weights, residual = (
        np.ascontiguousarray(array.T).reshape(shape)
        for array in (solution.fitted, solution.predicted, solution.weights, solution.residual)
    )
    record_predictions(record, size, fitted, predicted)
    scale = 1.0 if size <= problem.samples else None
    record_left_out(record, size, residual, solution.complements, scale=scale)
    record.norm_squared[:, size - 1] = np.sum(weights**2, axis=(1, 2))
    record.condition[size - 1], record.many_digits[size - 1] = solution.condition, True


def many_digits(
    train: Float[np.ndarray, "n k"],
    targets: Float[np.ndarray, "n columns"],
    test: Float[np.ndarray, "n_test k"],
    ridge: float,
) -> ManyDigits | None:
    """The solution of smallest norm of a problem of full rank; None where a hundred digits are too few."""
    with localcontext(Context(prec=_DIGITS)):
        z, y, z_test = (_as_decimals(array) for array in (train, targets, test))
        is_wide = train.shape[1] > len(train)
        gram = z @ z.T if is_wide else z.T @ z
        np.fill_diagonal(gram, gram.diagonal() + Decimal(ridge))
        inverse = _inverse(gram)
        if inverse is None:
            return None
        weights = z.T @ (inverse @ y) if is_wide else inverse @ (z.T @ y)
        condition = (gram.trace() * inverse.trace()).sqrt()
        if not _is_accurate(z, y, z_test, weights, condition):
            return None
        fitted = z @ weights
        return ManyDigits(
            fitted=_rounded(fitted),
            predicted=_rounded(z_test @ weights),
            weights=_rounded(weights),
            residual=_rounded(inverse @ y if is_wide else y - fitted),
            complements=_rounded(inverse.diagonal() if is_wide else 1 - np.sum((z @ inverse) * z, axis=1)),
            condition=float(condition),
        )


def _inverse(gram: Shaped[np.ndarray, "m m"]) -> Shaped[np.ndarray, "m m"] | None:
    """The inverse of a positive definite matrix by symmetric sweeps (Goodnight 1979, Am. Stat. 33:149)."""
    swept = gram.copy()
    for i in range(len(swept)):
        pivot = swept[i, i]
        if pivot <= 0:
            return None
        column = swept[:, i] / pivot
        swept -= np.outer(column, swept[i])
        swept[:, i] = swept[i] = column
        swept[i, i] = -1 / pivot
    return -swept


def _is_accurate(
    z: Shaped[np.ndarray, "n k"],
    y: Shaped[np.ndarray, "n columns"],
    z_test: Shaped[np.ndarray, "n_test k"],
    weights: Shaped[np.ndarray, "k columns"],
    condition: Decimal,
) -> bool:
    """Whether rounding by u moves the weights, by kappa^2 u (|theta| + |Y| / |Z|) at most, too little to matter."""
    length = _norm(z)
    error = condition**2 * (length + _norm(z_test)) * (_norm(weights) + _norm(y) / length)
    return bool(error.scaleb(-_DIGITS) <= _LARGEST_ERROR * _norm(y) / Decimal(len(y)).sqrt())


def _norm(array: Shaped[np.ndarray, "rows columns"]) -> Decimal:
    return Decimal(np.sum(array * array)).sqrt()


def _as_decimals(array: Float[np.ndarray, "rows columns"]) -> Shaped[np.ndarray, "rows columns"]:
    return np.asarray(np.vectorize(Decimal, otypes=[object])(array))


def _rounded(array: Shaped[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    return np.asarray(array, dtype=np.float64)
