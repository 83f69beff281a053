"""The compiled prefix sweep: directions and coefficients in, risk at every size out.

Every path solver reduces a model of size k to the first k terms of one sum, P_k = sum_(i<=k) D_i c_i^T. The two loops
here add one term after another and read the risk after each. They are all that runs once per size.

Arrays are laid out with samples last, so that the inner loops are contiguous: ``groups`` are independent target
matrices on the same inputs (label-noise draws), ``references`` are the label sets that predictions are compared with.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from benign.linear.compilation import kept

# Reassociation lets the compiler vectorise sums; NaN and infinity keep their meaning.
_FAST = {"reassoc", "contract", "arcp", "nsz"}


@kept
@njit(nogil=True, fastmath=_FAST, error_model="numpy")
def sweep_predictions(
    predictions: Float[np.ndarray, "groups outputs m"],
    directions: Float[np.ndarray, "terms m"],
    coefficients: Float[np.ndarray, "terms groups outputs"],
    references: Float[np.ndarray, "references groups outputs m"],
    labels: Int[np.ndarray, "references groups m"],
    squared: Float[np.ndarray, "references groups terms"],
    wrong: Float[np.ndarray, "references groups terms"],
) -> None:
    """Add the terms to ``predictions`` in place; after each, write the sum of squares and the count of wrong classes.

    A label of -1 marks a row that has no class and is not counted in ``wrong``.
    """
    terms, m = directions.shape
    groups, outputs = coefficients.shape[1:]
    best = np.empty(m)
    winner = np.empty(m, dtype=np.int64)
    for term in range(terms):
        direction = directions[term]
        for group in range(groups):
            for output in range(outputs):
                row = predictions[group, output]
                coefficient = coefficients[term, group, output]
                for i in range(m):
                    row[i] += direction[i] * coefficient
            _compare(predictions[group], references, labels, group, term, best, winner, squared, wrong)


@kept
@njit(nogil=True, fastmath=_FAST, error_model="numpy")
def _compare(prediction, references, labels, group, term, best, winner, squared, wrong):  # type: ignore[no-untyped-def]
    outputs, m = prediction.shape
    best[:] = prediction[0]
    winner[:] = 0
    for output in range(1, outputs):
        row = prediction[output]
        for i in range(m):
            is_larger = row[i] > best[i]
            best[i] = row[i] if is_larger else best[i]
            winner[i] = output if is_larger else winner[i]
    for reference in range(references.shape[0]):
        total = 0.0
        for output in range(outputs):
            row = prediction[output]
            target = references[reference, group, output]
            for i in range(m):
                difference = row[i] - target[i]
                total += difference * difference
        mistakes = 0
        label = labels[reference, group]
        for i in range(m):
            mistakes += (label[i] >= 0) & (label[i] != winner[i])
        squared[reference, group, term] = total
        wrong[reference, group, term] = mistakes


@kept
@njit(nogil=True, fastmath=_FAST, error_model="numpy")
def sweep_leave_one_out(  # noqa: PLR0917  (compiled: no keyword arguments)
    residuals: Float[np.ndarray, "groups outputs n"],
    complements: Float[np.ndarray, " n"],
    directions: Float[np.ndarray, "terms n"],
    coefficients: Float[np.ndarray, "terms groups outputs"],
    targets: Float[np.ndarray, "groups outputs n"],
    labels: Int[np.ndarray, "groups n"],
    squared: Float[np.ndarray, "groups terms"],
    wrong: Float[np.ndarray, "groups terms"],
    smallest: Float[np.ndarray, " terms"],
    largest: Float[np.ndarray, " terms"],
) -> None:
    """Downdate (residual, complement) in place; after each term write the leave-one-out squares and wrong classes.

    ``smallest`` and ``largest`` become the extremes of the complements, for those who must know what rounding left.

    Below the threshold the pair is (y - prediction, 1 - leverage), beyond it (G y, diagonal of G) with G = (Z Z^T +
    ridge I)^-1. The leave-one-out residual is their quotient in both cases, and both lose a rank-one term a size.
    """
    terms, n = directions.shape
    groups, outputs = coefficients.shape[1:]
    best = np.empty(n)
    winner = np.empty(n, dtype=np.int64)
    for term in range(terms):
        direction = directions[term]
        low, high = np.inf, -np.inf
        for i in range(n):
            complements[i] -= direction[i] * direction[i]
            low = min(low, complements[i])
            high = max(high, complements[i])
        smallest[term], largest[term] = low, high
        for group in range(groups):
            best[:] = -np.inf
            winner[:] = 0
            total = 0.0
            for output in range(outputs):
                row = residuals[group, output]
                target = targets[group, output]
                coefficient = coefficients[term, group, output]
                for i in range(n):
                    row[i] -= direction[i] * coefficient
                    left_out = row[i] / complements[i]
                    total += left_out * left_out
                    prediction = target[i] - left_out
                    is_larger = prediction > best[i]
                    best[i] = prediction if is_larger else best[i]
                    winner[i] = output if is_larger else winner[i]
            mistakes = 0
            for i in range(n):
                mistakes += (labels[group, i] >= 0) & (labels[group, i] != winner[i])
            squared[group, term] = total
            wrong[group, term] = mistakes
