"""Polynomial regression in one input, sized by its number of coefficients (degree + 1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_ridge
from benign.foundation.split import Split
from benign.linear.columns import Columns, MappedColumns
from benign.linear.polynomials import Basis, PolynomialFeatures, checked_basis
from benign.linear.size_path import bytes_of_path
from benign.procedures import feature_regression
from benign.schema import Block

_LARGEST = 100_000  # coefficients, in minutes


@dataclass(frozen=True, kw_only=True)
class Polynomial:
    """Least squares on polynomials of one input; of minimum norm (in its basis) beyond the interpolation threshold.

    The model of size k has the degrees 0 to k - 1. Up to n every basis gives one and the same function, in exact
    arithmetic; beyond n the basis decides which interpolant is of minimum norm. Without ridge the coefficients are
    those of ``numpy.linalg.lstsq`` on the columns of ``benign.linear.PolynomialFeatures``.

    Args:
        basis: ``"legendre"`` (well conditioned), ``"chebyshev"`` or ``"monomial"``; the first two live on the range of
            the split's pool.
        ridge: scikit-learn's alpha, the same at every size.

    Raises:
        InvalidArgument: for an unknown basis or a ridge that cannot be one.
    """

    revision: ClassVar[int] = 2
    size_name: ClassVar[str] = "coefficients"
    time_name: ClassVar[str | None] = None
    objective: ClassVar[str] = "squared"
    max_size: ClassVar[float] = math.inf
    factor: ClassVar[int] = 1
    parameters = feature_regression.parameters
    batches = feature_regression.batches
    predict = feature_regression.predict

    basis: Basis = "legendre"
    ridge: float = 0.0

    def __post_init__(self) -> None:
        checked_basis(self.basis)
        checked_ridge(self.ridge)

    def spec(self) -> dict[str, object]:
        return {"procedure": "polynomial", "basis": self.basis, "ridge": float(self.ridge)}

    def least_bytes(self, samples: int, test_samples: int, size: int) -> float:
        """The path's work arrays, and all columns of its last panel."""
        return bytes_of_path(samples, size, test_samples=test_samples) + 8.0 * (samples + test_samples) * size

    def measure(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
        metrics: frozenset[str],
    ) -> Block:
        if sizes[-1] > _LARGEST:
            raise invalid(
                "sizes",
                f"of a polynomial may reach {_LARGEST:,} coefficients, got {sizes[-1]:,}: each column takes "
                "as long as all before it; lower the degree.",
            )
        return feature_regression.measure(self, splits, sizes, times, metrics)

    def columns(self, split: Split, inputs: Float[np.ndarray, "m d"]) -> Columns:
        low, high = float(split.pool.min()), float(split.pool.max())
        if not high > low:
            raise InvalidArgument(
                "the pool's inputs are constant, so a polynomial has nothing to fit; check the source."
            )
        features = PolynomialFeatures(low=low, high=high, basis=self.basis)
        return MappedColumns(features=features, train_inputs=split.train_inputs, test_inputs=inputs)
