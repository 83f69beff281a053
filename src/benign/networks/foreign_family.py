"""Modules of the user's own as a family of networks: whatever maps one sample to its outputs.

An adapter for a library takes a module apart (:class:`ModuleBuilder`) into what is trained, a row of arrays, and a pure
function of them. All members of one size share that function, so that they share a compiled program: it is the one of
the first module, and every other is held against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.wording import told
from benign.networks.devices import DeviceName, find_device

Weights = Sequence[Array | np.ndarray]
Apply = Callable[[Weights], Callable[[Array], Array]]
"""Weights to the outputs of one sample in its shape."""
OTHERWISE = "write its training yourself with benign.from_training_loop"
NO_STATE = f"keeps a state beside its weights, as batch normalisation does; use another normalisation, or {OTHERWISE}"
NO_NOISE = f"draws random numbers when it is called, as dropout does; leave that out, or {OTHERWISE}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """A module taken apart.

    Attributes:
        weights: what is trained.
        places: where in the module each stands.
        apply: the module's function, of weights and of one sample in its shape.
    """

    weights: tuple[Array | np.ndarray, ...]
    places: tuple[str, ...]
    apply: Apply

    @property
    def shapes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Of the weights, by their places."""
        return tuple((place, tuple(leaf.shape)) for place, leaf in zip(self.places, self.weights, strict=True))


@runtime_checkable
class ModuleBuilder(Protocol):
    """A user's function that builds modules, and what of a module is what. Equal only to itself."""

    @property
    def name(self) -> str:
        """What messages call the modules."""
        ...

    def parts(self, size: int, key: Array, sample: Array) -> Parts:
        """Build the module of a size from a key, for samples like this one, and take it apart.

        Raises:
            InvalidArgument: if that is no module, or one that is more than a function of its weights.
        """
        ...


class ForeignNetwork(eqx.Module):
    """A user's module that takes rows: its weights, and the function that its size has.

    Attributes:
        weights: what is trained.
        apply: the function.
        shape: of one sample.
    """

    weights: tuple[Float[Array, "..."] | Float[np.ndarray, "..."], ...]
    apply: Apply = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        return self.apply(self.weights)(x.reshape(self.shape))


@dataclass(frozen=True, kw_only=True)
class ForeignFamily:
    """The modules of a builder, for samples of one shape.

    Attributes:
        builder: what builds them.
        code: what stands for its code.
        shape: of one sample.
        precision: of the numbers that JAX draws; weights are kept as float64 here, as those of every family.
        device: where they are drawn.

    Raises:
        InvalidArgument: whenever a module is built, for one that cannot be trained as a population.
    """

    is_widenable: ClassVar[bool] = False

    builder: ModuleBuilder = field(repr=False)
    code: str
    shape: tuple[int, ...]
    precision: Literal["float32", "float64"]
    device: DeviceName = field(default=None, repr=False, compare=False)

    def build(self, width: int, *, inputs: int, outputs: int, random: np.random.Generator) -> ForeignNetwork:
        del inputs
        first = _blueprint(self, width, outputs)
        with self._own_settings():
            parts = self._parts(width, int(random.integers(2**31 - 1)))
            if not first.is_of(parts, lambda: self._probe(parts, width)):
                raise self._refusal(
                    width,
                    f"differs by more than its weights from key to key; let only these come from it, or {OTHERWISE}",
                )
        weights = tuple(np.asarray(leaf, np.float64) for leaf in parts.weights)
        return ForeignNetwork(weights=weights, apply=first.apply, shape=self.shape)

    def widened(self, module: eqx.Module, width: int) -> ForeignNetwork:
        del module
        raise invalid("width", f"must be that of the network, got {width}: nobody else's modules can be widened.")

    def parameters(self, width: int, *, inputs: int, outputs: int) -> int:
        """Number of trained parameters, counted in a module that is built once."""
        del inputs
        return sum(math.prod(shape) for _, shape in _blueprint(self, width, outputs).shapes)

    def blueprint(self, width: int, outputs: int) -> _Blueprint:
        """What all modules of a size share, checked."""
        with self._own_settings():
            parts, again = (self._parts(width, 0) for _ in range(2))
            self._check_weights(parts, width)
            self._check_outputs(parts, width, outputs)
            first = _Blueprint(apply=parts.apply, shapes=parts.shapes, probe=self._probe(parts, width))
            is_same = first.is_of(again, lambda: self._probe(again, width)) and all(
                np.array_equal(one, two, equal_nan=True) for one, two in zip(parts.weights, again.weights, strict=True)
            )
            if not is_same:
                raise self._refusal(
                    width, "differs when it is built or called again; let all its random numbers come from its key"
                )
            return first

    def _check_weights(self, parts: Parts, width: int) -> None:
        if not parts.weights:
            raise self._refusal(width, "has nothing to train: none of its arrays holds floating-point weights")
        for leaf, place in zip(parts.weights, parts.places, strict=True):
            if not jnp.issubdtype(leaf.dtype, jnp.floating):
                raise self._refusal(
                    width, f"has weights of the type {leaf.dtype} at {place}; let it train real numbers"
                )

    def _parts(self, width: int, seed: int) -> Parts:
        key = jax.random.key(seed, impl="threefry2x32")
        return attempted(
            lambda: self.builder.parts(width, key, self._sample),
            lambda error: invalid(
                "build",
                f"of {self.builder.name!r} fails at size {width} for samples of shape {self.shape} ({told(error)}); "
                "correct it, or leave this value out.",
            ),
        )

    def _check_outputs(self, parts: Parts, width: int, outputs: int) -> None:
        """Refuse a module that is not called as it should be, or whose outputs are not one row of real numbers."""

        def called(weights: Weights) -> Any:
            return parts.apply(weights)(self._sample)

        def refusal(error: BaseException) -> InvalidArgument:
            return self._refusal(
                width,
                f"cannot be called and differentiated on one sample of shape {self.shape} ({told(error)}); let it take "
                f"that, or {OTHERWISE}",
            )

        found = attempted(lambda: jax.eval_shape(called, parts.weights), refusal)
        if getattr(found, "shape", None) != (outputs,):
            given = f"outputs of shape {found.shape}" if hasattr(found, "shape") else f"a {type(found).__name__}"
            raise self._refusal(
                width,
                f"gives {given} on one sample of shape {self.shape}; the data need ({outputs},), one a class or target",
            )
        if not jnp.issubdtype(found.dtype, jnp.floating):
            raise self._refusal(width, f"gives outputs of the type {found.dtype}; let it give real numbers, no classes")
        attempted(lambda: jax.eval_shape(jax.grad(lambda w: jnp.sum(called(w))), parts.weights), refusal)

    def _probe(self, parts: Parts, width: int) -> Float[np.ndarray, " outputs"]:
        """The outputs on a made-up sample with made-up weights: those of a module may be zero and hide what it does."""
        random = np.random.default_rng(1)
        weights = [
            jnp.asarray(random.standard_normal(leaf.shape) * max(leaf.size, 1) ** -0.25, leaf.dtype)
            for leaf in parts.weights
        ]
        outputs = attempted(
            lambda: parts.apply(weights)(self._sample),
            lambda error: self._refusal(width, f"cannot be called on a sample of shape {self.shape} ({told(error)})"),
        )
        return np.asarray(outputs, np.float64)

    @property
    def _sample(self) -> Array:
        return jnp.asarray(np.random.default_rng(0).standard_normal(self.shape).astype(self.precision))

    @contextmanager
    def _own_settings(self) -> Iterator[None]:
        """JAX's settings as a population has them: in others it would compile the same again."""
        device = find_device(self.device)
        is_double = self.precision == "float64"
        with jax.enable_x64(is_double), jax.default_device(device), jax.default_matmul_precision("float32"):
            yield

    def _refusal(self, width: int, fault: str) -> InvalidArgument:
        return invalid("build", f"of {self.builder.name!r} returns at size {width} a module that {fault}.")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Blueprint:
    """What all modules of one size share.

    Attributes:
        apply: their function, of weights and of one sample in its shape.
        shapes: of their weights, by their places.
        probe: what the function gives for made-up weights and a made-up sample.
    """

    apply: Apply
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    probe: Float[np.ndarray, " outputs"]

    def is_of(self, parts: Parts, probe: Callable[[], Float[np.ndarray, " _"]]) -> bool:
        """Whether another module differs in the numbers of its weights alone, by what it gives for the made-up ones."""
        if parts.shapes != self.shapes:
            return False
        found = probe()
        return found.shape == self.probe.shape and np.allclose(found, self.probe, rtol=1e-4, equal_nan=True)


@lru_cache(maxsize=64)
def _blueprint(family: ForeignFamily, width: int, outputs: int) -> _Blueprint:
    """Once for a size: of another function, though it were the same, another program would be compiled."""
    return family.blueprint(width, outputs)
