"""What the hidden layers of a dense network make of its inputs."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.implicit.precision import own_precision
from benign.networks.dense import Dense, Layer
from benign.networks.recording import outputs_of


def dense_features(network: Dense, inputs: Float[np.ndarray, "m d"]) -> tuple[Float[np.ndarray, "m width"], ...]:
    """The features of each hidden layer, after its activation, in the network's own precision."""
    with own_precision(network):
        return tuple(np.asarray(layer) for layer in _dense_features(network, jnp.asarray(inputs)))


@eqx.filter_jit
def _dense_features(network: Dense, inputs: Float[Array, "m d"]) -> list[Float[Array, "m width"]]:
    features = []
    for layer in network.layers[:-1]:
        width, dtype = len(layer.bias), layer.weight.dtype
        nothing = Layer(weight=jnp.eye(width, dtype=dtype), bias=jnp.zeros(width, dtype=dtype))
        inputs = outputs_of(Dense(layers=(layer, nothing), activation=network.activation), inputs)
        features.append(inputs)
    return features
