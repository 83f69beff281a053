"""Where a peak of the test risk must be looked for: along samples, along size and along time, within one budget."""

from __future__ import annotations

import contextlib
import math
import time as clock
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benign.curves.fitting_threshold import Criterion, FittingThreshold, MoreBudget, ThresholdOutcome
from benign.curves.peak_place import PeakPlace
from benign.curves.threshold_bracketing import SearchLimits
from benign.curves.threshold_search import LEAST_DRAWS, Regime
from benign.diagnosis.complexity import EffectiveModelComplexity, find_complexity
from benign.diagnosis.exact_fit import look_beyond, peak_samples, peak_size
from benign.diagnosis.fit_search import FAILURES, FitSearch, deadline, search_limits, stored_trainings
from benign.diagnosis.fitting_thresholds import find_size, find_time
from benign.diagnosis.search_arguments import DRAWS, checked_samples, checked_size, checked_times, largest_size
from benign.experiments import Executor, Place
from benign.experiments.repeated_warnings import said_once
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.foundation.progress import Progress, silent
from benign.foundation.size_words import amount, at_least, at_most, is_counted
from benign.procedures.protocol import Procedure, end_of_training, has_real_sizes, is_size_inverse
from benign.sources.protocol import Source

TRAININGS = 100
MINUTES = 1.0
"""The budget of one who names none: the first answer comes within about a minute."""
_UNTIL_COMPLEXITY, _UNTIL_SIZE = 0.6, 0.9  # shares of the budget that are spent by the end of each search
_KEPT_BACK = 2 * LEAST_DRAWS  # trainings of the threshold size's own, for the sizes beyond it
_LATE = 1e-9  # minutes: a search measures once in any case, for which so much is allowed
_ROUNDS = 7  # each doubles draws and trainings
_FARTHEST = 4  # the first size tried is within this factor of the user's

_ADVICE = {
    Regime.UNDER: "under-parameterised: it cannot fit this training set; {larger}{longer} moves it towards the peak of "
    "the test risk, and only well beyond it helps again",
    Regime.CRITICAL: "critical: it can just fit this training set, where the test risk peaks if it does; more data, "
    "{smaller} or {larger} by far may all help or hurt, so measure the test risk on both sides",
    Regime.OVER: "over-parameterised: it fits this training set with room to spare; the peak of the test risk, if "
    "there is one, lies at more samples or {smaller}",
    Regime.UNDECIDED: "undecided",
}
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
        is_inverse: whether the size is the inverse of one.
        time_name: what a training time counts; None where there is none.
    """

    complexity: EffectiveModelComplexity
    threshold_size: FittingThreshold | None
    threshold_time: FittingThreshold | None
    samples: int
    size: float
    size_name: str
    notes: tuple[str, ...]
    objective: str
    data_notes: tuple[str, ...] = ()
    is_inverse: bool = False
    time_name: str | None = None

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
        words += [*self.notes, *filter(None, [smallest.note, smallest.reading] if smallest is not None else [])]
        return " ".join([*words, *self.data_notes])

    @property
    def advice(self) -> str:
        """What the ratio of complexity and n says, and what that means for this kind of procedure."""
        return f"{self._ratio}; {_ADVICE[self.regime()].format(**self._directions)}{self._undecided}"

    @property
    def _ratio(self) -> str:
        low, high = (end / self.samples for end in self.complexity.interval)
        if low <= 0.0 and high == math.inf:
            return "EMC / n is not known yet"
        if high == math.inf:
            return f"EMC / n is {low:.2f} or more"
        if low <= 0.0:
            return f"EMC / n is {high:.2f} or less"
        return f"EMC / n = {self.complexity.value / self.samples:.2f} ({low:.2f} to {high:.2f})"

    @property
    def _directions(self) -> dict[str, str]:
        """How this kind of procedure is made larger and smaller."""
        found, name = self.threshold_size, self.size_name
        is_inverse = self.is_inverse if found is None or found.note else found.is_inverse
        words = ("more", "fewer") if is_counted(name) else ("a larger", "a smaller")
        larger, smaller = (f"{word} {name}" for word in (words[::-1] if is_inverse else words))
        return {
            "larger": larger,
            "smaller": smaller,
            "longer": f" or longer training ({self.time_name})" if self.time_name else "",
        }

    @property
    def _undecided(self) -> str:
        """Why it is undecided, and what would decide it; empty where it is not."""
        found = self.complexity
        if self.regime() is not Regime.UNDECIDED or found.failure:
            return ""
        if found.is_limited_by_data:
            return f": it fits all {found.value:,} samples that there are, and only more rows can tell how many more"
        if self.samples < found.fitted_from:
            return f": it does not fit so few samples, and fits {found.fitted_from:,}"
        why = ": the interval crosses an edge of the critical regime"
        return why if found.more_budget is MoreBudget.NOTHING else f"{why}; a larger budget narrows it"

    @property
    def more_budget(self) -> str:
        """What a larger budget would buy; empty where it buys nothing."""
        searched = {"EMC": self.complexity, "the threshold size": self.threshold_size}
        searched["the threshold time"] = self.threshold_time
        gains = {name: one.more_budget for name, one in searched.items() if one is not None}
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
            **self.complexity.to_dict(),
            "samples": self.samples,
            "regime": self.regime().name.lower(),
            "threshold_size": None if self.threshold_size is None else self.threshold_size.to_dict(),
            "threshold_time": None if self.threshold_time is None else self.threshold_time.to_dict(),
            "advice": self.advice,
            "peak": self.sentence,
            "peak_size": None if self.peak_size is None else self.peak_size.to_dict(),
            "peak_samples": None if self.peak_samples is None else self.peak_samples.to_dict(),
            "more_budget": self.more_budget,
        }


@said_once()
def locate_peak(
    procedure: Procedure,
    source: Source,
    *,
    size: float,
    samples: int,
    time: float | None = None,
    max_trainings: int | None = None,
    max_minutes: float | None = None,
    multiple: int = 1,
    tolerance: float = TOLERANCE,
    criterion: Criterion = "objective",
    seed: int = 0,
    workers: int | None = None,
    executor: str | Executor | None = None,
    store: Place = None,
    progress: Progress = silent,
) -> PeakLocation:
    """Search the effective model complexity, then the threshold size and time at the user's own n.

    By Hypothesis 1 of Nakkiran et al. 2020 the test risk peaks along each axis where the complexity is near n.

    The complexity may spend 60 % of the budget, the threshold size what is left of 90 %, the threshold time the rest.
    While minutes are left and would narrow something, all is done again with twice the draws; the store keeps what was
    measured before, and a round that time cuts short does not replace a finished one. A number of trainings is spent in
    one round. Both budgets hold: 100 trainings and a minute, unless said.

    Args:
        procedure: the user's.
        source: where training sets come from.
        size: of the user's model.
        samples: the user's n.
        time: when training ends; None for its end.
        max_trainings: budget of all searches together.
        max_minutes: likewise. A single training that takes longer is stopped, where it runs in a worker process.
        multiple: of which n are tried; see :func:`benign.effective_model_complexity`.
        tolerance: what counts as fitted.
        criterion: ``"objective"``, what training minimises, or ``"error"``, zero-one.
        seed: root seed.
        workers: processes; None chooses.
        executor: as :func:`benign.measure`.
        store: path or URL, an open store, ``":memory:"``, or None for the default one.
        progress: told the number of trainings of each search.

    Raises:
        InvalidArgument: for settings that make no sense, and where not even the first training has a finite risk.
        WorkerDied: if that kills its worker process; likewise JobStopped and NotEnoughMemory.
        MeasurementInterrupted: on Ctrl-C; the store keeps what was measured.
    """
    minutes = MINUTES if max_minutes is None else max_minutes
    budget = _Budget(trainings=max_trainings or TRAININGS, minutes=minutes, start=clock.monotonic())
    seconds_left = deadline(minutes)
    where: dict[str, Any] = {"workers": workers, "executor": executor, "store": store}
    asked = FitSearch(
        procedure=procedure,
        source=source,
        tolerance=tolerance,
        criterion=criterion,
        seed=seed,
        progress=progress,
        limits=search_limits(max_trainings, minutes, None),
        trainings=stored_trainings(procedure, source, seed=seed, minutes=(minutes, None), **where),
    )
    model_size, n, times = (
        checked_size(size, procedure),
        checked_samples(samples, source),
        checked_times(time, procedure),
    )
    rounds = _ROUNDS if max_minutes is not None and max_trainings is None else 1
    with asked.opened() as search:
        best: PeakLocation | None = None
        for doubling in range(rounds):
            one = _Round(
                search=replace(search, progress=_named(progress, doubling)),
                size=model_size,
                samples=n,
                times=times,
                multiple=multiple,
            )
            best = _better(best, one.run(replace(budget, trainings=budget.trainings * 2**doubling)))
            if not best.more_budget or seconds_left() <= 0.0:
                break
    assert best is not None
    return replace(best, data_notes=asked.notes(n))


@dataclass(frozen=True, kw_only=True)
class _Budget:
    trainings: int
    minutes: float | None
    start: float

    def until(self, share: float, spent: int) -> SearchLimits | None:
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
        draws = max(DRAWS, self.trainings * DRAWS // TRAININGS)  # as many more as there are trainings
        return search_limits(trainings, minutes, draws)


@dataclass(frozen=True, kw_only=True)
class _Round:
    """The three searches, one after another."""

    search: FitSearch
    size: float
    samples: int
    times: list[float] | None
    multiple: int

    def run(self, budget: _Budget) -> PeakLocation:
        """What they find within the budget."""
        until = self._until()
        allowed = budget.until(_UNTIL_COMPLEXITY, 0)
        assert allowed is not None
        complexity = find_complexity(
            replace(self.search, limits=allowed),
            size=self.size,
            times=self.times,
            samples=self.samples,
            multiple=self.multiple,
        )
        spent, smallest, shortest = complexity.trainings, None, None
        notes: list[str] = []
        share = 1.0 if until is None else _UNTIL_SIZE
        if (allowed := budget.until(share, spent)) is not None:
            kept_back = _KEPT_BACK if allowed.trainings >= 4 * _KEPT_BACK else 0
            here = replace(self.search, limits=replace(allowed, trainings=allowed.trainings - kept_back))
            with _noted("threshold size", notes):
                smallest = find_size(here, samples=self.samples, times=self.times, guess=self._guess(complexity))
        if smallest is not None:
            smallest = self._beyond(smallest, budget.until(share, spent + smallest.trainings))
            spent += smallest.trainings
        if until is not None and (allowed := budget.until(1.0, spent)) is not None:
            here = replace(self.search, limits=allowed)
            with _noted("threshold time", notes):
                shortest = find_time(here, samples=self.samples, size=self.size, until=until)
        procedure = self.search.procedure
        return PeakLocation(
            complexity=complexity,
            threshold_size=smallest,
            threshold_time=shortest,
            samples=self.samples,
            size=self.size,
            size_name=procedure.size_name,
            notes=tuple(notes),
            objective=procedure.objective,
            is_inverse=is_size_inverse(procedure),
            time_name=procedure.time_name,
        )

    def _beyond(self, found: FittingThreshold, allowed: SearchLimits | None) -> FittingThreshold:
        """A few sizes beyond the threshold, where what is left of the budget allows them."""
        if allowed is None or found.outcome is not ThresholdOutcome.FOUND or found.is_inverse:
            return found  # of an inverse all values down to 1 were searched
        procedure = self.search.procedure
        looks = allowed.trainings // LEAST_DRAWS if allowed.has_time() else 0
        try:
            return look_beyond(found, procedure.objective, self._risk_at, largest=self._most, looks=looks)
        except FAILURES:  # no finite risk there, say: the threshold still stands
            return found

    def _risk_at(self, size: float) -> float:
        what = f"an exact fit at n = {self.samples:,}"
        return float(np.mean(self.search.risks(what, (size, self.times, self.samples), LEAST_DRAWS)))

    def _until(self) -> float | None:
        """The last time that is looked at; None where there is none, or none is known."""
        procedure = self.search.procedure
        if procedure.time_name is None:
            return None
        asked = self.times[0] if self.times else None
        return max((last for last in (end_of_training(procedure), asked) if last is not None), default=None)

    def _guess(self, complexity: EffectiveModelComplexity) -> float:
        """As many times the size as n is times the complexity, not far from the size; of an inverse, the easiest.

        Of a real number, which need not grow with the complexity, the size.
        """
        procedure = self.search.procedure
        if has_real_sizes(procedure):
            return self.size
        if is_size_inverse(procedure):
            return 1
        ratio = self.samples / complexity.value if complexity.value else float(_FARTHEST)
        guess = round(self.size * min(max(ratio, 1.0 / _FARTHEST), float(_FARTHEST)))
        return int(min(max(guess, 1), self._most))

    @property
    def _most(self) -> float:
        return largest_size(self.search.procedure, self.search.source, self.search.seed)


@contextlib.contextmanager
def _noted(what: str, notes: list[str]) -> Iterator[None]:
    """Where a search has no answer (a training risk that is no number, say), a note: the others still stand."""
    try:
        yield
    except FAILURES as error:
        notes.append(f"The {what} was not found: {error}")


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
        now,
        complexity=chosen(before.complexity, now.complexity),
        threshold_size=chosen(before.threshold_size, now.threshold_size),
        threshold_time=chosen(before.threshold_time, now.threshold_time),
    )


def _placed(place: PeakPlace | None, outcome: ThresholdOutcome) -> str:
    """The predicted place, if its search found a threshold."""
    return place.words if place is not None and outcome is ThresholdOutcome.FOUND else ""


def _along_samples(found: EffectiveModelComplexity) -> str:
    if found.outcome is ThresholdOutcome.ALL_FITTED:
        return f"beyond n = {found.value:,}"
    if found.outcome is ThresholdOutcome.NONE_FITTED:
        return f"at no n of {found.evidence[0].samples:,} or more"
    if found.outcome is ThresholdOutcome.UNDECIDED:
        return f"at an n yet undecided (95 %: {found.ends})"
    return f"near n = {found.value:,}, which it just fits (95 %: {found.ends})"


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
    return f"near {amount(found.value, unit)}, which just {'fit' if is_counted(unit) else 'fits'} (95 %: {found.ends})"
