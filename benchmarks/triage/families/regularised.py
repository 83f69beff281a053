"""Dropout, smoothed labels, batch normalisation."""

from __future__ import annotations

from dataclasses import replace

from triage.plans import Plan, family, planned, usual
from triage.tasks import Random

_MOMENTA = (0.9, 0.997, 0.99, 0.5, 0.98)


def _dropout(random: Random, group: int) -> Plan:
    plan = usual(random, width=(48, 160), samples=(400, 4_000), noise=(0.0, 0.3))
    dropout, smoothing = ((0.5, 0.0), (0.0, 0.1), (0.3, 0.1))[group % 3]
    plan = replace(plan, dropout=dropout, recipe=replace(plan.recipe, smoothing=smoothing))
    return planned(plan, dropout=dropout, smoothing=smoothing, running_mean=1)


def _batch_norm(random: Random, group: int) -> Plan:
    """With a momentum near 1 running statistics come late: evaluation mode is wrong at the start."""
    plan = usual(random, width=(24, 128), samples=(300, 4_000), noise=(0.0, 0.3), batch=50, depth=1 + group % 2)
    momentum = _MOMENTA[group % len(_MOMENTA)]
    return planned(replace(plan, normalised=momentum), batch_norm_momentum=momentum)


FAMILIES = (family("dropout", 3, _dropout), family("batch_norm", 4, _batch_norm))
