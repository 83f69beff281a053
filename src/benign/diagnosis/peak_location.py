"""Where a peak of the test risk must be looked for: along samples, along size and along time, within one budget."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benign.curves.fitting_threshold import FittingThreshold, MoreBudget, ThresholdOutcome, more_budget
from benign.curves.peak_place import PeakPlace
from benign.curves.threshold_search import LEAST_DRAWS, REGIME_BAND, Regime
from benign.diagnosis.complexity import EffectiveModelComplexity, effective_model_complexity
from benign.diagnosis.exact_fit import look_beyond, peak_samples, peak_size
from benign.diagnosis.fitting_thresholds import end_of_training, threshold_size, threshold_time
from benign.diagnosis.search_arguments import (
    DRAWS,
    check_contract,
    checked_budget,
    checked_samples,
    deadline,
    training_limits,
)
from benign.diagnosis.threshold_bracketing import FAILURES
from benign.experiments import Place, measure
from benign.experiments.reading import opened
from benign.experiments.repeated_warnings import said_once
from benign.experiments.running import search_name
from benign.foundation.progress import Progress, silent
from benign.foundation.replicate import Replicate
from benign.foundation.size_words import amount, at_least, at_most, is_counted
from benign.procedures.protocol import Procedure, is_size_inverse
from benign.sources.protocol import Source, source_notes
from benign.surface.training_risks import checked_criterion, require_numbers, training_risks

TRAININGS = 100
MINUTES = 1.0
"""The budget of one who names none: the first answer comes within about a minute."""
_UNTIL_COMPLEXITY, _UNTIL_SIZE = 0.6, 0.9  # shares of the budget that are spent by the end of each search
_KEPT_BACK = 2 * LEAST_DRAWS  # trainings of the threshold size's own, for the sizes beyond it
_LATE = 1e-9  # minutes: a search measures once in any case, for which so much is allowed
_ROUNDS = 7  # each doubles draws and trainings
_FARTHEST = 4  # the first size tried is within this factor of the user's

_GAINS = {
    MoreBudget.ENDS_SEARCH: "The budget ended the search for {}: more minutes or trainings go on with it.",
    MoreBudget.BOUNDS: "More trainings would bound the interval of {} on both sides.",
    MoreBudget.HALVES: "Four times the trainings would about halve the interval of {}.",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PeakLocation:
    """The three thresholds of one procedure, size and n.

    Attributes:
        complexity: the largest n that the size fits.
        threshold_size: the smallest size that fits n; None if the budget was spent before.
        threshold_time: the shortest time after which the size fits n; None likewise, and where there is no such time.
        samples: n.
        size: the size.
        size_name: what it counts.
        notes: why a threshold was not found.
        objective: what training minimises.
        data_notes: what there is to know of the data; see :attr:`benign.Surface.notes`.
    """

    complexity: EffectiveModelComplexity
    threshold_size: FittingThreshold | None
    threshold_time: FittingThreshold | None
    samples: int
    size: int
    size_name: str
    notes: tuple[str, ...]
    objective: str
    data_notes: tuple[str, ...] = ()

    def regime(self, band: float = REGIME_BAND) -> Regime:
        """The regime of the n samples; see :meth:`EffectiveModelComplexity.regime`."""
        return self.complexity.regime(self.samples, band)

    @property
    def peak_size(self) -> PeakPlace | None:
        """The sizes between which the test risk peaks at n, if it does; None where the criterion does not tell."""
        found = self.threshold_size
        return None if found is None else peak_size(found, self.objective)

    @property
    def peak_samples(self) -> PeakPlace | None:
        """The numbers of samples between which it peaks at the size, likewise; by the squared loss alone."""
        return peak_samples(self.complexity, self.objective)

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence

    @property
    def sentence(self) -> str:
        """Where the peak must be looked for."""
        complexity, smallest, place = self.complexity, self.threshold_size, self.peak_size
        along = _placed(self.peak_samples, complexity.outcome) or _along_samples(complexity)
        places = [f"{along} at your {amount(self.size, self.size_name)}"]
        if smallest is not None and not smallest.note:
            along = _placed(place, smallest.outcome) or _along(smallest)
            places.insert(0, f"{along} at your n = {self.samples:,}")
        if self.threshold_time is not None:
            places.append(f"{_along(self.threshold_time)} at your n and size")
        words = [f"The test risk peaks, if it does, {', or '.join(places)}."]
        if smallest is not None and place is not None and _placed(place, smallest.outcome) and place.is_bounded:
            words.append(f"Of {'the ' if is_counted(place.unit) else ''}{place.unit}, {place.end.value}.")
        words += [*self.notes, *([smallest.note] if smallest is not None and smallest.note else [])]
        return " ".join([*words, *self.data_notes])

    @property
    def more_budget(self) -> str:
        """What a larger budget would buy; empty where it buys nothing."""
        found = self.complexity
        gains = {"EMC": more_budget(found.outcome, found.interval, is_budget_spent=found.is_budget_spent)}
        if found.failure:
            gains["EMC"] = MoreBudget.NOTHING
        for name, threshold in (("threshold size", self.threshold_size), ("threshold time", self.threshold_time)):
            if threshold is not None:
                gains[f"the {name}"] = threshold.more_budget
        if self.threshold_size is None and not self.notes:
            gains["the threshold size"] = MoreBudget.ENDS_SEARCH
        words = []
        for gain, sentence in _GAINS.items():
            names = [name for name, bought in gains.items() if bought is gain]
            if names:
                words.append(sentence.format(" and ".join(", ".join(names).rsplit(", ", 1))))
        return " ".join(words)

    def to_dict(self) -> dict[str, object]:
        """All numbers as JSON values."""
        return {
            **self.complexity.to_dict(), "samples": self.samples, "regime": self.regime().name.lower(),
            "threshold_size": None if self.threshold_size is None else self.threshold_size.to_dict(),
            "threshold_time": None if self.threshold_time is None else self.threshold_time.to_dict(),
            "peak": self.sentence, "peak_size": None if self.peak_size is None else self.peak_size.to_dict(),
            "peak_samples": None if self.peak_samples is None else self.peak_samples.to_dict(),
            "more_budget": self.more_budget,
        }  # fmt: skip


@said_once()
def locate_peak(
    procedure: Procedure,
    source: Source,
    *,
    size: int,
    samples: int,
    time: float | None = None,
    max_trainings: int | None = None,
    max_minutes: float | None = None,
    multiple: int = 1,
    store: Place = None,
    progress: Progress = silent,
    **options: Any,
) -> PeakLocation:
    """Search the effective model complexity, then the threshold size and time at the user's own n.

    The complexity may spend 60 % of the budget, the threshold size what is left of 90 %, the threshold time the rest.
    While minutes are left and would narrow something, all is done again with twice the draws; the store keeps what was
    measured before, and a round that time cuts short does not replace a finished one. A number of trainings is spent in
    one round. Neither given means 100 trainings within a minute.

    Args:
        procedure: the user's.
        source: where training sets come from.
        size: of the user's model.
        samples: the user's n.
        time: when training ends; None for its end.
        max_trainings: budget of all searches together.
        max_minutes: likewise. A single training that takes longer is stopped, where it runs in a worker process.
        multiple: of which n are tried; see :func:`benign.effective_model_complexity`.
        store: as there.
        progress: told the number of trainings of each search.
        options: ``tolerance``, ``criterion``, ``seed``, ``workers`` and ``executor``, as there.

    Raises:
        InvalidArgument: for settings that make no sense, and where not even the first training has a finite risk.
        WorkerDied: if that kills its worker process; likewise JobStopped and NotEnoughMemory.
        MeasurementInterrupted: on Ctrl-C; the store keeps what was measured.
    """
    start = clock.monotonic()
    check_contract(procedure, source)
    n = checked_samples(samples, source)
    if max_trainings is not None:
        checked_budget(max_trainings, None)
    minutes = MINUTES if max_minutes is None and max_trainings is None else max_minutes
    has_time = deadline(start, minutes)
    rounds = _ROUNDS if max_minutes is not None and max_trainings is None else 1
    with opened(store) as place:
        best: PeakLocation | None = None
        for doubling in range(rounds):
            trainings = TRAININGS * 2**doubling if max_trainings is None else max_trainings
            budget = _Budget(trainings=trainings, minutes=minutes, start=start)
            search = _Search(
                procedure=procedure, source=source, size=size, samples=n, time=time, multiple=multiple,
                options={
                    **options, "store": place, "progress": _named(progress, doubling), "minutes_per_training": minutes,
                },
            )  # fmt: skip
            best = _better(best, search.run(budget))
            if not (best.more_budget and has_time()):
                break
    assert best is not None
    return replace(best, data_notes=source_notes(source, n, Replicate(seed=options.get("seed", 0))))


@dataclass(frozen=True, kw_only=True)
class _Budget:
    trainings: int
    minutes: float | None
    start: float

    @property
    def draws(self) -> int:
        """At one position at most: as many more as there are trainings."""
        return max(DRAWS, self.trainings * DRAWS // TRAININGS)

    def until(self, share: float, spent: int) -> dict[str, Any] | None:
        """What a search may spend that ends at this share of the budget; None if nothing is left."""
        trainings = min(max(LEAST_DRAWS, int(share * self.trainings) - spent), self.trainings - spent)
        minutes = None
        if self.minutes is not None:
            left = self.minutes - (clock.monotonic() - self.start) / 60.0
            if spent and left <= 0.0:
                return None
            # A search measures once in any case.
            minutes = max(left - (1.0 - share) * self.minutes, _LATE)
        if trainings < LEAST_DRAWS:
            return None
        return {"max_trainings": trainings, "max_minutes": minutes, "replicates": self.draws}


@dataclass(frozen=True, kw_only=True)
class _Search:
    """One round."""

    procedure: Procedure
    source: Source
    size: int
    samples: int
    time: float | None
    multiple: int
    options: dict[str, Any]

    def run(self, budget: _Budget) -> PeakLocation:
        """The three searches, one after another."""
        until = self._until()
        allowed = budget.until(_UNTIL_COMPLEXITY, 0)
        assert allowed is not None
        complexity = effective_model_complexity(
            self.procedure, self.source, size=self.size, time=self.time, multiple=self.multiple, **self.options,
            **allowed,
        )  # fmt: skip
        spent, smallest, shortest = complexity.trainings, None, None
        notes: list[str] = []
        share = 1.0 if until is None else _UNTIL_SIZE
        allowed = budget.until(share, spent)
        if allowed is not None:
            allowed["max_trainings"] -= _KEPT_BACK if allowed["max_trainings"] >= 4 * _KEPT_BACK else 0
            smallest = _unless_refused(
                threshold_size, notes, self.procedure, self.source, samples=self.samples, time=self.time,
                guess=self._guess(complexity), **self.options, **allowed,
            )  # fmt: skip
        if smallest is not None:
            smallest = self._beyond(smallest, budget.until(share, spent + smallest.trainings))
            spent += smallest.trainings
        allowed = budget.until(1.0, spent)
        if until is not None and allowed is not None:
            shortest = _unless_refused(
                threshold_time, notes, self.procedure, self.source, samples=self.samples, size=self.size, until=until,
                **self.options, **allowed,
            )  # fmt: skip
        return PeakLocation(
            complexity=complexity, threshold_size=smallest, threshold_time=shortest, samples=self.samples,
            size=self.size, size_name=self.procedure.size_name, notes=tuple(notes),
            objective=self.procedure.objective,
        )  # fmt: skip

    def _beyond(self, found: FittingThreshold, allowed: dict[str, Any] | None) -> FittingThreshold:
        """A few sizes beyond the threshold, where what is left of the budget allows them."""
        if allowed is None or found.outcome is not ThresholdOutcome.FOUND or found.is_inverse:
            return found  # of an inverse all values down to 1 were searched
        is_late = allowed["max_minutes"] is not None and allowed["max_minutes"] <= _LATE
        looks = 0 if is_late else allowed["max_trainings"] // LEAST_DRAWS
        try:
            return look_beyond(
                found, self.procedure.objective, self._risk_at, largest=self.procedure.max_size, looks=looks
            )
        except FAILURES:  # no finite risk there, say: the threshold still stands
            return found

    def _risk_at(self, size: int) -> float:
        known = {name: self.options[name] for name in ("seed", "workers", "executor", "store") if name in self.options}
        dataset = measure(
            self.procedure, self.source, sizes=[size], times=None if self.time is None else [self.time],
            samples=[self.samples], replicates=LEAST_DRAWS, name=search_name(f"an exact fit at n = {self.samples:,}"),
            limits=training_limits(None, self.options["minutes_per_training"]), **known,
        ).dataset  # fmt: skip
        risks = training_risks(dataset, checked_criterion(self.options.get("criterion", "objective")))
        require_numbers(dataset, risks, names_size=True)
        return float(np.mean(risks))

    def _until(self) -> float | None:
        """The last time that is looked at; None where there is none, or none is known."""
        if self.procedure.time_name is None:
            return None
        return max((last for last in (end_of_training(self.procedure), self.time) if last is not None), default=None)

    def _guess(self, complexity: EffectiveModelComplexity) -> int:
        """As many times the size as n is times the complexity, not far from the size; of an inverse, the easiest."""
        if is_size_inverse(self.procedure):
            return 1
        ratio = self.samples / complexity.value if complexity.value else float(_FARTHEST)
        guess = round(self.size * min(max(ratio, 1.0 / _FARTHEST), float(_FARTHEST)))
        return int(min(max(guess, 1), self.procedure.max_size))


def _unless_refused(
    search: Callable[..., FittingThreshold], notes: list[str], *arguments: Any, **options: Any
) -> FittingThreshold | None:
    """The answer; where there is none (a training risk that is no number, say), a note: the others still stand."""
    try:
        return search(*arguments, **options)
    except FAILURES as error:
        notes.append(f"The {search.__name__.replace('_', ' ')} was not found: {error}")
        return None


def _named(progress: Progress, doubling: int) -> Progress:
    """Each round is a task of its own."""
    if not doubling:
        return progress
    return lambda task, done, total: progress(f"{task}, {2**doubling} times the draws", done, total)


def _better(before: PeakLocation | None, now: PeakLocation) -> PeakLocation:
    """The later answers, but for those that the end of the budget cut short where the earlier were finished."""
    if before is None:
        return now

    def chosen(earlier: Any, later: Any) -> Any:
        if later is None:
            return earlier
        is_cut_short, was_cut_short = (one.is_budget_spent or one.failure for one in (later, earlier or later))
        is_worse = earlier is not None and is_cut_short and not was_cut_short
        return earlier if is_worse else later

    return replace(
        now, complexity=chosen(before.complexity, now.complexity),
        threshold_size=chosen(before.threshold_size, now.threshold_size),
        threshold_time=chosen(before.threshold_time, now.threshold_time),
    )  # fmt: skip


def _placed(place: PeakPlace | None, outcome: ThresholdOutcome) -> str:
    """The predicted place, if its search found a threshold."""
    return place.words if place is not None and outcome is ThresholdOutcome.FOUND else ""


def _along_samples(found: EffectiveModelComplexity) -> str:
    if found.outcome is ThresholdOutcome.ALL_FITTED:
        return f"beyond n = {found.value:,}"
    if found.outcome is ThresholdOutcome.NONE_FITTED:
        return f"below n = {found.evidence[0].samples:,}"
    if found.outcome is ThresholdOutcome.UNDECIDED:
        return f"at an n yet undecided (95 %: {found.ends})"
    return f"near n = {found.value:,} (95 %: {found.ends})"


def _along(found: FittingThreshold) -> str:
    first, last, unit = min(found.evidence), max(found.evidence), found.unit
    if found.outcome is ThresholdOutcome.ALL_FITTED:
        return f"at {at_least(last, unit) if found.is_inverse else at_most(first, unit)}"
    if found.outcome is ThresholdOutcome.NONE_FITTED:
        where = f"below {amount(first, unit)}" if found.is_inverse else f"beyond {amount(last, unit)}"
        return f"{where}, if anywhere,"
    if found.outcome is ThresholdOutcome.UNDECIDED:
        of = f"a number of {unit}" if is_counted(unit) else f"a value of {unit}"
        return f"at {of} yet undecided (95 %: {found.ends})"
    return f"near {amount(found.value, unit)} (95 %: {found.ends})"
