"""When a number can be trusted, from a condition number that costs next to nothing.

kappa_F(k) = |Z_k|_F |Z_k^+|_F is an upper bound of the 2-norm condition number and at most min(n, k) times as large.
With ridge, Z_k stands for [Z_k, sqrt(ridge) I].
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

# Losses and predictions agree with a singular value decomposition to a relative 1e-9 while the condition number is
# below 1e6, and to 1e-9 (condition / 1e6) beyond it: this is the stated tolerance. With ridge the problem itself is
# less well conditioned where directions are left unfitted: an error of one unit in the last place of Z moves the
# solution by eps condition^2 (Golub & Van Loan, section 5.3.7), so the tolerance is not smaller than that.
TOLERANCE = 1e-9
TOLERANCE_CONDITION = 1e6
# Beyond this tolerance a size is flagged; without ridge that is at a condition number of 1e12.
LARGEST_TOLERANCE = 1e-3
LARGEST_CONDITION = LARGEST_TOLERANCE / TOLERANCE * TOLERANCE_CONDITION


def stated_tolerance(condition: Float[np.ndarray, "..."] | float, ridge: float = 0.0) -> Float[np.ndarray, "..."]:
    """Relative tolerance to which losses and predictions are promised, given the condition number."""
    values = np.asarray(condition)
    tolerance = TOLERANCE * np.maximum(1.0, values / TOLERANCE_CONDITION)
    if ridge > 0.0:
        with np.errstate(over="ignore"):
            tolerance = np.maximum(tolerance, np.finfo(float).eps * values**2)
    return np.asarray(tolerance)


def is_trusted(condition: Float[np.ndarray, "..."] | float, ridge: float = 0.0) -> Bool[np.ndarray, "..."]:
    """Whether the solver's answer at this condition number can be trusted to the stated tolerance."""
    with np.errstate(invalid="ignore"):
        return np.asarray(stated_tolerance(condition, ridge) <= LARGEST_TOLERANCE * (1.0 + 1e-12))
