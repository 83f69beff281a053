"""Distributions with as many samples as asked for: signals of MNIST-1D, mixtures, labels and values of teachers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from benign.sources.mnist1d import chances, signals

Random = np.random.Generator
Inputs = Float[np.ndarray, "samples features"]
Targets = Int[np.ndarray, " samples"] | Float[np.ndarray, "samples 1"]

_STANDARD = 5_000  # samples whose mean and deviation the signals are scaled by


@dataclass(frozen=True, kw_only=True)
class Task:
    """A distribution of inputs and targets.

    Attributes:
        name: in the settings of a training.
        features: numbers of an input.
        classes: 0 for regression.
        draw: that many samples, independent of all others.
    """

    name: str
    features: int
    classes: int
    draw: Callable[[int, Random], tuple[Inputs, Targets]]

    @property
    def outputs(self) -> int:
        return self.classes or 1


def signal_task(blur: float = 0.0) -> Task:
    """MNIST-1D, with further independent noise of this deviation (inputs have deviation 1)."""

    def draw(count: int, random: Random) -> tuple[Inputs, Targets]:
        centre, divisor = _standard()
        labels = random.integers(10, size=count)
        inputs = (signals(labels, chances(count, random)) - centre) / divisor
        if blur:
            inputs = inputs + blur * random.standard_normal(inputs.shape)
        return inputs.astype(np.float32), labels

    return Task(name="mnist1d", features=40, classes=10, draw=draw)


def mixture_task(random: Random, *, classes: int, features: int, clusters: int, separation: float) -> Task:
    """Classes of several unit Gaussians each, whose centres are about ``separation`` apart."""
    centres = random.standard_normal((classes, clusters, features)) * separation / np.sqrt(2 * features)

    def draw(count: int, random: Random) -> tuple[Inputs, Targets]:
        labels = random.integers(classes, size=count)
        inputs = centres[labels, random.integers(clusters, size=count)] + random.standard_normal((count, features))
        return inputs.astype(np.float32), labels

    return Task(name="mixture", features=features, classes=classes, draw=draw)


def teacher_task(random: Random, *, classes: int, features: int, hidden: int) -> Task:
    """Gaussian inputs, whose class is the largest output of a random network of one hidden layer."""
    teacher = _teacher(random, features, hidden, classes)

    def draw(count: int, random: Random) -> tuple[Inputs, Targets]:
        inputs = random.standard_normal((count, features))
        return inputs.astype(np.float32), teacher(inputs).argmax(1)

    return Task(name="teacher", features=features, classes=classes, draw=draw)


def regression_task(random: Random, *, features: int, hidden: int, noise: float) -> Task:
    """Gaussian inputs, whose target is a random network's output of variance 1 plus noise of this variance."""
    teacher = _teacher(random, features, hidden, 1)
    typical = teacher(random.standard_normal((2_000, features)))
    centre, divisor = typical.mean(), typical.std()

    def draw(count: int, random: Random) -> tuple[Inputs, Targets]:
        inputs = random.standard_normal((count, features))
        values = (teacher(inputs) - centre) / divisor + np.sqrt(noise) * random.standard_normal((count, 1))
        return inputs.astype(np.float32), values.astype(np.float32)

    return Task(name="regression", features=features, classes=0, draw=draw)


def scaled_task(task: Task, factor: float, blur: float) -> Task:
    """The same under other conditions: inputs times a factor, plus noise of this deviation."""

    def draw(count: int, random: Random) -> tuple[Inputs, Targets]:
        inputs, targets = task.draw(count, random)
        moved = factor * inputs + blur * random.standard_normal(inputs.shape)
        return moved.astype(np.float32), targets

    return Task(name=f"{task.name}, shifted", features=task.features, classes=task.classes, draw=draw)


def flipped(
    labels: Int[np.ndarray, " samples"], classes: int, share: float, random: Random
) -> Int[np.ndarray, " samples"]:
    """Each label with this probability another one, all others equally often."""
    moved = (labels + random.integers(1, classes, size=labels.size)) % classes
    return np.where(random.random(labels.size) < share, moved, labels)


def _teacher(random: Random, features: int, hidden: int, outputs: int) -> Callable[[Inputs], Inputs]:
    first = random.standard_normal((features, hidden)) * np.sqrt(2 / features)
    bias = random.standard_normal(hidden)
    second = random.standard_normal((hidden, outputs))
    second -= second.mean(0)
    return lambda inputs: np.maximum(inputs @ first + bias, 0.0) @ second


@cache
def _standard() -> tuple[float, float]:
    random = np.random.default_rng(1)
    inputs = signals(random.integers(10, size=_STANDARD), chances(_STANDARD, random))
    return float(inputs.mean()), float(inputs.std())
