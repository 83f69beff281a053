r"""Align the hidden units of two networks: the permutation that brings their weights closest together.

Source: Ainsworth, Hayase, Srinivasa 2023 (Git Re-Basin), section 3.2 and algorithm 1; Entezari, Sedghi, Saukh,
Neyshabur 2022 (the conjecture that differently initialised solutions are one solution up to such permutations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count
from benign.foundation.randomness import generator
from benign.implicit.dense_network import as_dense
from benign.implicit.similarity.network_pairs import shape_of
from benign.networks.dense import Dense, Layer

if TYPE_CHECKING:
    import torch

Permutation = Int[np.ndarray, " _width"]


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightMatching:
    """How the second of two networks is aligned with the first.

    Attributes:
        permutations: for each hidden layer: unit i of the first network is matched with unit ``permutation[i]`` of the
            second.
        network: the second network, its units in that order; the same function.
        similarity: inner product of all weights and biases of the first network with those of ``network``: what
            matching maximises.
        similarities: what each start reached.
    """

    permutations: tuple[Permutation, ...]
    network: Dense = field(repr=False)
    similarity: float
    similarities: tuple[float, ...]


def match_weights(
    first: Dense | torch.nn.Module, second: Dense | torch.nn.Module, *, restarts: int = 5, seed: int = 0
) -> WeightMatching:
    r"""Permute the hidden units of ``second`` so that its weights resemble those of ``first``.

    .. math:: \max_{P_1, \dots, P_D} \sum_l \langle W_l^A, P_l W_l^B P_{l-1}^\top \rangle + \langle b_l^A, P_l b_l^B
        \rangle, \qquad P_0 = P_{D+1} = I,

    which minimises the distance between the two (Ainsworth, Hayase, Srinivasa 2023, algorithm 1). With all but one
    layer held, a linear assignment problem finds that layer's best permutation; layers are visited in random order
    until none improves. That ends in a local optimum, the global one for a single hidden layer, so several starts are
    made and the best is kept: first the permutations found layer by layer from the inputs on (which find a planted
    permutation of any depth at once), then the identity, then random ones.

    Known limits: the rescaling of ReLU units and the sign flips of odd activations, symmetries as well, are not used;
    what is matched are weights, not what units compute.

    Args:
        first: stays as it is. A PyTorch module is taken if it is a plain MLP (:func:`benign.implicit.as_dense`).
        second: of the same shapes.
        restarts: number of starts, 1 or more.
        seed: of the order of layers and of the random starts.

    Returns:
        The permutations, one (width) a hidden layer, the permuted network and what each start reached.

    Raises:
        InvalidArgument: for networks of different shapes or activations, or a ``restarts`` or ``seed`` that cannot be
            used.

    Cost: a few sweeps of D products and assignments, each O(width^3), for each start.
    """
    first, second = as_dense(first, argument="first"), as_dense(second, argument="second")
    _check(first, second)
    starts = [_from_the_inputs(first, second)]
    widths = [len(layer.bias) for layer in first.layers[:-1]]
    for start in range(1, checked_count("restarts", restarts)):
        random = generator(seed, "weight matching starts", start)
        starts.append([np.arange(width) if start == 1 else random.permutation(width) for width in widths])
    ends = [
        _ascend(first, second, start, generator(seed, "weight matching order", number))
        for number, start in enumerate(starts)
    ]
    similarities = [_similarity(first, permuted(second, end)) for end in ends]
    best = int(np.argmax(similarities))
    return WeightMatching(
        permutations=tuple(ends[best]),
        network=permuted(second, ends[best]),
        similarity=similarities[best],
        similarities=tuple(similarities),
    )


def permuted(network: Dense, permutations: Sequence[Permutation]) -> Dense:
    """The same function with hidden unit ``permutation[i]`` of each layer moved to place i.

    The symmetry of Ainsworth, Hayase, Srinivasa 2023, section 2.

    Args:
        network: of any depth.
        permutations: one (width) for each hidden layer, of 0 to width - 1.

    Raises:
        InvalidArgument: unless there is one permutation for each hidden layer.
    """
    hidden = network.layers[:-1]
    if len(permutations) != len(hidden) or any(
        not np.array_equal(np.sort(order), np.arange(len(layer.bias)))
        for order, layer in zip(permutations, hidden, strict=False)
    ):
        raise invalid(
            "permutations",
            f"must hold one permutation for each hidden layer, of {[len(one.bias) for one in hidden]} units.",
        )
    inputs, outputs = network.layers[0].weight.shape[1], len(network.layers[-1].bias)
    orders = [np.arange(inputs), *permutations, np.arange(outputs)]
    layers = [
        Layer(weight=layer.weight[after][:, before], bias=layer.bias[after])
        for layer, before, after in zip(network.layers, orders[:-1], orders[1:], strict=True)
    ]
    return Dense(layers=tuple(layers), activation=network.activation)


def _from_the_inputs(first: Dense, second: Dense) -> list[Permutation]:
    """Each layer matched by its incoming weights alone, the layer before it already being matched."""
    before = np.arange(first.layers[0].weight.shape[1])
    orders = []
    for one, other in zip(first.layers[:-1], second.layers[:-1], strict=True):
        entering = np.asarray(other.weight)[:, before]
        before = _best(np.asarray(one.weight) @ entering.T + np.outer(one.bias, other.bias))
        orders.append(before)
    return orders


def _ascend(
    first: Dense, second: Dense, start: Sequence[Permutation], random: np.random.Generator
) -> list[Permutation]:
    """Coordinate ascent over layers, until a sweep improves no layer by more than rounding."""
    orders = [np.asarray(order) for order in start]
    improves = True
    while improves:
        improves = False
        for layer in random.permutation(len(orders)):
            gains = _gains(first, second, orders, int(layer))
            units, found = np.arange(len(gains)), _best(gains)
            old, new = np.sum(gains[units, orders[layer]]), np.sum(gains[units, found])
            if new - old > 1e-6 * np.sum(np.abs(gains[units, found])):
                orders[layer], improves = found, True
    return orders


def _gains(first: Dense, second: Dense, orders: Sequence[Permutation], layer: int) -> Float[np.ndarray, "width width"]:
    """What matching unit i of the first network with unit j of the second adds to the similarity, the rest held."""
    weights = [[np.asarray(one.weight) for one in network.layers] for network in (first, second)]
    biases = [np.asarray(network.layers[layer].bias) for network in (first, second)]
    entering = weights[1][layer] if layer == 0 else weights[1][layer][:, orders[layer - 1]]
    leaving = weights[1][layer + 1] if layer + 1 == len(orders) else weights[1][layer + 1][orders[layer + 1]]
    return weights[0][layer] @ entering.T + np.outer(*biases) + weights[0][layer + 1].T @ leaving


def _best(gains: Float[np.ndarray, "width width"]) -> Permutation:
    from scipy.optimize import linear_sum_assignment

    return np.asarray(linear_sum_assignment(gains, maximize=True)[1])


def _similarity(first: Dense, second: Dense) -> float:
    return float(
        sum(
            np.sum(one.weight * other.weight, dtype=np.float64) + np.sum(one.bias * other.bias, dtype=np.float64)
            for one, other in zip(first.layers, second.layers, strict=True)
        )
    )


def _check(first: Dense, second: Dense) -> None:
    if shape_of(first) != shape_of(second):
        expected, got = (", ".join(map(str, shape_of(one))) for one in (first, second))
        raise invalid("second", f"must have the activation and shapes of `first`, {expected}, got {got}.")
    if not all(np.isfinite(part).all() for part in jax.tree.leaves((first, second))):
        raise InvalidArgument("`first` and `second` must hold finite numbers; leave out a network that diverged.")
