"""Weight matching: the same function, planted permutations found, and every permutation of tiny networks tried."""

import itertools

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

from benign.foundation.errors import InvalidArgument
from benign.implicit.similarity.weight_matching import match_weights, permuted
from benign.networks.dense import Dense, Layer
from tests.implicit.dense_networks import dense, outputs
from tests.networks.cases import flat

INPUTS = np.random.default_rng(0).integers(-3, 4, (11, 3)).astype(float)


def whole(network):
    """The network with its numbers rounded: sums of products of integers do not depend on their order."""
    layers = tuple(Layer(weight=np.rint(3 * one.weight), bias=np.rint(3 * one.bias)) for one in network.layers)
    return Dense(layers=layers, activation=network.activation)


def similarity(first, second):
    return float(flat(first) @ flat(second))


@pytest.mark.parametrize("widths", [(3, 6, 2), (3, 6, 6, 2), (3, 4, 4, 4, 2)], ids=["depth 1", "depth 2", "depth 3"])
def test_matching_does_not_change_the_function(widths):
    first, second = whole(dense(*widths, seed=1)), whole(dense(*widths, seed=2))
    matching = match_weights(first, second)
    assert np.array_equal(outputs(matching.network, INPUTS), outputs(second, INPUTS))
    assert any(not np.array_equal(order, np.arange(len(order))) for order in matching.permutations)
    assert np.array_equal(flat(permuted(second, matching.permutations)), flat(matching.network))


@given(
    seed=st.integers(0, 2**32 - 1),
    depth=st.integers(1, 4),
    width=st.integers(1, 12),
    inputs=st.integers(1, 5),
    noise=st.sampled_from([0.0, 1e-3]),
)
@settings(max_examples=60)
def test_a_planted_permutation_is_found(seed, depth, width, inputs, noise):
    random = np.random.default_rng(seed)
    network = dense(inputs, *[width] * depth, 2, seed=seed)
    planted = [random.permutation(width) for _ in range(depth)]
    matching = match_weights(network, permuted(network, planted), restarts=1)
    for found, order in zip(matching.permutations, planted, strict=True):
        assert np.array_equal(order[found], np.arange(width))
    assert np.array_equal(flat(matching.network), flat(network))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("widths", [(2, 4, 2), (2, 3, 3, 2)], ids=["depth 1", "depth 2"])
def test_no_permutation_of_a_tiny_network_is_better(widths, seed):
    first, second = dense(*widths, seed=seed), dense(*widths, seed=100 + seed)
    orders = [[np.array(order) for order in itertools.permutations(range(width))] for width in widths[1:-1]]
    best = max(similarity(first, permuted(second, chosen)) for chosen in itertools.product(*orders))
    matching = match_weights(first, second, restarts=10)
    assert matching.similarity == pytest.approx(best, rel=1e-12)
    assert matching.similarity == pytest.approx(similarity(first, matching.network), rel=1e-12)


def test_every_start_ends_where_no_single_layer_can_be_improved():
    first, second = dense(3, 4, 4, 4, 2, seed=1), dense(3, 4, 4, 4, 2, seed=2)
    matching = match_weights(first, second, restarts=6)
    assert len(matching.similarities) == 6
    assert matching.similarity == max(matching.similarities)
    for layer in range(3):
        for order in itertools.permutations(range(4)):
            changed = [np.array(order) if i == layer else own for i, own in enumerate(matching.permutations)]
            assert similarity(first, permuted(second, changed)) <= matching.similarity + 1e-9


def test_more_starts_find_at_least_as_much_and_the_first_ones_stay():
    first, second = dense(3, 8, 8, 8, 2, seed=4), dense(3, 8, 8, 8, 2, seed=54)
    few, many = (match_weights(first, second, restarts=restarts) for restarts in (2, 8))
    assert many.similarities[:2] == few.similarities
    assert many.similarity > few.similarity
    assert len(set(many.similarities)) > 2
    again = match_weights(first, second, restarts=8)
    assert again.similarities == many.similarities
    assert match_weights(first, second, restarts=8, seed=1).similarities != many.similarities


def test_bad_input_gets_a_sentence(unchecked):
    network = dense(3, 4, 2)
    for other in (dense(3, 5, 2), dense(3, 4, 2, activation="tanh")):
        with pytest.raises(InvalidArgument, match="`second` must have the activation and shapes of `first`"):
            match_weights(network, other)
    with pytest.raises(InvalidArgument, match="`restarts` must be a positive integer, got 0"):
        match_weights(network, network, restarts=0)
    lost = Dense(layers=(Layer(weight=np.full((4, 3), np.nan), bias=np.zeros(4)), network.layers[1]), activation="relu")
    with pytest.raises(InvalidArgument, match="must hold finite numbers"):
        match_weights(network, lost)
    for wrong in ([], [np.array([0, 0, 1, 2])], [np.arange(3)], [np.arange(4), np.arange(4)]):
        with pytest.raises(InvalidArgument, match=r"`permutations` must hold one permutation .* of \[4\] units"):
            permuted(network, wrong)
