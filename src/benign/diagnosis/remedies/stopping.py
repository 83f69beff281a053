"""Stopping early: the risk along the training of the model as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from benign.diagnosis.paired_trials import Arm
from benign.diagnosis.remedies.candidate import Candidate, instead
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Trial
from benign.foundation.number_words import format_position
from benign.foundation.size_words import is_counted
from benign.procedures.estimator import Estimator
from benign.procedures.estimator_times import Route, route_of
from benign.procedures.protocol import trains_along_time

_HALVINGS = 6  # the shortest training is a 64th
_STEPS = 2  # to a halving


def shorter_times(bench: Bench) -> tuple[Candidate, list[Candidate]] | None:
    """The whole training and its earlier moments; None where the model has no training time, or no shorter one.

    A forest, to which a longer training adds members that know nothing of each other, has nothing to stop.

    All times are those of one training where the model gives them so, else of a training each: then the whole is the
    user's own.
    """
    time = bench.end
    earlier = [] if time is None else _passed(bench, earlier_times(time), time)
    if time is None or not earlier or _adds_members(bench):
        return None
    if trains_along_time(bench.subject.procedure):
        times = (*earlier, time)
        moments = [_moment(bench, times, place) for place in range(len(times))]
        return moments[-1], moments[:-1]
    alone = [_moment(bench, (one,), 0) for one in (time, *earlier[::-_STEPS])]  # each is paid for: fewer, longest first
    return alone[0], alone[1:]


def earlier_times(time: float) -> list[float]:
    """A 64th of the time and on by factors of the root of two; whole numbers where the time is one."""
    shares = [2.0 ** (-step / _STEPS) for step in range(_HALVINGS * _STEPS, 0, -1)]
    is_whole = time == int(time)
    times = [float(round(share * time)) if is_whole else share * time for share in shares]
    return [one for one in dict.fromkeys(times) if 0.0 < one < time]


def _passed(bench: Bench, times: Sequence[float], end: float) -> list[float]:
    """The times of a loop that are nearest to these, on a logarithmic scale; of any other model these."""
    there = [time for time in bench.passed_times if 0.0 < time < end]
    if not bench.passed_times:
        return list(times)
    nearest = [min(there, key=lambda one: abs(math.log(one / wanted))) for wanted in times if there]
    return list(dict.fromkeys(nearest))


def _adds_members(bench: Bench) -> bool:
    procedure = bench.subject.procedure
    if not isinstance(procedure, Estimator) or procedure.time_name is None:
        return False
    return route_of(procedure.estimator, procedure.time_name) is Route.WARM_START


def _moment(bench: Bench, times: tuple[float, ...], place: int) -> Candidate:
    whole = bench.end
    name = bench.subject.procedure.time_name
    assert whole is not None  # the caller has asked
    assert name is not None

    def trial(fold: int) -> Trial:
        return replace(bench.user_trial(fold), times=times)

    return Candidate(
        what=_words(name, times[place], whole),
        arms=lambda fold: (Arm(trial=trial(fold), moment=place),),
        settings={name: int(times[place]) if times[place] == int(times[place]) else times[place]},
        factor=times[place] / whole,
    )


def _words(name: str, time: float, whole: float) -> str:
    """As "stopping after 40 of 200 epochs", or "stopping at n_estimators = 40 instead of 200"."""
    last = name.rpartition("__")[2]
    if is_counted(last):
        return f"stopping after {format_position(time)} of {format_position(whole)} {last}"
    return f"stopping at {instead(last, time, whole)}"
