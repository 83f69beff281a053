"""Modules that a user builds with Flax, taken apart: parameters are trained, and there may be no other collection.

Flax's modules are called on batches, so a sample is a batch of one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from benign.foundation.errors import InvalidArgument, invalid
from benign.networks.foreign_family import NO_NOISE, NO_STATE, Apply, Parts, Weights


@dataclass(frozen=True, kw_only=True, eq=False)
class FlaxBuilder:
    """``build(size)``, which returns a module of ``flax.linen``, or ``build(size, rngs)``, which returns one of
    ``flax.nnx``; either is called on a batch.

    Attributes:
        build: the function.
        takes_rngs: whether it takes the second argument.
        name: what messages call the modules.
    """

    build: Callable[..., Any]
    takes_rngs: bool
    name: str

    def parts(self, size: int, key: Array, sample: Array) -> Parts:
        """Its parameters, and the module with others in their place."""
        linen, nnx = _flax("linen"), _flax("nnx")
        module = self.build(size, nnx.Rngs(key)) if self.takes_rngs else self.build(size)
        if isinstance(module, linen.Module):
            return self._of_linen(module, key, sample)
        if isinstance(module, nnx.Module) and self.takes_rngs:
            return self._of_nnx(module, sample)
        if isinstance(module, nnx.Module):
            raise invalid("build", f"of {self.name!r} returns a flax.nnx.Module and must take its rngs: (size, rngs).")
        raise invalid("build", f"of {self.name!r} must return a Flax module, got {type(module).__name__}; give one.")

    def _of_linen(self, module: Any, key: Array, sample: Array) -> Parts:
        try:
            variables = module.init(key, sample[None])
            # Building lends its key to whoever draws; a call has none.
            module.apply(variables, sample[None], mutable=list(variables))
        except _flax("errors").InvalidRngError as error:
            raise self._refusal(NO_NOISE) from error
        if variables.keys() - {"params"}:
            raise self._refusal(NO_STATE)
        leaves, structure = jax.tree_util.tree_flatten_with_path(variables.get("params", {}))

        def apply(weights: Weights) -> Callable[[Array], Any]:
            params = jax.tree.unflatten(structure, weights)
            return lambda x: _only(module.apply({"params": params}, x[None]))

        return _parts(leaves, apply)

    def _of_nnx(self, module: Any, sample: Array) -> Parts:
        nnx = _flax("nnx")
        graph, trained, rest = nnx.split(module, nnx.Param, ...)
        if any(issubclass(kind, nnx.BatchStat) for kind in _kinds(rest)):
            raise self._refusal(NO_STATE)
        before = _numbers(rest)
        used = nnx.merge(graph, trained, rest)
        used(sample[None])
        after = nnx.state(used, nnx.Not(nnx.Param))
        if not _is_same(before, _numbers(after)):
            has_drawn = any(issubclass(kind, nnx.RngState) for kind in _kinds(after))
            raise self._refusal(NO_NOISE if has_drawn else NO_STATE)
        leaves, structure = jax.tree_util.tree_flatten_with_path(trained)

        def apply(weights: Weights) -> Callable[[Array], Any]:
            params = jax.tree.unflatten(structure, weights)
            # It is put together where it is called: Flax lets nothing be changed under another trace than its own.
            return lambda x: _only(nnx.merge(graph, params, rest)(x[None]))

        return _parts(leaves, apply)

    def _refusal(self, fault: str) -> InvalidArgument:
        return invalid("build", f"of {self.name!r} returns a module that {fault}.")


def _flax(part: str) -> Any:
    """A part of Flax, which no extra brings: who calls this has a module of it."""
    return importlib.import_module(f"flax.{part}")


def _parts(leaves: Sequence[tuple[Any, Array]], apply: Apply) -> Parts:
    places = tuple(jax.tree_util.keystr(place, simple=True, separator="/") for place, _ in leaves)
    return Parts(weights=tuple(leaf for _, leaf in leaves), places=places, apply=apply)


def _only(outputs: Any) -> Any:
    """What a batch of one sample gives for that sample."""
    return jax.tree.map(lambda part: part[0], outputs)


def _kinds(state: Any) -> set[type]:
    """Flax's kinds of variables in a state."""
    return {type(variable) for _, variable in _flax("nnx").to_flat_state(state)}


def _is_same(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> bool:
    return len(before) == len(after) and all(np.array_equal(one, two) for one, two in zip(before, after, strict=True))


def _numbers(state: Any) -> list[np.ndarray]:
    """Copies of the arrays of a state, which a call may change; of a random key what it holds."""
    return [
        np.array(jax.random.key_data(leaf) if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)
        for leaf in jax.tree.leaves(state)
    ]
