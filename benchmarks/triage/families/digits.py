"""Scikit-learn's digits; only the untouched half has them. The population is what is left of 1,797 images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from sklearn.datasets import load_digits
from triage.loop import Data
from triage.optimizers import Method
from triage.plans import Plan, evenly, family, samples_of, spread, usual
from triage.schedules import Schedule, constant
from triage.tasks import Inputs, Random, Targets, Task, flipped

_KINDS = ("any", "momentum", "any", "squared", "slow")
_METHODS: dict[str, Method] = {"momentum": "momentum", "squared": "adam"}


def _digits(random: Random, group: int) -> Plan:
    kind = _KINDS[group % len(_KINDS)]
    samples = round(spread(random, 150, 700))  # 797 at least are left to measure the truth on
    schedule: tuple[str, Schedule] | None = ("constant", constant) if kind == "momentum" else None
    plan = usual(
        random, task=_task(), samples=(samples, samples), width=(16, 160), noise=(0.0, 0.4), schedule=schedule,
        method=_METHODS.get(kind), loss="squared" if kind == "squared" else "cross-entropy",
        rate={"momentum": 1.5, "squared": 0.5, "slow": 0.1}.get(kind, 1.0), batch=50,
    )  # fmt: skip
    validation = int(random.choice([50, 100, 200, 300]))
    noise = evenly(0.0, 0.4)
    data = _split(samples, validation, noise, random)
    return replace(plan, validation_samples=validation, population_samples=data.population.size, noise=noise, data=data)


def _split(samples: int, validation: int, noise: tuple[float, ...], random: Random) -> Data:
    """Another split for each member."""
    images, labels = _images()
    parts: list[list[tuple[Inputs, Targets]]] = [[], [], []]
    flips = []
    for share in noise:
        order = random.permutation(len(labels))
        ends = (0, samples, samples + validation, len(labels))
        for part, first, last in zip(parts, ends, ends[1:], strict=False):
            chosen = order[first:last]
            part.append((images[chosen], labels[chosen]))
        inputs, clean = parts[0][-1]
        parts[0][-1] = inputs, flipped(clean, 10, share, random)
        flips.append(parts[0][-1][1] != clean)
    train, validating, population = (samples_of(part) for part in parts)
    return Data(train=train, validation=validating, population=population, flipped=torch.from_numpy(np.stack(flips)))


def _images() -> tuple[Inputs, Targets]:
    images, labels = load_digits(return_X_y=True)
    return ((images - images.mean()) / images.std()).astype(np.float32), labels


def _task() -> Task:
    """With replacement, as an empirical distribution is drawn from; a member's sets share no image: they are split."""

    def draw(count: int, random: Random) -> tuple[Inputs, Targets]:
        images, labels = _images()
        chosen = random.integers(len(labels), size=count)
        return images[chosen], labels[chosen]

    return Task(name="digits", features=64, classes=10, draw=draw)


FAMILIES = (family("digits", 5, _digits, untouched_only=True),)
