"""A Flax module with a training step of your own; for the plain recipes ``benign.from_flax`` is shorter and faster.

python examples/training_loops/flax_module.py
"""
# needs: flax==0.12.8 optax==0.2.8

from __future__ import annotations

import jax
import numpy as np
import optax
from flax import nnx

import benign


@nnx.jit
def step(model, optimizer, images, labels):
    """One step on one batch."""

    def loss(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()

    optimizer.update(model, nnx.grad(loss)(model))


def flat(images):
    """Each image as a row."""
    return images.reshape(len(images), -1)


def fit(split, size, seed):
    """Train two layers on the split and give, after each epoch, the function that predicts then."""
    keys, random = nnx.Rngs(seed), np.random.default_rng(seed)
    layers = nnx.Linear(64, size, rngs=keys), jax.nn.relu, nnx.Linear(size, 10, rngs=keys)
    model = nnx.Sequential(flat, *layers)
    optimizer = nnx.Optimizer(model, optax.adam(0.01), wrt=nnx.Param)
    for epoch in range(1, 31):
        for rows in random.permutation(len(split.train_labels)).reshape(-1, 25):
            step(model, optimizer, split.train_inputs[rows], split.train_labels[rows])
        yield epoch, model


width = benign.from_training_loop(fit, size_name="width", outputs="logits")

if __name__ == "__main__":
    digits = benign.sources.digits(label_noise=0.1)
    surface = benign.measure(width, digits, samples=[150], sizes=[4, 64], times=[1, 3, 10, 30], replicates=2, workers=1)
    print(surface.to_pandas().pivot_table("test_loss", "time", "size").round(3))
