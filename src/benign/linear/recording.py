"""Writing what a sweep measured into the record; shared by the sizes below and beyond the threshold."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from benign.linear.problem import Labels, PathProblem, PathRecord
from benign.linear.sweep import sweep_leave_one_out, sweep_predictions
from benign.linear.truncated import TruncatedSolution

# A leave-one-out residual is a quotient by 1 - leverage (beyond the threshold by a diagonal entry of the inverse Gram
# matrix); where that is this small against its scale, rounding has left too little of it.
_SMALLEST_COMPLEMENT = 1e-8


def sweep_into(
    predictions: Float[np.ndarray, "groups outputs m"],
    directions: Float[np.ndarray, "b m"],
    terms: Float[np.ndarray, "b groups outputs"],
    labels: Labels,
    squares: Float[np.ndarray, "references groups last"],
    wrong: Float[np.ndarray, "references groups last"],
    where: slice | Int[np.ndarray, " sizes"],
) -> None:
    """Sweep from ``predictions`` on and write what it measured to ``where``; one term may stand for many sizes."""
    shape = (len(labels.targets), labels.targets.shape[1], len(terms))
    new_squares, new_wrong = np.empty(shape), np.empty(shape)
    sweep_predictions(
        predictions, np.ascontiguousarray(directions), terms, labels.targets, labels.classes, new_squares, new_wrong
    )
    squares[..., where], wrong[..., where] = new_squares, new_wrong


def leave_out_into(
    problem: PathProblem,
    residuals: Float[np.ndarray, "groups outputs n"],
    complements: Float[np.ndarray, " n"],
    directions: Float[np.ndarray, "b n"],
    terms: Float[np.ndarray, "b groups outputs"],
    record: PathRecord,
    where: slice | Int[np.ndarray, " sizes"],
    *,
    scale: float | None,
) -> None:
    """Sweep the leave-one-out pair and write its risk to ``where``; NaN where rounding has eaten a complement.

    ``scale`` is what complements are compared with: 1 below the threshold, beyond it None for the largest of them.
    """
    count = len(terms)
    squares, wrong = np.empty((problem.groups, count)), np.empty((problem.groups, count))
    smallest, largest = np.empty(count), np.empty(count)
    sweep_leave_one_out(
        residuals, complements, directions, terms, problem.targets, problem.train.classes[0], squares, wrong,
        smallest, largest,
    )  # fmt: skip
    eaten = ~(smallest > _SMALLEST_COMPLEMENT * (largest if scale is None else scale))
    squares[:, eaten], wrong[:, eaten] = np.nan, np.nan
    record.left_out_squares[:, where], record.left_out_wrong[:, where] = squares, wrong


def record_sensitivity(
    problem: PathProblem,
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
        problem: the targets.
        record: whose test losses are known at ``where``.
        where: sizes less one.
        frobenius: squared Frobenius norm of [Z, sqrt(ridge) I].
        amplitude: square of the norm of theta plus that of K^(1/2) times that of the residual, up to a factor of 2.
        spread: sum of z^T K z over the test rows.
    """
    targets = np.sum(problem.targets**2, axis=(1, 2))[:, None] / problem.samples
    tests = problem.test.targets.shape[3]
    scale = np.maximum(record.test_squares[..., where].min(axis=0) / tests, targets)
    with np.errstate(all="ignore"):
        relative = 1.0 / (problem.samples * targets) + spread / (tests * scale)
        record.sensitivity[:, where] = np.where(amplitude > 0.0, np.sqrt(frobenius * amplitude * relative), 0.0)


def record_solution(
    problem: PathProblem,
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
    where, shape = slice(size - 1, size), (*problem.targets.shape[:2], -1)
    fitted, predicted = ((problem.targets @ basis) @ rows for rows in (basis.T, smoother))
    residual = problem.targets - fitted
    record_predictions(problem, record, size, fitted, predicted)
    if problem.leave_one_out:
        complements = 1.0 - np.einsum("ij,ij->i", basis, basis)
        record_left_out(problem, record, size, residual.copy(), complements, scale=1.0)
    record.norm_squared[:, where] = np.sum(solution.weights.T.reshape(shape) ** 2, axis=(1, 2))[:, None]
    unfitted = np.sum(residual**2, axis=(1, 2))[:, None]
    record_sensitivity(
        problem, record, where, frobenius=np.array([frobenius]), spread=np.array([np.sum(smoother**2)]),
        amplitude=record.norm_squared[:, where] + np.sum(solution.inverse**2) * unfitted,
    )  # fmt: skip
    record.condition[size - 1] = solution.condition
    record.truncated[size - 1] = True


def record_predictions(
    problem: PathProblem,
    record: PathRecord,
    size: int,
    fitted: Float[np.ndarray, "groups outputs n"],
    predicted: Float[np.ndarray, "groups outputs n_test"],
) -> None:
    """Record what one size predicts for all training rows and the test rows."""
    nothing = np.zeros((1, *problem.targets.shape[:2]))
    for prediction, labels, squares, wrong in (
        (fitted[..., : problem.train.targets.shape[3]], problem.train, record.train_squares, record.train_wrong),
        (predicted, problem.test, record.test_squares, record.test_wrong),
    ):
        start = np.array(prediction, order="C")
        no_direction = np.zeros((1, start.shape[2]))
        sweep_into(start, no_direction, nothing, labels, squares, wrong, slice(size - 1, size))
    if size in problem.predict_at:
        record.predictions[size] = predicted


def record_left_out(
    problem: PathProblem,
    record: PathRecord,
    size: int,
    residuals: Float[np.ndarray, "groups outputs n"],
    complements: Float[np.ndarray, " n"],
    *,
    scale: float | None,
) -> None:
    """Record the leave-one-out risk of one size; as :func:`leave_out_into`, and overwrites both arrays like it."""
    nothing, no_direction = np.zeros((1, *problem.targets.shape[:2])), np.zeros((1, problem.samples))
    where = slice(size - 1, size)
    leave_out_into(problem, residuals, complements, no_direction, nothing, record, where, scale=scale)
