"""CKA against the definition with Gram matrices, its invariances, and what the debiased one says of noise."""

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

from benign.foundation.errors import InvalidArgument
from benign.implicit.similarity.representation_similarity import hidden_features, layerwise_cka, linear_cka
from benign.implicit.similarity.weight_matching import permuted
from tests.implicit.dense_networks import dense
from tests.networks import oracle

both = pytest.mark.parametrize("debiased", [True, False], ids=["debiased", "biased"])


def features(n=30, p=5, q=8, seed=0):
    """Two sets of features that have something in common, far from zero mean."""
    random = np.random.default_rng([8, seed])
    X = random.standard_normal((n, p)) @ random.standard_normal((p, p)) + 3.0
    return X, np.tanh(X @ random.standard_normal((p, q)) / p) + 0.3 * random.standard_normal((n, q))


def hsic_of_grams(K, L, debiased):
    n = len(K)
    if not debiased:
        H = np.eye(n) - np.ones((n, n)) / n
        return np.trace(K @ H @ L @ H)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    terms = np.trace(K @ L), (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2)), -2 / (n - 2) * (one @ K @ L @ one)
    return sum(terms) / (n * (n - 3))


def cka_of_grams(X, Y, debiased):
    K, L = X @ X.T, Y @ Y.T
    return hsic_of_grams(K, L, debiased) / np.sqrt(hsic_of_grams(K, K, debiased) * hsic_of_grams(L, L, debiased))


@both
@pytest.mark.parametrize(("n", "p", "q"), [(30, 5, 8), (12, 12, 20), (4, 2, 3)], ids=["n > p", "n = p", "least n"])
def test_features_and_gram_matrices_give_the_same(n, p, q, debiased):
    X, Y = features(n, p, q)
    assert linear_cka(X, Y, debiased=debiased) == pytest.approx(cka_of_grams(X, Y, debiased), rel=1e-9)


@both
def test_a_set_of_features_is_like_itself_and_the_order_does_not_matter(debiased):
    X, Y = features()
    assert linear_cka(X, X, debiased=debiased) == pytest.approx(1.0, abs=1e-12)
    assert linear_cka(X, Y, debiased=debiased) == pytest.approx(linear_cka(Y, X, debiased=debiased), rel=1e-12)
    assert linear_cka(X, Y, debiased=debiased) < 0.95


@both
def test_orthogonal_maps_factors_and_shifts_change_nothing(debiased):
    X, Y = features()
    Q = np.linalg.qr(np.random.default_rng(1).standard_normal((8, 8)))[0]
    moved = linear_cka(1e3 * X - 50.0, 0.01 * Y @ Q + 2.0, debiased=debiased)
    assert moved == pytest.approx(linear_cka(X, Y, debiased=debiased), rel=1e-9)


@both
def test_other_linear_maps_do(debiased):
    X, Y = features()
    stretched = linear_cka(X * np.array([100.0, 1.0, 1.0, 1.0, 1.0]), Y, debiased=debiased)
    assert abs(stretched - linear_cka(X, Y, debiased=debiased)) > 0.01


def test_independent_wide_features_are_unlike_only_to_the_debiased_one():
    random = np.random.default_rng(2)
    values = np.array(
        [
            [linear_cka(random.standard_normal((40, 60)), random.standard_normal((40, 60)), debiased=debiased)
             for debiased in (True, False)]
            for _ in range(50)
        ]
    )  # fmt: skip
    mean, error = values[:, 0].mean(), values[:, 0].std(ddof=1) / np.sqrt(50)
    assert abs(mean) < 4.0 * error
    assert error < 0.01
    assert values[:, 1].min() > 0.5


@both
def test_features_that_do_not_vary_are_like_nothing(debiased):
    X, _ = features()
    assert np.isnan(linear_cka(X, np.full((30, 3), 0.1), debiased=debiased))


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_hidden_features_layer_by_layer(activation):
    network = dense(3, 4, 5, 2, activation=activation)
    inputs = np.random.default_rng(3).standard_normal((6, 3))
    expected, x = [], inputs
    for layer in network.layers[:-1]:
        x = oracle.ACTIVATIONS[activation](x @ layer.weight.T + layer.bias)
        expected.append(x)
    found = hidden_features(network, inputs)
    assert len(found) == 2
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_layers_of_all_pairs():
    networks = [dense(3, 9, 9, 2, seed=seed) for seed in range(3)]
    inputs = np.random.default_rng(4).standard_normal((25, 3))
    found = layerwise_cka(networks, inputs)
    assert found.shape == (2, 3)
    layers = [hidden_features(network, inputs) for network in networks]
    for layer in range(2):
        for pair, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
            assert found[layer, pair] == pytest.approx(cka_of_grams(layers[i][layer], layers[j][layer], True), rel=1e-8)
    biased = layerwise_cka(networks, inputs, debiased=False)
    assert biased[0, 0] == pytest.approx(cka_of_grams(layers[0][0], layers[1][0], False), rel=1e-8)


def test_permuted_networks_are_alike():
    network, random = dense(3, 9, 9, 2), np.random.default_rng(5)
    other = permuted(network, [random.permutation(9), random.permutation(9)])
    np.testing.assert_allclose(layerwise_cka([network, other], random.standard_normal((20, 3))), 1.0, rtol=1e-12)


def test_bad_input_gets_a_sentence(unchecked):
    X, Y = features()
    with pytest.raises(InvalidArgument, match=r"`X` and `Y` must hold features of the same inputs.*30 and 29"):
        linear_cka(X, Y[:-1])
    with pytest.raises(InvalidArgument, match="four or more, got 3 and 3"):
        linear_cka(X[:3], Y[:3])
    for networks in ([dense(3, 4, 2)], [dense(3, 4, 2), dense(3, 4, 4, 2)]):
        with pytest.raises(InvalidArgument, match="`networks` must hold two or more networks of the same depth"):
            layerwise_cka(networks, np.zeros((5, 3)))
