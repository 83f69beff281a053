"""Grokking: networks that learn an operation modulo a prime by heart, and later, by weight decay, its rule.

The validation loss first rises far above its start, then falls far below it (Power et al. 2022). Validation is on
pairs that training lacks, the population all the pairs that are in neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Int
from triage.families.labelled import relabelled
from triage.family import Family
from triage.loop import Data, Recipe, train
from triage.measures import Samples
from triage.schedules import Schedule, constant, cosine
from triage.stacked import Mlp
from triage.training import Half, Training

Operation = Callable[[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]], Int[np.ndarray, " pairs"]]

_MEMBERS = 4
_OPERATIONS: dict[str, Operation] = {
    "a + b": np.add,
    "a - b": np.subtract,
    "a * b": np.multiply,
    "a^2 + b^2": lambda first, second: first**2 + second**2,
}
_WIDTHS = ((128,), (48, 96), (64, 96), (64, 128), (128, 128))
_NOISES = (0.0, 0.0, 0.05, 0.0, 0.0)
_SCHEDULES: dict[str, Schedule] = {"constant": constant, "cosine": cosine}


def _data(
    operation: Operation, modulus: int, sizes: tuple[int, int], noise: float, randoms: Sequence[np.random.Generator]
) -> Data:
    """One-hot pairs (the first layer embeds them), split differently for each member; sizes of training, validation."""
    first, second = np.divmod(np.arange(modulus**2), modulus)
    inputs = np.hstack([np.eye(modulus)[first], np.eye(modulus)[second]]).astype(np.float32)
    results = operation(first, second) % modulus
    training, held = sizes[0], sum(sizes)
    orders = np.stack([random.permutation(modulus**2) for random in randoms])
    noisy = [relabelled(results[order[:training]], modulus, noise, np.random.default_rng(order)) for order in orders]

    def samples(chosen: Int[np.ndarray, "members pairs"]) -> Samples:
        return Samples(inputs=torch.tensor(inputs[chosen]), targets=torch.tensor(results[chosen]))

    return Data(
        train=Samples(
            inputs=torch.tensor(inputs[orders[:, :training]]), targets=torch.tensor(np.stack([one for one, _ in noisy]))
        ),
        validation=samples(orders[:, training:held]),
        population=samples(orders[:, held:]),
        flipped=torch.tensor(np.stack([one for _, one in noisy])) if noise else None,
    )


def _grokking(group: int, half: Half, seed: int) -> list[Training]:
    random = np.random.default_rng((seed, 6, group))
    is_short = group % 5 == 4  # and with little decay: it has not grokked when it ends
    operation = list(_OPERATIONS)[group % len(_OPERATIONS)]
    modulus = int(random.choice([29, 31, 37]))
    widths = _WIDTHS[int(random.integers(len(_WIDTHS)))]
    training, validation = round(random.uniform(0.5, 0.65) * modulus**2), int(random.choice([50, 100, 150]))
    rates = random.uniform(0.007, 0.016, _MEMBERS)
    decays = (0.1 if is_short else 0.7) * np.exp(random.uniform(0, np.log(4), _MEMBERS))
    every = int(random.choice([5, 10, 10, 20]))
    epochs = every * int(random.integers(20, 40) if is_short else 800 // every + random.integers(20, 60))
    seeds = [int(drawn) for drawn in random.integers(2**31, size=_MEMBERS)]
    noise = _NOISES[group % len(_NOISES)]
    schedule = str(random.choice(["constant", "constant", "cosine"]))
    data = _data(
        _OPERATIONS[operation], modulus, (training, validation), noise, [np.random.default_rng(one) for one in seeds]
    )
    recipe = Recipe(
        epochs=epochs,
        learning_rate=tuple(rates),
        weight_decay=tuple(decays),
        batch_size=training,
        schedule=_SCHEDULES[schedule],
        every=every,
        seed=seeds[0],
    )
    times, curves = train(Mlp(seeds, [2 * modulus, *widths, modulus]), data, recipe)
    settings: dict[str, float | str] = {
        "train_samples": training, "validation_samples": validation, "classes": modulus, "label_noise": noise,
        "population_samples": modulus**2 - training - validation, "validation_label_noise": 0.0, "axis": "epoch",
        "loss": "cross-entropy", "running_mean": 0, "optimizer": "adam", "schedule": schedule,
        "operation": operation, "batch_size": training, "width": widths[0], "depth": len(widths),
    }  # fmt: skip
    return [
        Training(
            name=f"grokking-{half}-{group * _MEMBERS + member}",
            family="grokking",
            half=half,
            settings=settings
            | {"learning_rate": float(rates[member]), "weight_decay": float(decays[member]), "seed": seeds[member]},
            times=times,
            curves=curves[member],
        )
        for member in range(_MEMBERS)
    ]


FAMILIES = (Family(name="grokking", groups=10, make=_grokking),)
