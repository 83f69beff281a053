"""Validation sets that do not measure what they should: copies of training samples, samples from elsewhere."""

from __future__ import annotations

from dataclasses import replace

from triage.plans import Plan, evenly, family, planned, usual
from triage.tasks import Random, scaled_task


def _leak(random: Random, _group: int) -> Plan:
    """From 30 % to all of the validation set are training samples; labels are equally noisy in both, and beyond."""
    plan = usual(random, width=(48, 160), samples=(300, 2_000))
    noise = round(random.uniform(0.1, 0.3), 2)
    return replace(plan, leak=evenly(0.3, 1.0), noise=(noise,) * 8, measured_noise=1.0)


def _shift(random: Random, _group: int) -> Plan:
    """Validation and population come from other conditions than training."""
    plan = usual(random, samples=(400, 4_000), noise=(0.0, 0.3))
    factor, blur = random.uniform(0.6, 1.5), random.uniform(0.3, 1.0)
    return planned(replace(plan, measured_on=scaled_task(plan.task, factor, blur)), shift=blur, shift_factor=factor)


FAMILIES = (family("leak", 2, _leak), family("shift", 2, _shift))
