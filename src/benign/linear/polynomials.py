"""Polynomial bases of one input, nested by degree: column j has degree j."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.polynomial import chebyshev, legendre, polynomial

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.memory import require_memory
from benign.foundation.numbers import checked_number

Basis = Literal["legendre", "chebyshev", "monomial"]
_VANDERMONDE: dict[str, Callable[..., np.ndarray]] = {
    "legendre": legendre.legvander,
    "chebyshev": chebyshev.chebvander,
    "monomial": polynomial.polyvander,
}


def checked_basis(basis: str) -> Basis:
    """The basis, if it is known.

    Raises:
        UnknownName: otherwise, with the nearest name.
    """
    return checked_name("polynomial basis", basis, _VANDERMONDE, argument="basis")  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class PolynomialFeatures:
    """Polynomials on [low, high]; the model with k columns is the polynomial of degree k - 1.

    ``legendre`` (the default) is orthonormal under the uniform distribution on the interval, hence well conditioned;
    ``monomial`` is x^j in the raw input. Below the threshold all bases give the same fit; beyond it the minimum norm
    is the norm of the chosen basis.
    """

    low: float
    high: float
    basis: Basis = "legendre"

    def __post_init__(self) -> None:
        checked_basis(self.basis)
        low, high = checked_number("low", self.low), checked_number("high", self.high)
        if low >= high:
            raise invalid("low", f"must lie below `high`, both finite, got {low} and {high}.")

    @property
    def max_size(self) -> float:
        """There is no end."""
        return math.inf

    def columns(self, inputs: Float[np.ndarray, "m d"], start: int, stop: int) -> Float[np.ndarray, "m columns"]:
        """Columns of degree ``start`` .. ``stop`` - 1.

        Raises:
            InvalidArgument: if the inputs have more than one column.
            NotEnoughMemory: for too high a degree: all below it are computed, too.
        """
        if inputs.shape[1] != 1:
            raise invalid(
                "inputs", f"of a polynomial must have one column, got {inputs.shape[1]}; use random Fourier features."
            )
        require_memory(
            8.0 * len(inputs) * stop,
            purpose=f"a polynomial of degree {stop - 1:,} at {len(inputs):,} inputs",
            advice="lower the degree",
        )
        values = inputs[:, 0]
        if self.basis != "monomial":
            values = (2.0 * values - self.low - self.high) / (self.high - self.low)
        table = _VANDERMONDE[self.basis](values, stop - 1)[:, start:]
        if self.basis == "legendre":
            table = table * np.sqrt(2.0 * np.arange(start, stop) + 1.0)
        return np.asarray(table)
