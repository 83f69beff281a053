"""Solutions as a procedure: each measure is that of its definition, cooling is gradient descent, weights are kept."""

import os
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import benign
from benign.foundation.errors import InvalidArgument, OutputFailed
from benign.implicit.curvature.flatness_measures import FlatnessSettings
from benign.implicit.kept_weights import KeptWeights
from benign.implicit.norms.dense_norms import path_norm, spectral_norm_product
from benign.implicit.solution_recording import SolutionRecorder
from benign.networks import Member, MLPFamily, Training, initial_network, train_population
from benign.procedures.solutions import Solutions
from tests.networks import oracle
from tests.networks.cases import regression

RATE = 0.25
TRAINING = Training(optimizer="sgd", batch_size=None, learning_rate=RATE, steps=16, precision="float64")
SOURCE = benign.sources.digits(label_noise=0.1, test_samples=40)
SPLITS = [SOURCE.draw(30, benign.Replicate(seed=1, draw=i, initialisation=i, noise=i)) for i in range(2)]
TIMES = np.array([0.0, 1.0, 4.0])
WIDTHS = np.array([5, 8])
SETTINGS = FlatnessSettings(draws=3, steps=2)
METRICS = frozenset(
    {
        "train_loss", "train_error", "test_loss", "test_error", "norm", "scaled_norm", "gradient_penalty",
        "path_norm", "spectral_norm_product", "distance_from_start", "top_eigenvalue", "test_error_under_noise",
        "train_loss_cooled", "gradient_penalty_cooled", "path_norm_cooled",
    }
)  # fmt: skip


def procedure(**changes: Any) -> Solutions:
    settings: dict[str, Any] = {
        "training": TRAINING, "settings": SETTINGS, "cooling_steps": 3, "cooling_rate": 0.1,
    }  # fmt: skip
    return Solutions(**(settings | changes))


@pytest.fixture(scope="module")
def block():
    return procedure().measure(SPLITS, WIDTHS, TIMES, METRICS)


def weights_of(network):
    return [np.array(part) for layer in network.layers for part in (layer.weight, layer.bias)]


def trained(split, width, steps):
    member = Member(width=width, split=split)
    if not steps:
        return initial_network(MLPFamily(depth=2, activation="relu"), member)
    family = MLPFamily(depth=2, activation="relu")
    return train_population(family, TRAINING, [member], times=[steps]).networks[0]


def loss(network, split):
    outputs = oracle.outputs(weights_of(network), "relu", split.train_inputs)
    return float(np.mean(np.log(np.exp(outputs).sum(axis=1)) - (outputs * split.train_targets).sum(axis=1)))


def gradient(network, split):
    weights = weights_of(network)
    return oracle.gradient(weights, "relu", "cross-entropy", split.train_inputs, split.train_targets)


def moved(network, split, rate):
    leaves, shape = jax.tree.flatten(eqx.filter(network, eqx.is_array))
    slopes = gradient(network, split)
    parts = [leaf - rate * slope for leaf, slope in zip(leaves, slopes, strict=True)]
    return eqx.combine(jax.tree.unflatten(shape, parts), eqx.filter(network, eqx.is_array, inverse=True))


@pytest.mark.parametrize("place", [(0, 0, 2), (1, 1, 1), (1, 0, 0)], ids=str)
def test_every_number_is_that_of_the_network_at_its_physical_time(block, place):
    r, s, t = place
    network, split = trained(SPLITS[r], int(WIDTHS[s]), round(TIMES[t] / RATE)), SPLITS[r]
    start = initial_network(MLPFamily(depth=2, activation="relu"), Member(width=int(WIDTHS[s]), split=split))
    slopes = gradient(network, split)
    cooled = network
    for _ in range(3):
        cooled = moved(cooled, split, 0.1)
    expected = {
        "train_loss": loss(network, split),
        "gradient_penalty": sum((g**2).sum() for g in slopes) / sum(g.size for g in slopes),
        "path_norm": float(path_norm(network)),
        "spectral_norm_product": float(spectral_norm_product(network)),
        "distance_from_start": np.sqrt(
            sum(((a - b) ** 2).sum() for a, b in zip(weights_of(network), weights_of(start), strict=True))
        ),
        "train_loss_cooled": loss(cooled, split),
        "path_norm_cooled": float(path_norm(cooled)),
    }
    for name, value in expected.items():
        assert block.metrics[name][place] == pytest.approx(value, rel=1e-8, abs=1e-10), name
    assert block.metrics["scaled_norm"].shape == (2, 2, 3)


def test_an_eigenvalue_bounds_the_curvature_along_the_gradient(block):
    network, split = trained(SPLITS[0], 8, 16), SPLITS[0]
    slopes = gradient(network, split)
    length = np.sqrt(sum((g**2).sum() for g in slopes))
    step = 1e-4 / length
    values = [loss(moved(network, split, sign * step), split) for sign in (-1.0, 0.0, 1.0)]
    curvature = (values[0] - 2.0 * values[1] + values[2]) / 1e-8
    assert block.metrics["top_eigenvalue"][0, 1, 2] >= curvature - 1e-4


def test_kept_weights_give_the_same_numbers_without_training(block, tmp_path, monkeypatch):
    kept = procedure(keep=str(tmp_path / "weights"))
    first = kept.measure(SPLITS, WIDTHS, TIMES, METRICS)
    monkeypatch.setattr("benign.procedures.network_training.train_widths", lambda *_: pytest.fail("trained again"))
    again = kept.measure(SPLITS, WIDTHS[:1], TIMES[1:], METRICS | {"normalised_margin"})
    for name in METRICS:
        np.testing.assert_array_equal(first.metrics[name], block.metrics[name])
        np.testing.assert_allclose(again.metrics[name], first.metrics[name][:, :1, 1:], rtol=1e-9)
    assert np.isfinite(again.metrics["normalised_margin"]).all()
    assert len(list((tmp_path / "weights").iterdir())) == 4


def test_times_that_are_asked_for_later_join_those_that_are_kept(tmp_path, monkeypatch):
    kept, names = procedure(keep=str(tmp_path)), frozenset({"train_loss", "path_norm"})
    early = kept.measure(SPLITS[:1], WIDTHS[:1], TIMES[:2], names)
    late = kept.measure(SPLITS[:1], WIDTHS[:1], None, names)
    monkeypatch.setattr("benign.procedures.network_training.train_widths", lambda *_: pytest.fail("trained again"))
    every = kept.measure(SPLITS[:1], WIDTHS[:1], TIMES, names)
    np.testing.assert_array_equal(every.metrics["path_norm"][..., :2], early.metrics["path_norm"])
    np.testing.assert_array_equal(every.metrics["path_norm"][..., 2], late.metrics["path_norm"][..., 0])


def test_a_folder_that_cannot_be_written_loses_no_measurement(block, tmp_path):
    place = tmp_path / "a file"
    place.write_text("in the way")
    with pytest.warns(UserWarning, match="goes on without keeping weights"):
        found = procedure(keep=str(place)).measure(SPLITS[:1], WIDTHS[:1], TIMES, frozenset({"train_loss"}))
    np.testing.assert_allclose(found.metrics["train_loss"], block.metrics["train_loss"][:1, :1], rtol=1e-10)


def test_what_is_not_measured_is_refused():
    for name in ("disagreement", "train_loss_averaged", "leave_one_out_loss", "distance_from_start_cooled"):
        with pytest.raises(InvalidArgument, match=f"`metrics` asks for {name}, which Solutions does not measure"):
            procedure().measure(SPLITS[:1], WIDTHS[:1], TIMES, frozenset({"train_loss", name}))


def test_the_mini_batch_penalty_of_the_full_batch_is_that_of_the_full_batch():
    names = frozenset({"train_loss", "gradient_penalty", "gradient_penalty_minibatch"})
    found = procedure().measure(SPLITS[:1], WIDTHS[:1], TIMES, names).metrics
    np.testing.assert_allclose(found["gradient_penalty_minibatch"], found["gradient_penalty"], rtol=1e-10)


def test_a_regression_has_no_errors_and_no_margins():
    split = regression()
    names = frozenset({"train_loss", "train_error", "test_error_under_noise", "normalised_margin", "path_norm"})
    training = Training(optimizer="sgd", loss="squared", batch_size=None, learning_rate=0.01, steps=2)
    found = procedure(training=training).measure([split], WIDTHS[:1], None, names).metrics
    assert all(np.isnan(found[name]).all() for name in names - {"train_loss", "path_norm"})
    assert np.isfinite(found["path_norm"]).all()


def test_weights_that_cannot_be_read_are_trained_again(tmp_path):
    kept = procedure(keep=str(tmp_path))
    names = frozenset({"train_loss", "path_norm"})
    first = kept.measure(SPLITS[:1], WIDTHS[:1], TIMES, names)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with pytest.warns(UserWarning, match="stays as it is; move it away. The measurement goes on without keeping"):
        again = kept.measure(SPLITS[:1], WIDTHS[:1], TIMES, names)
    np.testing.assert_array_equal(again.metrics["path_norm"], first.metrics["path_norm"])


def replaced(make):
    def change(file):
        file.unlink()
        make(file)

    return change


CHANGES = {
    "a bit flipped": lambda file: file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 1])),
    "another file": lambda file: file.write_bytes(b"mine"),
    "a FIFO": replaced(os.mkfifo),
    "a link": replaced(lambda file: file.symlink_to("elsewhere")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_weights_that_are_not_what_was_kept_are_neither_read_nor_replaced(change, tmp_path):
    kept = KeptWeights(folder=tmp_path, training={"revision": 1})
    weights = (np.arange(6.0).reshape(2, 3), np.ones((2, 1)))
    place = kept.write(3, SPLITS[0], [0.0, 1.0], weights)
    read = kept.read(3, SPLITS[0], [1.0])
    assert read is not None
    np.testing.assert_array_equal(read[0], weights[0][1:])
    change(place)
    before = place.lstat()
    assert kept.read(3, SPLITS[0], [1.0]) is None
    with pytest.raises(OutputFailed, match="holds no weights of this network and stays as it is; move it away"):
        kept.write(3, SPLITS[0], [0.0, 1.0], weights)
    assert place.lstat() == before
    assert [file.name for file in tmp_path.iterdir()] == [place.name]


def test_weights_of_another_shape_are_trained_again_and_stay(tmp_path, block, monkeypatch):
    kept, names = procedure(keep=str(tmp_path)), frozenset({"train_loss"})
    kept.measure(SPLITS[:1], WIDTHS[:1], TIMES, names)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    other = (TIMES.tolist(), tuple(np.zeros((3, 2)) for _ in range(4)))
    monkeypatch.setattr(KeptWeights, "_stored", lambda *_: other)
    with pytest.warns(UserWarning, match="goes on without keeping weights"):
        found = kept.measure(SPLITS[:1], WIDTHS[:1], TIMES, names)
    np.testing.assert_allclose(found.metrics["train_loss"], block.metrics["train_loss"][:1, :1], rtol=1e-10)
    assert file.read_bytes() == content


def test_other_settings_have_weights_of_their_own(tmp_path):
    names = frozenset({"train_loss"})
    for rate in (0.25, 0.5):
        training = Training(optimizer="sgd", batch_size=None, learning_rate=rate, steps=8)
        Solutions(training=training, keep=str(tmp_path)).measure(SPLITS[:1], WIDTHS[:1], np.array([1.0]), names)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_diverged_training_is_said_and_the_others_stay(block):
    absurd = procedure(
        training=Training(optimizer="sgd", batch_size=None, learning_rate=1e300, steps=2, precision="float64")
    )
    lost = absurd.measure(SPLITS[:1], WIDTHS[:1], np.array([2e300]), frozenset({"train_loss", "path_norm"}))
    assert lost.outcome.tolist() == [[[int(benign.Outcome.DIVERGED)]]]
    assert np.isnan(lost.metrics["path_norm"]).all()
    assert (block.outcome == int(benign.Outcome.CONVERGED)).all()


def test_predictions_are_those_of_the_networks_at_their_times():
    (start, later) = procedure().predict(SPLITS[0], SPLITS[0].test_inputs, WIDTHS[:1], TIMES[[0, 2]])
    network = trained(SPLITS[0], 5, 16)
    np.testing.assert_allclose(
        later.values, oracle.outputs(weights_of(network), "relu", SPLITS[0].test_inputs), rtol=1e-9, atol=1e-11
    )
    assert (start.time, later.time) == (0.0, 4.0)


def test_it_is_measured_as_any_procedure(tmp_path):
    surface = benign.measure(
        procedure(), SOURCE, sizes=[5], times=[1.0, 4.0], samples=[30], replicates=2, metrics=["path_norm"],
        executor="here", store=tmp_path / "runs.db",
    )  # fmt: skip
    assert surface.dataset["path_norm"].sizes == {"size": 1, "time": 2, "samples": 1, "replicate": 2}
    assert surface.dataset.attrs["time_name"] == "physical time (step size x steps)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": Training(epochs=3)}, "must have a constant schedule and a number of `steps`"),
        ({"training": Training(steps=3, schedule="cosine")}, "must have a constant schedule"),
        ({"cooling_steps": 0}, "`cooling_steps`"),
        ({"cooling_rate": -1.0}, "`cooling_rate` must be a positive number"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(changes, message):
    with pytest.raises(InvalidArgument, match=message):
        procedure(**changes)


@pytest.mark.parametrize("time", [0.3, 100.0])
def test_a_time_between_two_steps_or_past_the_end_is_refused(time):
    with pytest.raises(InvalidArgument, match=r"whole numbers of steps of 0\.25 up to the end of training, 4"):
        procedure().check([30], np.array([time]))


def test_a_recorder_without_cooled_metrics_does_not_cool(monkeypatch):
    monkeypatch.setattr(SolutionRecorder, "cooled", lambda *_: pytest.fail("cooled"))
    names = frozenset({"train_loss", "path_norm"})
    assert procedure().measure(SPLITS[:1], WIDTHS[:1], TIMES, names).metrics["path_norm"].shape == (1, 1, 3)


def test_keys_of_blocks_stay_what_they_were():
    """A store written by 0.1 is met again: the text of the settings is part of each key."""
    assert procedure().spec()["settings"] == (
        "FlatnessSettings(radius=0.05, adaptive_radius=0.5, steps=2, multiplicative=0.1, additive=0.01, draws=3, "
        "products=48, most_products=200, level=0.95, seed=0)"
    )


@pytest.mark.parametrize("name", ["Solutions", "RepeatedMLP"])
def test_the_old_place_answers_with_a_warning(name):
    with pytest.warns(DeprecationWarning, match=f"is now benign.procedures.{name}"):
        assert getattr(benign.implicit, name) is getattr(benign.procedures, name)
