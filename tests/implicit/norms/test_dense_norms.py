"""Norms against their definitions, path by path and SVD by SVD; what leaves each unchanged; the recorder."""

import itertools

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import equinox as eqx
import jax

from benign.foundation.errors import InvalidArgument
from benign.implicit.dense_network import as_dense
from benign.implicit.norms.dense_norms import (
    LIPSCHITZ,
    NormRecorder,
    distance_from_start,
    distances_from_start,
    frobenius_norm,
    output_margins,
    path_norm,
    spectral_complexity,
    spectral_norm_product,
    spectral_norms,
)
from benign.networks import Member, Recorder, initial_network, train_population
from benign.networks.dense import _FUNCTIONS
from tests.implicit.dense_networks import dense, outputs, rescaled
from tests.networks.cases import FAMILY, classification, flat, regression, settings

NETWORKS = {
    "one hidden layer": dense(3, 4, 2),
    "two hidden layers": dense(2, 3, 4, 2, seed=1),
    "three hidden layers": dense(2, 2, 3, 2, 3, seed=2),
}
RECORDED = {
    "norm": frobenius_norm,
    "path_norm": path_norm,
    "spectral_norm_product": spectral_norm_product,
    "spectral_complexity": spectral_complexity,
}
each_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def path_norm_by_enumeration(network):
    """Every path from an input, or from a bias, to an output."""
    total = 0.0
    layers = network.layers
    for start in range(len(layers)):
        sources = range(layers[0].weight.shape[1]) if start == 0 else ()
        for source in (*sources, "bias"):
            for units in itertools.product(*[range(len(layer.bias)) for layer in layers[start:]]):
                first = layers[start].bias[units[0]] if source == "bias" else layers[start].weight[units[0], source]
                product = first
                for layer, before, after in zip(layers[start + 1 :], units[:-1], units[1:], strict=True):
                    product = product * layer.weight[after, before]
                total += product**2
    return np.sqrt(total)


@each_network
def test_path_norm_sums_over_every_path(network):
    assert path_norm(network) == pytest.approx(path_norm_by_enumeration(network), rel=1e-12)


@each_network
def test_frobenius_norm_is_that_of_all_numbers(network):
    assert frobenius_norm(network) == pytest.approx(np.linalg.norm(flat(network)), rel=1e-12)


@each_network
def test_spectral_norms_are_roots_of_the_largest_eigenvalue(network):
    expected = [np.sqrt(np.linalg.eigvalsh(layer.weight @ layer.weight.T)[-1]) for layer in network.layers]
    np.testing.assert_allclose(spectral_norms(network), expected, rtol=1e-10)
    assert spectral_norm_product(network) == pytest.approx(np.prod(expected), rel=1e-10)


@pytest.mark.parametrize("activation", LIPSCHITZ)
def test_spectral_complexity_transcribed(activation):
    network, reference = (dense(2, 3, 4, 2, seed=seed, activation=activation) for seed in (1, 9))
    for given, before in ((None, [0.0 * layer.weight for layer in network.layers]),
                          (reference, [layer.weight for layer in reference.layers])):  # fmt: skip
        product, total = 1.0, 0.0
        for number, (layer, old) in enumerate(zip(network.layers, before, strict=True)):
            largest = np.linalg.svd(layer.weight, compute_uv=False)[0]
            product *= largest * (LIPSCHITZ[activation] if number < 2 else 1.0)
            moved = sum(np.sqrt(sum(weight**2 for weight in row)) for row in layer.weight - old)
            total += (moved / largest) ** (2 / 3)
        assert spectral_complexity(network, given) == pytest.approx(product * total**1.5, rel=1e-12)


@pytest.mark.parametrize("activation", LIPSCHITZ)
def test_slopes_of_activations_reach_their_bound_and_do_not_pass_it(activation):
    with jax.enable_x64(True):
        slopes = np.abs(jax.vmap(jax.grad(_FUNCTIONS[activation]))(np.linspace(-30.0, 30.0, 60_002)))
    assert LIPSCHITZ[activation] - 0.006 < slopes.max() <= LIPSCHITZ[activation]


@pytest.mark.parametrize("layer", [0, 1])
def test_rescaling_a_unit_moves_the_frobenius_norm_and_not_the_path_norm(layer):
    network = NETWORKS["two hidden layers"]
    other = rescaled(network, 1, 8.0, layer)
    inputs = np.random.default_rng(3).standard_normal((7, 2))
    np.testing.assert_allclose(outputs(other, inputs), outputs(network, inputs), rtol=1e-12)
    assert path_norm(other) == pytest.approx(path_norm(network), rel=1e-12)
    assert frobenius_norm(other) > 1.5 * frobenius_norm(network)
    assert spectral_norm_product(other) > 1.05 * spectral_norm_product(network)


def test_moving_a_factor_between_layers_keeps_the_spectral_norm_product():
    network = NETWORKS["two hidden layers"]
    other = network
    for unit in range(3):
        other = rescaled(other, unit, 5.0)
    assert spectral_norm_product(other) == pytest.approx(spectral_norm_product(network), rel=1e-12)
    assert spectral_complexity(other) == pytest.approx(spectral_complexity(network), rel=1e-12)


def test_hidden_units_of_zeros_change_no_norm():
    network = FAMILY.build(5, inputs=6, outputs=3, random=np.random.default_rng(0))
    wide = FAMILY.widened(network, 8)
    for norm in (frobenius_norm, path_norm, spectral_norm_product, spectral_complexity):
        assert norm(wide) == pytest.approx(norm(network), rel=1e-12)


def test_precision_is_that_of_the_network():
    single = dense(3, 4, 2, dtype=np.float32)
    for norm in (frobenius_norm, path_norm, spectral_norm_product, spectral_complexity):
        assert norm(single).dtype == np.float32
        assert norm(dense(3, 4, 2)).dtype == np.float64


def test_distance_from_a_network():
    before, after = dense(2, 3, 4, 2, seed=1), dense(2, 3, 4, 2, seed=4)
    distance = distance_from_start(before, after)
    assert distance.frobenius == pytest.approx(np.linalg.norm(flat(after) - flat(before)), rel=1e-12)
    terms = [
        np.sum((new.weight - old.weight) ** 2) / np.linalg.eigvalsh(new.weight.T @ new.weight)[-1]
        for old, new in zip(before.layers, after.layers, strict=True)
    ]
    assert distance.spectral == pytest.approx(np.sqrt(np.sum(terms)), rel=1e-10)
    still = distance_from_start(after, after)
    assert (still.frobenius, still.spectral) == (0.0, 0.0)


def test_distance_is_refused_between_different_shapes():
    with pytest.raises(InvalidArgument, match="`initial` must have the shapes of `network`"):
        distance_from_start(dense(2, 3, 2), dense(2, 4, 2))


@pytest.fixture(scope="module")
def trained():
    split = classification(0)
    members = [Member(width=width, split=split) for width in (8, 5, 7)]
    result = train_population(FAMILY, settings(epochs=6), members, times=(0, 6), recorder=NormRecorder())
    return split, members, result


def test_recorded_norms_are_those_of_the_trained_networks(trained):
    split, members, result = trained
    assert isinstance(NormRecorder(), Recorder)
    for m, member in enumerate(members):
        for time, network in enumerate((initial_network(FAMILY, member), result.networks[m])):
            for name, norm in RECORDED.items():
                assert result.recordings[name][m, time] == pytest.approx(norm(network), rel=1e-10)
            scores = outputs(network, split.train_inputs)
            labels = split.train_targets.argmax(axis=1)
            margins = np.array(
                [row[y] - max(np.delete(row, y)) for row, y in zip(scores, labels, strict=True)]
            )  # fmt: skip
            expected = {"smallest_margin": margins.min(), "margin": np.quantile(margins, 0.1)}
            for name, value in expected.items():
                assert result.recordings[name][m, time] == pytest.approx(value, rel=1e-9)
                normalised = result.recordings[f"normalised_{name}"][m, time]
                assert normalised == pytest.approx(value / spectral_norm_product(network), rel=1e-9)


def test_margins_are_left_out_where_there_are_no_classes():
    split = regression(0)
    result = train_population(
        FAMILY, settings(loss="squared", epochs=1), [Member(width=4, split=split)], times=(0,),
        recorder=NormRecorder(margins=False),
    )  # fmt: skip
    assert result.recordings.keys() == RECORDED.keys()


def test_margin_is_negative_exactly_where_the_prediction_is_wrong():
    random = np.random.default_rng(1)
    scores, labels = random.standard_normal((200, 4)), random.integers(0, 4, 200)
    margins = output_margins(scores, np.eye(4)[labels])
    assert np.array_equal(margins < 0.0, scores.argmax(axis=1) != labels)
    np.testing.assert_allclose(output_margins(3.0 * scores + 7.0, np.eye(4)[labels]), 3.0 * margins, atol=1e-12)


def test_distances_from_start_of_a_population(trained):
    _, members, result = trained
    distances = distances_from_start(FAMILY, members, result)
    for member, network, distance in zip(members, result.networks, distances, strict=True):
        assert distance == distance_from_start(as_dense(initial_network(FAMILY, member)), as_dense(network))
        assert distance.frobenius > 0.0
    with pytest.raises(InvalidArgument, match="`members` must be those of the population, 3, got 2"):
        distances_from_start(FAMILY, members[:2], result)


def test_networks_that_are_not_dense_are_refused(unchecked):
    with pytest.raises(InvalidArgument, match="`network` must be a dense network, got Module"):
        NormRecorder()(eqx.Module(), None)  # type: ignore[arg-type]
