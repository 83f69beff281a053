"""Least squares in features: relu, Fourier, columns, Legendre; solved, or by gradient descent for a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import scipy.linalg
from jaxtyping import Float

from benign.foundation.randomness import generator
from benign.linear.fourier import FourierFeatures

Matrix = Float[np.ndarray, "rows columns"]
FeatureMap = Callable[[Matrix, int, int], Matrix]
"""``features(inputs, size, seed)``: the columns of a smaller size are the first of a larger one."""
Predict = Callable[[Matrix], Matrix]
_FULL_RANK = 1e-9  # smallest over largest diagonal entry of the triangle: below it the rank is looked into


def relu(inputs: Matrix, size: int, seed: int) -> Matrix:
    """Features max(0, w x + b) of random w and b."""
    slopes, offsets = _relu_weights(inputs.shape[1], size, seed)
    return math.sqrt(2.0) * np.maximum(inputs @ slopes + offsets, 0.0)


@lru_cache(maxsize=64)
def _relu_weights(d: int, size: int, seed: int) -> tuple[Matrix, Float[np.ndarray, " columns"]]:
    drawn = generator(seed, "relu features").standard_normal((size, d + 1))
    return np.ascontiguousarray(drawn[:, 1:].T) / math.sqrt(d), 0.5 * drawn[:, 0]


def fourier(bandwidth: float) -> FeatureMap:
    """Those of :class:`benign.procedures.RandomFourier` at the replicate (seed 0, initialisation ``seed``)."""

    def features(inputs: Matrix, size: int, seed: int) -> Matrix:
        return FourierFeatures(bandwidth=bandwidth, seed=0, initialisation=seed).columns(inputs, 0, size)

    return features


def columns(inputs: Matrix, size: int, seed: int) -> Matrix:
    """The first columns themselves."""
    del seed
    return inputs[:, :size]


def legendre(inputs: Matrix, size: int, seed: int) -> Matrix:
    """Legendre polynomials on [-1, 1], orthonormal under the uniform distribution."""
    del seed
    return np.polynomial.legendre.legvander(inputs[:, 0], size - 1) * np.sqrt(2.0 * np.arange(size) + 1.0)


def solved(features: FeatureMap, ridge: float) -> Callable[[Matrix, Matrix, int, object, int], list[Predict]]:
    """Trains to the minimum of squared loss plus ridge; of minimum norm where there are many without."""

    def fit(inputs: Matrix, targets: Matrix, size: int, times: object, seed: int) -> list[Predict]:
        del times
        weights = least_squares(features(inputs, size, seed), targets, ridge)
        return [lambda asked: features(asked, size, seed) @ weights]

    return fit


def least_squares(Z: Matrix, Y: Matrix, ridge: float) -> Matrix:
    """Weights; equivalent to ``numpy.linalg.lstsq`` without ridge."""
    n, p = Z.shape
    if ridge > 0.0:
        if p <= n:
            return scipy.linalg.solve(Z.T @ Z + ridge * np.eye(p), Z.T @ Y, assume_a="pos")
        return Z.T @ scipy.linalg.solve(Z @ Z.T + ridge * np.eye(n), Y, assume_a="pos")
    Q, R = np.linalg.qr(Z if p <= n else Z.T)
    diagonal = np.abs(np.diag(R))
    if diagonal.min() <= _FULL_RANK * diagonal.max():
        return np.linalg.lstsq(Z, Y, rcond=None)[0]
    if p <= n:
        return scipy.linalg.solve_triangular(R, Q.T @ Y)
    return Q @ scipy.linalg.solve_triangular(R, Y, trans="T")


def descended(features: FeatureMap) -> Callable[[Matrix, Matrix, int, Sequence[float], int], list[Predict]]:
    """Gradient descent from 0 in closed form, at a step of 1 over the largest curvature."""

    def fit(inputs: Matrix, targets: Matrix, size: int, times: Sequence[float], seed: int) -> list[Predict]:
        Z = features(inputs, size, seed)
        is_wide = size > len(Z)
        curvatures, vectors = np.linalg.eigh(Z @ Z.T if is_wide else Z.T @ Z)
        curvatures = np.maximum(curvatures, 1e-15 * curvatures[-1])
        contraction = np.log1p(-np.minimum(curvatures / curvatures[-1], 1 - 1e-16))  # of each direction in a step
        along = vectors.T @ (targets if is_wide else Z.T @ targets) / curvatures[:, None]
        trained: list[Predict] = []
        for time in times:
            solution = vectors @ (-np.expm1(time * contraction)[:, None] * along)
            trained.append(_linear(features, size, seed, Z.T @ solution if is_wide else solution))
        return trained

    return fit


def _linear(features: FeatureMap, size: int, seed: int, weights: Matrix) -> Predict:
    return lambda asked: features(asked, size, seed) @ weights
