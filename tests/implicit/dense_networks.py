"""Small dense networks in float64, and a NumPy forward pass of them."""

from __future__ import annotations

import itertools

import numpy as np

from benign.networks.dense import Dense, Layer
from tests.networks import oracle


def dense(*widths, seed=0, activation="relu", dtype=np.float64):
    """A network of independent normal weights and biases with units ``widths``, inputs and outputs included."""
    random = np.random.default_rng([5, seed])
    layers = tuple(
        Layer(weight=random.standard_normal((out, into)).astype(dtype), bias=random.standard_normal(out).astype(dtype))
        for into, out in itertools.pairwise(widths)
    )
    return Dense(layers=layers, activation=activation)


def outputs(network, inputs):
    weights = [part for layer in network.layers for part in (layer.weight, layer.bias)]
    return oracle.outputs(weights, network.activation, inputs)


def rescaled(network, unit, factor, layer=0):
    """The same function of ReLU units: one unit's incoming numbers times a factor, its outgoing ones divided by it."""
    layers = [Layer(weight=one.weight.copy(), bias=one.bias.copy()) for one in network.layers]
    layers[layer].weight[unit] *= factor
    layers[layer].bias[unit] *= factor
    layers[layer + 1].weight[:, unit] /= factor
    return Dense(layers=tuple(layers), activation=network.activation)
