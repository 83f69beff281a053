"""Networks of one hidden layer, trained by Adam on the whole training set; many of one shape at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from benign.foundation.randomness import generator

_DECAYS = (0.9, 0.999)
_RATE = 0.01


def train(
    inputs: Float[np.ndarray, "networks n d"],
    targets: Float[np.ndarray, "networks n outputs"],
    width: int,
    times: Sequence[float],
    seeds: Sequence[int],
) -> list[list[Float[np.ndarray, "networks _ _"]]]:
    """The weights of tanh networks after each number of steps, ascending; single precision.

    Each network's numbers depend on its own rows and seed alone.
    """
    X, Y = _with_ones(inputs.astype(np.float32)), targets.astype(np.float32)
    weights = _initial(X.shape[2], Y.shape[2], width, seeds)
    slow, fast = [[np.zeros_like(one) for one in weights] for _ in range(2)]
    kept = []
    for step in range(1, round(max(times)) + 1):
        rate = _RATE * math.sqrt(1 - _DECAYS[1] ** step) / (1 - _DECAYS[0] ** step)
        for place, gradient in enumerate(_gradients(weights, X, Y)):
            slow[place] += (1 - _DECAYS[0]) * (gradient - slow[place])
            fast[place] += (1 - _DECAYS[1]) * (gradient * gradient - fast[place])
            weights[place] -= rate * slow[place] / (np.sqrt(fast[place]) + 1e-8)
        if step in {round(time) for time in times}:
            kept.append([one.copy() for one in weights])
    return kept


def outputs(
    weights: Sequence[Float[np.ndarray, "networks _ _"]], inputs: Float[np.ndarray, "networks m d"]
) -> Float[np.ndarray, "networks m outputs"]:
    """What they predict."""
    hidden = np.tanh(_with_ones(inputs.astype(np.float32)) @ weights[0])
    return (_with_ones(hidden) @ weights[1]).astype(np.float64)


def _with_ones(values: Float[np.ndarray, "networks rows d"]) -> Float[np.ndarray, "networks rows d1"]:
    return np.concatenate([values, np.ones_like(values[:, :, :1])], axis=2)


def _initial(d: int, K: int, width: int, seeds: Sequence[int]) -> list[Float[np.ndarray, "networks _ _"]]:
    drawn = [generator(seed, "network").standard_normal((width, d + K)).astype(np.float32) for seed in seeds]
    first = np.stack([one[:, :d].T for one in drawn]) / np.float32(math.sqrt(d))
    second = np.stack([one[:, d:] for one in drawn]) / np.float32(math.sqrt(width))
    return [first, np.concatenate([second, np.zeros_like(second[:, :1])], axis=1)]


def _gradients(
    weights: Sequence[Float[np.ndarray, "networks _ _"]],
    X: Float[np.ndarray, "networks n d"],
    Y: Float[np.ndarray, "networks n outputs"],
) -> tuple[Float[np.ndarray, "networks _ _"], Float[np.ndarray, "networks _ _"]]:
    """Of the mean squared loss."""
    hidden = np.tanh(X @ weights[0])
    residuals = (hidden @ weights[1][:, :-1] + weights[1][:, -1:] - Y) * np.float32(2 / X.shape[1])
    second = np.concatenate([hidden.swapaxes(1, 2) @ residuals, residuals.sum(axis=1, keepdims=True)], axis=1)
    inner = (residuals @ weights[1][:, :-1].swapaxes(1, 2)) * (1 - hidden * hidden)
    return X.swapaxes(1, 2) @ inner, second
