"""A large triangular matrix kept as block rows, so that every product and solve is one contiguous BLAS call.

The row space of the features is held as Z = L Q with L lower triangular; what is stored is its transpose, the upper
triangular R = L^T, as a list of block rows: block row b holds rows b*w .. (b+1)*w of R from its diagonal on. This is
half of the memory of the square, and each slice that an algorithm needs is contiguous in Fortran order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import blas, lapack

BLOCK = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Triangle:
    """Upper triangular n x n matrix R in block rows (updated in place by :func:`benign.linear.row_space.append`)."""

    order: int
    rows: list[Float[np.ndarray, "_ _"]]

    def starts(self) -> range:
        """First row of each block row."""
        return range(0, self.order, BLOCK)


def scaled_identity(order: int, scale: float) -> Triangle:
    """The matrix ``scale`` * I of the given order."""
    rows = []
    for start in range(0, order, BLOCK):
        width = min(BLOCK, order - start)
        row = np.zeros((width, order - start), order="F")
        np.fill_diagonal(row, scale)
        rows.append(row)
    return Triangle(order=order, rows=rows)


def set_diagonal(triangle: Triangle, where: slice, value: float) -> None:
    """Set diagonal entries in place."""
    for start, row in zip(triangle.starts(), triangle.rows, strict=True):
        inside = range(*where.indices(triangle.order))
        local = np.intersect1d(inside, np.arange(start, start + len(row))) - start
        row[local, local] = value


def to_dense(triangle: Triangle) -> Float[np.ndarray, "n n"]:
    """The matrix as one Fortran-ordered square."""
    dense = np.zeros((triangle.order, triangle.order), order="F")
    for start, row in zip(triangle.starts(), triangle.rows, strict=True):
        dense[start : start + len(row), start:] = row
    return dense


def solve_right(triangle: Triangle, right: Float[np.ndarray, "b n"]) -> Float[np.ndarray, "b n"]:
    """X with X R = ``right``; that is (L^-1 right^T)^T. Costs b n^2 flops."""
    solution = np.array(right, order="F")
    for start, row in zip(triangle.starts(), triangle.rows, strict=True):
        stop = start + len(row)
        head = solution[:, start:stop]
        head[...] = blas.dtrsm(1.0, row[:, : len(row)], head, side=1, overwrite_b=False)
        if stop < triangle.order:
            blas.dgemm(-1.0, head, row[:, len(row) :], beta=1.0, c=solution[:, stop:], overwrite_c=True)
    return solution


def solve_right_transposed(triangle: Triangle, right: Float[np.ndarray, "b n"]) -> Float[np.ndarray, "b n"]:
    """X with X R^T = ``right``; that is (L^-T right^T)^T. Costs b n^2 flops."""
    solution = np.array(right, order="F")
    for start, row in reversed(list(zip(triangle.starts(), triangle.rows, strict=True))):
        stop = start + len(row)
        head = solution[:, start:stop]
        if stop < triangle.order:
            blas.dgemm(-1.0, solution[:, stop:], row[:, len(row) :], beta=1.0, c=head, trans_b=True, overwrite_c=True)
        head[...] = blas.dtrsm(1.0, row[:, : len(row)], head, side=1, trans_a=True, overwrite_b=False)
    return solution


def inverse_row_norms(triangle: Triangle) -> Float[np.ndarray, " n"]:
    """Squared norms of the rows of R^-1: the diagonal of (L L^T)^-1. Infinite where R is singular. n^3 / 3 flops."""
    inverse, info = lapack.dtrtri(to_dense(triangle), overwrite_c=True)
    if info != 0:
        return np.full(triangle.order, np.inf)
    return np.asarray(np.einsum("ij,ij->i", inverse, inverse))
