"""Fully connected networks trained in usual ways: plain, too small, too slow, squared loss, interpolating."""

from __future__ import annotations

from dataclasses import replace

from triage.plans import Plan, family, spread, usual
from triage.tasks import Random, mixture_task, regression_task, signal_task, teacher_task

_LARGE = 20_000


def _plain(random: Random, group: int) -> Plan:
    if group % 7 == 6:  # validation sets as large as they come
        task = mixture_task(random, classes=5, features=20, clusters=3, separation=random.uniform(2.5, 3.5))
        plan = usual(random, task=task, samples=(500, 4_000), width=(8, 40), depth=1, points=40)
        return replace(plan, validation_samples=_LARGE, population_samples=_LARGE)
    return usual(random)


def _small(random: Random, _group: int) -> Plan:
    return usual(random, width=(2, 6), samples=(1_000, 5_000), noise=(0.0, 0.3))


def _slow(random: Random, _group: int) -> Plan:
    return usual(random, samples=(800, 4_000), width=(16, 96), noise=(0.0, 0.2), rate=spread(random, 0.02, 0.1))


def _squared(random: Random, _group: int) -> Plan:
    plan = usual(random, loss="squared", rate=0.5)
    if plan.recipe.method == "adam":
        return plan
    return replace(plan, recipe=replace(plan.recipe, learning_rate=_a_fifth(plan.recipe.learning_rate)))


def _a_fifth(rate: float | tuple[float, ...]) -> tuple[float, ...]:
    """Of each rate: the sum of squares is far more curved than the cross-entropy."""
    return tuple(0.2 * value for value in (rate if isinstance(rate, tuple) else (rate,)))


def _regression(random: Random, _group: int) -> Plan:
    task = regression_task(random, features=int(random.choice([8, 20])), hidden=8, noise=spread(random, 0.02, 1.0))
    return usual(random, task=task, loss="squared", method="adam", noise=(0.0, 0.0), samples=(100, 2_000))


def _interpolating(random: Random, group: int) -> Plan:
    task = (
        signal_task()
        if group % 3 == 0
        else mixture_task(random, classes=10, features=40, clusters=1, separation=random.uniform(5, 7))
        if group % 3 == 1
        else teacher_task(random, classes=2, features=10, hidden=4)
    )
    return usual(random, task=task, width=(96, 200), noise=(0.0, 0.0), samples=(500, 4_000))


FAMILIES = (
    family("plain", 13, _plain),
    family("small", 4, _small),
    family("slow", 3, _slow),
    family("squared", 4, _squared),
    family("regression", 2, _regression),
    family("interpolating", 3, _interpolating),
)
