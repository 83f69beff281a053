"""Literal transcriptions of the definitions: one dense solution for each size, in float64 or in many digits."""

from decimal import Decimal, localcontext

import numpy as np


def decomposed(matrix):
    """Left vectors, singular values and right vectors."""
    return np.linalg.svd(matrix, full_matrices=False)


def solve(decomposition, targets, ridge):
    """Minimum-norm (ridge 0) or ridge solution, by singular values; nothing is truncated beyond float64's reach."""
    left, values, right = decomposition
    if ridge > 0:
        filtered = values / (values**2 + ridge)
    else:
        kept = values > np.finfo(float).eps * max(len(left), right.shape[1]) * values[0]
        filtered = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)
    return right.T @ (filtered[:, None] * (left.T @ targets))


def risks(train, targets, test, test_targets, *, size, ridge=0.0, decomposition=None):
    """(train loss, test loss, test error, norm, test predictions, condition) of the model of one size.

    ``decomposition`` is that of its columns, for who asks for several ridges.
    """
    decomposition = decomposition or decomposed(train[:, :size])
    weights = solve(decomposition, targets, ridge)
    fitted, predicted = train[:, :size] @ weights, test[:, :size] @ weights
    values = decomposition[1]
    condition = np.sqrt(values[0] ** 2 + ridge) / np.sqrt(values[-1] ** 2 + ridge)
    return (
        np.mean(np.sum((fitted - targets) ** 2, axis=1)),
        np.mean(np.sum((predicted - test_targets) ** 2, axis=1)),
        np.mean(predicted.argmax(axis=1) != test_targets.argmax(axis=1)),
        np.linalg.norm(weights),
        predicted,
        condition,
    )


def leave_one_out(train, targets, size, ridge):
    """Leave-one-out loss and error by n refits."""
    losses, errors = [], []
    for i in range(len(train)):
        others = np.arange(len(train)) != i
        weights = solve(decomposed(train[others][:, :size]), targets[others], ridge)
        prediction = train[i, :size] @ weights
        losses.append(np.sum((prediction - targets[i]) ** 2))
        errors.append(prediction.argmax() != targets[i].argmax())
    return np.mean(losses), np.mean(errors)


def classification(random, n, n_test, columns, classes=3):
    """A random problem with one-hot targets."""
    train, test = random.standard_normal((n, columns)), random.standard_normal((n_test, columns))
    targets = np.eye(classes)[random.integers(0, classes, n)]
    test_targets = np.eye(classes)[random.integers(0, classes, n_test)]
    return train, targets, test, test_targets


def plant(train, n, smallest):
    """Give the first n columns a smallest singular value of ``smallest`` times the largest."""
    left, values, right = np.linalg.svd(train[:, :n])
    values[-1] = smallest * values[0]
    planted = train.copy()
    planted[:, :n] = (left * values) @ right
    return planted


def exact_losses(train, targets, test, test_targets, ridge=0.0, digits=150):
    """(train loss, test loss, test predictions) of the full-rank problem, from the normal equations in many digits."""
    with localcontext(prec=digits):
        z, y, z_test, y_test = (
            np.vectorize(Decimal, otypes=[object])(array) for array in (train, targets, test, test_targets)
        )
        rows, columns = z.shape
        if columns <= rows:
            weights = _eliminate(z.T @ z + Decimal(ridge) * np.eye(columns, dtype=int), z.T @ y)
        else:
            weights = z.T @ _eliminate(z @ z.T + Decimal(ridge) * np.eye(rows, dtype=int), y)
        predicted = z_test @ weights
        losses = (np.sum((z @ weights - y) ** 2) / rows, np.sum((predicted - y_test) ** 2) / len(z_test))
        return float(losses[0]), float(losses[1]), predicted.astype(float)


def _eliminate(matrix, right):
    matrix, right = matrix.copy(), right.copy()
    for i in range(len(matrix) - 1):
        factors = matrix[i + 1 :, i] / matrix[i, i]
        matrix[i + 1 :] -= np.outer(factors, matrix[i])
        right[i + 1 :] -= np.outer(factors, right[i])
    for i in reversed(range(len(matrix))):
        right[i] = (right[i] - matrix[i, i + 1 :] @ right[i + 1 :]) / matrix[i, i]
    return right


def minimum_norm(train, targets, test, test_targets):
    """``numpy.linalg.lstsq``: (train loss, test loss, test predictions, norm, condition of what was kept, rank)."""
    weights, _, rank, values = np.linalg.lstsq(train, targets, rcond=None)
    fitted, predicted = train @ weights, test @ weights
    return (
        np.mean(np.sum((fitted - targets) ** 2, axis=1)),
        np.mean(np.sum((predicted - test_targets) ** 2, axis=1)),
        predicted,
        np.linalg.norm(weights),
        values[0] / values[rank - 1] if rank else 1.0,
        rank,
    )
