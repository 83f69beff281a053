"""Sharpness where it is known in closed form, under the rescalings of Dinh et al., and along training."""

from dataclasses import replace

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import equinox as eqx
import jax
import jax.numpy as jnp

from benign.foundation.errors import InvalidArgument
from benign.implicit.curvature import sharpness
from benign.implicit.curvature.flatness_measures import (
    ALL_MEASURES,
    FlatnessMeasure,
    FlatnessRecorder,
    FlatnessSettings,
    flatness,
)
from benign.implicit.curvature.hessian import dense_hessian, parameter_loss
from benign.implicit.precision import own_precision
from benign.networks import Data, Member, MLPFamily, Recorder, initial_network, train_population
from benign.networks.dense import Dense, Layer
from benign.schema import METRICS
from tests.implicit.small_losses import error_at, gradient_at, small_loss, small_network, value_at
from tests.networks.cases import classification, settings

under_noise, worst_rise = eqx.filter_jit(sharpness.under_noise), eqx.filter_jit(sharpness.worst_rise)
QUICK = FlatnessSettings(products=12, draws=4, steps=3)
INVARIANT = {
    FlatnessMeasure.ADAPTIVE_SHARPNESS,
    FlatnessMeasure.LOSS_UNDER_MULTIPLICATIVE_NOISE,
    FlatnessMeasure.ERROR_UNDER_MULTIPLICATIVE_NOISE,
}


def rescaled(network, factor):
    """The same function: a unit's incoming numbers times the factor, its outgoing ones divided by it."""
    first, second, *rest = network.layers
    scale = np.where(np.arange(len(first.bias)) % 2 == 0, factor, 1.0)
    first = Layer(weight=first.weight * scale[:, None], bias=first.bias * scale)
    second = Layer(weight=second.weight / scale, bias=second.bias)
    return Dense(layers=(first, second, *rest), activation=network.activation)


def test_one_step_is_sharpness_aware_minimisation_s():
    loss = small_loss()
    with own_precision(loss):
        g = gradient_at(loss, loss.parameters)
        moved = value_at(loss, loss.parameters + 0.05 * g / jnp.linalg.norm(g))
        rise = float(worst_rise(loss, radius=0.05))
        assert rise == pytest.approx(float(moved - value_at(loss, loss.parameters)), rel=1e-12)


def test_one_adaptive_step_is_kwon_s():
    loss = small_loss()
    with own_precision(loss):
        theta = loss.parameters
        g = gradient_at(loss, theta)
        moved = value_at(loss, theta + 0.5 * theta**2 * g / jnp.linalg.norm(theta * g))
        rise = float(worst_rise(loss, radius=0.5, adaptive=True))
        assert rise == pytest.approx(float(moved - value_at(loss, theta)), rel=1e-12)


def test_of_a_linear_loss_it_is_the_radius_times_the_slope():
    slope = np.array([3.0, -4.0])
    loss = parameter_loss(lambda p: p @ jnp.asarray(slope), np.array([2.0, 1.0]))
    with own_precision(loss):
        assert float(worst_rise(loss, radius=0.1, steps=5)) == pytest.approx(0.5)
        # |theta * slope| = |(6, -4)|
        assert float(worst_rise(loss, radius=0.1, adaptive=True)) == pytest.approx(0.1 * np.sqrt(52))


def test_many_steps_reach_the_maximum_of_a_quadratic():
    curvatures, radius = np.array([5.0, 1.0, 0.5]), 0.3
    start = np.array([0.01, 0.4, 0.3])
    loss = parameter_loss(lambda p: 0.5 * jnp.sum(jnp.asarray(curvatures) * p**2), start)
    directions = np.random.default_rng(0).standard_normal((200_000, 3))
    ball = start + radius * directions / np.linalg.norm(directions, axis=1)[:, None]
    exact = (0.5 * ball**2 @ curvatures).max() - 0.5 * start**2 @ curvatures
    with own_precision(loss):
        few, many = (float(worst_rise(loss, radius=radius, steps=steps)) for steps in (1, 200))
    assert few < 0.95 * exact
    assert many == pytest.approx(exact, rel=2e-4)


def test_at_a_stationary_point_nothing_moves():
    loss = parameter_loss(lambda p: p @ p, np.zeros(3))
    with own_precision(loss):
        assert float(worst_rise(loss, radius=1.0, steps=3)) == 0.0


@pytest.mark.parametrize("multiplicative", [True, False], ids=["multiplicative", "additive"])
def test_noise_raises_a_quadratic_by_half_the_trace_times_the_variance(multiplicative):
    curvatures, theta, sigma = np.array([5.0, 1.0, 0.5]), np.array([1.0, -2.0, 3.0]), 0.1
    loss = parameter_loss(lambda p: 0.5 * jnp.sum(jnp.asarray(curvatures) * p**2), theta)
    expected = 0.5 * sigma**2 * np.sum(curvatures * (theta**2 if multiplicative else 1.0))
    with own_precision(loss):
        found = under_noise(loss, deviation=sigma, multiplicative=multiplicative, draws=40_000, key=jax.random.key(1))
    assert abs(float(found.rise) - expected) < 4 * float(found.rise_error)
    assert float(found.rise_error) < 0.2 * expected
    assert np.isnan(found.accuracy)


def test_noise_too_small_to_matter_leaves_the_accuracy():
    loss = small_loss()
    with own_precision(loss):
        found = under_noise(loss, deviation=1e-9, multiplicative=True, draws=3, key=jax.random.key(0))
        assert float(found.accuracy) == pytest.approx(1.0 - float(error_at(loss, loss.parameters)))
        assert float(found.accuracy_error) == 0.0


def test_rescaling_changes_all_but_the_adaptive_measures():
    """Dinh et al. 2017: the function is the same, plain flatness is not."""
    split, network = classification(), small_network()
    other = rescaled(network, 4.0)
    before, after = (jax.vmap(one)(jnp.asarray(split.train_inputs, np.float32)) for one in (network, other))
    np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-4)
    one, two = (
        flatness(n, split.train_inputs, split.train_targets, loss="cross-entropy", settings=QUICK)
        for n in (network, other)
    )
    changes = {measure: abs(two[measure].value / one[measure].value - 1.0) for measure in ALL_MEASURES}
    for measure in ALL_MEASURES:
        invariant = measure in INVARIANT
        if invariant:
            assert changes[measure] < 1e-9, measure
        elif measure is not FlatnessMeasure.ERROR_UNDER_ADDITIVE_NOISE:  # a share of few samples may stay
            assert changes[measure] > 0.01, measure
        assert ("of weights and biases" in measure.known_flaw) == invariant


def test_every_measure_has_its_texts_beside_its_value():
    split = classification()
    found = flatness(small_network(), split.train_inputs, split.train_targets, loss="cross-entropy", settings=QUICK)
    assert list(found) == list(ALL_MEASURES)
    for measure, record in found.items():
        assert measure.definition
        assert measure.source
        assert str(record).startswith(f"{measure.value}: ")
        assert "Dinh et al. 2017" in str(record)
        assert "Andriushchenko et al. 2023" in str(record)
        is_average = not measure.value.endswith("sharpness")
        assert (record.interval is not None) == is_average
    exact = dense_hessian(small_loss())
    low, high = found[FlatnessMeasure.TRACE].interval or (np.nan, np.nan)
    assert low <= np.trace(exact) <= high
    top = found[FlatnessMeasure.TOP_EIGENVALUE]
    assert top.value == pytest.approx(np.linalg.eigvalsh(exact)[-1], rel=1e-9)


def test_the_recorder_says_what_flatness_says_of_the_network_itself():
    """Width 5 runs in a program of width 8: what fills it up, tanh's saddles included, is left out."""
    family, split = MLPFamily(depth=2, activation="tanh"), classification()
    measures = (FlatnessMeasure.TOP_EIGENVALUE, FlatnessMeasure.TRACE, FlatnessMeasure.ADAPTIVE_SHARPNESS)
    exactly = FlatnessSettings(products=300, steps=3)
    recorder = FlatnessRecorder(loss="cross-entropy", measures=frozenset(measures), settings=exactly)
    assert isinstance(recorder, Recorder)
    assert hash(recorder) == hash(replace(recorder))
    members = [Member(width=5, split=split), Member(width=8, split=split)]
    trained = train_population(family, settings(), members, times=[0, 4], recorder=recorder)
    starts = tuple(initial_network(family, member) for member in members)
    for time, networks in enumerate((starts, trained.networks)):
        for row, network in enumerate(networks):
            alone = flatness(
                network, split.train_inputs, split.train_targets, loss="cross-entropy", measures=measures,
                settings=exactly,
            )  # fmt: skip
            for measure in measures:
                recorded = trained.recordings[measure.value][row, time]
                np.testing.assert_allclose(recorded, alone[measure].value, rtol=1e-6, err_msg=measure.value)


def test_the_saddles_of_what_fills_a_network_up_are_not_recorded():
    family, split = MLPFamily(depth=1, activation="tanh"), classification()
    narrow = family.build(1, inputs=6, outputs=3, random=np.random.default_rng(0))
    saturated = eqx.tree_at(lambda n: n.layers[0].bias, narrow, np.full(1, 100.0))
    targets = 100.0 * split.train_targets  # far away: a filled-up unit would be a steep saddle
    recorder = FlatnessRecorder(loss="squared", measures=frozenset({FlatnessMeasure.TOP_EIGENVALUE}))
    with jax.enable_x64(True):
        data = Data(*[jnp.asarray(part) for part in (split.train_inputs, targets, targets)] * 2)
        own, filled = (jax.jit(recorder)(network, data) for network in (saturated, family.widened(saturated, 3)))
    # Of an output two numbers count, its bias and the weight of the unit, which is 1: curvature 2 |(1, 1)|^2.
    assert float(own["top_eigenvalue"]) == pytest.approx(4.0)
    assert float(filled["top_eigenvalue"]) == pytest.approx(4.0)


def test_a_diverged_network_is_recorded_as_not_a_number():
    split, broken = classification(), eqx.tree_at(lambda n: n.layers[0].bias, small_network(), np.full(8, np.nan))
    data = [getattr(split, name) for name in ("train_inputs", "train_targets", "train_targets_clean")]
    recorder = FlatnessRecorder(loss="squared", settings=QUICK, samples=10)
    values = jax.jit(recorder)(broken, Data(*data, *data))
    assert len(values) == 5
    assert all(np.isnan(value) for value in values.values())


def test_a_network_that_is_not_finite_is_refused():
    split, broken = classification(), eqx.tree_at(lambda n: n.layers[0].bias, small_network(), np.full(8, np.inf))
    with pytest.raises(InvalidArgument, match="`loss` cannot be measured: sam sharpness is no finite number"):
        flatness(
            broken, split.train_inputs, split.train_targets, loss="squared", measures=(FlatnessMeasure.SAM_SHARPNESS,)
        )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"radius": 0.0}, "`radius` must be a positive number"),
        ({"adaptive_radius": float("nan")}, "`adaptive_radius` must be a positive number"),
        ({"draws": 1}, "`draws` must be at least 2"),
        ({"products": 8}, "`products` must be at least 9"),
        ({"steps": 0}, "`steps` must be a positive integer"),
        ({"level": 2.0}, "`level` must be strictly between"),
        ({"seed": -1}, "`seed` must be"),
    ],
)
def test_bad_settings_get_a_sentence(unchecked, changed, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        FlatnessSettings(**changed)


def test_no_error_is_zero_in_single_precision_too():
    """20 times float32's 1 / 20 is more than 1."""
    network, split = small_network(dtype=np.float32), classification()
    outputs = np.asarray(jax.vmap(network)(jnp.asarray(split.train_inputs, np.float32)))
    found = flatness(
        network, split.train_inputs, np.eye(outputs.shape[1])[outputs.argmax(axis=1)], loss="cross-entropy",
        measures=(FlatnessMeasure.ERROR_UNDER_MULTIPLICATIVE_NOISE,),
        settings=FlatnessSettings(multiplicative=1e-9, draws=20),
    )  # fmt: skip
    assert found[FlatnessMeasure.ERROR_UNDER_MULTIPLICATIVE_NOISE].value == 0.0


def test_accuracies_under_noise_are_errors_now_and_their_old_names_say_so():
    with pytest.warns(DeprecationWarning, match="is now FlatnessMeasure.ERROR_UNDER_ADDITIVE_NOISE: the error"):
        old = FlatnessMeasure.ACCURACY_UNDER_ADDITIVE_NOISE
    assert old is FlatnessMeasure.ERROR_UNDER_ADDITIVE_NOISE
    with pytest.raises(AttributeError, match="ACCURACY_UNDER_WATER"):
        FlatnessMeasure.ACCURACY_UNDER_WATER  # noqa: B018


def test_a_measure_that_the_surface_has_is_called_as_there():
    names = {measure.value for measure in ALL_MEASURES}
    assert {"top_eigenvalue", "hessian_trace", "worst_sharpness", "adaptive_sharpness"} <= names & METRICS.keys()
    split, loss = classification(), small_loss()
    recorded = flatness(
        small_network(), split.train_inputs, split.train_targets, loss="cross-entropy", settings=QUICK,
        measures=(FlatnessMeasure.ERROR_UNDER_MULTIPLICATIVE_NOISE,),
    )  # fmt: skip
    with own_precision(loss):
        clean = float(error_at(loss, loss.parameters))
    assert recorded[FlatnessMeasure("train_error_under_noise")].value == pytest.approx(clean, abs=0.2)
    assert "train_error_under_noise" in METRICS
