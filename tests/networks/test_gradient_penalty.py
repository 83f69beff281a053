"""The gradient penalty, recorded and as a regulariser, against gradients by hand."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import benign
from benign.foundation.errors import InvalidArgument
from benign.networks import Member, MLPFamily, Training, gradient_penalty, initial_network, train_population
from benign.networks.gradient_penalty import minibatch_square, outputs_and_square, penalised_gradient
from benign.networks.recording import RiskRecorder
from tests.networks import oracle
from tests.networks.cases import classification, regression, settings

TANH = MLPFamily(depth=2, activation="tanh")
RELU = MLPFamily(depth=2, activation="relu")


def network_of(family, split, width=5):
    return initial_network(family, Member(width=width, split=split))


def weights_of(network):
    return [np.array(part) for layer in network.layers for part in (layer.weight, layer.bias)]


def square(network, loss, inputs, targets):
    slopes = oracle.gradient(weights_of(network), network.activation, loss, inputs, targets)
    return sum(float((slope**2).sum()) for slope in slopes)


@pytest.mark.parametrize("rows", [7, 16, 1024], ids="{} rows at once".format)
@pytest.mark.parametrize(("loss", "split"), [("cross-entropy", classification()), ("squared", regression())])
def test_the_full_batch_penalty_is_that_of_the_mean_loss(loss, split, rows, monkeypatch):
    monkeypatch.setattr(gradient_penalty, "_ROWS", rows)
    network = network_of(RELU, split)
    with jax.enable_x64(True):
        outputs, value = outputs_and_square(
            network, loss, jnp.asarray(split.train_inputs), jnp.asarray(split.train_targets)
        )
    expected = oracle.outputs(weights_of(network), network.activation, split.train_inputs)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-13)
    assert float(value) == pytest.approx(square(network, loss, split.train_inputs, split.train_targets), rel=1e-12)


@pytest.mark.parametrize(("batch", "count"), [(40, 1), (16, 2), (4, 8)])
def test_the_minibatch_penalty_is_the_mean_over_the_first_batches(batch, count):
    split = classification()
    network = network_of(RELU, split)
    with jax.enable_x64(True):
        value = minibatch_square(
            network, "cross-entropy", jnp.asarray(split.train_inputs), jnp.asarray(split.train_targets), batch
        )
    batches = [slice(batch * k, batch * (k + 1)) for k in range(count)]
    expected = [square(network, "cross-entropy", split.train_inputs[b], split.train_targets[b]) for b in batches]
    assert float(value) == pytest.approx(np.mean(expected), rel=1e-12)


def penalised_objective(split, loss="cross-entropy"):
    structure = eqx.partition(network_of(TANH, split), eqx.is_array)[1]
    inputs, targets = jnp.asarray(split.train_inputs), jnp.asarray(split.train_targets)

    def objective(parameters):
        outputs = jax.vmap(eqx.combine(parameters, structure))(inputs)
        return jnp.mean(jax.nn.logsumexp(outputs, axis=1) - jnp.sum(outputs * targets, axis=1))

    return objective, jax.tree.map(jnp.asarray, eqx.filter(network_of(TANH, split), eqx.is_array))


def compiled_gradient(objective, parameters, training):
    return jax.jit(lambda at: penalised_gradient(objective, at, jnp.array(0.7), training))(parameters)


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def test_double_backpropagation_is_the_gradient_of_the_penalised_objective():
    """Against central differences of E + c |grad E|^2 along random directions."""
    with jax.enable_x64(True):
        objective, parameters = penalised_objective(classification())
        gradient = flat(compiled_gradient(objective, parameters, Training()))
        start, unravel = ravel_pytree(parameters)

        @jax.jit
        def total(theta):
            slope = jax.grad(objective)(unravel(theta))
            return objective(unravel(theta)) + 0.7 * sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(slope))

        for direction in np.random.default_rng(0).standard_normal((5, len(start))):
            difference = (total(start + 1e-5 * direction) - total(start - 1e-5 * direction)) / 2e-5
            assert float(difference) == pytest.approx(gradient @ direction, rel=1e-7, abs=1e-9)


def test_the_finite_difference_converges_to_it_with_first_order():
    with jax.enable_x64(True):
        objective, parameters = penalised_objective(classification())
        exact = flat(compiled_gradient(objective, parameters, Training()))
        errors = []
        for step in (0.04, 0.02, 0.01):
            training = Training(gradient_penalty_by="finite_difference", gradient_penalty_step=step)
            found = flat(compiled_gradient(objective, parameters, training))
            errors.append(np.linalg.norm(found - exact))
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    np.testing.assert_allclose(orders, 1.0, atol=0.05)


@pytest.mark.parametrize("by", ["double_backpropagation", "finite_difference"])
def test_training_descends_the_penalised_objective_with_the_parameters_of_the_true_width(by):
    """Width 5 runs in a program of width 8, whose further parameters must not count."""
    split, mu = classification(), 3.0
    training = settings(
        epochs=1, optimizer="sgd", learning_rate=0.3, batch_size=None, gradient_penalty=mu, gradient_penalty_by=by,
        gradient_penalty_step=1e-6,
    )  # fmt: skip
    member = Member(width=5, split=split)
    (trained,) = train_population(TANH, training, [member], times=[1]).networks
    with jax.enable_x64(True):
        objective, parameters = penalised_objective(split)
        start, unravel = ravel_pytree(parameters)
        gradient = jax.jit(jax.grad(objective))
        slope = flat(gradient(parameters))
        ahead, behind = (flat(gradient(unravel(start + e * slope))) for e in (1e-5, -1e-5))
    m = len(start)
    assert m == TANH.parameters(5, inputs=6, outputs=3)
    expected = np.asarray(start) - 0.3 * (slope + 2.0 * mu / m * (ahead - behind) / 2e-5)
    tolerance = 1e-9 if by == "double_backpropagation" else 1e-6
    np.testing.assert_allclose(flat(eqx.filter(trained, eqx.is_array)), expected, rtol=tolerance, atol=tolerance)


def test_members_have_penalties_of_their_own():
    split = classification()
    training = settings(epochs=2, optimizer="sgd", learning_rate=0.3)

    def trained(*penalties):
        members = [Member(width=5, split=split, gradient_penalty=mu) for mu in penalties]
        return [flat(eqx.filter(network, eqx.is_array)) for network in train_population(TANH, training, members,
                times=[2]).networks]  # fmt: skip

    together = trained(0.0, 5.0, 50.0)
    for alone, one in zip([trained(mu)[0] for mu in (0.0, 5.0, 50.0)], together, strict=True):
        np.testing.assert_allclose(one, alone, rtol=1e-10, atol=1e-12)
    assert np.linalg.norm(together[1] - together[0]) > 1e-4
    assert np.linalg.norm(together[2] - together[0]) > np.linalg.norm(together[1] - together[0])


def test_a_penalty_lowers_what_is_recorded_as_one():
    split = classification()
    members = [Member(width=16, split=split, gradient_penalty=mu) for mu in (0.0, 100.0)]
    recorder = RiskRecorder(loss="cross-entropy", metrics=frozenset({"gradient_penalty"}))
    recorded = train_population(
        TANH, settings(epochs=60, optimizer="sgd", learning_rate=0.1), members, times=[60], recorder=recorder
    ).recordings
    plain, penalised = recorded["gradient_square"][:, 0]
    assert penalised < 0.8 * plain


def test_the_surface_holds_the_mean_square_over_the_parameters():
    source = benign.sources.digits(label_noise=0.1, test_samples=50)
    training = Training(epochs=2, batch_size=25, optimizer="sgd", precision="float64")
    names = ["gradient_penalty", "gradient_penalty_minibatch"]
    procedure = benign.MLP(training=training)
    surface = benign.measure(
        procedure, source, sizes=[5], times=[0, 2], samples=[50], replicates=1, metrics=names, executor="here"
    ).dataset
    split = source.draw(50, benign.Replicate(seed=0))
    network = initial_network(RELU, Member(width=5, split=split))
    m = procedure.parameters(5, split)
    full = square(network, "cross-entropy", split.train_inputs, split.train_targets) / m
    halves = [
        square(network, "cross-entropy", split.train_inputs[part], split.train_targets[part]) / m
        for part in (slice(0, 25), slice(25, 50))
    ]
    first = surface.isel(time=0).squeeze()
    assert float(first.gradient_penalty) == pytest.approx(full, rel=1e-10)
    assert float(first.gradient_penalty_minibatch) == pytest.approx(np.mean(halves), rel=1e-10)


def test_a_training_without_a_penalty_is_described_as_before():
    assert "gradient_penalty" not in " ".join(Training().spec())
    spec = Training(gradient_penalty=2.0).spec()
    assert (spec["gradient_penalty"], spec["gradient_penalty_by"]) == (2.0, "double_backpropagation")
    assert "gradient_penalty_step" not in spec
    assert (
        Training(gradient_penalty=2.0, gradient_penalty_by="finite_difference").spec()["gradient_penalty_step"] == 0.01
    )


def test_solved_models_have_no_gradient():
    with pytest.raises(InvalidArgument, match="gradient_penalty, which is measured of trained networks"):
        benign.measure(
            benign.RandomFourier(), benign.sources.digits(), sizes=[5], samples=[20], replicates=1,
            metrics=["gradient_penalty"], executor="here",
        )  # fmt: skip


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gradient_penalty": -1.0}, "`gradient_penalty` must be zero or a positive number, got -1.0"),
        ({"gradient_penalty_by": "magic"}, "magic"),
        ({"gradient_penalty_step": 0.0}, "`gradient_penalty_step` must be a positive number"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(setting, message):
    with pytest.raises(InvalidArgument, match=message):
        Training(**setting)


def test_a_member_s_negative_penalty_is_refused():
    with pytest.raises(InvalidArgument, match="`gradient_penalty` of a member must be zero or positive"):
        train_population(TANH, settings(epochs=1), [Member(width=5, split=classification(), gradient_penalty=-1.0)])
