"""Training procedures: one contract, and the built-in families that speak it."""

from benign.procedures.polynomial import Polynomial
from benign.procedures.protocol import Predictions, Procedure
from benign.procedures.random_fourier import RandomFourier

__all__ = ["Polynomial", "Predictions", "Procedure", "RandomFourier"]
