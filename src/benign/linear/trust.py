"""When a number can be trusted, from a condition number that costs next to nothing.

kappa_F(k) = |Z_k|_F |Z_k^+|_F is an upper bound of the 2-norm condition number and at most min(n, k) times as large.
With ridge, Z_k stands for [Z_k, sqrt(ridge) I].
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

# Losses and predictions agree with a singular value decomposition to a relative 1e-9 while the condition number is
# below 1e6, and to 1e-9 (condition / 1e6) beyond it: this is the stated tolerance.
TOLERANCE = 1e-9
TOLERANCE_CONDITION = 1e6
# Beyond this condition (a stated tolerance of 1e-3) a size is flagged.
LARGEST_CONDITION = 1e12


def stated_tolerance(condition: Float[np.ndarray, "..."] | float) -> Float[np.ndarray, "..."]:
    """Relative tolerance to which losses and predictions are promised, given the condition number."""
    return np.asarray(TOLERANCE * np.maximum(1.0, np.asarray(condition) / TOLERANCE_CONDITION))


def is_trusted(condition: Float[np.ndarray, "..."] | float) -> Bool[np.ndarray, "..."]:
    """Whether the solver's answer at this condition number can be trusted to the stated tolerance."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.asarray(condition) <= LARGEST_CONDITION)
