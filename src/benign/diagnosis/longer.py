"""Will longer training help or hurt? One training is recorded at the user's time and at multiples of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from benign.diagnosis.answering import FACTORS, METHODS, Tried, answers_of, not_reached, refuse_for, scales
from benign.diagnosis.answers import Answer, DataFinding, Unanswered
from benign.diagnosis.paired_trials import Arm, Comparison, Plan, run_plan, scaled_size
from benign.diagnosis.trials.bench import Bench
from benign.foundation.number_words import format_position

_FOLDS = 5


def longer(bench: Bench, *, findings: Sequence[DataFinding], confidence: float) -> dict[float, Answer]:
    """What 1.5, 2 and 4 times the training time do to the risk on new samples.

    Args:
        bench: the model, the data and the budget.
        findings: what is known of the data.
        confidence: how sure an answer must be.

    Raises:
        Unanswered: where training has no time, or the budget allows no trial.
    """
    refuse_for("longer", findings)
    if bench.subject.time is None:
        raise Unanswered(f"{bench.subject.name} has no training time.")
    tried = [
        one for one in (_tried(bench, parts) for parts in scales(bench, partial(time_plan, bench))) if one.comparisons
    ]
    if not tried:
        raise not_reached(bench, "longer training", time_plan(bench, 1, FACTORS[:1])(0)[FACTORS[0]])
    return answers_of(bench, "longer", tried, confidence)


def _tried(bench: Bench, parts: int) -> Tried:
    plan = time_plan(bench, parts)
    now, name = bench.subject.time or 1.0, bench.subject.procedure.time_name or "time"
    word = name.rpartition("__")[2]
    return Tried(
        method=METHODS[parts],
        steps={k: f"from {format_position(now)} to {format_position(_later(now, k))} {word}" for k in FACTORS},
        comparisons=run_plan(bench, plan, most=_FOLDS),
    )


def _later(now: float, factor: float) -> float:
    """A time so many times as late; whole where the user's is."""
    return float(round(factor * now)) if now == round(now) else factor * now


def time_plan(bench: Bench, parts: int, factors: tuple[float, ...] = FACTORS) -> Plan:
    """Of each fold, trajectories on each of the disjoint parts of the samples, compared between their own times."""
    now = bench.subject.time
    assert now is not None
    times = tuple(_later(now, factor) for factor in (1.0, *factors))
    rows = bench.samples // parts
    size = scaled_size(bench, rows / bench.samples)

    def comparisons(fold: int) -> dict[float, Comparison]:
        whole = replace(bench.user_trial(fold), rows=rows, size=size, times=times)
        trials = [replace(whole, start=part * rows) for part in range(parts)]
        before = tuple(Arm(trial=trial, moment=0) for trial in trials)
        return {
            factor: Comparison(before=before, after=tuple(Arm(trial=trial, moment=place) for trial in trials))
            for place, factor in enumerate(factors, 1)
        }

    return comparisons
