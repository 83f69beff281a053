r"""Dense networks with a width: any number of equally wide hidden layers, and Belkin's single one.

Parameters of d inputs, K outputs and D hidden layers of width H:
:math:`(d + 1) H + (D - 1) (H + 1) H + (H + 1) K`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count
from benign.networks.activations import ACTIVATIONS, KEEP_ZERO

Activation = Callable[[Array], Array]

_FUNCTIONS: dict[str, Activation] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),  # x Phi(x) itself, as PyTorch's
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "sigmoid": jax.nn.sigmoid,
}
assert set(_FUNCTIONS) == set(ACTIVATIONS)


class Layer(eqx.Module):
    """An affine map."""

    weight: Float[Array, "out in"] | Float[np.ndarray, "out in"]
    bias: Float[Array, " out"] | Float[np.ndarray, " out"]

    def __call__(self, x: Float[Array, " in"]) -> Float[Array, " out"]:
        return x @ jnp.asarray(self.weight).T + self.bias  # in this order XLA transposes no activations

    def widened(self, rows: int, columns: int) -> Layer:
        """The map with further outputs and inputs of zeros."""
        out, into = self.weight.shape
        return Layer(
            weight=np.pad(np.asarray(self.weight), ((0, rows - out), (0, columns - into))),
            bias=np.pad(np.asarray(self.bias), (0, rows - out)),
        )


class Dense(eqx.Module):
    """Affine maps with an activation between them."""

    layers: tuple[Layer, ...]
    activation: str = eqx.field(static=True)

    def __call__(self, x: Float[Array, " in"]) -> Float[Array, " out"]:
        activation = _FUNCTIONS[self.activation]
        for layer in self.layers[:-1]:
            x = activation(layer(x))
        return self.layers[-1](x)


def _widths(depth: int, width: int, inputs: int, outputs: int) -> list[tuple[int, int]]:
    """(outputs, inputs) of each layer."""
    units = [inputs, *[width] * depth, outputs]
    return list(zip(units[1:], units[:-1], strict=True))


def _widened(module: eqx.Module, width: int) -> Dense:
    assert isinstance(module, Dense)
    if width < len(module.layers[0].bias):
        raise invalid(
            "width",
            f"must be at least that of the network, {len(module.layers[0].bias)}, got {width}; a network only grows.",
        )
    outputs, inputs = module.layers[-1].weight.shape[0], module.layers[0].weight.shape[1]
    shapes = _widths(len(module.layers) - 1, width, inputs, outputs)
    layers = (layer.widened(*shape) for layer, shape in zip(module.layers, shapes, strict=True))
    return Dense(layers=tuple(layers), activation=module.activation)


class _EquallyWide(ABC):
    """Dense networks whose hidden layers have one width; how a layer is drawn at first is left open."""

    depth: int
    activation: str

    @abstractmethod
    def _drawn(self, shape: tuple[int, int], random: np.random.Generator) -> Layer:
        """An untrained layer of a shape (outputs, inputs)."""

    @property
    def is_widenable(self) -> bool:
        return self.activation in KEEP_ZERO

    def build(self, width: int, *, inputs: int, outputs: int, random: np.random.Generator) -> Dense:
        shapes = _widths(self.depth, width, inputs, outputs)
        return Dense(layers=tuple(self._drawn(shape, random) for shape in shapes), activation=self.activation)

    def widened(self, module: eqx.Module, width: int) -> Dense:
        return _widened(module, width)

    def parameters(self, width: int, *, inputs: int, outputs: int) -> int:
        return sum(out * into + out for out, into in _widths(self.depth, width, inputs, outputs))


@dataclass(frozen=True, kw_only=True)
class MLPFamily(_EquallyWide):
    """``depth`` hidden layers of the same width, initialised as PyTorch's ``Linear``: U(-1, 1) / sqrt(fan-in).

    Attributes:
        depth: number of hidden layers.
        activation: one of :data:`benign.networks.activations.ACTIVATIONS`.

    Raises:
        InvalidArgument: for a depth that is no positive integer or an unknown activation.
    """

    depth: int
    activation: str

    def __post_init__(self) -> None:
        checked_count("depth", self.depth)
        checked_name("activation", self.activation, ACTIVATIONS)

    def _drawn(self, shape: tuple[int, int], random: np.random.Generator) -> Layer:
        bound = 1.0 / np.sqrt(shape[1])
        return Layer(weight=random.uniform(-bound, bound, shape), bias=random.uniform(-bound, bound, shape[0]))


@dataclass(frozen=True, kw_only=True)
class OneHiddenLayerFamily(_EquallyWide):
    """One hidden ReLU layer, initialised uniformly after Glorot & Bengio 2010, biases zero (Belkin et al. 2019)."""

    depth: int = field(default=1, init=False, repr=False)
    activation: str = field(default="relu", init=False, repr=False)

    def _drawn(self, shape: tuple[int, int], random: np.random.Generator) -> Layer:
        bound = np.sqrt(6.0 / sum(shape))
        return Layer(weight=random.uniform(-bound, bound, shape), bias=np.zeros(shape[0]))

    def grown(self, module: eqx.Module, width: int, random: np.random.Generator) -> Dense:
        """A trained network with further units whose weights, on both sides, are N(0, 0.01) (Belkin et al. 2019)."""
        hidden, output = _widened(module, width).layers
        new = [random.normal(0.0, 0.1, layer.weight.shape) for layer in (hidden, output)]
        old = module.layers[0].weight.shape[0]  # type: ignore[attr-defined]
        new[0][:old], new[1][:, :old] = 0.0, 0.0
        bias = np.where(np.arange(width) < old, 0.0, random.normal(0.0, 0.1, width))
        first = Layer(weight=hidden.weight + new[0], bias=hidden.bias + bias)
        return Dense(layers=(first, Layer(weight=output.weight + new[1], bias=output.bias)), activation="relu")
