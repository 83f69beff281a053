"""Will a bigger model help or hurt? Tried at the user's own number of samples, or rehearsed on a part of them.

A model that is tested on samples held out *of the n* is trained on fewer, and that may move it across its peak; here
folds train on n, and a rehearsal on a part of them makes the model as much smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from benign.diagnosis.answering import FACTORS, METHODS, Tried, answers_of, not_reached, refuse_for, scales
from benign.diagnosis.answers import Answer, DataFinding, Unanswered
from benign.diagnosis.paired_trials import Arm, Comparison, Plan, run_plan, scaled_size
from benign.diagnosis.trials.bench import Bench
from benign.foundation.number_words import format_position

_FOLDS = 5
_LEAST_PART = 30  # samples to train on


def bigger(bench: Bench, *, findings: Sequence[DataFinding], confidence: float) -> dict[float, Answer]:
    """What 1.5, 2 and 4 times the size do to the risk on new samples; of an inverse size, that part of it.

    Args:
        bench: the model, the data and the budget.
        findings: what is known of the data.
        confidence: how sure an answer must be.

    Raises:
        Unanswered: where the model has no size, or is as large as it gets, or the budget allows no trial.
    """
    refuse_for("bigger", findings)
    factors = tuple(factor for factor in FACTORS if _larger(bench, 1.0, factor) != _larger(bench, 1.0, 1.0))
    if not factors:
        raise Unanswered(_why_not(bench))
    tried = [
        one
        for one in (
            _tried(bench, parts, factors) for parts in scales(bench, partial(size_plan, bench, factors=factors))
        )
        if one.comparisons
    ]
    if not tried:
        raise not_reached(bench, "a bigger model", size_plan(bench, 4, factors)(0)[factors[0]])
    return answers_of(bench, "bigger", tried, confidence)


def _larger(bench: Bench, scale: float, factor: float) -> float | None:
    """The size that is ``factor`` times as large in the sense of what it can fit, within the model's bounds."""
    parameter = bench.subject.size_parameter
    if parameter is None:
        return bench.subject.size
    return scaled_size(bench, scale, 1.0 / factor if parameter.is_inverse else factor)


def _why_not(bench: Bench) -> str:
    subject = bench.subject
    parameter = subject.size_parameter
    if subject.size is None or parameter is None:
        return f"{subject.name} has no size that could be larger."
    if math.isinf(subject.size):
        return f"{parameter.name} has no limit already."
    return f"{parameter.name} = {format_position(subject.size)} is the largest model there is."


def size_plan(bench: Bench, parts: int, factors: tuple[float, ...]) -> Plan:
    """Of each fold, the comparisons on each of the disjoint parts of the samples, the size of all as much smaller."""
    rows = bench.samples // parts
    scale = rows / bench.samples

    def arms(fold: int, factor: float) -> tuple[Arm, ...]:
        trial = replace(bench.user_trial(fold), rows=rows, size=_larger(bench, scale, factor))
        return tuple(Arm(trial=replace(trial, start=part * rows)) for part in range(parts))

    def comparisons(fold: int) -> dict[float, Comparison]:
        before = arms(fold, 1.0)
        return {factor: Comparison(before=before, after=arms(fold, factor)) for factor in factors}

    return comparisons


def _tried(bench: Bench, parts: int, factors: tuple[float, ...]) -> Tried:
    scale = (bench.samples // parts) / bench.samples
    parameter = bench.subject.size_parameter
    name = "size" if parameter is None else parameter.name.rpartition("__")[2]
    sizes = {factor: format_position(_larger(bench, scale, factor) or 0.0) for factor in (1.0, *factors)}
    return Tried(
        method=METHODS[parts],
        steps={factor: f"from {name} = {sizes[1.0]} to {sizes[factor]}" for factor in factors},
        comparisons=run_plan(bench, size_plan(bench, parts, factors), most=_FOLDS),
    )
