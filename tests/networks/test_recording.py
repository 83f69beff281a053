"""Recordings against NumPy: every name, on every part of the data that it is about."""

import numpy as np
import pytest
from scipy.special import log_softmax

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import equinox as eqx
import jax
import jax.numpy as jnp

from benign.networks import (
    Data,
    Member,
    PredictionRecorder,
    Recorder,
    RiskRecorder,
    initial_network,
    train_population,
)
from benign.networks import recording as recording_module
from benign.networks.recording import outputs_of
from tests.networks import oracle
from tests.networks.cases import FAMILY, TEST_SAMPLES, classification, flat, regression, settings, six_members

ALL = frozenset(
    {f"{half}_{kind}" for half in ("train", "test", "validation") for kind in ("loss", "error")}
    | {f"{name}_{kind}" for name in ("train", "test") for kind in ("loss", "error")}
    | {"train_loss_clean", "train_error_clean", "test_loss_noisy", "test_error_noisy"}
    | {"test_loss_held_out", "test_error_held_out", "train_error_flipped", "train_error_unflipped", "norm"}
)
HALF = TEST_SAMPLES // 2


def weights_of(network):
    return [part for layer in network.layers for part in (layer.weight, layer.bias)]


def expected(network, split, loss):
    """Each metric by its definition."""
    train = oracle.outputs(weights_of(network), network.activation, split.train_inputs)
    test = oracle.outputs(weights_of(network), network.activation, split.test_inputs)

    def losses(outputs, targets):
        if loss == "squared":
            return np.sum((outputs - targets) ** 2, axis=1)
        return -np.sum(targets * log_softmax(outputs, axis=1), axis=1)

    def mistakes(outputs, targets):
        return (outputs.argmax(axis=1) != targets.argmax(axis=1)).astype(float)

    flipped = split.train_targets.argmax(axis=1) != split.train_targets_clean.argmax(axis=1)
    values: dict[str, float] = {"norm": float(np.linalg.norm(flat(network)))}
    for kind, measure in (("loss", losses), ("error", mistakes)):
        values |= {
            f"train_{kind}": measure(train, split.train_targets).mean(),
            f"train_{kind}_clean": measure(train, split.train_targets_clean).mean(),
            f"test_{kind}": measure(test, split.test_targets).mean(),
            f"test_{kind}_noisy": measure(test, split.test_targets_noisy).mean(),
            f"validation_{kind}": measure(test[:HALF], split.test_targets_noisy[:HALF]).mean(),
            f"test_{kind}_held_out": measure(test[HALF:], split.test_targets[HALF:]).mean(),
        }
    own = mistakes(train, split.train_targets)
    values["train_error_flipped"] = own[flipped].mean() if flipped.any() else np.nan
    values["train_error_unflipped"] = own[~flipped].mean()
    return values


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
def test_every_metric_is_its_definition(loss):
    members = six_members([classification(0), classification(1)])
    recorder = RiskRecorder(loss=loss, metrics=ALL)
    assert isinstance(recorder, Recorder)
    result = train_population(FAMILY, settings(epochs=2, loss=loss), members, times=(0, 2), recorder=recorder)
    assert result.recordings.keys() == ALL
    assert not result.diverged.any()
    for m, member in enumerate(members):
        for time, network in ((0, initial_network(FAMILY, member)), (1, result.networks[m])):
            for name, value in expected(network, member.split, loss).items():
                assert result.recordings[name][m, time] == pytest.approx(value, rel=1e-10), name


def test_the_metrics_of_a_case_differ():
    """Else a name that measures another's samples would go unnoticed above."""
    member = six_members([classification(0), classification(1)])[0]
    values = expected(initial_network(FAMILY, member), member.split, "cross-entropy")
    assert len(set(values.values())) == len(values)


def data_of(split):
    return Data(*(jnp.asarray(getattr(split, name)) for name in Data._fields))


def numbers(split, has_classes=True):
    recorder = RiskRecorder(loss="squared", metrics=ALL, has_classes=has_classes)
    network = initial_network(FAMILY, Member(width=5, split=split))
    with jax.enable_x64(True):
        values = eqx.filter_jit(recorder)(network, data_of(split))
    return {name: float(value) for name, value in values.items()}, expected(network, split, "squared")


def test_without_classes_errors_are_nan_and_losses_are_not():
    values, wanted = numbers(regression(), has_classes=False)
    for name, value in values.items():
        assert np.isnan(value) if "error" in name else value == pytest.approx(wanted[name], rel=1e-12)


def test_without_flips_the_error_on_flipped_samples_is_nan():
    values, wanted = numbers(classification(flipped=0.0))
    assert {name for name, value in values.items() if np.isnan(value)} == {"train_error_flipped"}
    assert values["train_error_unflipped"] == pytest.approx(wanted["train_error"])


def test_a_recorder_records_what_it_is_asked_for_and_the_training_loss():
    recorder = RiskRecorder(loss="squared", metrics=frozenset({"norm"}))
    network = initial_network(FAMILY, Member(width=5, split=classification()))
    assert eqx.filter_eval_shape(recorder, network, data_of(classification())).keys() == {"norm", "train_loss"}


def test_losses_and_norm_of_averaged_weights_have_names_of_their_own():
    members = six_members([classification(0), classification(1)])
    training = settings(epochs=2, average=0.0)
    result = train_population(FAMILY, training, members, times=(0, 2), averaged=True)
    plain = {name for name in result.recordings if not name.endswith("_averaged")}
    assert plain == {"train_loss", "train_error", "test_loss", "test_error", "norm"}
    assert {f"{name}_averaged" for name in plain} | plain == result.recordings.keys()
    for name in plain:  # an average that forgets at once is the last weights
        assert np.array_equal(result.recordings[name], result.recordings[f"{name}_averaged"])


def test_predictions_are_the_outputs_of_the_networks():
    members = six_members([classification(0), classification(1)])
    inputs = np.random.default_rng(9).standard_normal((11, 6))
    recorder = PredictionRecorder(inputs=inputs)
    assert isinstance(recorder, Recorder)
    result = train_population(FAMILY, settings(epochs=2), members, times=(0, 1, 2), recorder=recorder)
    assert result.recordings["predictions"].shape == (6, 3, 11, 3)
    for m, member in enumerate(members):
        for time, network in ((0, initial_network(FAMILY, member)), (2, result.networks[m])):
            outputs = oracle.outputs(weights_of(network), "relu", inputs)
            np.testing.assert_allclose(result.recordings["predictions"][m, time], outputs, rtol=1e-10, atol=1e-12)
    twice = PredictionRecorder(inputs=2 * inputs)
    other = train_population(FAMILY, settings(epochs=2), members, times=[2], recorder=twice)
    assert not np.allclose(other.recordings["predictions"][:, 0], result.recordings["predictions"][:, 2])


@pytest.mark.parametrize("rows", [1, 7, 11, 1024])
def test_outputs_do_not_depend_on_how_many_rows_are_evaluated_at_once(rows, monkeypatch):
    monkeypatch.setattr(recording_module, "_ROWS", rows)
    network = initial_network(FAMILY, Member(width=5, split=classification()))
    inputs = np.random.default_rng(9).standard_normal((11, 6))
    with jax.enable_x64(True):
        outputs = outputs_of(jax.tree.map(jnp.asarray, network), jnp.asarray(inputs))
    np.testing.assert_allclose(outputs, oracle.outputs(weights_of(network), "relu", inputs), rtol=1e-12, atol=1e-13)
