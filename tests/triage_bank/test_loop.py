"""The loop that trains the bank's networks: stacked members, optimisers, averaged weights, schedules, events."""

# ruff: noqa: E402 (skipped before it imports torch)

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.networks.extra import needs_torch

needs_torch()

import torch
from torch import Tensor
from triage.loop import Data, Progress, Recipe, changed, lose_optimizer, restore_best, train
from triage.measures import Samples, given_back, losses, margins, mistakes
from triage.optimizers import AveragedWeights, Method, Optimizer
from triage.schedules import constant, cosine, inverse_square_root, restarts, steps, triangular, warmed_up
from triage.stacked import Mlp, StackedBatchNorm

CLASSES = 3


@pytest.fixture(autouse=True)
def single_precision():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    yield
    torch.set_default_dtype(before)


def samples(count: int, seed: int, members: int = 2, wrong: float = 0.0) -> Samples:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(members, count, 4, generator=generator)
    targets = inputs[..., :CLASSES].argmax(-1)
    other = (targets + 1) % CLASSES
    return Samples(
        inputs=inputs, targets=torch.where(torch.rand(members, count, generator=generator) < wrong, other, targets)
    )


def data(count: int = 40, wrong: float = 0.3) -> Data:
    noisy, clean = samples(count, 1, wrong=wrong), samples(count, 1)
    return Data(
        train=noisy, flipped=noisy.targets != clean.targets, validation=samples(30, 2), population=samples(50, 3)
    )


def of_member(whole: Data, member: int) -> Data:
    def part(both: Samples) -> Samples:
        return Samples(inputs=both.inputs[[member]], targets=both.targets[[member]])

    assert whole.flipped is not None
    return Data(
        train=part(whole.train),
        validation=part(whole.validation),
        population=part(whole.population),
        flipped=whole.flipped[[member]],
    )


@pytest.mark.parametrize("method", ["adam", "sgd", "momentum"])
@pytest.mark.parametrize("normalised", [None, 0.9], ids=["plain", "batch norm"])
def test_a_member_trains_as_it_does_alone(method: Method, normalised: float | None):
    rates, decays = (0.01, 0.03), (0.0, 0.1)
    together = Recipe(
        epochs=4, learning_rate=rates, weight_decay=decays, method=method, batch_size=16, schedule=cosine, seed=5
    )
    times, curves = train(Mlp((7, 8), (4, 9, CLASSES), normalised=normalised), data(), together)
    assert times.tolist() == [1, 2, 3, 4]
    for member in range(2):
        recipe = replace(together, learning_rate=rates[member], weight_decay=decays[member])
        network = Mlp((7 + member,), (4, 9, CLASSES), normalised=normalised)
        _, (alone,) = train(network, of_member(data(), member), recipe)
        assert alone.keys() == curves[member].keys()
        for name, values in alone.items():
            np.testing.assert_allclose(curves[member][name], values, rtol=2e-4, atol=1e-5, err_msg=name)
    assert not np.allclose(curves[0]["val_loss"], curves[1]["val_loss"])


@pytest.mark.parametrize("method", ["adam", "sgd", "momentum"])
def test_the_optimisers_are_those_of_torch(method: Method):
    torch.manual_seed(0)
    start = [torch.randn(2, 3, 4), torch.randn(2, 1, 4)]
    rates, decays = torch.tensor([0.1, 0.02]), torch.tensor([0.3, 0.05])
    ours = [parameter.clone() for parameter in start]
    optimizer = Optimizer(method, ours, weight_decay=decays)
    theirs = [[parameter[[member]].clone() for parameter in start] for member in range(2)]
    references = [_of_torch(method, theirs[member], float(rates[member]), float(decays[member])) for member in range(2)]
    for _ in range(6):
        gradients = [torch.randn_like(parameter) for parameter in start]
        for parameter, gradient in zip(ours, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step(rates)
        for member, reference in enumerate(references):
            for parameter, gradient in zip(theirs[member], gradients, strict=True):
                parameter.grad = gradient[[member]].clone()
                if method != "adam":  # decoupled, where torch's SGD adds the decay to the gradient
                    parameter.mul_(1 - rates[member] * decays[member])
            reference.step()
    for member in range(2):
        for parameter, expected in zip(ours, theirs[member], strict=True):
            torch.testing.assert_close(parameter[[member]], expected)


def _of_torch(method: Method, parameters: list[Tensor], rate: float, decay: float) -> torch.optim.Optimizer:
    if method == "adam":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    return torch.optim.SGD(parameters, lr=rate, momentum=0.9 if method == "momentum" else 0.0)


def test_averaged_weights_are_the_exponential_mean_of_every_step():
    layer = StackedBatchNorm(2, 3, 0.9)
    averaged = AveragedWeights(layer, decay=0.8)
    history: list[list[Tensor]] = []
    for step in range(7):
        with torch.no_grad():
            for held in averaged.live:
                held.copy_(torch.full_like(held, float(step**2)) + torch.randn_like(held))
        history.append([held.detach().clone() for held in averaged.live])
        averaged.step()
    shares = 0.2 * 0.8 ** np.arange(6, -1, -1) / (1 - 0.8**7)
    assert len(averaged.averages) == 4  # gain, shift, and both running statistics
    for index, average in enumerate(averaged.averages):
        expected = sum(share * weights[index] for share, weights in zip(shares, history, strict=True))
        torch.testing.assert_close(average, expected, rtol=1e-5, atol=1e-5)
    averaged.swap()
    averaged.swap()
    torch.testing.assert_close(averaged.live[0], history[-1][0])


@pytest.mark.parametrize(
    ("schedule", "places"),
    [
        (constant, {0: 1, 0.7: 1}),
        (cosine, {0: 1, 0.5: 0.5, 1: 0}),
        (steps((0.5, 0.75), 0.1), {0.4: 1, 0.5: 0.1, 0.9: 0.01}),
        (inverse_square_root(0.04), {0: 1, 0.04: 1, 0.16: 0.5, 1: 0.2}),
        (triangular(2, 0.0), {0: 0, 0.25: 1, 0.5: 0, 0.75: 1}),
        (restarts(3, 2.0), {0: 1, 1 / 14: 0.5, 1 / 7: 1, 2 / 7: 0.5, 3 / 7: 1, 1: 0}),
        (warmed_up(constant, 0.2), {0: 0, 0.1: 0.5, 0.2: 1, 0.9: 1}),
    ],
    ids=["constant", "cosine", "steps", "inverse square root", "triangular", "restarts", "warmed up"],
)
def test_schedules_are_their_formulas(schedule, places):
    for share, factor in places.items():
        assert schedule(share) == pytest.approx(factor, abs=1e-6), share


def test_what_is_measured_of_outputs():
    outputs = torch.tensor([[[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]]])
    targets = torch.tensor([[2, 1]])
    expected = torch.nn.functional.cross_entropy(outputs[0], targets[0], reduction="none")
    torch.testing.assert_close(losses(outputs, targets, "cross-entropy")[0], expected)
    smooth = torch.nn.functional.cross_entropy(outputs[0], targets[0], reduction="none", label_smoothing=0.1)
    torch.testing.assert_close(losses(outputs, targets, "cross-entropy", 0.1)[0], smooth)
    assert losses(outputs, targets, "squared")[0].tolist() == [4.0, 4.0]
    assert mistakes(outputs, targets)[0].tolist() == [1.0, 0.0]
    assert margins(outputs, targets)[0].tolist() == [-1.0, 3.0]


def test_the_best_temperature_gives_back_what_a_search_finds():
    generator = torch.Generator().manual_seed(0)
    outputs = 8 * torch.randn(1, 300, 5, generator=generator)
    targets = (outputs + 8 * torch.randn(outputs.shape, generator=generator)).argmax(-1)
    at = [losses(outputs / heat, targets, "cross-entropy").mean() for heat in np.geomspace(0.5, 64, 300)]
    as_it_is = losses(outputs, targets, "cross-entropy").mean()
    assert float(given_back(outputs, targets)) == pytest.approx(float(as_it_is - min(at)), abs=5e-3)
    assert float(as_it_is - min(at)) > 1


def test_events_change_the_training():
    seen: list[int] = []

    def note(progress: Progress) -> None:
        seen.append(progress.optimizer.steps)
        lose_optimizer(progress)
        seen.append(progress.optimizer.steps)

    other = data(wrong=0.0)
    recipe = Recipe(
        epochs=6,
        learning_rate=(0.5, 3.0),
        method="sgd",
        batch_size=20,
        keeps_best=True,
        events={3: note, 5: changed(other), 7: restore_best},
    )
    times, curves = train(Mlp((0, 1), (4, 16, CLASSES)), data(), recipe)
    assert seen == [4, 0]
    assert times.tolist() == [1, 2, 3, 4, 5, 6, 7]
    for curve in curves:
        assert curve["val_loss"][-1] == curve["val_loss"].min()
        assert np.nanmax(curve["flipped_train_error"][:4]) > 0
        assert np.isnan(curve["flipped_train_error"][4:]).all()


def test_a_training_that_diverges_goes_on():
    recipe = Recipe(epochs=30, learning_rate=(1e5, 1e-3), method="sgd", loss="squared", batch_size=10)
    _, (diverged, sound) = train(Mlp((0, 1), (4, 8, CLASSES)), data(), recipe)
    assert not np.isfinite(diverged["val_loss"][-1])
    assert np.isfinite(sound["val_loss"]).all()
