"""Families of networks: the laws of the contract, PyTorch's networks, and a family that the package does not know."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.networks.extra import HAS_JAX, needs_networks, needs_torch

if not HAS_JAX:
    needs_networks()

import equinox as eqx
import jax
import jax.numpy as jnp

from benign.foundation.errors import InvalidArgument, UnknownName
from benign.networks import (
    Family,
    Member,
    MLPFamily,
    OneHiddenLayerFamily,
    RiskRecorder,
    initial_network,
    train_population,
)
from benign.networks.activations import ACTIVATIONS
from benign.networks.objective import mean_loss
from tests.networks import oracle
from tests.networks.cases import (
    CLASSES,
    INPUTS,
    ConvolutionFamily,
    assert_close,
    classification,
    flat,
    settings,
)

KEEP_ZERO = ("relu", "tanh", "gelu", "silu")
FAMILIES = [
    *[pytest.param(MLPFamily(depth=2, activation=name), id=name) for name in ACTIVATIONS],
    pytest.param(MLPFamily(depth=1, activation="relu"), id="one layer"),
    pytest.param(OneHiddenLayerFamily(), id="one hidden layer"),
    pytest.param(ConvolutionFamily(), id="convolution"),
]
WIDENABLE = [case for case in FAMILIES if case.id not in ("softplus", "sigmoid")]


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def random(seed=0):
    return np.random.default_rng(seed)


@eqx.filter_jit
def outputs(network, inputs):
    return jax.vmap(network)(inputs)


def built(family, width=5, seed=0):
    return family.build(width, inputs=INPUTS, outputs=CLASSES, random=random(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_keeps_the_contract(family):
    assert isinstance(family, Family)
    network = built(family)
    leaves = jax.tree.leaves(eqx.filter(network, eqx.is_array))
    assert all(type(leaf) is np.ndarray and leaf.dtype == np.float64 for leaf in leaves)
    assert jax.eval_shape(network, jnp.ones(INPUTS)).shape == (CLASSES,)
    assert hash(family) == hash(family)
    assert np.array_equal(flat(built(family)), flat(network))
    assert not np.array_equal(flat(built(family, seed=1)), flat(network))
    assert family.parameters(5, inputs=INPUTS, outputs=CLASSES) == flat(network).size


@given(depth=st.integers(1, 5), H=st.integers(1, 12), d=st.integers(1, 9), K=st.integers(1, 5))
def test_the_number_of_parameters_is_the_closed_form(depth, H, d, K):
    for family, D in ((MLPFamily(depth=depth, activation="relu"), depth), (OneHiddenLayerFamily(), 1)):
        counted = flat(family.build(H, inputs=d, outputs=K, random=random())).size
        assert counted == (d + 1) * H + (D - 1) * (H + 1) * H + (H + 1) * K
        assert family.parameters(H, inputs=d, outputs=K) == counted


def test_the_number_of_parameters_of_a_published_network():
    # Belkin et al. 2019: MNIST, 784 inputs, 10 outputs; 50 hidden units are 39,760 parameters.
    assert OneHiddenLayerFamily().parameters(50, inputs=784, outputs=10) == 39_760


@pytest.mark.parametrize("family", WIDENABLE)
def test_a_widened_network_is_the_same_function(family):
    narrow = built(family, 5)
    wide = family.widened(narrow, 8)
    assert flat(wide).size == family.parameters(8, inputs=INPUTS, outputs=CLASSES)
    assert np.count_nonzero(flat(wide)) == np.count_nonzero(flat(narrow))
    inputs = random(1).standard_normal((20, INPUTS))
    np.testing.assert_allclose(outputs(wide, inputs), outputs(narrow, inputs), rtol=0, atol=1e-15)
    assert np.array_equal(flat(family.widened(narrow, 5)), flat(narrow))


def test_which_families_share_programs():
    assert {name for name in ACTIVATIONS if MLPFamily(depth=1, activation=name).is_widenable} == set(KEEP_ZERO)
    assert OneHiddenLayerFamily().is_widenable


@pytest.mark.parametrize("family", WIDENABLE)
def test_what_fills_a_network_up_has_a_zero_gradient(family):
    mask = flat(family.widened(jax.tree.map(np.ones_like, built(family)), 8)) == 1
    gradient = flat(slopes(family.widened(built(family), 8), "squared"))
    assert not gradient[~mask].any()
    assert np.count_nonzero(gradient[mask]) > mask.sum() / 2


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - set(KEEP_ZERO)))
def test_a_unit_of_zeros_would_not_stay_zero_in_the_other_families(name):
    wide = MLPFamily(depth=1, activation=name).widened(built(MLPFamily(depth=1, activation=name)), 8)
    assert slopes(wide, "squared").layers[1].weight[:, 5:].any()


@eqx.filter_jit
def objective(network, loss):
    split = classification()
    rows = jnp.arange(len(split.train_inputs)) < 30  # the last ten do not count
    return mean_loss(loss, jax.vmap(network)(jnp.asarray(split.train_inputs)), jnp.asarray(split.train_targets), rows)


def slopes(network, loss):
    return jax.tree.map(np.asarray, eqx.filter_jit(eqx.filter_grad(objective))(network, loss))


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_are_finite_differences(family, loss):
    network = built(family)
    leaves, structure = jax.tree.flatten(network)
    directions = [random(2).standard_normal(leaf.shape) for leaf in leaves]
    steps = [1e-5, -1e-5]
    moved = [
        objective(
            jax.tree.unflatten(structure, [leaf + h * way for leaf, way in zip(leaves, directions, strict=True)]), loss
        )
        for h in steps
    ]
    gradient = jax.tree.leaves(slopes(network, loss))
    along = sum(float(np.sum(g * way)) for g, way in zip(gradient, directions, strict=True))
    assert float(moved[0] - moved[1]) / 2e-5 == pytest.approx(along, rel=1e-7)
    assert abs(along) > 1e-3


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.parametrize("activation", oracle.ACTIVATIONS)
def test_the_oracle_has_the_same_gradient(activation, loss):
    family, split = MLPFamily(depth=3, activation=activation), classification()
    network = built(family)
    weights = [part for layer in network.layers for part in (layer.weight, layer.bias)]
    by_hand = oracle.gradient(weights, activation, loss, split.train_inputs[:30], split.train_targets[:30])
    np.testing.assert_allclose(flat(slopes(network, loss)), np.concatenate([g.ravel() for g in by_hand]), atol=1e-14)


def torch_network(family, width):
    import torch

    layers = [torch.nn.Linear(INPUTS, width, dtype=torch.float64)]
    activations = {
        "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "gelu": torch.nn.GELU,
        "silu": torch.nn.SiLU, "softplus": torch.nn.Softplus, "sigmoid": torch.nn.Sigmoid,
    }  # fmt: skip
    for _ in range(family.depth - 1):
        layers += [activations[family.activation](), torch.nn.Linear(width, width, dtype=torch.float64)]
    return torch.nn.Sequential(
        *layers, activations[family.activation](), torch.nn.Linear(width, CLASSES, dtype=torch.float64)
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_mlp_is_pytorchs_sequential(activation):
    needs_torch()
    import torch

    family = MLPFamily(depth=2, activation=activation)
    network, theirs = built(family), torch_network(family, 5)
    torch.nn.utils.vector_to_parameters(torch.tensor(flat(network)), theirs.parameters())
    inputs = 3 * random(4).standard_normal((50, INPUTS))
    expected = theirs(torch.from_numpy(inputs)).detach().numpy()
    np.testing.assert_allclose(outputs(network, inputs), expected, rtol=1e-12, atol=1e-13)


def test_initial_weights_are_distributed_as_pytorchs():
    needs_torch()
    import torch
    from scipy.stats import ks_2samp

    family = MLPFamily(depth=2, activation="relu")
    ours = [built(family, 7, seed=seed) for seed in range(300)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = [list(torch_network(family, 7).parameters()) for _ in range(300)]
    for i, (layer, fan_in) in enumerate(((0, INPUTS), (1, 7), (2, 7))):
        for j, part in enumerate(("weight", "bias")):
            mine = np.concatenate([getattr(network.layers[layer], part).ravel() for network in ours])
            other = np.concatenate([parts[2 * i + j].detach().numpy().ravel() for parts in theirs])
            bound = 1 / math.sqrt(fan_in)
            assert 0.98 * bound < np.max(np.abs(mine)) <= bound
            assert np.max(np.abs(other)) <= bound
            assert ks_2samp(mine, other).pvalue > 1e-3


def test_the_single_layer_starts_as_glorot_with_zero_biases():
    networks = [built(OneHiddenLayerFamily(), 7, seed=seed) for seed in range(300)]
    for layer, (rows, columns) in ((0, (7, INPUTS)), (1, (CLASSES, 7))):
        weights = np.concatenate([network.layers[layer].weight.ravel() for network in networks])
        bound = math.sqrt(6 / (rows + columns))
        assert 0.98 * bound < np.max(np.abs(weights)) <= bound
        # Var of U(-b, b) is b^2 / 3; its estimate from m draws has the relative standard error sqrt(0.8 / m).
        assert np.var(weights) == pytest.approx(bound**2 / 3, rel=4 * math.sqrt(0.8 / weights.size))
        assert not any(network.layers[layer].bias.any() for network in networks)


def test_a_grown_network_keeps_its_old_units_and_draws_the_new_ones():
    family = OneHiddenLayerFamily()
    old = built(family, 4)
    grown = family.grown(old, 2000, random(5))
    hidden, output = grown.layers
    assert np.array_equal(hidden.weight[:4], old.layers[0].weight)
    assert np.array_equal(hidden.bias[:4], old.layers[0].bias)
    assert np.array_equal(output.weight[:, :4], old.layers[1].weight)
    assert np.array_equal(output.bias, old.layers[1].bias)
    for new in (hidden.weight[4:], hidden.bias[4:], output.weight[:, 4:]):
        assert abs(np.mean(new)) < 4 * 0.1 / math.sqrt(new.size)
        assert np.std(new) == pytest.approx(0.1, rel=4 / math.sqrt(2 * new.size))
    assert np.array_equal(flat(family.grown(old, 2000, random(5))), flat(grown))


def test_a_network_grown_by_nothing_is_the_same():
    family = OneHiddenLayerFamily()
    assert np.array_equal(flat(family.grown(built(family, 4), 4, random(5))), flat(built(family, 4)))


def test_wrong_settings_get_a_sentence(unchecked):
    with pytest.raises(UnknownName, match=r"^unknown activation 'rleu'; did you mean 'relu'\? Known: relu, tanh"):
        MLPFamily(depth=1, activation="rleu")
    with pytest.raises(InvalidArgument, match=r"^`depth` must be a positive integer, got 0\.$"):
        MLPFamily(depth=0, activation="relu")
    with pytest.raises(InvalidArgument, match=r"^`width` must be at least that of the network, 5, got 4;"):
        OneHiddenLayerFamily().grown(built(OneHiddenLayerFamily(), 5), 4, random())


TRAIN_LOSS = RiskRecorder(loss="cross-entropy", metrics=frozenset())
FOREIGN = settings(epochs=20, learning_rate=0.1, optimizer="momentum")


@pytest.fixture(scope="module")
def foreign():
    """Members of a family that the package does not know, and their population."""
    members = [Member(width=width, split=classification(i)) for width in (5, 7, 8) for i in range(2)]
    return members, train_population(ConvolutionFamily(), FOREIGN, members, times=(0, 20), recorder=TRAIN_LOSS)


def test_a_foreign_family_learns_as_a_population(foreign):
    members, together = foreign
    losses = together.recordings["train_loss"]
    assert np.all(losses[:, 1] < losses[:, 0] - 0.05)
    for member, network in zip(members, together.networks, strict=True):
        initial = initial_network(ConvolutionFamily(), member)
        assert str(jax.tree.structure(network)) == str(jax.tree.structure(initial))
        assert [leaf.shape for leaf in jax.tree.leaves(network)] == [leaf.shape for leaf in jax.tree.leaves(initial)]


def test_a_foreign_network_in_a_population_is_the_network_alone(foreign):
    members, together = foreign
    for m in (0, 3, 4):
        alone = train_population(ConvolutionFamily(), FOREIGN, [members[m]], times=(0, 20), recorder=TRAIN_LOSS)
        assert_close(flat(alone.networks[0]), flat(together.networks[m]))


def test_a_foreign_network_is_the_definition(foreign):
    members, together = foreign

    @jax.jit
    @jax.grad
    def gradient(network, inputs, targets):
        return -jnp.mean(jnp.sum(targets * jax.nn.log_softmax(jax.vmap(network)(inputs)), axis=1))

    for m in (0, 1):
        split = members[m].split
        network = jax.tree.map(jnp.asarray, initial_network(ConvolutionFamily(), members[m]))
        velocity = jax.tree.map(jnp.zeros_like, network)
        for step in range(FOREIGN.total_steps(split.samples)):
            rows = oracle.batch_at(split, 16, step)
            slope = gradient(network, split.train_inputs[rows], split.train_targets[rows])
            velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, slope)
            network = jax.tree.map(lambda w, v: w - 0.1 * v, network, velocity)
        assert_close(flat(together.networks[m]), flat(network))


def test_a_family_that_cannot_be_widened_has_a_program_for_each_width():
    family, training = MLPFamily(depth=1, activation="sigmoid"), settings(optimizer="sgd", learning_rate=0.5, epochs=2)
    members = [Member(width=width, split=classification()) for width in (5, 6)]
    result = train_population(family, training, members, times=(0, 2), recorder=TRAIN_LOSS)
    for member, network, losses in zip(members, result.networks, result.recordings["train_loss"], strict=True):
        assert flat(network).size == family.parameters(member.width, inputs=INPUTS, outputs=CLASSES)
        assert losses[1] < losses[0]
        alone = train_population(family, training, [member], times=[2], recorder=TRAIN_LOSS)
        assert_close(flat(alone.networks[0]), flat(network))
