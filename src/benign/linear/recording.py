"""Writing what a sweep measured into the record; shared by the sizes below and beyond the threshold."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from benign.linear.problem import PathRecord, Risk
from benign.linear.truncated import TruncatedSolution

# A leave-one-out residual is a quotient by 1 - leverage (beyond the threshold by a diagonal entry of the inverse Gram
# matrix); where that is this small against its scale, rounding has left too little of it.
_SMALLEST_COMPLEMENT = 1e-8


def sweep_into(
    predictions: Float[np.ndarray, "groups outputs m"],
    directions: Float[np.ndarray, "b m"],
    terms: Float[np.ndarray, "b groups outputs"],
    risk: Risk,
    where: slice | Int[np.ndarray, " sizes"],
) -> None:
    """Sweep from ``predictions`` on and write what it measured to ``where``; one term may stand for many sizes."""
    from benign.linear.sweep import sweep_predictions

    labels = risk.labels
    squares, wrong = np.empty((2, *labels.targets.shape[:2], len(terms)))
    sweep_predictions(
        predictions, np.ascontiguousarray(directions), terms, labels.targets, labels.classes, squares, wrong
    )
    risk.squares[..., where], risk.wrong[..., where] = squares, wrong


def measure_at(predictions: Float[np.ndarray, "groups outputs m"], risk: Risk, size: int) -> None:
    """Write the risk of one size, given what it predicts: a sweep over a term of zeros, in place."""
    nothing, no_direction = np.zeros((1, *predictions.shape[:2])), np.zeros((1, predictions.shape[2]))
    sweep_into(predictions, no_direction, nothing, risk, slice(size - 1, size))


def squares_along(
    start: Float[np.ndarray, "groups outputs m"],
    directions: Float[np.ndarray, "b m"],
    terms: Float[np.ndarray, "b groups outputs"],
) -> Float[np.ndarray, "groups b"]:
    """Sum of the squares of ``start`` and the terms so far, after each term; ``start`` is overwritten."""
    from benign.linear.sweep import sweep_predictions

    groups, _, m = start.shape
    squares, wrong = np.empty((2, 1, groups, len(terms)))
    nothing, no_class = np.zeros((1, *start.shape)), np.full((1, groups, m), -1)
    sweep_predictions(start, directions, terms, nothing, no_class, squares, wrong)
    return squares[0]


def keep_predictions(
    record: PathRecord,
    start: Float[np.ndarray, "groups outputs n_test"],
    directions: Float[np.ndarray, "b n_test"],
    terms: Float[np.ndarray, "b groups outputs"],
    size: int,
) -> None:
    """Keep the test predictions that are asked for among those after each term, from ``start`` at ``size`` on."""
    for wanted in record.problem.predict_at & set(range(size + 1, size + len(terms) + 1)):
        count = wanted - size
        step = np.einsum("jm,jgo->gom", directions[:count], terms[:count])
        record.predictions[wanted] = start + step


def leave_out_into(
    record: PathRecord,
    residuals: Float[np.ndarray, "groups outputs n"],
    complements: Float[np.ndarray, " n"],
    directions: Float[np.ndarray, "b n"],
    terms: Float[np.ndarray, "b groups outputs"],
    where: slice | Int[np.ndarray, " sizes"],
    *,
    scale: float | None,
) -> None:
    """Sweep the leave-one-out pair and write its risk to ``where``; NaN where rounding has eaten a complement.

    The residual of a sample left out is r_i / (1 - h_i) (Allen 1974, Technometrics 16:125), or a_i / G_ii with the dual
    a = G y and G = (Z Z^T + ridge I)^-1 where the fit is exact.

    ``scale`` is what complements are compared with: 1 below the threshold, beyond it None for the largest of them.
    """
    from benign.linear.sweep import sweep_leave_one_out

    problem, count = record.problem, len(terms)
    squares, wrong = np.empty((2, problem.groups, count))
    smallest, largest = np.empty((2, count))
    sweep_leave_one_out(
        residuals,
        complements,
        directions,
        terms,
        problem.targets,
        problem.train.classes[0],
        squares,
        wrong,
        smallest,
        largest,
    )
    eaten = ~(smallest > _SMALLEST_COMPLEMENT * (largest if scale is None else scale))
    squares[:, eaten], wrong[:, eaten] = np.nan, np.nan
    record.left_out_squares[:, where], record.left_out_wrong[:, where] = squares, wrong


def record_sensitivity(
    record: PathRecord,
    where: slice | Int[np.ndarray, " sizes"],
    *,
    frobenius: Float[np.ndarray, " b"],
    amplitude: Float[np.ndarray, "groups b"],
    spread: Float[np.ndarray, " b"],
) -> None:
    r"""By how many units in the last place rounding may move a prediction: write the first-order bound to ``where``.

    .. math:: \delta p = -z^\top K Z^\top E \theta + z^\top K E^\top r, \qquad K = (Z^\top Z + \mathrm{ridge}\, I)^{-1}

    is the effect of an error E of the features on the prediction of a test row z (Golub & Van Loan, section 5.3.7).
    With E of norm eps times that of Z it is at most eps times the norm of Z, the root of z^T K z and the root of the
    ``amplitude``; for the training rows without the middle one. Here it is relative to that of max(loss, mean of y^2).

    Args:
        record: whose test losses are known at ``where``.
        where: sizes less one.
        frobenius: squared Frobenius norm of [Z, sqrt(ridge) I].
        amplitude: square of the norm of theta plus that of K^(1/2) times that of the residual, up to a factor of 2.
        spread: sum of z^T K z over the test rows.
    """
    problem, tests = record.problem, record.problem.test.targets.shape[3]
    targets = np.sum(problem.targets**2, axis=(1, 2))[:, None] / problem.samples
    scale = np.maximum(record.test.squares[..., where].min(axis=0) / tests, targets)
    with np.errstate(all="ignore"):
        relative = 1.0 / (problem.samples * targets) + spread / (tests * scale)
        record.sensitivity[:, where] = np.where(amplitude > 0.0, np.sqrt(frobenius * amplitude * relative), 0.0)


def record_solution(
    record: PathRecord,
    size: int,
    solution: TruncatedSolution,
    *,
    basis: Float[np.ndarray, "n rank"],
    smoother: Float[np.ndarray, "rank n_test"],
    frobenius: float,
) -> None:
    """Record one size as answered by a singular value decomposition.

    ``basis`` holds its left singular vectors along the training rows, ``smoother`` what each of them predicts.
    """
    targets, where = record.problem.targets, slice(size - 1, size)
    fitted, predicted = ((targets @ basis) @ rows for rows in (basis.T, smoother))
    residual = targets - fitted
    record_predictions(record, size, fitted, predicted)
    complements = 1.0 - np.einsum("ij,ij->i", basis, basis)
    record_left_out(record, size, residual.copy(), complements, scale=1.0)
    weights = solution.weights.T.reshape(*targets.shape[:2], -1)
    record.norm_squared[:, where] = np.sum(weights**2, axis=(1, 2))[:, None]
    unfitted = np.sum(residual**2, axis=(1, 2))[:, None]
    amplitude = record.norm_squared[:, where] + np.sum(solution.inverse**2) * unfitted
    spread = np.array([np.sum(smoother**2)])
    record_sensitivity(record, where, frobenius=np.array([frobenius]), spread=spread, amplitude=amplitude)
    record.condition[size - 1], record.truncated[size - 1] = solution.condition, True


def record_predictions(
    record: PathRecord,
    size: int,
    fitted: Float[np.ndarray, "groups outputs n"],
    predicted: Float[np.ndarray, "groups outputs n_test"],
) -> None:
    """Record what one size predicts for all training rows and the test rows."""
    measure_at(np.array(fitted[..., : record.problem.measured], order="C"), record.train, size)
    measure_at(np.array(predicted, order="C"), record.test, size)
    if size in record.problem.predict_at:
        record.predictions[size] = predicted


def record_left_out(
    record: PathRecord,
    size: int,
    residuals: Float[np.ndarray, "groups outputs n"],
    complements: Float[np.ndarray, " n"],
    *,
    scale: float | None,
) -> None:
    """Record the leave-one-out risk of one size, if asked for; as :func:`leave_out_into`, and overwrites like it."""
    if record.problem.leave_one_out:
        nothing, no_direction = np.zeros((1, *residuals.shape[:2])), np.zeros((1, len(complements)))
        where = slice(size - 1, size)
        leave_out_into(record, residuals, complements, no_direction, nothing, where, scale=scale)
