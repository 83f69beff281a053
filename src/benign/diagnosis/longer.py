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
from benign.procedures.estimator import Estimator
from benign.procedures.protocol import Retrainable, end_of_training, is_annealed
from benign.procedures.training_loop import TrainingLoop

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
_AWAY = 0.1  # how far the time of a loop may be from the one asked for


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
    now = bench.end
    if now is None:
        raise Unanswered(_no_time(bench))
    factors = _reached(bench, now)
    if not factors:
        raise Unanswered(_ends(bench, now))
    word = _unit(bench)

    def plan(step: Step) -> Plan:
        return time_plan(bench, PARTS[step.method], now, step.factors)

    def told(method: str, factor: float) -> str:
        del method
        return f"from {format_position(now)} to {format_position(_later(bench, now, factor))} {word}"

    portfolios, last = [_for_factors(steps, factors) for steps in _PORTFOLIOS], replace(_LAST, factors=factors)
    tried = Methods(bench=bench, plan=plan, told=told).spend(portfolios, (last,))
    if not tried:
        raise not_reached(bench, "longer training", plan(last)(0)[factors[0]])
    return answers_of(bench, "longer", tried, confidence)


def _for_factors(steps: Portfolio, factors: tuple[float, ...]) -> Portfolio:
    return tuple(replace(step, factors=tuple(one for one in step.factors if one in factors)) for step in steps)


def _unit(bench: Bench) -> str:
    return (bench.subject.procedure.time_name or "time").rpartition("__")[2]


def _no_time(bench: Bench) -> str:
    name = bench.subject.procedure.time_name
    if name:
        return f"Say with `time` how many {name} the model is trained for."
    return f"{bench.subject.name} has no training time that is known here."


def _ends(bench: Bench, now: float) -> str:
    """Where it cannot be trained for longer."""
    end = format_position(now)
    return (
        f"{bench.subject.name} ends at {end} {_unit(bench)}, and cannot be trained for longer; let it go on, and say "
        f"with `time` that you stop at {end}."
    )


def _later(bench: Bench, now: float, factor: float) -> float:
    """A time so many times as late; whole where the user's is, and of a loop one that it is to go by."""
    later = _rounded(now, factor)
    passed = bench.passed_times
    if now not in passed:
        return later
    before = [time for time in passed if 0.0 < time < now]
    step = now - (before[-1] if before else 0.0)
    return now + step * round((later - now) / step)


def _rounded(now: float, factor: float) -> float:
    return float(round(factor * now)) if now == round(now) else factor * now


def _reached(bench: Bench, now: float) -> tuple[float, ...]:
    """The factors that the training can be made longer by.

    A training of a known length is made longer, or ends; where a loop ends is seen by the smallest training of all.
    """
    procedure, last = bench.subject.procedure, end_of_training(bench.subject.procedure)
    if isinstance(procedure, TrainingLoop):
        _see_times(bench, now)
        near = tuple(one for one in FACTORS if abs(_later(bench, now, one) / _rounded(now, one) - 1.0) <= _AWAY)
        planned = time_plan(bench, PARTS[_LAST.method], now, near)(0)
        return tuple(factor for factor in near if _may_be_reached(bench, planned[factor]))
    if last is None or isinstance(procedure, (Estimator, Retrainable)):
        return FACTORS
    return tuple(factor for factor in FACTORS if _later(bench, now, factor) <= last)


def _see_times(bench: Bench, now: float) -> None:
    """The times of a loop, by a training on few samples where none was had."""
    trial = replace(bench.user_trial(), rows=bench.samples // PARTS[_LAST.method], times=(now,))
    if not bench.passed_times and bench.affords([trial]):
        bench.measure([trial])


def _may_be_reached(bench: Bench, comparison: Comparison) -> bool:
    """No where the training was seen to end before; a training that could not be had says nothing."""
    found = bench.measure([arm.trial for arm in comparison.after]) if bench.affords(comparison.trials) else []
    reached = [one.is_reached[arm.moment] for one, arm in zip(found, comparison.after, strict=False) if one is not None]
    return all(reached)


def time_plan(bench: Bench, parts: int, now: float, factors: tuple[float, ...]) -> Plan:
    """Of each fold, trajectories on parts of the samples, each compared between its own times.

    Where the model is smaller on a part, and so trained the faster, all disjoint parts are trained on, else one. A
    training whose schedule ends with it is another one where it is longer: each length is then trained on its own.
    """
    times = (now, *(_later(bench, now, factor) for factor in factors))
    is_each_its_own = is_annealed(bench.subject.procedure)
    rows = bench.samples // parts
    size = scaled_size(bench, rows / bench.samples)
    starts = [part * rows for part in range(parts if size != bench.subject.size else 1)]

    def comparisons(fold: int) -> dict[float, Comparison]:
        trajectory = replace(bench.user_trial(fold), rows=rows, size=size, times=times)

        def arms(place: int) -> tuple[Arm, ...]:
            if is_each_its_own:
                alone = replace(trajectory, times=(times[place],))
                return tuple(Arm(trial=replace(alone, start=start)) for start in starts)
            return tuple(Arm(trial=replace(trajectory, start=start), moment=place) for start in starts)

        before = arms(0)
        return {factor: Comparison(before=before, after=arms(place)) for place, factor in enumerate(factors, 1)}

    return comparisons
