"""Training procedures: one contract, the built-in families that speak it, and adapters for all others.

Those that measure solutions compute on JAX: they are loaded on first use and need the extra ``networks``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benign.networks.devices import require_jax
from benign.procedures.estimator import from_estimator
from benign.procedures.function_procedure import from_callable
from benign.procedures.mlp import MLP
from benign.procedures.one_hidden_layer import OneHiddenLayer
from benign.procedures.polynomial import Polynomial
from benign.procedures.protocol import Predictions, Procedure
from benign.procedures.random_fourier import RandomFourier

if TYPE_CHECKING:
    from benign.procedures.repeated_mlp import RepeatedMLP
    from benign.procedures.solutions import Solutions

__all__ = [
    "MLP",
    "OneHiddenLayer",
    "Polynomial",
    "Predictions",
    "Procedure",
    "RandomFourier",
    "RepeatedMLP",
    "Solutions",
    "from_callable",
    "from_estimator",
]

_ON_JAX = {"RepeatedMLP": "repeated_mlp", "Solutions": "solutions"}


def __getattr__(name: str) -> object:
    if name not in _ON_JAX:
        raise AttributeError(f"module 'benign.procedures' has no attribute {name!r}")
    require_jax(f"`{name}`")
    return getattr(importlib.import_module(f"benign.procedures.{_ON_JAX[name]}"), name)
