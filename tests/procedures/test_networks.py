"""Networks as procedures: blocks that say what the networks predict, and chains of reused weights."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import benign
from benign import schema, sources
from benign.experiments import measure
from benign.experiments.declaration import resolve
from benign.foundation.errors import InvalidArgument, MissingExtra
from benign.foundation.output import MARK
from benign.foundation.replicate import Replicate
from benign.foundation.split import class_indices
from benign.networks import engine
from benign.networks.chain import train_chain
from benign.networks.checkpoints import Checkpoint, Snapshot
from benign.procedures import MLP, OneHiddenLayer
from benign.procedures.network_training import CHECKPOINTS_VARIABLE
from tests.networks.cases import two_steps_a_call
from tests.procedures.cases import ENTROPY, NETWORKS, SQUARED, WIDTHS

SIZES = WIDTHS
TRAINING = ENTROPY
EVERY_RISK = frozenset(
    name
    for name in schema.METRICS.keys() - schema.SOLUTION_METRICS
    if name.split("_")[0] in ("train", "test", "validation")
)


def _split(replicate=None, noise=0.2):
    return sources.digits(label_noise=noise, test_samples=40).draw(30, replicate or Replicate())


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path))


@pytest.mark.parametrize("name", NETWORKS)
def test_label_noise_draws_share_data_batches_and_initial_weights(name):
    procedure = NETWORKS[name].make()
    first, second = (_split(Replicate(noise=noise)) for noise in (0, 1))
    block = procedure.measure([first, second], SIZES[:2], np.array([0.0, 6.0]), schema.DEFAULT_METRICS)
    if name != "weight reuse":  # a chain's second network starts trained
        np.testing.assert_array_equal(block.metrics["test_loss"][0, :, 0], block.metrics["test_loss"][1, :, 0])
    assert not np.allclose(block.metrics["test_loss"][0, :, 1], block.metrics["test_loss"][1, :, 1])


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_left_in_the_folder_of_checkpoints(name, tmp_path):
    NETWORKS[name].make().measure([_split()], SIZES[:1], None, schema.DEFAULT_METRICS)
    assert files_in(tmp_path) == []


def files_in(folder):
    return [path for path in folder.rglob("*") if not path.is_dir()]


def test_a_chain_starts_from_the_network_before():
    still = benign.Training(loss="squared", optimizer="sgd", learning_rate=1e-300, batch_size=10, epochs=1)
    (_, first), (_, second) = train_chain((3, 5), still, [_split()], times=[1.0])
    narrow, wide = (population.networks[0].layers for population in (first, second))  # type: ignore[attr-defined]
    np.testing.assert_array_equal(wide[0].weight[:3], narrow[0].weight)
    np.testing.assert_array_equal(wide[1].weight[:, :3], narrow[1].weight)
    assert 0.05 < np.std(wide[0].weight[3:]) < 0.15  # N(0, 0.01)
    assert OneHiddenLayer(weight_reuse=(3, 5)).spec() != OneHiddenLayer(weight_reuse=(5,)).spec()


def test_a_network_that_diverges_is_flagged_and_leaves_a_gap():
    wild = MLP(
        depth=1, training=benign.Training(loss="squared", optimizer="sgd", learning_rate=50.0, epochs=8, batch_size=10)
    )
    block = wild.measure([_split()], SIZES, np.array([0.0, 8.0]), schema.DEFAULT_METRICS)
    assert block.outcome[0, :, 0].tolist() == [benign.Outcome.CONVERGED] * 3
    assert block.outcome[0, :, 1].tolist() == [benign.Outcome.DIVERGED] * 3
    assert np.isnan(block.metrics["test_error"][0, :, 1]).all()
    assert not benign.Outcome.DIVERGED.is_trusted
    assert "lower the learning rate" in benign.Outcome.DIVERGED.sentence


def test_surfaces_know_what_their_losses_are():
    small = benign.Training(epochs=1, batch_size=10)
    surface = measure(
        MLP(training=small), sources.digits(test_samples=40), sizes=[3, 5], samples=[30], times=[0, 1], replicates=2,
        metrics=["train_error_flipped"], workers=1,
    ).dataset  # fmt: skip
    assert surface.attrs["objective"] == "cross-entropy"
    shares = np.bincount(class_indices(sources.digits(test_samples=40).draw(30, Replicate()).train_targets)) / 30
    entropy = -np.sum(shares[shares > 0] * np.log(shares[shares > 0]))
    assert surface["train_loss_constant"].values[0, 0] == pytest.approx(entropy)
    assert np.isnan(surface["train_error_flipped"].values).all()  # nothing is flipped
    curve = benign.Surface(surface).curve("test_loss", samples=30, time=1.0)
    assert "cross-entropy" in curve.display().y_label


def test_batches_are_equal_shares_for_the_cores(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    replicates = tuple(Replicate(draw=i) for i in range(6))
    monkeypatch.setattr("benign.procedures.network_training.has_gpu", lambda: False)
    assert [len(batch) for batch in MLP().batches(replicates)] == [3, 3]
    assert [len(batch) for batch in MLP(device="gpu").batches(replicates)] == [6]
    assert sum(MLP().batches(replicates), ()) == replicates


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: MLP(depth=0), "`depth` must be a positive integer"),
        (
            lambda: MLP(activation="rleu"),  # type: ignore[arg-type]
            "unknown activation 'rleu'; did you mean 'relu'",
        ),
        (lambda: MLP(device="tpu"), '`device` must be "cpu", "gpu" or None'),  # type: ignore[arg-type]
        (lambda: MLP(training="fast"), "`training` must be a benign.Training"),  # type: ignore[arg-type]
        (lambda: OneHiddenLayer(weight_reuse=()), "`weight_reuse` must be False or a chain"),
        (lambda: OneHiddenLayer(weight_reuse=(5, 5)), "`weight_reuse` must increase strictly"),
        (lambda: OneHiddenLayer(weight_reuse=(0, 5)), "`weight_reuse` must be a positive integer"),
        (
            lambda: OneHiddenLayer(weight_reuse=(2, 4)).measure(
                [_split()], np.array([3]), None, schema.DEFAULT_METRICS
            ),
            "`sizes` must be widths of the chain",
        ),
        (
            lambda: MLP(training=TRAINING).measure([_split()], SIZES, None, frozenset({"leave_one_out_loss"})),
            "`metrics` asks for leave_one_out_loss",
        ),
        (
            lambda: MLP(training=TRAINING).measure([_split()], SIZES, np.array([7.0]), schema.DEFAULT_METRICS),
            "`times` must lie from 0 to the end of training, 6 epochs, got 7",
        ),
        (
            lambda: MLP(training=benign.Training(batch_size=64)).measure([_split()], SIZES, None, frozenset()),
            "`batch_size` must be at most the number of training samples, got 64 of 30",
        ),
        (
            lambda: list(MLP(training=TRAINING).predict(_split(), np.zeros((2, 3)), SIZES)),
            "`inputs` must have 64 columns",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_settings_that_make_no_sense(call, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        call()


def test_without_the_extra_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r'pip install "benign\[networks\]"'):
        MLP()


def test_a_job_that_was_killed_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    """What a job of hours relies on: the second measurement starts where the first one was, and ends as if whole."""
    procedure = MLP(training=TRAINING)
    whole = procedure.measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    steps = []
    advance = engine.advance

    def counted(*arguments):
        steps.append(int(arguments[-1]))
        if len(steps) == 3 and fails:
            raise KeyboardInterrupt
        return advance(*arguments)

    two_steps_a_call(monkeypatch)
    monkeypatch.setattr(engine, "advance", counted)
    fails = True
    with pytest.raises(KeyboardInterrupt):
        procedure.measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    assert files_in(tmp_path)
    fails, first = False, sum(steps[:2])
    steps.clear()
    again = procedure.measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    assert first + sum(steps) == 18  # 6 epochs of 3 steps
    np.testing.assert_array_equal(again.metrics["test_loss"], whole.metrics["test_loss"])
    assert files_in(tmp_path) == []


def test_a_checkpoint_lies_where_metrics_had_their_first_names(monkeypatch):
    """A training that an earlier version began goes on."""
    decided = []
    place = "benign.procedures.network_training.checkpoint_place"
    monkeypatch.setattr(place, lambda *decides: decided.append(decides[-1]))
    MLP(training=TRAINING).measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    assert "metrics=['function_norm', 'norm', 'test_error'" in decided[0][-1]


def test_a_damaged_checkpoint_costs_a_warning_and_the_training_anew(tmp_path, monkeypatch):
    procedure = MLP(training=TRAINING)
    whole = procedure.measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    two_steps_a_call(monkeypatch)
    with monkeypatch.context() as patch:
        advance, calls = engine.advance, []

        def interrupted(*arguments):
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return advance(*arguments)

        patch.setattr(engine, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            procedure.measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    (facts,) = tmp_path.rglob("*.json")
    facts.write_text(facts.read_text(encoding="utf-8")[:80], encoding="utf-8")
    with pytest.warns(UserWarning, match=r"is damaged .* Training starts anew"):
        again = procedure.measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    np.testing.assert_array_equal(again.metrics["test_loss"], whole.metrics["test_loss"])
    assert files_in(tmp_path) == []


def test_what_is_recorded_decides_no_number(tmp_path):
    """A chain trains each width to its end, and who stops is looked at whatever is recorded."""
    training = replace(SQUARED, epochs=40, stop_at_zero_error=True)
    for procedure in (OneHiddenLayer(weight_reuse=(8, 32), training=training), OneHiddenLayer(training=training)):
        many = procedure.measure([_split()], np.array([32]), np.array([1.0, 7.0, 20.0, 33.0, 40.0]), EVERY_RISK)
        few = procedure.measure([_split()], np.array([32]), np.array([7.0]), EVERY_RISK)
        np.testing.assert_array_equal(few.metrics["test_loss"][0, 0, 0], many.metrics["test_loss"][0, 0, 1])
        end = procedure.measure([_split()], np.array([32]), None, EVERY_RISK)
        np.testing.assert_array_equal(end.metrics["test_loss"][0, 0, 0], many.metrics["test_loss"][0, 0, -1])
        assert many.metrics["train_error"][0, 0, -1] == 0.0


def test_a_stopped_network_and_its_average_stay_as_they_were():
    training = replace(SQUARED, epochs=60, stop_at_zero_error=True, average=0.99)
    block = MLP(depth=1, training=training).measure(
        [_split()], np.array([32]), np.array([5.0, 30.0, 45.0, 60.0]), EVERY_RISK
    )
    assert block.metrics["train_error"][0, 0, 1] == 0.0
    for name in ("test_loss", "test_loss_averaged"):
        losses = block.metrics[name][0, 0]
        assert losses[0] != losses[1] == losses[2] == losses[3]


def test_a_stopping_network_can_be_asked_for_more_metrics_later():
    stopping = MLP(training=replace(TRAINING, stop_at_zero_error=True))
    block = stopping.measure([_split()], SIZES, None, frozenset({"validation_error"}))
    assert np.isfinite(block.metrics["validation_error"]).all()


def test_a_chain_that_was_killed_trains_no_finished_width_again(tmp_path, monkeypatch):
    two_steps_a_call(monkeypatch)
    procedure, calls = OneHiddenLayer(weight_reuse=(3, 5, 8), training=SQUARED), []
    advance = engine.advance

    def counted(*arguments):
        calls.append(int(arguments[-1]))
        if sum(calls) > 45:  # in the third width: each has 18 steps
            raise KeyboardInterrupt
        return advance(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "advance", counted)
        with pytest.raises(KeyboardInterrupt):
            procedure.measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    done = sum(calls[:-1])
    calls.clear()

    def counted_again(*arguments):
        calls.append(int(arguments[-1]))
        return advance(*arguments)

    monkeypatch.setattr(engine, "advance", counted_again)
    again = procedure.measure([_split()], SIZES, None, schema.DEFAULT_METRICS)
    assert done + sum(calls) == 54
    assert np.isfinite(again.metrics["test_loss"]).all()
    assert files_in(tmp_path) == []


def test_checkpoints_that_nobody_came_back_for_are_forgotten_after_a_month_and_nothing_else(tmp_path):
    ours = tmp_path / "benign-checkpoints"
    for name in ("old", "new"):
        checkpoint = Checkpoint(path=ours / name, configuration=dict)
        checkpoint.write(Snapshot(step=0, recorded=0, state=[np.zeros(3)], recordings={}))
    names = ("a.json", "a.0123456789abcdef.safetensors", "a.txt")
    strangers = {folder / name: "{}" for folder in (tmp_path, ours) for name in names}
    strangers |= {tmp_path / "outside.json": MARK, ours / "of no name of ours": MARK}
    for stranger, text in strangers.items():
        stranger.write_text(text, encoding="utf-8")
    (ours / "link.json").symlink_to("of no name of ours")
    month_old = [*strangers, ours / "link.json", *ours.glob("old.*")]
    for file in month_old:
        os.utime(file, (time.time() - 86_400 * 40,) * 2, follow_symlinks=False)
    MLP(training=TRAINING).measure([_split()], SIZES[:1], None, schema.DEFAULT_METRICS)
    assert not list(ours.glob("old.*"))
    assert len(list(ours.glob("new.*"))) == 2
    assert (ours / "link.json").is_symlink()
    assert {stranger: stranger.read_text(encoding="utf-8") for stranger in strangers} == strangers


def test_sizes_in_any_order():
    procedure = OneHiddenLayer(weight_reuse=(3, 5, 8), training=SQUARED)
    up, down = (procedure.measure([_split()], sizes, None, schema.DEFAULT_METRICS) for sizes in (SIZES, SIZES[::-1]))
    np.testing.assert_array_equal(up.metrics["test_loss"], down.metrics["test_loss"][:, ::-1])


@pytest.mark.parametrize(
    ("samples", "times", "sentence"),
    [([30, 5], None, "`batch_size` must be at most"), ([30], [1, 7], "`times` must lie from 0 to the end")],
)
def test_a_grid_that_cannot_be_trained_is_refused_before_anything_is_measured(samples, times, sentence, monkeypatch):
    monkeypatch.setattr(MLP, "measure", lambda *_: pytest.fail("measured"))
    with pytest.raises(InvalidArgument, match=sentence):
        measure(
            MLP(training=TRAINING), sources.digits(test_samples=40), sizes=[3], samples=sorted(samples), times=times,
            replicates=1,
        )  # fmt: skip


def test_a_table_of_settings_leaves_the_rest_as_the_procedure_has_it():
    experiment = benign.Experiment(
        source="digits", procedure={"name": "one_hidden_layer", "training": {"steps": 50}}, samples=[20], sizes=[3]
    )
    training = resolve(experiment).grid.procedure["training"]
    assert isinstance(training, dict)
    assert (training["loss"], training["optimizer"], training["steps"]) == ("squared", "momentum", 50)


def test_golden_numbers():
    """Fails when the numbers change: then raise the procedure's revision and renew them."""
    assert MLP.revision == OneHiddenLayer.revision == 1
    sizes, split = np.array([3, 8]), _split()
    for procedure, losses in (
        (MLP(training=TRAINING), [2.2563443508937384, 2.1238495209097823]),
        (OneHiddenLayer(weight_reuse=(3, 8), training=SQUARED), [2.8929877633580308, 1.3263914185470116]),
    ):
        block = procedure.measure([split], sizes, None, schema.DEFAULT_METRICS)
        np.testing.assert_allclose(block.metrics["test_loss"][0, :, 0], losses, rtol=1e-8)
