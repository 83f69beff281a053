"""Writing what a sweep measured into the record; shared by the sizes below and beyond the threshold."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from benign.linear.problem import Labels, PathProblem, PathRecord
from benign.linear.sweep import sweep_leave_one_out, sweep_predictions

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
    where: slice,
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
    where: slice,
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


def record_solution(
    problem: PathProblem,
    record: PathRecord,
    size: int,
    *,
    fitted: Float[np.ndarray, "columns n"],
    predicted: Float[np.ndarray, "columns n_test"],
    norm_squared: Float[np.ndarray, " columns"],
    condition: float,
) -> None:
    """Record one size from its predictions, as answered by a singular value decomposition."""
    groups, outputs, _ = problem.targets.shape
    shape = (groups, outputs, -1)
    for flat, labels, squares, wrong in (
        (fitted, problem.train, record.train_squares, record.train_wrong),
        (predicted, problem.test, record.test_squares, record.test_wrong),
    ):
        prediction = flat.reshape(shape)[..., : labels.targets.shape[3]]
        squares[..., size - 1] = np.sum((prediction - labels.targets) ** 2, axis=(2, 3))
        mistaken = (labels.classes >= 0) & (labels.classes != prediction.argmax(axis=1))
        wrong[..., size - 1] = np.sum(mistaken, axis=2)
    record.norm_squared[:, size - 1] = norm_squared.reshape(groups, outputs).sum(axis=1)
    record.condition[size - 1] = condition
    record.truncated[size - 1] = True
    if size in problem.predict_at:
        record.predictions[size] = predicted.reshape(shape).copy()
