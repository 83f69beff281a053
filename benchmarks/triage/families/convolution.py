"""Convolutions on images and signals: plain, augmented, under warm restarts, logged with averaged weights.

Images are the 5,000 of MNIST that a package ships, averaged to 14 x 14: training, validation and population set are
disjoint parts of them. Signals are MNIST-1D, of which there are as many as one likes. The network on images is that of
Nakkiran et al. (2020), four convolutions with k, 2k, 4k and 8k channels; that on signals has three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from triage.family import Family
from triage.loop import Data, Recipe, train
from triage.measures import Samples
from triage.optimizers import Method
from triage.schedules import Schedule, constant, cosine, inverse_square_root, restarts, steps, warmed_up
from triage.training import Half, Training

from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.sources.images import mnist
from benign.sources.mnist1d import mnist1d

Kind = Literal["images", "signals"]
Augment = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

IMAGE_WIDTHS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
SIGNAL_WIDTHS = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)

_SIDE = 14
_IMAGES = 5_000
_POPULATION = 3_000
_CHUNK = 512  # evaluated at once: activations stay in the cache
_CLASSES = 10


_SCHEDULES: Mapping[str, Schedule] = {
    "constant": constant,
    "cosine": cosine,
    "steps": steps((0.5, 0.75)),
    "inverse square root": warmed_up(inverse_square_root(0.05), 0.05),
    "2 restarts": restarts(2),
    "3 restarts": restarts(3),
    "4 restarts": restarts(4),
    "2 restarts, doubled": restarts(2, 2.0),
    "3 restarts, doubled": restarts(3, 2.0),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One training, before it is one.

    Attributes:
        kind: of the data.
        samples, validation: sizes of the training and validation sets.
        noise, validation_noise: shares of wrong labels; the population's are as wrong as the validation set's.
        width: channels of the first convolution.
        normalised: by batch norm.
        schedule: its name.
        every: epochs between two evaluations.
        augmentation: names of what is done to a batch.
        decay: of the averaged weights.
        running_mean: whether the log shows the running mean of training.
        shows_averaged: whether the log's validation curve is that of the averaged weights.
    """

    kind: Kind
    samples: int
    validation: int
    noise: float
    validation_noise: float = 0.0
    width: float
    normalised: bool = True
    method: Method = "adam"
    rate: float
    schedule: str
    weight_decay: float = 0.0
    smoothing: float = 0.0
    batch_size: int = 64
    epochs: int
    every: int = 1
    augmentation: tuple[str, ...] = ()
    decay: float = 0.98
    running_mean: bool = False
    shows_averaged: bool = False


class ImageNetwork(nn.Module):
    """Convolutions of 3 x 3 with k, 2k, 4k, 8k channels, each pooled; then a linear layer. One member."""

    def __init__(self, width: float, normalised: bool) -> None:
        super().__init__()
        channels = [1, *(round(width * 2**layer) for layer in range(4))]
        layers: list[nn.Module] = []
        for (inputs, outputs), pool in zip(pairwise(channels), (2, 2, 1, 3), strict=True):
            layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
            layers += [nn.BatchNorm2d(outputs)] if normalised else []
            layers += [nn.ReLU(inplace=True), nn.MaxPool2d(pool)] if pool > 1 else [nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1], _CLASSES))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast

    def forward(self, inputs: Float[Tensor, "1 batch side side"]) -> Float[Tensor, "1 batch classes"]:
        outputs: Tensor = self.layers(inputs.squeeze(0).unsqueeze(1).contiguous(memory_format=torch.channels_last))
        return outputs.unsqueeze(0)


class SignalNetwork(nn.Module):
    """Convolutions of 5 points with k, 2k, 4k channels, each pooled; then a linear layer. One member."""

    def __init__(self, width: float, normalised: bool) -> None:
        super().__init__()
        channels = [1, *(round(width * 2**layer) for layer in range(3))]
        layers: list[nn.Module] = []
        for (inputs, outputs), pool in zip(pairwise(channels), (2, 2, 5), strict=True):
            layers.append(nn.Conv1d(inputs, outputs, 5, padding=2))
            layers += [nn.BatchNorm1d(outputs)] if normalised else []
            layers += [nn.ReLU(inplace=True), nn.MaxPool1d(pool)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * channels[-1], _CLASSES))

    def forward(self, inputs: Float[Tensor, "1 batch points"]) -> Float[Tensor, "1 batch classes"]:
        outputs: Tensor = self.layers(inputs.squeeze(0).unsqueeze(1))
        return outputs.unsqueeze(0)


def shifted(most: int) -> Augment:
    """Every sample moved along each axis by at most so many places; what enters is 0."""

    def augment(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        for axis in range(2, inputs.dim()):
            size = inputs.shape[axis]
            moves = torch.randint(-most, most + 1, (*inputs.shape[:2], *(1,) * (inputs.dim() - 2)))
            places = torch.arange(size).reshape(size, *(1,) * (inputs.dim() - axis - 1)) + moves
            outside = (places < 0) | (places >= size)
            inputs = inputs.gather(axis, places.clamp(0, size - 1).expand_as(inputs)).masked_fill(outside, 0.0)
        return inputs, targets

    return augment


def occluded(length: int) -> Augment:
    """Every sample with a window of this length (and width) set to 0."""

    def augment(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.ones(1, dtype=torch.bool)
        for axis in range(2, inputs.dim()):
            size = inputs.shape[axis]
            starts = torch.randint(size - length + 1, (*inputs.shape[:2], *(1,) * (inputs.dim() - 2)))
            places = torch.arange(size).reshape(size, *(1,) * (inputs.dim() - axis - 1))
            hidden = hidden & (places >= starts) & (places < starts + length)
        return inputs.masked_fill(hidden, 0.0), targets

    return augment


def blurred(deviation: float) -> Augment:
    """Gaussian noise on every input."""
    return lambda inputs, targets: (inputs + deviation * torch.randn_like(inputs), targets)


_AUGMENTATIONS: Mapping[str, tuple[Augment, Augment]] = {  # of images, of signals
    "shift": (shifted(2), shifted(6)),
    "far shift": (shifted(3), shifted(12)),
    "occlusion": (occluded(6), occluded(12)),
    "input noise": (blurred(0.5), blurred(0.3)),
}


def in_turn(augmentations: tuple[Augment, ...]) -> Augment | None:
    """One after the other."""
    if not augmentations:
        return None

    def augment(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        for one in augmentations:
            inputs, targets = one(inputs, targets)
        return inputs, targets

    return augment


def trained(plan: Plan, family: str, half: Half, number: int, seed: int) -> Training:
    """Carry a plan out."""
    with torch.random.fork_rng():
        torch.manual_seed(1_000 * seed + number)
        network = (ImageNetwork if plan.kind == "images" else SignalNetwork)(plan.width, plan.normalised)
        data = data_of(plan, int(generator(seed, family, number).integers(2**31)))
        times, curves = train(network, data, _recipe(plan, 1_000 * seed + number))
    return Training(
        name=f"{family}-{half}-{number}",
        family=family,
        half=half,
        settings=_settings(plan, data, seed),
        times=times,
        curves=curves[0],
    )


def data_of(plan: Plan, seed: int) -> Data:
    """Train, validation and population set of a plan, which never overlap."""
    population = max(_POPULATION, plan.validation)
    if plan.kind == "images":
        population = min(population, _IMAGES - plan.samples - plan.validation)
    tested = plan.validation + population
    source = mnist(side=_SIDE, test_samples=tested) if plan.kind == "images" else mnist1d(test_samples=tested)
    clean = source.draw(plan.samples, Replicate(seed=seed))
    noisy = source.with_label_noise(plan.noise).draw(plan.samples, Replicate(seed=seed))
    shown = source.with_label_noise(plan.validation_noise).draw(plan.samples, Replicate(seed=seed))
    kept = plan.validation
    return Data(
        train=_samples(noisy.train_inputs, noisy.train_targets),
        validation=_samples(shown.test_inputs[:kept], shown.test_targets_noisy[:kept]),
        population=_samples(shown.test_inputs[kept:], shown.test_targets_noisy[kept:]),
        flipped=torch.tensor((noisy.train_targets != clean.train_targets).any(1))[None] if plan.noise else None,
    )


def _samples(inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n classes"]) -> Samples:
    shape = (_SIDE, _SIDE) if inputs.shape[1] == _SIDE**2 else (inputs.shape[1],)
    classes: Int[np.ndarray, " n"] = targets.argmax(1)
    return Samples(
        inputs=torch.tensor(inputs, dtype=torch.float32).reshape(1, -1, *shape), targets=torch.tensor(classes)[None]
    )


def _recipe(plan: Plan, seed: int) -> Recipe:
    is_signal = plan.kind == "signals"
    return Recipe(
        epochs=plan.epochs,
        learning_rate=plan.rate,
        weight_decay=plan.weight_decay,
        batch_size=plan.batch_size,
        method=plan.method,
        schedule=_SCHEDULES[plan.schedule],
        smoothing=plan.smoothing,
        augment=in_turn(tuple(_AUGMENTATIONS[name][is_signal] for name in plan.augmentation)),
        every=plan.every,
        decay=plan.decay,
        seed=seed,
        chunk=_CHUNK,
    )


def _settings(plan: Plan, data: Data, seed: int) -> dict[str, float | str]:
    return {
        "train_samples": plan.samples, "validation_samples": plan.validation,
        "population_samples": data.population.size, "classes": _CLASSES, "label_noise": plan.noise,
        "validation_label_noise": plan.validation_noise, "loss": "cross-entropy", "axis": "epoch",
        "running_mean": int(plan.running_mean), "shows_averaged": int(plan.shows_averaged), "data": plan.kind,
        "width": plan.width, "batch_norm": int(plan.normalised), "optimizer": plan.method, "learning_rate": plan.rate,
        "schedule": plan.schedule, "weight_decay": plan.weight_decay, "smoothing": plan.smoothing,
        "batch_size": plan.batch_size, "epochs": plan.epochs, "augmentation": ", ".join(plan.augmentation),
        "averaging_decay": plan.decay, "seed": seed,
    }  # fmt: skip


def _convolution(number: int, random: np.random.Generator) -> Plan:
    """Plain trainings, of images and of signals in turn; most over-fit, some memorise wrong labels late."""
    kind: Kind = "images" if number % 2 == 0 else "signals"
    is_adam = random.random() < 0.75
    sizes = (500, 700, 1_000, 1_500) if kind == "images" else (300, 500, 1_000, 2_000)
    samples = int(random.choice(sizes))
    noise = float(random.choice((0.0, 0.1, 0.2, 0.2, 0.3)))
    return Plan(
        kind=kind,
        samples=samples,
        validation=_validation(kind, samples, random),
        noise=noise,
        validation_noise=noise * int(random.choice((0, 0, 1))),
        width=float(random.choice(IMAGE_WIDTHS if kind == "images" else SIGNAL_WIDTHS)),
        normalised=bool(random.random() < (0.7 if is_adam else 0.5)),
        method="adam" if is_adam else "momentum",
        rate=float(random.choice((3e-3, 3e-3, 1e-2) if is_adam else (0.02, 0.05))),
        schedule=str(random.choice(("constant", "constant", "cosine", "steps"))),
        weight_decay=float(random.choice((0.0, 0.0, 0.01 if is_adam else 1e-3))),
        smoothing=float(random.choice((0.0, 0.0, 0.0, 0.1))),
        epochs=_epochs(samples, 1_300, random),
        every=2 if samples <= 700 else 1,
        decay=float(random.choice((0.98, 0.99))),
        running_mean=bool(random.random() < 0.5),
    )


def _augmented(number: int, random: np.random.Generator) -> Plan:
    """Trained on harder samples than it is measured on: the running mean of training lies above validation."""
    kind: Kind = "images" if number % 3 == 0 else "signals"
    samples = int(random.choice((300, 500, 1_000)))
    chosen = random.permutation(("shift" if random.random() < 0.6 else "far shift", "occlusion", "input noise"))
    return Plan(
        kind=kind,
        samples=samples,
        validation=_validation(kind, samples, random),
        noise=float(random.choice((0.0, 0.0, 0.1, 0.2))),
        width=float(random.choice(IMAGE_WIDTHS[1:6] if kind == "images" else SIGNAL_WIDTHS[1:7])),
        normalised=bool(random.random() < 0.7),
        rate=float(random.choice((1e-3, 3e-3))),
        schedule=str(random.choice(("constant", "cosine", "steps"))),
        epochs=_epochs(samples, 1_000, random),
        every=2 if samples < 1_000 else 1,
        augmentation=tuple(str(name) for name in chosen[: int(random.integers(1, 4))]),
        running_mean=True,
    )


def _restarted(number: int, random: np.random.Generator) -> Plan:
    """Warm restarts where there is something left to learn: up at each restart, then below the old best."""
    kind: Kind = "images" if number % 4 == 0 else "signals"
    samples = 1_000 if kind == "images" else int(random.choice((1_000, 2_000, 3_000)))
    is_adam = random.random() < 0.5
    return Plan(
        kind=kind,
        samples=samples,
        validation=_validation(kind, samples, random),
        noise=float(random.choice((0.0, 0.0, 0.1))),
        width=float(random.choice(IMAGE_WIDTHS[1:5] if kind == "images" else SIGNAL_WIDTHS[1:5])),
        method="adam" if is_adam else "momentum",
        rate=float(random.choice((1e-2, 2e-2) if is_adam else (0.1, 0.2))),
        schedule=str(random.choice([name for name in _SCHEDULES if "restarts" in name])),
        weight_decay=0.1 if is_adam else 5e-3,
        batch_size=64 if samples < 2_000 else 128,
        epochs=60,
        augmentation=("shift",) if kind == "images" or random.random() < 0.3 else (),
        decay=0.98,
        running_mean=bool(random.random() < 0.5),
    )


def _averaged(number: int, random: np.random.Generator) -> Plan:
    """Plain trainings whose log shows averaged weights on the validation set and the raw ones in training."""
    kind: Kind = "images" if number % 4 == 0 else "signals"
    samples = int(random.choice((500, 1_000)))
    noise = float(random.choice((0.0, 0.1, 0.2, 0.3)))
    return Plan(
        kind=kind,
        samples=samples,
        validation=_validation(kind, samples, random),
        noise=noise,
        validation_noise=noise * int(random.choice((0, 0, 1))),
        width=float(random.choice(IMAGE_WIDTHS[1:6] if kind == "images" else SIGNAL_WIDTHS[1:])),
        normalised=bool(random.random() < 0.7),
        rate=3e-3,
        schedule=str(random.choice(("constant", "cosine", "steps", "inverse square root"))),
        epochs=_epochs(samples, 1_000, random),
        every=2 if samples < 1_000 else 1,
        decay=float(random.choice((0.98, 0.99, 0.995, 0.998))),
        running_mean=True,
        shows_averaged=True,
    )


def _validation(kind: Kind, samples: int, random: np.random.Generator) -> int:
    """Size of a validation set; of images there are only so many."""
    if kind == "images":
        return int(random.choice((100, 200, 300, 500) if samples > 1_000 else (100, 200, 300, 500, 1_000)))
    return int(random.choice((100, 200, 300, 500, 1_000, 2_000, 5_000)))


def _epochs(samples: int, most_steps: int, random: np.random.Generator) -> int:
    """An even number of epochs that cost at most so many steps with batches of 64."""
    most = min(120, most_steps // -(-samples // 64))
    return 2 * int(random.integers(max(14, most // 4), most // 2 + 1))


def _family(name: str, groups: int, planned: Callable[[int, np.random.Generator], Plan]) -> Family:
    """Eight trainings a group."""

    def make(group: int, half: Half, seed: int) -> list[Training]:
        numbers = range(8 * group, 8 * (group + 1))
        plans = [planned(number, generator(seed, f"plan of {name}", number)) for number in numbers]
        return [trained(plan, name, half, number, seed) for number, plan in zip(numbers, plans, strict=True)]

    return Family(name=name, groups=groups, make=make)


FAMILIES = (
    _family("convolution", 5, _convolution),
    _family("augmented", 3, _augmented),
    _family("convolution_restarts", 2, _restarted),
    _family("averaged", 2, _averaged),
)
