"""Learning rates that are too large: spikes, divergence, gradient descent at the edge of stability."""

from __future__ import annotations

from dataclasses import replace

from triage.optimizers import Method
from triage.plans import Plan, family, spread, usual
from triage.schedules import Schedule, constant, warmed_up
from triage.tasks import Random

_RATES: dict[Method, tuple[float, float]] = {"adam": (0.02, 0.12), "momentum": (0.2, 0.9), "sgd": (0.8, 4.0)}


def _unstable(random: Random, group: int) -> Plan:
    method: Method = ("adam", "momentum", "sgd")[group % 3]
    plan = usual(random, width=(32, 96), depth=2, samples=(400, 3_000), noise=(0.0, 0.2), method=method)
    return replace(plan, recipe=replace(plan.recipe, learning_rate=_between(random, *_RATES[method])))


def _diverging(random: Random, group: int) -> Plan:
    """A warm-up of most of the training, to a rate at which squared losses explode: some do so in its midst."""
    schedule: tuple[str, Schedule] = ("warm-up", warmed_up(constant, random.uniform(0.5, 1.0)))
    method: Method = ("momentum", "sgd")[group % 2]
    plan = usual(
        random, width=(24, 64), depth=2, samples=(300, 2_000), noise=(0.0, 0.2), loss="squared", schedule=schedule,
        method=method, points=80,
    )  # fmt: skip
    high = {"momentum": 0.4, "sgd": 2.0}[method]
    return replace(plan, recipe=replace(plan.recipe, learning_rate=_between(random, high / 4, 2 * high)))


def _full_batch(random: Random, group: int) -> Plan:
    """Gradient descent until curvature reaches two over the rate."""
    samples = round(spread(random, 200, 600))
    plan = usual(
        random, width=(24, 64), samples=(samples, samples), noise=(0.0, 0.3), method="sgd", batch=samples,
        schedule=("constant", constant), loss=("cross-entropy", "squared")[group % 2],
    )  # fmt: skip
    low, high = ((0.2, 1.5), (0.01, 0.1))[group % 2]
    recipe = replace(plan.recipe, epochs=1_500, every=15, learning_rate=_between(random, low, high))
    return replace(plan, recipe=recipe)


def _between(random: Random, low: float, high: float) -> tuple[float, ...]:
    return tuple(spread(random, low, high) for _ in range(8))


FAMILIES = (
    family("unstable", 3, _unstable),
    family("diverging", 2, _diverging),
    family("full_batch", 2, _full_batch),
)
