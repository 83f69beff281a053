"""Modules trained by PyTorch: as our networks from the same weights, as the same alone, and as what nothing interrupts.

What is equal to rounding is compared in float64.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks.extra import HAS_TORCH, needs_networks, needs_torch

if not HAS_TORCH:
    needs_torch()

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

import benign
from benign.foundation.replicate import Replicate, paired_replicates
from benign.networks import checkpoints
from benign.networks.shuffles import batches
from benign.networks.torch_training import alone, stacked, trajectory
from benign.networks.torch_training.data import default_dtype
from benign.procedures.network_training import CHECKPOINTS_VARIABLE

METRICS = frozenset(
    {
        *("train_loss", "train_error", "test_loss", "train_loss_clean", "norm"),
        *("gradient_penalty", "gradient_penalty_minibatch", "test_loss_averaged", "train_loss_averaged"),
    }
)
FEW = frozenset({"train_loss", "test_loss_averaged"})
# 16 does not divide 40: an epoch is batches of 16, 16 and 8.
SETTINGS: dict[str, Any] = {
    "batch_size": 16,
    "epochs": 3,
    "learning_rate": 0.01,
    "precision": "float64",
    "average": 0.9,
}
TIMES, WIDTHS = np.array([0.0, 1.0, 3.0]), np.array([3, 6])


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path))


def digits(replicate=None, samples=40):
    return benign.sources.digits(label_noise=0.2, test_samples=30).draw(samples, replicate or Replicate())


def curve(replicate=None):
    return benign.sources.mml(test_samples=30).draw(40, replicate or Replicate())


def dense(width):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.Tanh(), nn.Linear(width, 10))


class Residual(nn.Module):
    """What is no chain of dense layers; one tensor is frozen, another is used twice."""

    def __init__(self, width):
        super().__init__()
        self.first, self.last = nn.Linear(64, width), nn.Linear(width, 10)
        self.norm, self.inner = nn.LayerNorm(width), nn.Linear(width, width, bias=False)
        self.again = self.inner
        self.scale = nn.Parameter(torch.full((width,), 2.0), requires_grad=False)
        self.shift = nn.Buffer(torch.linspace(0, 1, width))

    def forward(self, x):
        hidden = torch.relu(self.first(x.flatten(1)))
        hidden = hidden + self.scale * torch.tanh(self.again(self.norm(self.inner(hidden)))) + self.shift
        return self.last(hidden)


def convolution(width):
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36 * width, 10))


def normalised(width):
    hidden = [nn.Linear(64, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(width, 10))


def equal(one, other):
    """Whether two blocks agree in every bit."""
    return all(one.metrics[name].tobytes() == other.metrics[name].tobytes() for name in one.metrics)


def measured(build, splits=None, times=TIMES, widths=WIDTHS, metrics=METRICS, **settings):
    chosen = SETTINGS | settings
    if callable(chosen.get("optimizer")):  # which says its own
        del chosen["learning_rate"]
    procedure = benign.from_torch(build, **chosen)
    return procedure.measure([digits()] if splits is None else splits, widths, times, metrics)


# ------------------------------------------------------------------------------------- our own networks, and by hand


def with_weights_of(split, depth=1):
    """Builds the initial networks of :class:`benign.MLP` for a split."""
    from benign.networks import Member, MLPFamily, initial_network

    def build(width):
        own: Any = initial_network(MLPFamily(depth=depth, activation="tanh"), Member(width=width, split=split))
        layers: list[nn.Module] = [nn.Flatten()]
        for layer in own.layers:
            outputs, inputs = layer.weight.shape
            linear = nn.Linear(inputs, outputs, dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(torch.tensor(layer.weight))
                linear.bias.copy_(torch.tensor(layer.bias))
            layers += [linear, nn.Tanh()]
        return nn.Sequential(*layers[:-1])

    return build


@pytest.mark.parametrize(
    ("settings", "metrics"),
    [
        ({}, METRICS),
        ({"optimizer": "momentum", "schedule": "cosine", "weight_decay": 0.01}, FEW),
        ({"optimizer": "sgd", "loss": "squared", "batch_size": None}, FEW),
    ],
    ids=["adam", "momentum", "full batch"],
)
def test_a_module_learns_as_our_network_from_the_same_weights(settings, metrics):
    needs_networks()
    split, widths = digits(), WIDTHS[:1]
    theirs = measured(with_weights_of(split), [split], widths=widths, metrics=metrics, revision=1, **settings)
    ours = benign.MLP(depth=1, activation="tanh", training=benign.Training(**(SETTINGS | settings)))
    block = ours.measure([split], widths, TIMES, metrics)
    assert theirs.parameters.tolist() == block.parameters.tolist()
    for name, values in block.metrics.items():
        np.testing.assert_allclose(theirs.metrics[name], values, rtol=1e-8, atol=1e-12, err_msg=name)


def test_real_values_are_learnt_as_by_our_network():
    needs_networks()
    split, widths, settings = curve(), WIDTHS[:1], SETTINGS | {"loss": "squared"}
    theirs = measured(with_weights_of(split, depth=2), [split], widths=widths, loss="squared", revision=1)
    ours = benign.MLP(depth=2, activation="tanh", training=benign.Training(**settings))
    block = ours.measure([split], widths, TIMES, FEW)
    np.testing.assert_allclose(theirs.metrics["test_loss_averaged"], block.metrics["test_loss_averaged"], rtol=1e-8)
    assert np.isnan(theirs.metrics["train_error"]).all()


def by_hand(split, optimizer, *, epochs=2, rate=0.01):
    """Two epochs of the plain loop on the batches of the split's replicate; the module and its average."""
    torch.manual_seed(0)
    model = normalised(4).double()
    averages = [tensor.detach().clone() for tensor in model.state_dict().values()]
    inputs = torch.tensor(split.shaped.train_inputs)
    labels = torch.tensor(split.train_labels)
    with default_dtype(torch.float64):  # in which NAdam keeps its products
        made = optimizer(model.parameters(), lr=rate)
        model.train()
        for rows in batches(split.replicate, samples=40, batch=16, start=0, steps=3 * epochs):
            chosen = torch.tensor(rows[rows >= 0].astype(np.int64))
            made.zero_grad()
            nn.functional.cross_entropy(model(inputs[chosen]), labels[chosen]).backward()
            made.step()
            for average, tensor in zip(averages, model.state_dict().values(), strict=True):
                average.copy_(0.9 * average + 0.1 * tensor if average.is_floating_point() else tensor)
    return model.eval(), averages


@pytest.mark.parametrize(
    ("optimizer", "by_name"),
    [(torch.optim.AdamW, "adamw"), (torch.optim.RMSprop, None), (torch.optim.NAdam, None)],
    ids=["adamw", "rmsprop", "nadam"],
)
def test_batch_normalisation_and_dropout_are_those_of_a_plain_loop(optimizer, by_name, monkeypatch):
    split = digits()
    own = by_name or (lambda parameters: optimizer(parameters, lr=0.01))
    settings = {"weight_decay": 0.01} if by_name else {}  # AdamW's own
    monkeypatch.setattr(alone, "addressed_seed", lambda *_: 7)
    monkeypatch.setattr("benign.networks.torch_training.building.addressed_seed", lambda *_: 0)
    monkeypatch.setattr(alone, "seed_all", lambda _: None)  # by hand the weights' own stream goes on
    block = measured(normalised, [split], np.array([2.0]), np.array([4]), optimizer=own, together=False, **settings)
    model, averages = by_hand(split, optimizer)
    outputs = model(torch.tensor(split.shaped.test_inputs))
    loss = nn.functional.cross_entropy(outputs, torch.tensor(split.test_targets.argmax(1)))
    np.testing.assert_allclose(block.metrics["test_loss"].item(), loss.item(), rtol=1e-10)
    norm = sum(one.square().sum() for one in model.parameters()).sqrt()
    np.testing.assert_allclose(block.metrics["norm"].item(), norm.item(), rtol=1e-10)
    model.load_state_dict(dict(zip(model.state_dict(), averages, strict=True)))
    outputs = model(torch.tensor(split.shaped.test_inputs))
    loss = nn.functional.cross_entropy(outputs, torch.tensor(split.test_targets.argmax(1)))
    np.testing.assert_allclose(block.metrics["test_loss_averaged"].item(), loss.item(), rtol=1e-10)


def test_a_schedule_of_ones_own_scales_by_the_share_that_is_done():
    shares = []

    def cosine(share):
        shares.append(share)
        return 0.5 * (1 + np.cos(np.pi * share))

    by_function = measured(dense, schedule=cosine)
    assert sorted(set(shares)) == pytest.approx(np.arange(9) / 9)
    by_name = measured(dense, schedule="cosine")
    for name, values in by_name.metrics.items():
        np.testing.assert_allclose(by_function.metrics[name], values, rtol=1e-12, err_msg=name)


# ---------------------------------------------------------------------------------------------------------- together


@pytest.mark.parametrize(
    ("build", "optimizer"),
    [(dense, "adam"), (dense, "momentum"), (dense, "sgd"), (Residual, "adamw"), (convolution, "adam")],
    ids=["adam", "momentum", "sgd", "residual adamw", "convolution"],
)
def test_a_member_of_a_population_is_the_module_trained_alone(build, optimizer):
    splits = [digits(Replicate(draw=draw, initialisation=i, noise=i)) for draw, i in ((0, 0), (0, 1), (1, 1))]
    settings = {"optimizer": optimizer, "schedule": "cosine", "weight_decay": 0.01}
    together, apart = (measured(build, splits, together=choice, **settings) for choice in (True, False))
    for name, values in apart.metrics.items():
        np.testing.assert_allclose(together.metrics[name], values, rtol=1e-10, err_msg=name)


class HeldTwice(nn.Module):
    """One tensor under two names of one part, or in a list beside its name."""

    def __init__(self, *, in_list):
        super().__init__()
        self.weight, self.last = nn.Parameter(torch.randn(64, 64) / 8), nn.Linear(64, 10)
        self.again = [self.weight] if in_list else self.weight

    def forward(self, x):
        again = self.again[0] if isinstance(self.again, list) else self.again
        return self.last(torch.tanh(x.flatten(1) @ self.weight) @ again)


@pytest.mark.parametrize(("in_list", "held"), [(False, [3]), (True, [1, 1, 1])], ids=["two names", "in a list"])
def test_a_tensor_held_twice_is_trained_once_from_the_same_initial_weights_too(in_list, held, monkeypatch):
    def build(width):
        return HeldTwice(in_list=in_list)

    splits = [digits(Replicate(noise=noise)) for noise in range(3)]
    widths, seen = WIDTHS[:1], []
    apart = measured(build, splits, widths=widths, together=False)
    watched(monkeypatch, lambda learner, start: seen.append(learner.members) if start == 0 else None)
    for name, values in measured(build, splits, widths=widths).metrics.items():
        np.testing.assert_allclose(values, apart.metrics[name], rtol=1e-10, err_msg=name)
    assert seen == held


def test_a_loss_of_ones_own_sees_each_members_batch():
    def centred(outputs, targets):  # which depends on the batch
        return ((outputs - outputs.mean(0) - targets) ** 2).sum(1)

    splits = [digits(replicate) for replicate in paired_replicates(2)]
    together, apart = (measured(dense, splits, loss=centred, together=choice) for choice in (True, False))
    np.testing.assert_allclose(together.metrics["train_loss"], apart.metrics["train_loss"], rtol=1e-10)


def watched(patch, seen):
    """Tell of each stretch of steps who makes it, and from which step on."""
    for learner in (alone.Alone, stacked.Stacked):
        original: Any = learner.advance

        def advance(self, start, rows, original=original):
            seen(self, start)
            return original(self, start, rows)

        patch.setattr(learner, "advance", advance)


def trained_as(monkeypatch, build, **settings):
    """How many modules each training held."""
    held: list[int] = []
    watched(monkeypatch, lambda learner, _: held.append(learner.members))
    splits = [digits(replicate) for replicate in paired_replicates(3)]
    measured(build, splits, np.array([1.0]), WIDTHS[:1], **settings)
    return held


def unchanged(inputs, generator):
    return inputs


def with_random_code(width):
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = dense(width)

        def forward(self, x):
            return self.inner(x + 0.1 * torch.rand_like(x) if self.training else x)

    return Noisy()


def counting(width):
    """What its forward counts is in no buffer, and tells after a while."""

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.calls = dense(width), 0

        def forward(self, x):
            self.calls += self.training
            return self.inner(x) * (1.0 if self.calls < 5 else 0.5)

    return Counting()


def hooked(width):
    module = dense(width)
    module[1].weight.register_hook(lambda slope: 0.0 * slope)
    return module


def hooked_part(width):
    module = dense(width)
    module[3].register_full_backward_hook(lambda _, inwards, __: (0.0 * inwards[0],))
    return module


@pytest.mark.parametrize(
    ("build", "settings", "held"),
    [
        (dense, {}, [3]),
        (Residual, {}, [3]),
        (dense, {"together": False}, [1, 1, 1]),
        (convolution, {}, [1, 1, 1]),
        (normalised, {}, [1, 1, 1]),
        (with_random_code, {}, [1, 1, 1]),
        (counting, {}, [1, 1, 1]),
        (hooked, {}, [1, 1, 1]),
        (hooked_part, {}, [1, 1, 1]),
        (dense, {"augment": unchanged}, [1, 1, 1]),
        (dense, {"optimizer": torch.optim.Adam}, [1, 1, 1]),
    ],
    ids=[
        *("dense", "residual", "asked alone", "convolution", "running statistics", "random", "counting", "hooked"),
        *("hooked part", "augmented", "optimiser"),
    ],
)
def test_modules_are_trained_together_where_that_is_the_same_and_faster(build, settings, held, monkeypatch):
    assert trained_as(monkeypatch, build, **settings) == held


@pytest.mark.parametrize(
    ("build", "settings", "why"),
    [
        (normalised, {}, "BatchNorm1d keeps running statistics"),
        (lambda width: nn.Sequential(dense(width), nn.Dropout(0.1)), {}, "Dropout drops at random"),
        (with_random_code, {}, "PyTorch cannot vectorise it"),
        (lambda _: nn.Sequential(nn.Flatten(), weight_norm(nn.Linear(64, 10))), {}, "PyTorch cannot vectorise it"),
        (dense, {"augment": unchanged}, "each draws its own augmentation"),
        (dense, {"optimizer": torch.optim.Adam}, "an optimiser of your own"),
    ],
    ids=["running statistics", "dropout", "random", "slow kernel", "augmented", "optimiser"],
)
def test_what_cannot_be_trained_together_is_refused(build, settings, why):
    splits = [digits(replicate) for replicate in paired_replicates(2)]
    with (
        warnings.catch_warnings(action="ignore"),  # what is told by a warning counts where warnings are no errors
        pytest.raises(benign.BenignError, match=f"`together` must not be True for .*: {why}"),
    ):
        measured(build, splits, together=True, **settings)


def test_whether_it_is_refused_is_no_matter_of_how_many_replicates_come_together():
    with pytest.raises(benign.BenignError, match="`together` must not be True for normalised at size 3: BatchNorm1d"):
        measured(normalised, together=True)


# ------------------------------------------------------------------------------------------------------- checkpoints


class Interrupted(Exception):
    """A process that ends in the middle of a training."""


def often(patch):
    """A checkpoint is written after every second step."""
    patch.setattr(trajectory, "_MOST_STEPS", 2)
    patch.setattr(checkpoints.Checkpoint, "is_due", True)


def stop_after(patch, writes, end):
    """Let a process end after it has written so many checkpoints."""
    original, left = checkpoints.Checkpoint.write, [writes]

    def write(self, snapshot):
        original(self, snapshot)
        left[0] -= 1
        if left[0] == 0:
            end()

    patch.setattr(checkpoints.Checkpoint, "write", write)


def interrupt():
    raise Interrupted


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "dense": (dense, {}),
    "momentum": (dense, {"optimizer": "momentum", "schedule": "cosine"}),
    "alone": (dense, {"together": False}),
    "dropout": (normalised, {"augment": lambda x, generator: x + torch.randn(x.shape, generator=generator)}),
    "own optimiser": (normalised, {"optimizer": torch.optim.NAdam}),
}


def resumable(case):
    build, settings = CASES[case]
    splits = [digits(replicate) for replicate in paired_replicates(2)]
    return measured(build, splits, revision=1, **settings)


# Nine steps in stretches of at most two: an epoch's recording cuts one, and each size and module alone has its own.
@pytest.mark.parametrize(
    ("case", "writes", "first"),
    [
        ("dense", 1, 2),
        ("dense", 4, 7),
        ("dense", 9, 5),
        ("momentum", 4, 7),
        ("alone", 8, 3),
        ("dropout", 4, 7),
        ("own optimiser", 4, 7),
    ],
    ids=["first", "dense", "second size", "momentum", "alone", "dropout", "own optimiser"],
)
def test_an_interrupted_training_goes_on_bit_for_bit(case, writes, first, tmp_path):
    whole = resumable(case)
    with pytest.MonkeyPatch.context() as patch:
        often(patch)
        stop_after(patch, writes, interrupt)
        with pytest.raises(Interrupted):
            resumable(case)
    folder = tmp_path / checkpoints.FOLDER
    assert list(folder.glob("*.json"))
    steps: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        watched(patch, lambda _, start: steps.append(start))
        assert equal(resumable(case), whole)
    assert steps[0] == first  # what was done is not done again
    assert list(folder.iterdir()) == []


def test_a_killed_process_leaves_a_checkpoint_that_goes_on_bit_for_bit(tmp_path):
    script = """
import os, signal
import pytest
from tests.networks import test_torch_training as ours

with pytest.MonkeyPatch.context() as patch:
    ours.often(patch)
    ours.stop_after(patch, 4, lambda: os.kill(os.getpid(), signal.SIGKILL))
    ours.resumable("dropout")
"""
    root = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}",
        CHECKPOINTS_VARIABLE: str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = sorted((tmp_path / checkpoints.FOLDER).glob("*.json"))
    assert left
    interrupted = resumable("dropout")
    assert not list((tmp_path / checkpoints.FOLDER).iterdir())
    assert equal(interrupted, resumable("dropout"))


def test_a_training_that_counts_in_no_buffer_is_not_kept_halfway():
    whole = measured(counting, revision=1)
    with pytest.MonkeyPatch.context() as patch:
        often(patch)
        watched(patch, lambda _, start: interrupt() if start == 7 else None)
        with pytest.raises(Interrupted):
            measured(counting, revision=1)
    assert equal(measured(counting, revision=1), whole)


def test_a_checkpoint_of_another_state_is_refused_with_a_warning(tmp_path):
    whole = resumable("dense")
    with pytest.MonkeyPatch.context() as patch:
        often(patch)
        stop_after(patch, 1, interrupt)
        write = checkpoints.Checkpoint.write
        patch.setattr(
            checkpoints.Checkpoint, "write", lambda self, shot: write(self, replace(shot, state=shot.state[1:]))
        )
        with pytest.raises(Interrupted):
            resumable("dense")
    with pytest.warns(UserWarning, match=r"Training starts anew\."):
        assert equal(resumable("dense"), whole)


def test_an_optimiser_that_cannot_be_written_down_is_trained_without_a_checkpoint(tmp_path):
    class Remembering(torch.optim.SGD):
        def step(self, closure=None):
            self.state[self.param_groups[0]["params"][0]]["seen"] = object()
            return super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        often(patch)
        block = measured(dense, optimizer=lambda parameters: Remembering(parameters, lr=0.01), revision=1)
    assert equal(block, measured(dense, optimizer="sgd"))


# ------------------------------------------------------------------------------------------------------ random states


def test_the_users_random_states_are_left_alone():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state(legacy=False)  # noqa: NPY002
    measured(normalised)
    assert torch.equal(torch_state, torch.get_rng_state())
    np.testing.assert_equal(numpy_state, np.random.get_state(legacy=False))  # noqa: NPY002


def recurrent(width):
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.rows, self.last = nn.RNN(8, width, batch_first=True), nn.Linear(width, 10)

        def forward(self, x):
            return self.last(self.rows(x[:, 0], torch.zeros(1, len(x), width))[0][:, -1])

    return Recurrent()


@pytest.mark.parametrize("setting", [torch.no_grad, torch.inference_mode], ids=["no_grad", "inference_mode"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_what_the_user_has_set_changes_no_number_and_stays(setting, precision):
    expected = measured(recurrent, precision=precision)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16)
    try:
        with setting():
            found = measured(recurrent, precision=precision)
            kept = torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    finally:
        torch.set_default_dtype(default)
    assert equal(found, expected)
    assert kept == (torch.float16, False, setting is torch.inference_mode)


def test_recordings_leave_no_trace():
    often_recorded = measured(normalised, times=np.array([0.0, 1 / 3, 1.0, 2.0, 3.0]))
    seldom = measured(normalised)
    for name, values in seldom.metrics.items():
        assert np.array_equal(often_recorded.metrics[name][:, :, [0, 2, 4]], values), name


def test_dropout_and_initial_weights_follow_from_the_initialisation():
    splits = [digits(Replicate(initialisation=i)) for i in (0, 1)]
    one, other = (measured(normalised, [split]) for split in splits)
    assert equal(one, measured(normalised, [splits[0]]))
    assert not np.isclose(one.metrics["test_loss"], other.metrics["test_loss"]).any()
    noises = [digits(Replicate(noise=noise)) for noise in (0, 1)]
    starts = [measured(normalised, [split], np.array([0.0])).metrics["norm"] for split in noises]
    assert np.array_equal(*starts)
