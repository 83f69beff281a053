"""Training procedures: one contract, the built-in families that speak it, and adapters for all others."""

from benign.procedures.estimator import from_estimator
from benign.procedures.function_procedure import from_callable
from benign.procedures.mlp import MLP
from benign.procedures.one_hidden_layer import OneHiddenLayer
from benign.procedures.polynomial import Polynomial
from benign.procedures.protocol import Predictions, Procedure
from benign.procedures.random_fourier import RandomFourier

__all__ = [
    "MLP",
    "OneHiddenLayer",
    "Polynomial",
    "Predictions",
    "Procedure",
    "RandomFourier",
    "from_callable",
    "from_estimator",
]
