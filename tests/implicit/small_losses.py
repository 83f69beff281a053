"""Small networks and their losses: what the tests of curvature are run on."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import numpy as np

from benign.implicit.curvature import hessian
from benign.implicit.curvature.hessian import FlatLoss, network_loss
from benign.networks.dense import Dense, Layer, MLPFamily
from tests.networks.cases import CLASSES, INPUTS, classification

# Compiled whole, as those who call them do; operation by operation, each is a program of its own.
value_at, gradient_at = eqx.filter_jit(hessian.value_at), eqx.filter_jit(hessian.gradient_at)
error_at, hessian_product = eqx.filter_jit(hessian.error_at), eqx.filter_jit(hessian.hessian_product)


def small_network(activation: str = "relu", dtype: Any = np.float64) -> Dense:
    """139 parameters: depth 2, width 8."""
    random = np.random.default_rng(5)
    network = MLPFamily(depth=2, activation=activation).build(8, inputs=INPUTS, outputs=CLASSES, random=random)
    layers = (Layer(weight=2 * layer.weight.astype(dtype), bias=layer.bias.astype(dtype)) for layer in network.layers)
    return Dense(layers=tuple(layers), activation=activation)


def small_loss(
    activation: str = "relu", *, loss: str = "cross-entropy", dtype: Any = np.float64, rows: int = 1024
) -> FlatLoss:
    """The loss of the small network on 40 samples."""
    split = classification()
    return network_loss(small_network(activation, dtype), split.train_inputs, split.train_targets, loss=loss, rows=rows)
