"""Literal transcriptions of the definitions: one dense singular value decomposition for each size."""

import numpy as np


def solve(matrix, targets, ridge):
    """Minimum-norm (ridge 0) or ridge solution, by singular values; nothing is truncated beyond float64's reach."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    if ridge > 0:
        filtered = values / (values**2 + ridge)
    else:
        kept = values > np.finfo(float).eps * max(matrix.shape) * values[0]
        filtered = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)
    return right.T @ (filtered[:, None] * (left.T @ targets))


def risks(train, targets, test, test_targets, *, size, ridge=0.0):
    """(train loss, test loss, test error, norm, test predictions, condition) of the model of one size."""
    weights = solve(train[:, :size], targets, ridge)
    fitted, predicted = train[:, :size] @ weights, test[:, :size] @ weights
    extended = np.linalg.svd(train[:, :size], compute_uv=False)
    condition = np.sqrt(extended[0] ** 2 + ridge) / np.sqrt(extended[-1] ** 2 + ridge)
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
        weights = solve(train[others][:, :size], targets[others], ridge)
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
