"""Modules that a user builds with Equinox, taken apart: every floating-point array of one is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

from benign.foundation.errors import InvalidArgument, invalid
from benign.networks.foreign_family import NO_NOISE, NO_STATE, Parts, Weights


@dataclass(frozen=True, kw_only=True, eq=False)
class EquinoxBuilder:
    """``build(size, key)``, which returns an Equinox module that is called on one sample.

    Attributes:
        build: the function.
        name: what messages call the modules.
    """

    build: Callable[..., Any]
    name: str

    def parts(self, size: int, key: Array, sample: Array) -> Parts:
        """Its floating-point arrays, and the module with others in their place."""
        del sample
        module = self.build(size, key)
        self._check(module)
        trained, rest = eqx.partition(module, eqx.is_inexact_array)
        leaves, structure = jax.tree_util.tree_flatten_with_path(trained)

        def apply(weights: Weights) -> Any:
            return eqx.combine(jax.tree.unflatten(structure, weights), rest)

        return Parts(
            weights=tuple(leaf for _, leaf in leaves),
            places=tuple(jax.tree_util.keystr(place).removeprefix(".") for place, _ in leaves),
            apply=apply,
        )

    def _check(self, module: object) -> None:
        if isinstance(module, tuple) and any(isinstance(part, eqx.nn.State) for part in module):
            raise self._refusal(NO_STATE)
        if not isinstance(module, eqx.Module):
            raise invalid(
                "build", f"of {self.name!r} must return an equinox.Module, got {type(module).__name__}; give one."
            )
        if not callable(module):
            raise invalid("build", f"of {self.name!r} returns a {type(module).__name__}, which cannot be called.")
        special = (eqx.nn.StateIndex, eqx.nn.Dropout)
        for part in jax.tree.leaves(module, is_leaf=lambda one: isinstance(one, special)):
            if isinstance(part, eqx.nn.StateIndex):
                raise self._refusal(NO_STATE)
            if isinstance(part, eqx.nn.Dropout) and part.p != 0 and not part.inference:
                raise self._refusal(NO_NOISE)

    def _refusal(self, fault: str) -> InvalidArgument:
        return invalid("build", f"of {self.name!r} returns a module that {fault}.")
