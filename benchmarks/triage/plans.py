"""A plan of a group of networks that are trained together, and how it becomes trainings of the bank."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np
import torch
from jaxtyping import Bool
from triage.family import Family
from triage.loop import Curves, Data, Recipe, train
from triage.measures import Loss, Samples
from triage.optimizers import Method
from triage.schedules import Schedule, constant, cosine, inverse_square_root, linear, steps, warmed_up
from triage.stacked import Mlp
from triage.tasks import Random, Task, flipped, mixture_task, signal_task, teacher_task
from triage.training import Curve, Half, Training

MEMBERS = 8
VALIDATION_SAMPLES = (50, 100, 200, 300, 500, 1_000, 2_000, 5_000)
POINTS = (24, 40, 60, 80, 100, 140)
_POPULATION = 4_000
_RATES: dict[Method, tuple[float, float]] = {"adam": (8e-4, 6e-3), "momentum": (0.01, 0.1), "sgd": (0.05, 0.4)}
_OF_FLIPS = ("kept_train_error", "flipped_train_error")  # of a member without flipped labels there are none


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """What a group shares, and what each member has of its own.

    Attributes:
        task: what is learnt; of the population too.
        train_samples, validation_samples, population_samples: their numbers.
        hidden: widths of the hidden layers.
        noise: share of flipped training labels, one a member.
        recipe: of the training; its learning rate is one number or one a member.
        measured_noise: share of flipped labels in validation and population, as a share of the member's ``noise``.
        measured_on: what validation and population samples are drawn from, unless from ``task``.
        leak: share of the validation set that is copied from the training set, one a member.
        dropout, normalised, scale: of :class:`triage.stacked.Mlp`.
        settings: what else is said of it.
        finish: what becomes of a member's log: times, curves and settings in, and out.
        data: instead of samples of ``task``.
    """

    task: Task
    train_samples: int
    validation_samples: int
    hidden: tuple[int, ...]
    noise: tuple[float, ...]
    recipe: Recipe
    schedule_name: str = "constant"
    population_samples: int = _POPULATION
    measured_noise: float = 0.0
    measured_on: Task | None = None
    leak: tuple[float, ...] = ()
    dropout: float = 0.0
    normalised: float | None = None
    scale: float = 1.0
    settings: Mapping[str, float | str] = field(default_factory=dict)
    finish: Finish | None = None
    data: Data | None = None


Log = tuple[Curve, Curves, dict[str, float | str]]
Finish = Callable[[int, Log], Log]
Planning = Callable[[Random, int], Plan]


def family(name: str, groups: int, planning: Planning, *, untouched_only: bool = False) -> Family:
    """A family whose groups follow from a generator and the group's number."""

    def make(group: int, half: Half, seed: int) -> list[Training]:
        random = np.random.default_rng((seed, zlib.crc32(name.encode()), group))
        plan = planning(random, group)
        return _trainings(plan, f"{name}-{half}-{group:02d}", name, half, random)

    return Family(name=name, groups=groups, make=make, untouched_only=untouched_only)


def spread(random: Random, low: float, high: float) -> float:
    """A number, log-uniform."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def evenly(low: float, high: float, members: int = MEMBERS) -> tuple[float, ...]:
    """Shares for members, evenly from low to high, in two decimals."""
    return tuple(round(float(share), 2) for share in np.linspace(low, high, members))


def any_task(random: Random) -> Task:
    """One of the classification tasks."""
    kind = random.choice(["mnist1d", "mnist1d", "noisier", "mixture", "teacher"])
    if kind == "mnist1d":
        return signal_task()
    if kind == "noisier":
        return signal_task(blur=random.uniform(0.2, 0.6))
    classes = int(random.choice([2, 3, 5, 10]))
    features = int(random.choice([10, 20, 40]))
    if kind == "mixture":
        clusters, separation = int(random.integers(1, 6)), random.uniform(2.5, 4.5)
        return mixture_task(random, classes=classes, features=features, clusters=clusters, separation=separation)
    return teacher_task(random, classes=classes, features=features, hidden=int(random.integers(4, 16)))


def any_schedule(random: Random) -> tuple[str, Schedule]:
    """One of the schedules without cycles, some with a warm-up."""
    choices: list[tuple[str, Schedule]] = [
        ("constant", constant), ("constant", constant), ("cosine", cosine), ("linear", linear),
        ("steps", steps((0.5, 0.75))), ("inverse square root", inverse_square_root()),
    ]  # fmt: skip
    name, schedule = choices[int(random.integers(len(choices)))]
    if random.random() < 0.25:
        return f"{name}, warm-up", warmed_up(schedule, 0.05)
    return name, schedule


def rates(random: Random, method: Method, factor: float = 1.0, members: int = MEMBERS) -> tuple[float, ...]:
    """Learning rates in the usual range of the method, one a member."""
    low, high = _RATES[method]
    return tuple(factor * spread(random, low, high) for _ in range(members))


def usual(
    random: Random,
    *,
    task: Task | None = None,
    samples: tuple[int, int] = (150, 5_000),
    width: tuple[int, int] = (8, 160),
    depth: int | None = None,
    noise: tuple[float, float] = (0.0, 0.4),
    steps_taken: tuple[int, int] = (1_000, 5_000),
    method: Method | None = None,
    schedule: tuple[str, Schedule] | None = None,
    loss: Loss = "cross-entropy",
    rate: float = 1.0,
    batch: int | None = None,
    weight_decay: float = 0.0,
    points: int | None = None,
) -> Plan:
    """A plan drawn from usual ranges; what a family fixes is given."""
    chosen = task or any_task(random)
    train_samples = round(spread(random, *samples))
    method = method or ("adam", "adam", "momentum", "sgd")[int(random.integers(4))]
    name, factor = schedule or any_schedule(random)
    batch = batch or min(
        train_samples, int(random.choice([16, 32, 64, 125] if train_samples < 800 else [50, 100, 200]))
    )
    epochs = int(np.clip(spread(random, *steps_taken) * batch / train_samples, 30, 1_000))
    every = ceil(epochs / (points or int(random.choice(POINTS))))
    layers = depth or int(random.integers(1, 3))
    validation_samples = int(random.choice(VALIDATION_SAMPLES))
    recipe = Recipe(
        epochs=epochs - epochs % every, learning_rate=rates(random, method, rate), weight_decay=weight_decay,
        batch_size=batch, loss=loss, method=method, schedule=factor, every=every, seed=int(random.integers(2**31)),
    )  # fmt: skip
    return Plan(
        task=chosen,
        train_samples=train_samples,
        validation_samples=validation_samples,
        population_samples=max(_POPULATION, validation_samples),
        hidden=(round(spread(random, *width)),) * layers,
        noise=evenly(*noise),
        recipe=recipe,
        schedule_name=name,
        settings={"running_mean": int(random.random() < 0.35)},
    )


def planned(plan: Plan, **changes: float | str) -> Plan:
    """The plan with other settings added to its own."""
    return replace(plan, settings={**plan.settings, **changes})


def _trainings(plan: Plan, name: str, family_name: str, half: Half, random: Random) -> list[Training]:
    members = len(plan.noise)
    seeds = [int(seed) for seed in random.integers(2**31, size=members)]
    data = plan.data or drawn(plan, random)
    widths = (plan.task.features, *plan.hidden, plan.task.outputs)
    network = Mlp(seeds, widths, dropout=plan.dropout, normalised=plan.normalised, scale=plan.scale)
    times, curves = train(network, data, plan.recipe)
    made = []
    for member, recorded in enumerate(curves):
        log: Log = (times, recorded, _settings(plan, member, seeds[member]))
        if plan.finish is not None:
            log = plan.finish(member, log)
        kept = {
            curve: values for curve, values in log[1].items() if curve not in _OF_FLIPS or not np.isnan(values).all()
        }
        made.append(
            Training(name=f"{name}-{member}", family=family_name, half=half, settings=log[2], times=log[0], curves=kept)
        )
    return made


def drawn(plan: Plan, random: Random) -> Data:
    """Training and validation sets of each member, and a population that they share where its labels are clean."""
    measured_on = plan.measured_on or plan.task
    train_sets, validation_sets, flips = [], [], []
    for member, noise in enumerate(plan.noise):
        inputs, clean = plan.task.draw(plan.train_samples, random)
        targets = flipped(clean, plan.task.classes, noise, random) if plan.task.classes else clean
        flips.append((targets != clean).reshape(-1) if plan.task.classes else np.zeros(plan.train_samples, bool))
        train_sets.append((inputs, targets))
        validation = _measured(plan, measured_on, plan.validation_samples, noise, random)
        if plan.leak:
            validation = _leaked(validation, train_sets[-1], plan.leak[member], random)
        validation_sets.append(validation)
    if plan.measured_noise:
        populations = [_measured(plan, measured_on, plan.population_samples, noise, random) for noise in plan.noise]
    else:
        populations = [measured_on.draw(plan.population_samples, random)]
    return Data(
        train=samples_of(train_sets),
        validation=samples_of(validation_sets),
        population=samples_of(populations),
        flipped=_any(np.stack(flips)),
    )


def samples_of(sets: Sequence[tuple[np.ndarray, np.ndarray]]) -> Samples:
    """Sets of one size, one a member, stacked."""
    return Samples(
        inputs=torch.from_numpy(np.stack([inputs for inputs, _ in sets])),
        targets=torch.from_numpy(np.stack([targets for _, targets in sets])),
    )


def _measured(plan: Plan, task: Task, count: int, noise: float, random: Random) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = task.draw(count, random)
    if plan.measured_noise:
        targets = flipped(targets, task.classes, plan.measured_noise * noise, random)
    return inputs, targets


def _leaked(
    validation: tuple[np.ndarray, np.ndarray], train_set: tuple[np.ndarray, np.ndarray], share: float, random: Random
) -> tuple[np.ndarray, np.ndarray]:
    """The first part of the validation set replaced by training samples; by all of them again where they run out."""
    inputs, targets = (held.copy() for held in validation)
    count = round(share * len(targets))
    places = np.concatenate([random.permutation(len(train_set[1])) for _ in range(ceil(count / len(train_set[1])))])
    inputs[:count], targets[:count] = train_set[0][places[:count]], train_set[1][places[:count]]
    return inputs, targets


def _any(flips: Bool[np.ndarray, "members samples"]) -> torch.Tensor | None:
    return torch.from_numpy(flips) if flips.any() else None


def _settings(plan: Plan, member: int, seed: int) -> dict[str, float | str]:
    recipe, noise = plan.recipe, plan.noise[member]
    rate, decay = (
        value if isinstance(value, float) else value[member] for value in (recipe.learning_rate, recipe.weight_decay)
    )
    said: dict[str, float | str] = {
        "train_samples": plan.train_samples, "validation_samples": plan.validation_samples,
        "population_samples": plan.population_samples, "classes": plan.task.classes, "label_noise": noise,
        "validation_label_noise": plan.measured_noise * noise, "loss": recipe.loss, "axis": "epoch", "running_mean": 0,
        "task": plan.task.name, "width": plan.hidden[-1], "depth": len(plan.hidden), "schedule": plan.schedule_name,
        "optimizer": recipe.method, "learning_rate": rate, "weight_decay": decay, "batch_size": recipe.batch_size,
        "seed": seed, "averaging_decay": recipe.decay,
    }  # fmt: skip
    if plan.leak:
        said["leak"] = plan.leak[member]
    return {**said, **plan.settings}
