"""When a number can be trusted, from a condition number that costs next to nothing.

kappa_F(k) = |Z_k|_F |Z_k^+|_F is an upper bound of the 2-norm condition number and at most min(n, k) times as large.
With ridge, Z_k stands for [Z_k, sqrt(ridge) I].

The promise is |loss - exact| <= tolerance * max(loss, mean of |y|^2), y the training targets, and likewise for the root
mean square of predictions: a loss far below the targets' own size is known to that absolute error alone.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

# The tolerance is 1e-9 while the condition number is below 1e6 and 1e-9 (condition / 1e6) beyond it, which covers what
# grows with the condition number. What is left unfitted makes errors grow with its square, where the test rows have a
# part in the directions concerned: of that the sensitivity is a bound for the problem at hand.
TOLERANCE = 1e-9
TOLERANCE_CONDITION = 1e6
# Beyond this tolerance a size is flagged, unless many digits answer it; without ridge that is at a condition number of
# 1e12.
LARGEST_TOLERANCE = 1e-3
# Errors of the solvers, in units of the sensitivity; against extended precision we saw at most 0.7 eps, for n of 30 to
# 200 (tests/linear/test_promise.py).
_ROUNDING = 2.0 * np.finfo(float).eps
LARGEST_CONDITION = LARGEST_TOLERANCE / TOLERANCE * TOLERANCE_CONDITION


def stated_tolerance(
    condition: Float[np.ndarray, "..."] | float, sensitivity: Float[np.ndarray, "..."] | float = 0.0
) -> Float[np.ndarray, "..."]:
    """Tolerance to which losses and predictions are promised, given condition number and sensitivity."""
    tolerance = TOLERANCE * np.maximum(1.0, np.asarray(condition) / TOLERANCE_CONDITION)
    return np.asarray(np.maximum(tolerance, _ROUNDING * np.asarray(sensitivity)))


def is_trusted(
    condition: Float[np.ndarray, "..."] | float, sensitivity: Float[np.ndarray, "..."] | float = 0.0
) -> Bool[np.ndarray, "..."]:
    """Whether the solver's answer can be trusted to the stated tolerance."""
    with np.errstate(invalid="ignore"):
        return np.asarray(stated_tolerance(condition, sensitivity) <= LARGEST_TOLERANCE * (1.0 + 1e-12))
