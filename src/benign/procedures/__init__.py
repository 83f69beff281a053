"""Training procedures: one contract, the built-in families that speak it, and adapters for all others.

Those that measure solutions compute on JAX: they are loaded on first use and need the extra ``networks``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.procedures.estimator import from_estimator as from_estimator
    from benign.procedures.function_procedure import from_callable as from_callable
    from benign.procedures.jax_module import from_equinox as from_equinox
    from benign.procedures.jax_module import from_flax as from_flax
    from benign.procedures.mlp import MLP as MLP
    from benign.procedures.one_hidden_layer import OneHiddenLayer as OneHiddenLayer
    from benign.procedures.polynomial import Polynomial as Polynomial
    from benign.procedures.protocol import Predictions as Predictions
    from benign.procedures.protocol import Procedure as Procedure
    from benign.procedures.random_fourier import RandomFourier as RandomFourier
    from benign.procedures.repeated_mlp import RepeatedMLP as RepeatedMLP
    from benign.procedures.solutions import Solutions as Solutions
    from benign.procedures.torch_module import from_torch as from_torch
    from benign.procedures.training_loop import from_training_loop as from_training_loop


def _check(name: str, home: str) -> None:
    if home in ("benign.procedures.repeated_mlp", "benign.procedures.solutions"):
        from benign.networks.devices import require_jax

        require_jax(f"`{name}`")


__all__ = list(load_on_first_use(globals(), check=_check))
