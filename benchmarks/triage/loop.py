"""Trains many small networks of one shape together and records the curves of the bank.

A network takes ``[members, batch, ...]`` (or ``[1, batch, ...]`` where all members see the same inputs) and returns
``[members, batch, outputs]`` (or ``[members, batch, places, outputs]``). Of more than one member every parameter and
buffer has the leading axis of members (:mod:`triage.stacked`); with one it is any ``torch.nn.Module``.
Members differ in their weights, data, learning rates and weight decays; they share the order of batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from triage.measures import Loss, PerMember, Samples, given_back, losses, margins, mistakes, worst_share
from triage.optimizers import AveragedWeights, Method, Optimizer
from triage.schedules import Schedule, constant

torch.set_num_threads(1)

Curves = dict[str, Float[np.ndarray, " points"]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """What is trained and measured on.

    Attributes:
        train: training samples, whose classes may be flipped.
        flipped: which of them, [members or 1, samples]; ``None`` if none, or if it is not asked.
        validation: what the log is measured on.
        population: what the truth is measured on: further samples, none of them in the other sets.
    """

    train: Samples
    validation: Samples
    population: Samples
    flipped: Bool[Tensor, "members samples"] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """How it is trained.

    Attributes:
        epochs: passes over the training set.
        learning_rate, weight_decay: for all members or one each; the decay is decoupled.
        batch_size: the last batch of an epoch may be smaller.
        loss: ``"cross-entropy"`` or ``"squared"``.
        method: ``"adam"``, ``"sgd"`` or ``"momentum"``.
        momentum: of momentum, and Adam's first coefficient.
        schedule: factor on the learning rate by the share of the steps done (:mod:`triage.schedules`).
        smoothing: of labels, in training only: what is recorded is the plain loss.
        augment: changes the inputs of a batch, or its inputs and targets; draws from torch's generator.
        every: epochs between two evaluations.
        decay: of the averaged weights, a step.
        seed: of the order of batches, dropout and augmentation.
        events: at the start of an epoch (from 1; ``epochs + 1``: after the last one, then evaluated once more) what
            happens to the training: :func:`lose_optimizer`, :func:`restore_best`, :func:`changed`, or any other.
        keeps_best: whether the weights of the lowest validation loss are kept for :func:`restore_best`.
        chunk: samples that are evaluated at once.
    """

    epochs: int
    learning_rate: float | tuple[float, ...]
    weight_decay: float | tuple[float, ...] = 0.0
    batch_size: int = 64
    loss: Loss = "cross-entropy"
    method: Method = "adam"
    momentum: float = 0.9
    schedule: Schedule = constant
    smoothing: float = 0.0
    augment: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    every: int = 1
    decay: float = 0.98
    seed: int = 0
    events: Mapping[int, Callable[[Progress], None]] = field(default_factory=dict)
    keeps_best: bool = False
    chunk: int = 4096


class Progress:
    """A training under way; events change it."""

    def __init__(self, network: torch.nn.Module, data: Data, recipe: Recipe) -> None:
        self.network, self.data, self.recipe = network, data, recipe
        self.members = _members(network, data)
        self.rate = _each(recipe.learning_rate, self.members)
        parameters = list(network.parameters())
        decay = _each(recipe.weight_decay, self.members)
        self.optimizer = Optimizer(recipe.method, parameters, weight_decay=decay, momentum=recipe.momentum)
        self.averaged = AveragedWeights(network, recipe.decay)
        self.steps = 0
        self.factor = 0.0
        self.running: list[tuple[PerMember, PerMember, int]] = []
        self.best_loss = torch.full((self.members,), torch.inf)
        self.best = [held.detach().clone() for held in self.averaged.live] if recipe.keeps_best else []

    def epoch(self, order: torch.Generator) -> None:
        """One pass over the training set."""
        self.network.train()
        samples = self.data.train.size
        shuffled = torch.randperm(samples, generator=order)
        batches = torch.split(shuffled, self.recipe.batch_size) if self.recipe.batch_size < samples else (slice(None),)
        for batch in batches:
            self.factor = self.recipe.schedule(self.steps / (self.recipe.epochs * len(batches)))
            self._step(self.data.train.inputs[:, batch], self.data.train.targets[:, batch])
            self.steps += 1

    def _step(self, inputs: Tensor, targets: Tensor) -> None:
        if self.recipe.augment is not None:
            inputs, targets = self.recipe.augment(inputs, targets)
        outputs = self.network(inputs)
        by_sample = losses(outputs, targets, self.recipe.loss, self.recipe.smoothing)
        for parameter in self.optimizer.parameters:
            parameter.grad = None
        torch.autograd.backward(by_sample.mean(1).sum())
        with torch.no_grad():
            is_classified = not targets.is_floating_point()
            wrong = mistakes(outputs, targets).sum(1) if is_classified else torch.zeros(self.members)
            self.running.append((by_sample.sum(1), wrong, by_sample.shape[1]))
        self.optimizer.step(self.rate * self.factor)
        self.averaged.step()

    @torch.no_grad()
    def measured(self) -> dict[str, PerMember]:
        """Everything that is recorded now."""
        self.network.eval()
        recipe, data = self.recipe, self.data
        point = {"learning_rate": self.rate * self.factor, **self._weights(), **self._running()}
        point |= _of_training(self._outputs(data.train), data, recipe.loss)
        point |= _of_validation(self._outputs(data.validation), data.validation, recipe.loss)
        point |= _of_population(self._outputs(data.population), data.population, recipe.loss)
        self._keep_best(point["val_loss"])
        self.averaged.swap()
        point |= _basic("averaged_val", self._outputs(data.validation), data.validation, recipe.loss)
        point |= _basic("averaged_population", self._outputs(data.population), data.population, recipe.loss)
        point["averaged_train_loss"] = losses(self._outputs(data.train), data.train.targets, recipe.loss).mean(1)
        self.averaged.swap()
        return point

    def _outputs(self, samples: Samples) -> Tensor:
        return torch.cat(
            [self.network(chunk) for chunk in torch.split(samples.inputs, self.recipe.chunk, dim=1)], dim=1
        )

    def _weights(self) -> dict[str, PerMember]:
        """The norms of the weights, and of the last batch's gradient."""
        gradients = [parameter.grad for parameter in self.optimizer.parameters if parameter.grad is not None]
        return {
            "weight_norm": _norm(self.optimizer.parameters, self.members),
            "gradient_norm": _norm(gradients, self.members),
        }

    def _running(self) -> dict[str, PerMember]:
        """Means over the batches since the last evaluation, as most logs have them."""
        if not self.running:
            return {}
        total, wrong, counts = zip(*self.running, strict=True)
        self.running = []
        count = sum(counts)
        means = {"running_train_loss": sum(total) / count}
        if self.data.train.is_classified:
            means["running_train_error"] = sum(wrong) / count
        return means

    def _keep_best(self, loss: PerMember) -> None:
        better = loss < self.best_loss
        self.best_loss = torch.where(better, loss, self.best_loss)
        for kept, held in zip(self.best, self.averaged.live if self.best else [], strict=True):
            along_axis = better.reshape(-1, *(1,) * (held.dim() - 1)) if self.members > 1 else better.squeeze()
            kept.copy_(torch.where(along_axis, held, kept))


def train(network: torch.nn.Module, data: Data, recipe: Recipe) -> tuple[Float[np.ndarray, " points"], list[Curves]]:
    """The epochs that were evaluated and the curves of each member; what is not finite is recorded as it is.

    The network is trained in place. Cost: mostly the evaluations, so choose ``every`` and the sets with care.
    """
    progress = Progress(network, data, recipe)
    order = torch.Generator().manual_seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    times, points = [], []
    for epoch in range(1, recipe.epochs + 2):
        event = recipe.events.get(epoch)
        if event is not None:
            event(progress)
        if epoch <= recipe.epochs:
            progress.epoch(order)
        if (epoch <= recipe.epochs and epoch % recipe.every == 0) or (epoch > recipe.epochs and event is not None):
            times.append(epoch)
            points.append(progress.measured())
    return np.array(times, float), [_member(points, index) for index in range(progress.members)]


def lose_optimizer(progress: Progress) -> None:
    """Resume from weights alone: moments and averages start anew."""
    progress.optimizer.reset()
    progress.averaged.steps = 0


def restore_best(progress: Progress) -> None:
    """Go back to the weights of the lowest validation loss so far; moments start anew."""
    if not progress.best:
        raise ValueError("the recipe does not keep the best weights: set `keeps_best`")
    with torch.no_grad():
        for held, kept in zip(progress.averaged.live, progress.best, strict=True):
            held.copy_(kept)
    progress.optimizer.reset()


def changed(data: Data) -> Callable[[Progress], None]:
    """Go on with other data."""

    def event(progress: Progress) -> None:
        progress.data = data

    return event


def _basic(prefix: str, outputs: Tensor, samples: Samples, loss: Loss) -> dict[str, PerMember]:
    point = {f"{prefix}_loss": losses(outputs, samples.targets, loss).mean(1)}
    if samples.is_classified:
        point[f"{prefix}_error"] = mistakes(outputs, samples.targets).mean(1)
    return point


def _of_training(outputs: Tensor, data: Data, loss: Loss) -> dict[str, PerMember]:
    point = _basic("train", outputs, data.train, loss)
    if not data.train.is_classified:
        return point
    by_sample = margins(outputs, data.train.targets)
    point["margin_low"], point["margin_median"] = by_sample.quantile(0.05, 1), by_sample.quantile(0.5, 1)
    if data.flipped is not None:
        wrong, flipped = mistakes(outputs, data.train.targets), data.flipped.float()
        point["flipped_train_error"] = (wrong * flipped).sum(1) / flipped.sum(1)
        point["kept_train_error"] = (wrong * (1.0 - flipped)).sum(1) / (1.0 - flipped).sum(1)
    return point


def _of_validation(outputs: Tensor, samples: Samples, loss: Loss) -> dict[str, PerMember]:
    by_sample = losses(outputs, samples.targets, loss)
    point = _basic("val", outputs, samples, loss)
    point["worst_share"], point["median_loss"] = worst_share(by_sample), by_sample.median(1).values
    return point


def _of_population(outputs: Tensor, samples: Samples, loss: Loss) -> dict[str, PerMember]:
    point = _basic("population", outputs, samples, loss)
    if samples.is_classified and loss == "cross-entropy":
        point["calibrated_population_loss"] = point["population_loss"] - given_back(outputs, samples.targets)
    return point


def _member(points: list[dict[str, PerMember]], index: int) -> Curves:
    names = dict.fromkeys(name for point in points for name in point)
    missing = float("nan")
    return {
        name: np.array([float(point[name][index]) if name in point else missing for point in points]) for name in names
    }


def _members(network: torch.nn.Module, data: Data) -> int:
    """Found by asking the network, so that any module will do."""
    with torch.no_grad():
        network.eval()
        return int(network(data.train.inputs[:, :2]).shape[0])


def _each(value: float | tuple[float, ...], members: int) -> PerMember:
    numbers = torch.tensor(value, dtype=torch.float32)
    if numbers.dim() and len(numbers) != members:
        raise ValueError(f"{len(numbers)} numbers for {members} members")
    return numbers.expand(members).clone()


def _norm(tensors: list[Tensor], members: int) -> PerMember:
    squares = [held.detach().reshape(members, -1).square().sum(1) for held in tensors]
    return torch.stack(squares).sum(0).sqrt()
