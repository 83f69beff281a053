"""What a training will cost: in trainings of the user's model, and in seconds, forecast from those that were timed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benign.diagnosis.trials.trial import Trial

_STEEPEST = 3.5  # power of n: a dense factorisation has 3
_UNLESS_MEASURED = 1.5  # a fit of a table takes from n to n^2


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What decides how long a training takes.

    Attributes:
        rows: number of training samples.
        size: of the model; 1 where it has none or its cost does not grow with it.
        time: of training; 1 where there is none.
    """

    rows: float
    size: float = 1.0
    time: float = 1.0

    def over(self, other: Workload) -> float:
        """This one's nominal cost in units of another's."""
        return (self.rows / other.rows) * (self.size / other.size) * (self.time / other.time)

    def contains(self, other: Workload) -> bool:
        """Whether the other is no larger in anything."""
        return other.rows <= self.rows and other.size <= self.size and other.time <= self.time


def workload(trial: Trial, *, size_grows: bool, time: float) -> Workload:
    """That of a trial, whose size counts where cost grows with it; ``time`` is the end of training."""
    size = trial.size if size_grows and trial.size is not None and math.isfinite(trial.size) else 1.0
    return Workload(rows=float(trial.rows), size=size, time=trial.times[-1] if trial.times else time)


def forecast_seconds(wanted: Workload, timed: Mapping[Workload, float]) -> float:
    """How long a training will take; 0 where nothing was timed.

    The nearest timed one is scaled: linearly in size and time, and in n by the power that the timed ones show where two
    of them differ in n alone by a factor of two, by 1.5 upwards and 1 downwards else. No more than what any larger one
    took.
    """
    if not timed:
        return 0.0
    nearest = min(timed, key=lambda one: _distance(wanted, one))
    ratio = wanted.rows / nearest.rows
    power = _power(timed, nearest)
    if power is None:
        power = _UNLESS_MEASURED if ratio > 1.0 else 1.0
    scaled = timed[nearest] * ratio**power * (wanted.size / nearest.size) * (wanted.time / nearest.time)
    # Much of what a small one takes may be a program's compilation, which does not grow.
    larger = [took for load, took in timed.items() if load.contains(wanted)]
    return min([scaled, *larger])


def _distance(one: Workload, other: Workload) -> float:
    pairs = ((one.rows, other.rows), (one.size, other.size), (one.time, other.time))
    return sum(abs(math.log(a / b)) for a, b in pairs)


def _power(timed: Mapping[Workload, float], nearest: Workload) -> float | None:
    """Of n, between the fewest and the most rows timed at the nearest one's size and time."""
    alike = [
        (load.rows, took) for load, took in timed.items() if (load.size, load.time) == (nearest.size, nearest.time)
    ]
    (fewest, short), (most, long) = min(alike), max(alike)
    if most < 2.0 * fewest or short <= 0.0 or long <= 0.0:
        return None
    return min(max(math.log(long / short) / math.log(most / fewest), 0.0), _STEEPEST)
