"""The features' row space, grown by panels of columns: Z_k = L Q_k, and the test features T = Z_test Q_k^T in it.

Appending columns rotates [L U] and [T V] by the same Householder reflectors (LAPACK's pentagonal QR on the
transposes). It is backward stable whatever the condition of L, which is why every size can be answered from here
without ever forming a kernel matrix. Memory is n^2 / 2 + n n_test numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import blas, lapack

from benign.linear.triangle import Triangle, scaled_identity


@dataclass(frozen=True, kw_only=True, eq=False)
class RowSpace:
    """L^T as a :class:`Triangle` and T^T as block rows of the same heights; both are updated in place."""

    triangle: Triangle
    test_rows: list[Float[np.ndarray, "_ n_test"]]


def empty_row_space(samples: int, test_samples: int, ridge: float) -> RowSpace:
    """The row space of no features: L = sqrt(ridge) I, T = 0."""
    triangle = scaled_identity(samples, float(np.sqrt(ridge)))
    return RowSpace(triangle=triangle, test_rows=[np.zeros((len(r), test_samples), order="F") for r in triangle.rows])


def append(space: RowSpace, train: Float[np.ndarray, "b n"], test: Float[np.ndarray, "b n_test"]) -> None:
    """Append b features (given as rows, Fortran order) to the row space; ``train`` and ``test`` are overwritten.

    Costs 2 n^2 b + 4 n n_test b flops.
    """
    for block, start in enumerate(space.triangle.starts()):
        row = space.triangle.rows[block]
        width = len(row)
        stop = start + width
        if not train[:, start:stop].any():
            continue  # nothing to reflect, as in the coordinates beyond the rank of dependent columns
        head, tail, factor, _ = lapack.dtpqrt(0, width, row[:, :width], train[:, start:stop])
        row[:, :width] = np.triu(head)
        if stop < space.triangle.order:
            _reflect(tail, factor, row[:, width:], train[:, stop:])
        if test.shape[1]:
            _reflect(tail, factor, space.test_rows[block], test)


def _reflect(
    tail: Float[np.ndarray, "b w"],
    factor: Float[np.ndarray, "w w"],
    upper: Float[np.ndarray, "w m"],
    lower: Float[np.ndarray, "b m"],
) -> None:
    """Apply I - [I; tail] factor [I; tail]^T, transposed, to [upper; lower] in place."""
    image = blas.dgemm(1.0, tail, lower, beta=1.0, c=upper, trans_a=True)
    image = blas.dtrmm(1.0, factor, image, trans_a=True, overwrite_b=True)
    upper -= image
    blas.dgemm(-1.0, tail, image, beta=1.0, c=lower, overwrite_c=True)


def project(space: RowSpace, weights: Float[np.ndarray, "b n"]) -> Float[np.ndarray, "b n_test"]:
    """``weights`` T^T: what weights on the orthonormal row-space basis predict for the test samples."""
    tests = space.test_rows[0].shape[1]
    result = np.zeros((len(weights), tests), order="F")
    for block, start in enumerate(space.triangle.starts() if tests else ()):
        rows = space.test_rows[block]
        part = np.asfortranarray(weights[:, start : start + len(rows)])
        blas.dgemm(1.0, part, rows, beta=1.0, c=result, overwrite_c=True)
    return result
