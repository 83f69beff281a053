"""Will longer training help or hurt? One training is recorded at the user's time and at multiples of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benign.diagnosis.answering import answers_of, not_reached, refuse_for
from benign.diagnosis.answers import Answer, DataFinding, Unanswered
from benign.diagnosis.paired_trials import Arm, Comparison, Plan, scaled_size
from benign.diagnosis.portfolios import PARTS, Methods, Portfolio, Step
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.verdict import FACTORS
from benign.foundation.number_words import format_position

# What says most for its cost, the dearest first.
_PORTFOLIOS: tuple[Portfolio, ...] = (
    (Step(method="tried", folds=5), Step(method="rehearsed at half", folds=5)),
    (Step(method="tried", folds=2),),
    (Step(method="tried", folds=1), Step(method="rehearsed at half", folds=2)),
    (Step(method="tried", folds=1, factors=FACTORS[:2]), Step(method="rehearsed at half", folds=1)),
    (Step(method="rehearsed at half", folds=3), Step(method="rehearsed", folds=3)),
    (Step(method="rehearsed at half", folds=1), Step(method="rehearsed", folds=1)),
)
_LAST = Step(method="rehearsed", folds=5)


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
    now = bench.subject.time
    if now is None:
        raise Unanswered(_no_time(bench))
    word = (bench.subject.procedure.time_name or "time").rpartition("__")[2]

    def plan(step: Step) -> Plan:
        return time_plan(bench, PARTS[step.method], now, step.factors)

    def told(method: str, factor: float) -> str:
        del method
        return f"from {format_position(now)} to {format_position(_later(now, factor))} {word}"

    tried = Methods(bench=bench, plan=plan, told=told).spend(_PORTFOLIOS, (_LAST,))
    if not tried:
        raise not_reached(bench, "longer training", plan(_LAST)(0)[FACTORS[0]])
    return answers_of(bench, "longer", tried, confidence)


def _no_time(bench: Bench) -> str:
    name = bench.subject.procedure.time_name
    if name:
        return f"Say with `time` how many {name} the model is trained for."
    return f"{bench.subject.name} has no training time that is known here."


def _later(now: float, factor: float) -> float:
    """A time so many times as late; whole where the user's is."""
    return float(round(factor * now)) if now == round(now) else factor * now


def time_plan(bench: Bench, parts: int, now: float, factors: tuple[float, ...]) -> Plan:
    """Of each fold, trajectories on parts of the samples, each compared between its own times.

    Where the model is smaller on a part, and so trained the faster, all disjoint parts are trained on, else one.
    """
    times = tuple(_later(now, factor) for factor in (1.0, *factors))
    rows = bench.samples // parts
    size = scaled_size(bench, rows / bench.samples)
    starts = [part * rows for part in range(parts if size != bench.subject.size else 1)]

    def comparisons(fold: int) -> dict[float, Comparison]:
        trajectory = replace(bench.user_trial(fold), rows=rows, size=size, times=times)
        trials = [replace(trajectory, start=start) for start in starts]
        before = tuple(Arm(trial=trial, moment=0) for trial in trials)
        return {
            factor: Comparison(before=before, after=tuple(Arm(trial=trial, moment=place) for trial in trials))
            for place, factor in enumerate(factors, 1)
        }

    return comparisons
