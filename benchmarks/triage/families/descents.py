"""Losses and errors that fall again: large constant rates under label noise, steps of the rate, cycles, restarts."""

from __future__ import annotations

from dataclasses import replace

from triage.plans import Plan, family, spread, usual
from triage.schedules import Schedule, constant, restarts, steps, triangular
from triage.tasks import Random, Task, mixture_task, signal_task, teacher_task

_CONSTANT = ("constant", constant)


def _double_descent(random: Random, group: int) -> Plan:
    """Nakkiran's epoch-wise setting: noisy labels, wide enough to fit them, a rate that stays large."""
    samples = (1_500, 3_000)
    plan = usual(
        random, task=signal_task(), samples=samples, width=(112, 192), depth=2, noise=(0.15, 0.4), batch=100,
        method="momentum", schedule=_CONSTANT, points=70,
    )  # fmt: skip
    epochs = 70
    fast = tuple(spread(random, 0.06, 0.14) for _ in plan.noise)
    if group % 3 == 2:
        adam = tuple(spread(random, 4e-3, 9e-3) for _ in plan.noise)
        return replace(plan, recipe=replace(plan.recipe, epochs=epochs, every=1, method="adam", learning_rate=adam))
    return replace(plan, recipe=replace(plan.recipe, epochs=epochs, every=1, learning_rate=fast))


def _double_descent_squared(random: Random, group: int) -> Plan:
    """A large rate that stays, or falls once the loss has risen."""
    plan = usual(
        random, task=signal_task() if group % 2 else _easy(random), samples=(800, 2_000), width=(64, 128), depth=2,
        noise=(0.1, 0.4), batch=50, method="adam", schedule=_CONSTANT if group < 2 else ("steps", steps((0.4,))),
        loss="squared", points=80,
    )  # fmt: skip
    fast = tuple(spread(random, 4e-3, 1e-2) for _ in plan.noise)
    return replace(plan, recipe=replace(plan.recipe, epochs=80, every=1, learning_rate=fast))


def _decay(random: Random, _group: int) -> Plan:
    """A rate that falls after the loss has risen, with weight decay that does not let weights grow."""
    place = random.uniform(0.35, 0.8)
    plan = usual(
        random, samples=(400, 3_000), width=(48, 128), noise=(0.0, 0.4), method="adam", points=100,
        schedule=("steps", steps((place, (1 + place) / 2), random.choice([0.1, 0.2]))),
    )  # fmt: skip
    decays = tuple(spread(random, 0.05, 3.0) for _ in plan.noise)
    fast = tuple(spread(random, 4e-3, 1.5e-2) for _ in plan.noise)
    return replace(plan, recipe=replace(plan.recipe, weight_decay=decays, learning_rate=fast))


def _cyclic(random: Random, _group: int) -> Plan:
    cycles = int(random.integers(2, 6))
    return _in_cycles(random, ("cyclic", triangular(cycles)))


def _restarts(random: Random, group: int) -> Plan:
    growth = (2.0, 1.0, 2.0)[group % 3]
    cycles = int(random.integers(2, 5)) if growth > 1 else int(random.integers(3, 6))
    return _in_cycles(random, ("restarts", restarts(cycles, growth)))


def _in_cycles(random: Random, schedule: tuple[str, Schedule]) -> Plan:
    """Small networks with many samples, so that each cycle ends lower; a rate so large that each starts far higher."""
    plan = usual(
        random, task=signal_task() if random.random() < 0.4 else _easy(random), samples=(2_500, 5_000), width=(10, 26),
        noise=(0.0, 0.2), method=("momentum", "sgd", "adam")[int(random.integers(3))], schedule=schedule, batch=25,
    )  # fmt: skip
    low, high = {"momentum": (0.06, 0.2), "sgd": (0.3, 0.8), "adam": (0.012, 0.04)}[plan.recipe.method]
    fast = tuple(spread(random, low, high) for _ in plan.noise)
    decays = tuple(spread(random, 1e-3, 3e-2) for _ in plan.noise)
    epochs = int(random.integers(42, 90))
    return replace(plan, recipe=replace(plan.recipe, learning_rate=fast, weight_decay=decays, epochs=epochs, every=1))


def _easy(random: Random) -> Task:
    if random.random() < 0.5:
        return teacher_task(random, classes=5, features=20, hidden=6)
    return mixture_task(random, classes=5, features=20, clusters=4, separation=random.uniform(3, 4.5))


FAMILIES = (
    family("double_descent", 6, _double_descent),
    family("double_descent_squared", 4, _double_descent_squared),
    family("decay", 4, _decay),
    family("cyclic", 3, _cyclic),
    family("restarts", 4, _restarts),
)
