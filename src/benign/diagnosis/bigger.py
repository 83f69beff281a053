"""Will a bigger model help or hurt? Tried at the user's own number of samples, or rehearsed on a part of them.

A model that is tested on samples held out *of the n* is trained on fewer, and that may move it across its peak; here
folds train on n, and a rehearsal on a part of them makes the model as much smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from benign.diagnosis.answering import answers_of, not_reached, refuse_for
from benign.diagnosis.answers import Answer, DataFinding, Unanswered
from benign.diagnosis.paired_trials import Arm, Comparison, Plan, scaled_size
from benign.diagnosis.portfolios import PARTS, Methods, Portfolio, Step
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.verdict import FACTORS
from benign.foundation.number_words import format_position

# What says most for its cost, the dearest first. Scales err on different sides: several say more than one alone.
_WHERE_IT_SCALES: tuple[Portfolio, ...] = (
    (Step(method="tried", folds=5), Step(method="rehearsed at half", folds=5)),
    (Step(method="tried", folds=3), Step(method="rehearsed at half", folds=3)),
    (Step(method="tried", folds=1), Step(method="rehearsed at half", folds=3), Step(method="rehearsed", folds=4)),
    (Step(method="rehearsed at half", folds=2), Step(method="rehearsed", folds=4)),
)
_REHEARSED, _TRIED = Step(method="rehearsed", folds=5), Step(method="tried", folds=5)


def bigger(bench: Bench, *, findings: Sequence[DataFinding], confidence: float) -> dict[float, Answer]:
    """What 1.5, 2 and 4 times the size do to the risk on new samples; of an inverse size, that part of it.

    A size that does not count what samples do, such as a depth or a number of neighbours, makes another model of a part
    of the samples: it is tried on all of them only.

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
    is_scaled = scaled_size(bench, 0.5) != bench.subject.size
    last = replace(_REHEARSED if is_scaled else _TRIED, factors=factors)
    portfolios = [_for_factors(steps, factors) for steps in _WHERE_IT_SCALES] if is_scaled else []

    def plan(step: Step) -> Plan:
        return size_plan(bench, PARTS[step.method], step.factors)

    def told(method: str, factor: float) -> str:
        scale = (bench.samples // PARTS[method]) / bench.samples
        before, after = (format_position(_larger(bench, scale, times) or 0.0) for times in (1.0, factor))
        return f"from {_size_name(bench)} = {before} to {after}"

    tried = Methods(bench=bench, plan=plan, told=told).spend(portfolios, (last,))
    if not tried:
        raise not_reached(bench, "a bigger model", plan(last)(0)[factors[0]])
    return answers_of(bench, "bigger", tried, confidence)


def _for_factors(steps: Portfolio, factors: tuple[float, ...]) -> Portfolio:
    return tuple(replace(step, factors=factors) for step in steps)


def _larger(bench: Bench, scale: float, factor: float) -> float | None:
    """The size that is ``factor`` times as large in the sense of what it can fit, within the model's bounds."""
    parameter = bench.subject.size_parameter
    if parameter is None:
        return bench.subject.size
    return scaled_size(bench, scale, 1.0 / factor if parameter.is_inverse else factor)


def _size_name(bench: Bench) -> str:
    parameter = bench.subject.size_parameter
    return "size" if parameter is None else parameter.name.rpartition("__")[2]


def _why_not(bench: Bench) -> str:
    subject = bench.subject
    if subject.size is None or subject.size_parameter is None:
        return f"{subject.name} has no size that could be larger."
    if math.isinf(subject.size):
        return f"{_size_name(bench)} has no limit already."
    return f"{_size_name(bench)} = {format_position(subject.size)} is the largest model there is."


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
