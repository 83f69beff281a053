"""Training procedures: one contract, and the built-in families that speak it."""

from benign.procedures.mlp import MLP
from benign.procedures.one_hidden_layer import OneHiddenLayer
from benign.procedures.polynomial import Polynomial
from benign.procedures.protocol import Predictions, Procedure
from benign.procedures.random_fourier import RandomFourier

__all__ = ["MLP", "OneHiddenLayer", "Polynomial", "Predictions", "Procedure", "RandomFourier"]
