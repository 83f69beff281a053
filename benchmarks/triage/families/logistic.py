"""Logistic regression on random features by gradient descent: once the classes are separated, confidence only grows."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from triage.families.labelled import Inputs, Kind, drawn, relabelled
from triage.family import Family
from triage.loop import Data, Recipe, train
from triage.measures import Samples
from triage.optimizers import Method
from triage.stacked import Mlp
from triage.training import Half, Training

_MEMBERS = 6
_POPULATION = 3_000
_VALIDATION_SAMPLES = (50, 100, 200, 500, 1_000, 2_000, 5_000)


def _data(
    kind: Kind, classes: int, sizes: tuple[int, int, int], noises: Float[np.ndarray, " members"], seed: int
) -> Data:
    """Rectified random features; members share the population, not their training and validation sets."""
    random = np.random.default_rng(seed)
    training, validation, features = sizes
    each = training + validation
    inputs, labels = drawn(kind, len(noises) * each + _POPULATION, classes, random)
    hidden = _rectified(inputs, features, random)
    noisy, flipped = labels.copy(), np.zeros(len(labels), bool)
    for member, noise in enumerate(noises):
        chosen = slice(member * each, member * each + training)
        noisy[chosen], flipped[chosen] = relabelled(labels[chosen], classes, noise, random)
    own = np.arange(len(noises) * each).reshape(len(noises), each)

    def samples(places: np.ndarray) -> Samples:
        return Samples(inputs=torch.tensor(hidden[places]), targets=torch.tensor(noisy[places]))

    return Data(
        train=samples(own[:, :training]),
        validation=samples(own[:, training:]),
        population=samples(np.arange(len(labels))[None, -_POPULATION:]),
        flipped=torch.tensor(flipped[own[:, :training]]),
    )


def _rectified(inputs: Inputs, features: int, random: np.random.Generator) -> Float[np.ndarray, "samples hidden"]:
    weights = random.standard_normal((inputs.shape[1], features)) / np.sqrt(inputs.shape[1])
    hidden = np.maximum(inputs @ weights + 0.3 * random.standard_normal(features), 0)
    return np.asarray(hidden / np.sqrt(features), np.float32)


def _logistic(group: int, half: Half, seed: int) -> list[Training]:
    random = np.random.default_rng((seed, 7, group))
    kind: Kind = "mnist1d" if group % 2 else "clusters"
    classes = int(random.choice([3, 5, 10]))
    training, features = int(random.choice([100, 200, 400, 800])), int(random.choice([50, 100, 200, 400]))
    validation = int(random.choice(_VALIDATION_SAMPLES))
    noises = random.permutation(np.linspace(0, 0.3, _MEMBERS))
    rates = np.exp(random.uniform(np.log(0.1), np.log(8), _MEMBERS))
    decays = np.where(np.arange(_MEMBERS) % 3 == 2, 10 ** random.uniform(-3.5, -2, _MEMBERS), 0)
    method: Method = "momentum" if group % 4 < 2 else "sgd"
    every = int(random.choice([5, 10, 20]))
    first = int(random.integers(2**31))
    seeds = [first + member for member in range(_MEMBERS)]
    recipe = Recipe(
        epochs=every * int(random.integers(60, 141)),
        learning_rate=tuple(rates),
        weight_decay=tuple(decays),
        batch_size=training,
        method=method,
        every=every,
        seed=first,
    )
    data = _data(kind, classes, (training, validation, features), noises, first)
    times, curves = train(Mlp(seeds, [features, classes], scale=0.0), data, recipe)
    settings: dict[str, float | str] = {
        "train_samples": training, "validation_samples": validation, "population_samples": _POPULATION,
        "classes": classes, "validation_label_noise": 0.0, "loss": "cross-entropy", "axis": "step", "running_mean": 0,
        "optimizer": method, "schedule": "constant", "batch_size": training, "width": features, "data": kind,
    }  # fmt: skip
    return [
        Training(
            name=f"logistic-{half}-{group * _MEMBERS + member}",
            family="logistic",
            half=half,
            settings=settings
            | {"learning_rate": float(rates[member]), "weight_decay": float(decays[member]), "seed": seeds[member]}
            | {"label_noise": float(noises[member])},
            times=times,
            curves=curves[member],
        )
        for member in range(_MEMBERS)
    ]


FAMILIES = (Family(name="logistic", groups=4, make=_logistic),)
