"""PyTorch modules as a procedure: what tells them apart, what they give, and a sentence for all that is wrong."""

from __future__ import annotations

import json
import math
import pickle
from functools import partial
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest

from tests.networks.extra import HAS_TORCH, needs_torch

if not HAS_TORCH:
    needs_torch()

import torch
from torch import nn

import benign
from benign.foundation.errors import InvalidArgument, MissingExtra
from benign.foundation.outcomes import Outcome
from benign.foundation.replicate import Replicate, paired_replicates
from benign.procedures.network_training import CHECKPOINTS_VARIABLE
from benign.procedures.objectives import best_constant, losses

SIZES = np.array([3])
SETTINGS: dict[str, Any] = {"batch_size": 16, "epochs": 2, "learning_rate": 0.01, "precision": "float64"}
DIGITS = benign.sources.digits(label_noise=0.2, test_samples=30)
FEW = frozenset({"train_loss", "test_error", "test_loss_noisy"})


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path))


def digits(replicate=None, samples=40):
    return DIGITS.draw(samples, replicate or Replicate())


def curve():
    return benign.sources.mml(test_samples=30).draw(40, Replicate())


def dense(width):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def on_curve(width):
    return nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1))


def measured(build, split=None, times=None, metrics=FEW, sizes=SIZES, **settings):
    chosen = SETTINGS | settings
    if callable(chosen.get("optimizer")):
        del chosen["learning_rate"]
    splits = split if isinstance(split, list) else [digits() if split is None else split]
    return benign.from_torch(build, **chosen).measure(splits, sizes, times, metrics)


# ------------------------------------------------------------------------------------------------ what it is, and gives


def test_its_key_tells_what_decides_the_numbers():
    one = benign.from_torch(dense, **SETTINGS)
    assert one.spec() == benign.from_torch(dense, **SETTINGS, device="cpu", together=False, size_name="units").spec()
    others = [
        benign.from_torch(on_curve, **SETTINGS, name="dense"),
        benign.from_torch(dense, **SETTINGS, optimizer="adamw"),
        benign.from_torch(dense, **(SETTINGS | {"precision": "mixed"})),
        benign.from_torch(dense, **SETTINGS, augment=lambda inputs, _: inputs + 1),
        benign.from_torch(dense, **SETTINGS, augment=lambda inputs, _: inputs),
        benign.from_torch(dense, **SETTINGS, loss=nn.HuberLoss(reduction="none")),
        benign.from_torch(dense, **SETTINGS, loss=nn.HuberLoss(reduction="none", delta=2.0)),
        benign.from_torch(dense, **SETTINGS, schedule=lambda share: 1 - share),
        benign.from_torch(dense, batch_size=16, epochs=2, optimizer=partial(torch.optim.SGD, lr=0.1)),
        benign.from_torch(dense, batch_size=16, epochs=2, optimizer=partial(torch.optim.SGD, lr=0.2)),
    ]
    assert len({json.dumps(each.spec(), sort_keys=True) for each in [one, *others]}) == len(others) + 1
    same = [benign.from_torch(dense, **SETTINGS, loss=nn.HuberLoss(reduction="none")) for _ in range(2)]
    assert same[0].spec() == same[1].spec()
    revised = benign.from_torch(on_curve, **SETTINGS, name="dense", revision=3)
    assert revised.spec()["build"] == benign.from_torch(dense, **SETTINGS, revision=3).spec()["build"]


def test_the_number_of_parameters_is_that_of_the_trained_ones():
    def half_frozen(width):
        module = dense(width)
        module[1].weight.requires_grad_(False)
        return module

    assert benign.from_torch(dense).parameters(5, digits()) == 65 * 5 + 6 * 10
    assert benign.from_torch(half_frozen).parameters(5, digits()) == 5 + 6 * 10
    lazy = benign.from_torch(lambda width: nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.LazyLinear(10)))
    assert lazy.parameters(5, digits()) == 65 * 5 + 6 * 10


def test_lazy_layers_are_initialised_under_the_seed():
    def lazy(width):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.ReLU(), nn.LazyLinear(10))

    one, other = (measured(lazy).metrics["train_loss"] for _ in range(2))
    assert np.array_equal(one, other)


def test_samples_come_in_their_shape_and_precision():
    seen = []

    class Watching(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.inner = dense(width)

        def forward(self, x):
            seen.append((tuple(x.shape[1:]), x.dtype, self.training))
            return self.inner(x)

    measured(Watching, precision="float32", together=False)
    assert {shape for shape, _, _ in seen} == {(1, 8, 8)}
    assert {kind for _, kind, _ in seen} == {torch.float32}
    assert {is_training for _, _, is_training in seen} == {True, False}


def test_a_trained_module_predicts_what_is_predicted():
    procedure, split, times = benign.from_torch(dense, **SETTINGS), digits(), np.array([1.0, 2.0])
    told = list(procedure.predict(split, split.test_inputs, SIZES, times))
    for one, time in zip(told, (1.0, None), strict=True):
        module = procedure.trained(split, 3, time=time)
        assert not module.training
        with torch.no_grad():
            outputs = module(torch.tensor(split.shaped.test_inputs))
        np.testing.assert_allclose(outputs.numpy(), one.values, rtol=1e-12)
    assert [one.time for one in told] == [1.0, 2.0]
    again = procedure.predict(split.shaped, split.test_inputs, SIZES, times)
    assert all(np.array_equal(one.values, other.values) for one, other in zip(told, again, strict=True))


def test_one_output_may_be_a_vector():
    flat = measured(lambda width: nn.Sequential(on_curve(width), nn.Flatten(0)), curve(), loss="squared")
    column = measured(on_curve, curve(), loss="squared")
    assert np.array_equal(flat.metrics["train_loss"], column.metrics["train_loss"])


def test_a_batch_holds_at_most_all_samples():
    small, full = (measured(dense, digits(samples=10), batch_size=batch) for batch in (16, None))
    assert np.array_equal(small.metrics["train_loss"], full.metrics["train_loss"])


def test_a_loss_of_ones_own_is_minimised_and_measured():
    def squared(outputs, targets):
        return ((outputs - targets) ** 2).sum(dim=1)

    own, ours = measured(dense, loss=squared), measured(dense, loss="squared")
    for name in FEW:
        np.testing.assert_allclose(own.metrics[name], ours.metrics[name], rtol=1e-10)
    procedure = benign.from_torch(dense, loss=squared, precision="float64")
    assert procedure.objective == "own squared"
    targets = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_allclose(best_constant(procedure.objective, targets), targets.mean(axis=0), atol=1e-6)


def test_a_weighted_loss_is_computed_in_the_precision_of_training():
    loss = nn.CrossEntropyLoss(weight=torch.linspace(1, 2, 10), reduction="none")
    assert np.isfinite(measured(dense, loss=loss).metrics["train_loss"]).all()
    objective = benign.from_torch(dense, loss=loss).objective
    outputs, targets = np.random.default_rng(0).normal(size=(5, 10)), np.eye(10)[:5]
    expected = (
        -np.linspace(1, 2, 10)[:5] * (outputs - np.log(np.exp(outputs).sum(1, keepdims=True)))[range(5), range(5)]
    )
    np.testing.assert_allclose(losses(objective, outputs, targets), expected, rtol=1e-5)


def test_augmentation_is_of_training_alone_and_addressed():
    def noisy(inputs, generator):
        return inputs + torch.randn(inputs.shape, generator=generator, dtype=inputs.dtype)

    times = np.array([0.0, 2.0])
    plain, one, other = (
        measured(dense, times=times, augment=augment).metrics["train_loss"][0, 0] for augment in (None, noisy, noisy)
    )
    assert plain[0] == one[0]
    assert plain[1] != one[1] == other[1]


def test_a_surface_is_that_of_a_procedure_that_has_travelled():
    procedure = benign.from_torch(dense, **SETTINGS, loss=nn.L1Loss(reduction="none"), revision=1)
    assert pickle.loads(cloudpickle.dumps(procedure)).objective == "own L1Loss"
    procedure = benign.from_torch(dense, **SETTINGS)
    back = pickle.loads(cloudpickle.dumps(procedure))
    assert back.spec() == procedure.spec()
    one, other = (
        benign.measure(each, DIGITS, sizes=[3, 5], samples=[40], replicates=2, executor="here", store=":memory:")
        for each in (procedure, back)
    )
    assert one.dataset.equals(other.dataset)
    assert one.dataset["parameters"].values.ravel().tolist() == [235, 385]


# ---------------------------------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("together", [True, False])
def test_who_diverges_has_no_numbers_from_then_on_and_the_others_keep_theirs(together):
    class Exploding(nn.Module):
        """Where its first weight is negative, its outputs are infinite once it has been trained."""

        def __init__(self, width):
            super().__init__()
            self.inner = dense(width)
            self.start = nn.Parameter(self.inner[1].weight.detach().clone(), requires_grad=False)

        def forward(self, x):
            moved = (self.inner[1].weight - self.start).abs().max() > 0.015
            fails = moved & (self.start[0, 0] < 0)
            return self.inner(x) * torch.where(fails, torch.inf, 1.0)

    splits = [digits(replicate) for replicate in paired_replicates(4)]
    times = np.array([0.0, 1.0, 2.0])
    with pytest.warns(UserWarning, match=r"Exploding diverged in epoch 1 at size 3 on 40 samples \(draw") as told:
        block = measured(Exploding, splits, times=times, together=together)
    lost = block.outcome[:, 0] == Outcome.DIVERGED
    assert 0 < lost[:, 1].sum() < 4
    assert not lost[:, 0].any()
    assert np.array_equal(lost[:, 1], lost[:, 2])
    assert len(told) == lost[:, 1].sum()
    for values in block.metrics.values():
        assert np.array_equal(np.isnan(values[:, 0]), lost)


def test_a_diverged_module_does_not_predict():
    procedure = benign.from_torch(dense, **(SETTINGS | {"learning_rate": 1e200, "loss": "squared", "optimizer": "sgd"}))
    with pytest.raises(InvalidArgument, match="dense diverged in epoch 1 at size 3 on 40 samples; lower its learning"):
        list(procedure.predict(digits(), digits().test_inputs, SIZES, None))
    with pytest.raises(InvalidArgument, match="dense diverged in epoch 1 at size 3"):
        procedure.trained(digits(), 3, time=1.0)


# ------------------------------------------------------------------------------------------------------------ bad input

SHARED = dense(3)
MADE: list[nn.Module] = []


def counted(width):
    torch.manual_seed(len(MADE))
    MADE.append(dense(width))
    return MADE[-1]


def sharing(width):
    return nn.Sequential(nn.Flatten(), SHARED[1], nn.Linear(width, 10))


def raising(width):
    raise OSError("no file")


def frozen(width):
    return dense(width).requires_grad_(False)


def softened(width):
    return nn.Sequential(dense(width), nn.Softmax(dim=1))


def doubled_in_training(width):
    class Doubled(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = dense(width)

        def forward(self, x):
            return self.inner(x).repeat(1, 2 if self.training else 1)

    return Doubled()


def rotated(width):
    return nn.Sequential(dense(width), nn.Linear(10, 10, dtype=torch.complex64))


@pytest.mark.parametrize(
    ("build", "settings", "sentence"),
    [
        (raising, {}, r"raising cannot be built at size 3 \(OSError: no file\); correct it, or leave this size out\."),
        (lambda width: width, {}, r"`build` must return a torch.nn.Module, got int at size 3\."),
        (lambda _: SHARED, {}, r"module returns the same module twice; build a new one in each call"),
        (sharing, {}, r"sharing gives two modules the same tensor \d\.weight; make it anew in each call\."),
        (counted, {}, r"counted ignores its seed: two modules built under the same one differ at size 3"),
        (frozen, {}, r"frozen has no trained parameters at size 3; there is nothing to train\."),
        (
            lambda _: nn.Linear(64, 10),
            {},
            r"module cannot be called on inputs of the shape \(2, 1, 8, 8\) at size 3 .*; begin with nn.Flatten\(\)\.",
        ),
        (
            lambda _: nn.Linear(8, 10),
            {},
            r"gives outputs of the shape \(2, 1, 8, 10\) .*; it must be \(2, 10\), one a class; begin with nn.Flatten",
        ),
        (
            lambda _: nn.Sequential(nn.Flatten(), nn.Linear(64, 7)),
            {},
            r"gives outputs of the shape \(2, 7\) .*; it must be \(2, 10\), one a class\.",
        ),
        (softened, {}, r"softened gives probabilities, and a cross-entropy needs logits: leave the softmax at its end"),
        (
            lambda _: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10)),
            {"batch_size": 13},
            r"cannot be trained \(ValueError: Expected more than 1.*\); the last batch of an epoch holds a single",
        ),
        (
            dense,
            {"loss": nn.MSELoss()},
            r"`loss` must give .* one loss a sample, \(16,\), got the shape \(\)",
        ),
        (
            dense,
            {"loss": lambda outputs, targets: nn.functional.nll_loss(outputs, targets, reduction="none")},
            r"`loss` raised .*; its outputs and targets, one-hot rows for classes, have the shape \(16, 10\)\.",
        ),
        (doubled_in_training, {}, r"cannot be trained \(RuntimeError: shape '\[16, 10\]' is invalid"),
        (rotated, {}, r"rotated has complex numbers in 1\.weight, which would become real; hold their real and"),
        (lambda width: dense(width).to("meta"), {}, r"module cannot be built at size 3 \(NotImplementedError: .*meta"),
        (dense, {"loss": lambda *_: 1 / 0}, r"`loss` raised ZeroDivisionError: division by zero"),
        (
            dense,
            {"optimizer": lambda _: None},
            r"`optimizer` must return a torch.optim.Optimizer, got None",
        ),
        (
            dense,
            {"optimizer": lambda _: torch.optim.SGD(dense(3).parameters(), lr=1.0)},
            r"`optimizer` must be made of the parameters that it is given\.",
        ),
        (
            dense,
            {"optimizer": torch.optim.LBFGS},
            r"dense at size 3 .* cannot be trained \(.*closure.*\); correct",
        ),
        (dense, {"augment": lambda x, _: x[:3]}, r"`augment` must return a tensor with 16 samples, .*got \(3,"),
        (
            dense,
            {"schedule": lambda _: "fast"},
            r"`schedule` must be a function that gives finite numbers",
        ),
    ],
)
def test_what_cannot_be_trained_gets_a_sentence(build, settings, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        measured(build, **settings)


@pytest.mark.parametrize(
    ("build", "settings", "sentence"),
    [
        (3, {}, r"`build` must be a function build\(size\), got int"),
        (
            dense(3),
            {},
            r"`build` must be a function build\(size\) that returns a new module, got the",
        ),
        (lambda: None, {}, r"`build` must take one argument, \(size\)"),
        (dense, {"loss": "hinge"}, r"unknown loss 'hinge'"),
        (dense, {"loss": lambda outputs: outputs}, r"`loss` must take two arguments"),
        (dense, {"optimizer": "lion"}, r"unknown optimizer 'lion'.*adamw"),
        (dense, {"optimizer": torch.optim.SGD, "weight_decay": 0.1}, r"`weight_decay` is that of your own `optimizer`"),
        (dense, {"schedule": "warm"}, r"unknown schedule 'warm'"),
        (dense, {"augment": lambda inputs: inputs}, r"`augment` must take two arguments, \(inputs, generator\)"),
        (dense, {"precision": "half"}, r"unknown precision 'half'"),
        (dense, {"device": "tpu"}, r"unknown device 'tpu'"),
        (dense, {"together": "always"}, r"`together` must be \"auto\", True or False, got 'always'"),
        (dense, {"epochs": 0}, r"`epochs` must be a positive integer, got 0"),
        (dense, {"epochs": None}, r"`epochs` must be a positive integer, got None"),
        (dense, {"average": 1.0}, r"`average` must lie from 0"),
        (dense, {"max_size": 0}, r"`max_size` must be a positive integer"),
        (dense, {"size_name": " "}, r"`size_name` must be a text"),
        (dense, {"revision": 0}, r"`revision` must be a positive integer"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_settings_that_cannot_be_used_are_refused_at_once(build, settings, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        benign.from_torch(build, **settings)


@pytest.mark.parametrize(
    ("settings", "times", "sentence"),
    [
        ({}, [3.0], r"`times` must lie from 0 to the end of training, 2 epochs, got 3"),
        ({}, [0.5], r"`times` must fall on whole steps, of which an epoch has 3, got 0.5"),
        ({"loss": "cross-entropy"}, [1.0], r"`loss` is \"cross-entropy\", which needs classes"),
    ],
    ids=["past the end", "between steps", "no classes"],
)
def test_a_measurement_that_is_none_is_refused(settings, times, sentence):
    split = curve() if "loss" in settings else digits()
    with pytest.raises(InvalidArgument, match=sentence):
        measured(dense, split, np.array(times), **settings)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_so():
    with pytest.raises(InvalidArgument, match="`device` asks for a GPU, but PyTorch sees none here"):
        measured(dense, device="cuda")


def test_an_old_pytorch_is_said_so(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.4.1+cpu")
    with pytest.raises(MissingExtra, match=r"`from_torch` needs PyTorch 2\.5 or later, not 2\.4\.1\+cpu; install it"):
        benign.from_torch(dense)


def test_metrics_of_others_are_refused():
    with pytest.raises(InvalidArgument, match=r"`metrics` asks for path_norm, which benign.procedures.Solutions"):
        measured(dense, metrics=frozenset({"path_norm"}))
    assert math.isinf(benign.from_torch(dense).max_size)
