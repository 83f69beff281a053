"""Training transcribed from its definition: one unpadded network, NumPy alone, the gradient by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import numpy as np
from scipy.special import erf, softmax

from benign.foundation.randomness import generator
from benign.foundation.split import Split
from benign.networks import Training
from benign.networks.dense import Dense

Weights = list[np.ndarray]
"""Weight matrix and bias of each layer, in turn."""


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + erf(x / math.sqrt(2.0)))


def _normal_density(x: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "gelu": lambda x: x * _normal_cdf(x),
}
SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: (x > 0.0).astype(float),
    "tanh": lambda x: 1.0 - np.tanh(x) ** 2,
    "gelu": lambda x: _normal_cdf(x) + x * _normal_density(x),
}


@dataclass(frozen=True)
class History:
    """All numbers of the network, and of its moving average, before each step and after the last."""

    parameters: np.ndarray
    averages: np.ndarray


def outputs(weights: Weights, activation: str, inputs: np.ndarray) -> np.ndarray:
    x = inputs
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = ACTIVATIONS[activation](x @ weight.T + bias)
    return x @ weights[-2].T + weights[-1]


def gradient(weights: Weights, activation: str, loss: str, inputs: np.ndarray, targets: np.ndarray) -> Weights:
    """Of the mean loss, by the chain rule backwards."""
    entering, before = [inputs], []
    for weight, bias in zip(weights[::2], weights[1::2], strict=True):
        before.append(entering[-1] @ weight.T + bias)
        entering.append(ACTIVATIONS[activation](before[-1]))
    error = (softmax(before[-1], axis=1) if loss == "cross-entropy" else 2 * before[-1]) / len(inputs)
    error -= (targets if loss == "cross-entropy" else 2 * targets) / len(inputs)
    backwards: Weights = []
    for layer in reversed(range(len(before))):
        backwards += [error.sum(axis=0), error.T @ entering[layer]]
        if layer:
            error = (error @ weights[2 * layer]) * SLOPES[activation](before[layer - 1])
    return backwards[::-1]


def batch_at(split: Split, batch: int, step: int) -> np.ndarray:
    """The rows of a step: a part of the permutation of its epoch."""
    epoch, position = divmod(step, math.ceil(split.samples / batch))
    if batch == split.samples:
        return np.arange(batch)
    replicate = split.replicate
    random = generator(replicate.seed, "mini-batches", replicate.initialisation, epoch // 16)
    order = [random.permutation(split.samples) for _ in range(epoch % 16 + 1)][-1]
    return order[position * batch : (position + 1) * batch]


def factor(training: Training, step: int, samples: int) -> float:
    """What the schedule multiplies the learning rate by."""
    if training.schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * step / training.total_steps(samples)))
    if training.schedule == "inverse_square_root":
        return 1.0 / math.sqrt(1 + step // 512)
    if training.schedule == "step_decay":
        return 0.9 ** (step // training.steps_per_epoch(samples) // 500)
    return 1.0


def train(network: eqx.Module, training: Training, split: Split, learning_rate: float | None = None) -> History:
    """Step after step, from the network that is given to the end of training."""
    assert isinstance(network, Dense)
    weights = [np.array(part) for layer in network.layers for part in (layer.weight, layer.bias)]
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    average = [w.copy() for w in weights]
    history, averages = [_row(weights)], [_row(average)]
    batch = training.batch_of(split.samples)
    for step in range(training.total_steps(split.samples)):
        rows = batch_at(split, batch, step)
        slopes = gradient(
            weights, network.activation, training.loss, split.train_inputs[rows], split.train_targets[rows]
        )
        rate = (learning_rate or training.learning_rate) * factor(training, step, split.samples)
        for i, slope in enumerate(slopes):
            g = slope + training.weight_decay * weights[i]
            if training.optimizer == "adam":
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g**2
                unbiased = first[i] / (1 - 0.9 ** (step + 1)), second[i] / (1 - 0.999 ** (step + 1))
                direction = unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
            elif training.optimizer == "momentum":
                first[i] = training.momentum * first[i] + g
                direction = first[i]
            else:
                direction = g
            weights[i] = weights[i] - rate * direction
            average[i] = training.average * average[i] + (1 - training.average) * weights[i]
        history.append(_row(weights))
        averages.append(_row(average))
    return History(parameters=np.array(history), averages=np.array(averages))


def _row(weights: Weights) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in weights])
