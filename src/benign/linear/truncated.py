"""The minimum-norm least-squares solution by singular value decomposition, for the few sizes that no path answers.

Equivalent to ``numpy.linalg.lstsq`` with its default cut-off; it declines where the cut-off would decide the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float

from benign.linear.trust import LARGEST_CONDITION


@dataclass(frozen=True, kw_only=True, eq=False)
class TruncatedSolution:
    """The solution of smallest norm, from the singular values that were kept.

    Attributes:
        weights: theta.
        basis: left singular vectors u, an orthonormal basis of what the features reach.
        inverse: right singular vectors over the singular values: Z^+ u.
        condition: largest over smallest singular value.
    """

    weights: Float[np.ndarray, "k columns"]
    basis: Float[np.ndarray, "n rank"]
    inverse: Float[np.ndarray, "k rank"]
    condition: float


def truncated_solution(
    matrix: Float[np.ndarray, "n k"], targets: Float[np.ndarray, "n columns"], *, order: int
) -> TruncatedSolution | None:
    """Minimum-norm solution of ``matrix`` @ weights = ``targets``, negligible singular values taken as zero.

    Args:
        matrix: the design matrix, or its triangular factor.
        targets: right-hand sides.
        order: the larger dimension of the design matrix, which sets the cut-off eps * order of ``lstsq``.

    Returns:
        The solution, or None where a singular value lies between the cut-off and what float64 resolves (or within ten
        times the cut-off): a solver's answer there is an accident of rounding.
    """
    values = scipy.linalg.svdvals(matrix, check_finite=False)
    cutoff = np.finfo(float).eps * order * values[0]
    kept = values > max(values[0] / LARGEST_CONDITION, 10.0 * cutoff)
    if np.any(values[~kept] > cutoff):
        return None
    left, values, right = scipy.linalg.svd(matrix, full_matrices=False, check_finite=False)
    basis, values = left[:, kept], values[kept]
    inverse = right[kept].T / values
    condition = float(values[0] / values[-1]) if len(values) else 1.0
    return TruncatedSolution(weights=inverse @ (basis.T @ targets), basis=basis, inverse=inverse, condition=condition)
