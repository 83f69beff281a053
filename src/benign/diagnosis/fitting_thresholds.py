"""The smallest size, and the shortest time, at which a procedure fits a training set: from training risk alone.

The mirror images of the effective model complexity (Nakkiran et al. 2020, Definition 1): the contour "training risk =
tolerance" read along size, or along time, at a fixed number of samples. The test risk peaks near it, if it does.
"""

from __future__ import annotations

import math
import time as clock
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves.smallest_crossing import find_smallest
from benign.curves.threshold_search import TOLERANCE, ThresholdEstimate, ThresholdOutcome
from benign.diagnosis.more_budget import MoreBudget, more_budget
from benign.diagnosis.search_arguments import (
    SMALLEST,
    check_contract,
    check_criterion_of,
    checked_budget,
    checked_samples,
    checked_size,
    checked_times,
    deadline,
    plain,
    training_limits,
)
from benign.diagnosis.threshold_bracketing import (
    FAILURES,
    PRECISION,
    PositionRefused,
    SearchLimits,
    ThresholdSearch,
)
from benign.experiments import Executor, Place, measure
from benign.experiments.driver import Limits
from benign.experiments.reading import opened
from benign.experiments.repeated_warnings import said_once
from benign.experiments.running import search_name
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count, checked_number
from benign.foundation.progress import Progress, silent
from benign.foundation.randomness import checked_seed
from benign.foundation.replicate import Replicate
from benign.foundation.size_words import amount, is_counted, span
from benign.foundation.sizes import EVERY_FACTOR
from benign.procedures.estimator import Estimator
from benign.procedures.estimator_times import Route, route_of
from benign.procedures.function_procedure import FunctionProcedure
from benign.procedures.protocol import Procedure, is_size_inverse
from benign.sources.protocol import Source, source_notes
from benign.surface.size_direction import wrong_way_note_of_search
from benign.surface.training_risks import (
    Criterion,
    checked_criterion,
    checked_tolerance,
    require_numbers,
    training_risks,
)

_BELOW_THE_PARAMETERS = 4  # small models cost little, and few thresholds lie above as many parameters as samples
_MOMENTS = 25
_NOTHING = ThresholdEstimate(
    value=math.inf, interval=(0.0, math.inf), first_crossing=math.inf, outcome=ThresholdOutcome.UNDECIDED
)
_REACH = 1000.0  # times that are no whole numbers start so far below the last one


@dataclass(frozen=True, kw_only=True)
class FittingThreshold:
    """Where the mean training risk of n samples falls to the tolerance, along size or time.

    Attributes:
        value: the smallest that fits, rounded up where only whole numbers exist; the smallest tried where all fit,
            infinity where none does. Of an inverse of a size the largest that fits, rounded down; the largest tried, 0.
        interval: its 95 % interval over draws, and never finer than what was tried about the value; 0 below and
            infinity above mean unbounded.
        outcome: ``FOUND``; ``ALL_FITTED`` if even the smallest fits; ``NONE_FITTED`` if none that was tried does;
            ``UNDECIDED`` if the budget ended before it was bounded on both sides.
        evidence: mean training risk at everything that was tried, ascending.
        trainings: number of trainings that it rests on, those that a store held already included.
        seconds: how long it took.
        samples: number of training samples n.
        tolerance: what counts as fitted.
        criterion: ``"objective"`` or ``"error"``.
        unit: what is counted.
        is_budget_spent: whether the search ended because its budget did.
        is_noise_limited: whether the draws, rather than how finely was tried, decide how wide the interval is.
        title: what was searched.
        is_inverse: whether the size is the inverse of one.
        note: why nothing can be said, where the training risk shows that the size is read the wrong way round.
        data_notes: what there is to know of the data; see :attr:`benign.Surface.notes`.
        failure: what the training failed with that ended the search; empty where none did.
    """

    value: float
    interval: tuple[float, float]
    outcome: ThresholdOutcome
    evidence: Mapping[float, float]
    trainings: int
    seconds: float
    samples: int
    tolerance: float
    criterion: Criterion
    unit: str
    is_budget_spent: bool
    is_noise_limited: bool
    title: str
    is_inverse: bool = False
    note: str = ""
    data_notes: tuple[str, ...] = ()
    failure: str = ""

    def __str__(self) -> str:
        """The sentence, and what there is to know of the data."""
        return " ".join([self.sentence, *self.data_notes])

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.note:
            return f"{self.title}, from {self.trainings} trainings: {self.note}"
        end = f"; a failure ended the search. {self.failure}" if self.failure else "."
        words = [f"{self.title}: {self._found}, from {self.trainings} trainings{end}"]
        return " ".join([*words, self.more_budget.value]).rstrip()

    @property
    def ends(self) -> str:
        """The interval in words."""
        low, high = self.interval
        if high == math.inf:
            return f"{low:,.6g} or more" if low else "not bounded"
        return f"{low:,.6g} to {high:,.6g}" if low else f"{high:,.6g} or fewer"

    @property
    def _found(self) -> str:
        first, last = min(self.evidence), max(self.evidence)
        risk = "training objective" if self.criterion == "objective" else "zero-one training error"
        level = f"{self.tolerance:g}"
        if self.criterion == "objective":
            level += " of the best constant predictor's"
        if self.outcome is ThresholdOutcome.ALL_FITTED:
            hardest = (last, "largest") if self.is_inverse else (first, "smallest")
            return f"the mean {risk} is at most {level} even at {amount(hardest[0], self.unit)}, the {hardest[1]} tried"
        if self.outcome is ThresholdOutcome.NONE_FITTED:
            easiest = (first, "down", "smallest") if self.is_inverse else (last, "up", "largest")
            at = amount(easiest[0], self.unit)
            return f"the mean {risk} stays above {level} {easiest[1]} to {at}, the {easiest[2]} tried"
        if self.outcome is ThresholdOutcome.FOUND:
            most = ("the largest", "the most") if self.is_inverse else ("the smallest", "the fewest")
            extreme = f"are {most[1]}" if is_counted(self.unit) else f"is {most[0]}"
            found = f"{amount(self.value, self.unit)} (95 % interval: {self.ends})"
            return f"{found} {extreme} at which the mean {risk} is at most {level}"
        tried = span(first, last, self.unit)
        return f"undecided; tried {tried}, the 95 % interval of where the mean {risk} falls to {level} is {self.ends}"

    @property
    def more_budget(self) -> MoreBudget:
        """What more trainings would buy."""
        if self.note or self.failure:
            return MoreBudget.NOTHING
        return more_budget(
            self.outcome, self.interval, is_budget_spent=self.is_budget_spent, is_noise_limited=self.is_noise_limited
        )

    def to_dict(self) -> dict[str, object]:
        """All numbers as JSON values; None stands for what is not bounded."""
        return {
            "title": self.title, "value": self.value if math.isfinite(self.value) else None,
            "interval": plain(self.interval), "outcome": self.outcome.name.lower(),
            "sentence": self.sentence, "unit": self.unit, "samples": self.samples, "tolerance": self.tolerance,
            "criterion": self.criterion, "trainings": self.trainings, "seconds": self.seconds,
            "is_budget_spent": self.is_budget_spent, "is_inverse": self.is_inverse, "note": self.note,
            "data_notes": list(self.data_notes), "failure": self.failure,
            "evidence": [{"position": position, "mean": mean} for position, mean in self.evidence.items()],
        }  # fmt: skip


@said_once()
def threshold_size(
    procedure: Procedure,
    source: Source,
    *,
    samples: int,
    time: float | None = None,
    tolerance: float = TOLERANCE,
    criterion: Criterion = "objective",
    guess: int | None = None,
    max_trainings: int | None = None,
    max_minutes: float | None = None,
    minutes_per_training: float | None = None,
    replicates: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    executor: str | Executor | None = None,
    store: Place = None,
    progress: Progress = silent,
) -> FittingThreshold:
    """Search the smallest size that fits ``samples``, from training risk alone; of an inverse, the largest value.

    The search doubles (or halves) the size from a guess until the tolerance is crossed, looks once beyond, then bisects
    on the logarithm of the size; at each size a sequential test draws 4 to ``replicates`` training sets. Each training
    goes through the store, so a search that was stopped goes on where it was.

    Args:
        procedure: for example :class:`benign.RandomFourier`.
        source: where training sets come from.
        samples: number of training samples n.
        time: when training ends, in units of the procedure's ``time_name``; None for the end of its training.
        tolerance: relative to the best constant predictor for the objective, absolute for the error.
        criterion: ``"objective"``, what training minimises, or ``"error"``, zero-one.
        guess: where the threshold may be; unless said, a quarter of the size that has a parameter for each sample, and
            1 of an inverse of a size, whose values go up to n.
        max_trainings: budget; 60 unless said.
        max_minutes: budget of time, looked at between measurements.
        minutes_per_training: a training that takes longer is stopped, where it runs in a worker process, and the search
            answers from the others; ``max_minutes`` unless said.
        replicates: draws at one size at most; 10 unless said, 4 at least. More of them narrow the interval.
        seed: root seed.
        workers: processes; None chooses.
        executor: as :func:`benign.measure`.
        store: path or URL, an open store, ``":memory:"``, or None for the default one.
        progress: told the number of trainings.

    Returns:
        The threshold with its interval, outcome and evidence.

    Raises:
        InvalidArgument: for settings that make no sense, and trainings without a finite risk.
        MeasurementInterrupted: on Ctrl-C; the store keeps what was measured.
    """
    start = clock.monotonic()
    check_contract(procedure, source)
    n, times = checked_samples(samples, source), checked_times(time, procedure)
    at = "" if times is None else f", {amount(times[0], str(procedure.time_name))}"
    question = _Question(
        procedure=procedure, source=source, samples=n, epsilon=checked_tolerance(tolerance),
        criterion=checked_criterion(criterion), budget=checked_budget(max_trainings, replicates),
        has_time=deadline(start, max_minutes), limits=training_limits(max_minutes, minutes_per_training),
        seed=checked_seed(seed), workers=workers, executor=executor,
        task="threshold size", subject=f"n = {n:,}{at} on {source.name}", progress=progress, start=start,
    )  # fmt: skip
    question.check(times)
    first, largest = _sizes_to_try(question, guess)
    with opened(store) as place:
        return question.search_sizes(place, times, first, largest)


@said_once()
def threshold_time(
    procedure: Procedure,
    source: Source,
    *,
    samples: int,
    size: int,
    until: float | None = None,
    tolerance: float = TOLERANCE,
    criterion: Criterion = "objective",
    max_trainings: int | None = None,
    max_minutes: float | None = None,
    minutes_per_training: float | None = None,
    replicates: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    executor: str | Executor | None = None,
    store: Place = None,
    progress: Progress = silent,
) -> FittingThreshold:
    """Find the shortest training time after which ``samples`` are fitted at one size, from training risk alone.

    Where one training gives all times (boosting, forests, networks), 4 to ``replicates`` trainings are recorded at 25
    times, evenly spaced on a logarithmic scale, and the crossing is interpolated. Where each time is a training of its
    own, it is searched as :func:`benign.threshold_size` searches sizes.

    Args:
        procedure: one with a training time.
        source: where training sets come from.
        samples: number of training samples n.
        size: of the model.
        until: the last time looked at; unless said, the end of the procedure's own training where it is known.
        tolerance: relative to the best constant predictor for the objective, absolute for the error.
        criterion: ``"objective"``, what training minimises, or ``"error"``, zero-one.
        max_trainings: budget; 60 unless said.
        max_minutes: budget of time, looked at between measurements.
        minutes_per_training: a training that takes longer is stopped, where it runs in a worker process, and the search
            answers from the others; ``max_minutes`` unless said.
        replicates: draws at most; 10 unless said, 4 at least.
        seed: root seed.
        workers: processes; None chooses.
        executor: as :func:`benign.measure`.
        store: path or URL, an open store, ``":memory:"``, or None for the default one.
        progress: told the number of trainings.

    Raises:
        InvalidArgument: for a procedure without a time, settings that make no sense, and trainings without a finite
            risk.
        MeasurementInterrupted: on Ctrl-C; the store keeps what was measured.
    """
    start = clock.monotonic()
    check_contract(procedure, source)
    n, model_size, last = checked_samples(samples, source), checked_size(size, procedure), _last_time(procedure, until)
    question = _Question(
        procedure=procedure, source=source, samples=n, epsilon=checked_tolerance(tolerance),
        criterion=checked_criterion(criterion), budget=checked_budget(max_trainings, replicates),
        has_time=deadline(start, max_minutes), limits=training_limits(max_minutes, minutes_per_training),
        seed=checked_seed(seed), workers=workers, executor=executor,
        task="threshold time", subject=f"n = {n:,}, {amount(model_size, procedure.size_name)} on {source.name}",
        progress=progress, start=start,
    )  # fmt: skip
    question.check([last])
    unit = str(procedure.time_name)
    with opened(store) as place:
        if _gives_all_times(procedure):
            return question.along(place, model_size, _moments(last), unit)
        if last != math.floor(last):
            raise invalid(
                "until", f"must be a whole number of {unit}, for each of which this procedure is trained, got {last:g}."
            )
        largest = int(last)
        first = max(1, largest // 2)
        return question.search_times(place, model_size, first, largest, unit)


Cell = tuple[list[int], list[float] | None]
"""Sizes and times of a measurement."""


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What is asked, and what may be spent on the answer."""

    procedure: Procedure
    source: Source
    samples: int
    epsilon: float
    criterion: Criterion
    budget: tuple[int, int]
    has_time: Callable[[], bool]
    limits: Limits
    seed: int
    workers: int | None
    executor: str | Executor | None
    task: str
    subject: str
    progress: Progress
    start: float

    def check(self, times: Sequence[float] | None) -> None:
        """Refuse what no size can do, before any is tried."""
        check_criterion_of(self.source, self.criterion)
        check = getattr(self.procedure, "check", None)
        if check is not None:
            check([self.samples], None if times is None else np.array(times, dtype=np.float64))

    def search_sizes(self, place: Place, times: list[float] | None, first: int, largest: int) -> FittingThreshold:
        """Search along sizes, or say that they are read the wrong way round."""
        inverse, unit = is_size_inverse(self.procedure), self.procedure.size_name
        search = self._search(place, lambda size: ([size], times), largest, seeks_smallest=not inverse)
        estimate, nothing_for = _NOTHING, None
        try:
            estimate = search.run(first)
        except FAILURES as error:
            nothing_for = error
        # A larger size may be refused that fits less: more neighbours than samples, say.
        if nothing_for is not None or search.failure is not None or estimate.outcome is ThresholdOutcome.NONE_FITTED:
            search.look_at(largest if inverse else 1)  # what should fit worst
        elif estimate.outcome is ThresholdOutcome.ALL_FITTED:
            search.look_at(1 if inverse else min(largest, self.samples))  # best; no more neighbours than samples
        note = wrong_way_note_of_search(search.ascending, unit, self.criterion, self.epsilon, inverse=inverse)
        if nothing_for is not None and not note:
            raise nothing_for
        return self._answer(
            _NOTHING if note else estimate, search.ascending, search.trainings, unit,
            is_budget_spent=search.is_budget_spent, inverse=inverse, note=note, failure=search.failure_in_words,
        )  # fmt: skip

    def search_times(self, place: Place, size: int, first: int, largest: int, unit: str) -> FittingThreshold:
        """Search along whole times, each of which is a training of its own."""
        search = self._search(place, lambda moment: ([size], [float(moment)]), largest, seeks_smallest=True)
        estimate = search.run(first)
        return self._answer(
            estimate, search.ascending, search.trainings, unit, is_budget_spent=search.is_budget_spent,
            failure=search.failure_in_words,
        )  # fmt: skip

    def _search(
        self, place: Place, cell: Callable[[int], Cell], largest: int, *, seeks_smallest: bool
    ) -> ThresholdSearch:
        trainings, draws = self.budget
        limits = SearchLimits(smallest=1, largest=largest, draws=draws, trainings=trainings, has_time=self.has_time)

        def risks_of(position: int, draws: int) -> Float[np.ndarray, " R"]:
            try:
                dataset = self._measured(place, *cell(position), draws, search.trainings)
            except InvalidArgument as error:
                raise PositionRefused(error) from error
            return self._risks(dataset)[0, 0]

        search = ThresholdSearch(risks_of, self.epsilon, limits, seeks_smallest=seeks_smallest)
        return search

    def along(self, place: Place, size: int, moments: list[float], unit: str) -> FittingThreshold:
        """Read the crossing from trainings recorded at all moments; more of them while they tell more."""
        trainings, draws = self.budget
        limits = SearchLimits(smallest=1, largest=1, draws=draws, trainings=trainings, has_time=self.has_time)
        risks: dict[float, Float[np.ndarray, " _R"]] = {}
        failure = ""
        done, is_budget_spent, step = 0, False, max(PRECISION, moments[-1] / moments[max(len(moments) - 2, 0)])
        for wanted in limits.looks:
            if wanted > trainings or (done and not self.has_time()):
                is_budget_spent = True
                break
            try:
                found = self._risks(self._measured(place, [size], moments, wanted, done))
            except FAILURES as error:
                if not done:
                    raise
                failure = str(error)
                break
            risks, done = dict(zip(moments, found[0], strict=True)), wanted
            low, high = find_smallest(risks, self.epsilon).interval
            is_on_one_side = low >= moments[-1] or high <= moments[0]
            if is_on_one_side or high <= step * low:
                break
        estimate = find_smallest(risks, self.epsilon)
        if (is_budget_spent or failure) and not (estimate.interval[0] > 0.0 and estimate.interval[1] < math.inf):
            estimate = replace(estimate, outcome=ThresholdOutcome.UNDECIDED)
        return self._answer(estimate, risks, done, unit, is_budget_spent=is_budget_spent, failure=failure)

    def _measured(self, place: Place, sizes: list[int], times: list[float] | None, draws: int, done: int) -> xr.Dataset:
        """The first draws."""
        self.progress(self.task, done, self.budget[0])
        return measure(
            self.procedure, self.source, sizes=sizes, times=times, samples=[self.samples], replicates=draws,
            seed=self.seed, workers=self.workers, executor=self.executor, store=place, limits=self.limits,
            name=search_name(f"the {self.task} at {self.subject}"),
        ).dataset  # fmt: skip

    def _risks(self, dataset: xr.Dataset) -> Float[np.ndarray, "size time R"]:
        risks = training_risks(dataset, self.criterion)
        require_numbers(dataset, risks, names_size=True)
        return risks[:, :, 0]

    def _answer(
        self,
        estimate: ThresholdEstimate,
        risks: Mapping[float, Float[np.ndarray, " _R"]],
        trainings: int,
        unit: str,
        *,
        is_budget_spent: bool,
        inverse: bool = False,
        note: str = "",
        failure: str = "",
    ) -> FittingThreshold:
        self.progress(self.task, self.budget[0], self.budget[0])
        below, above = _neighbours(risks, estimate.value, is_fitted_above=not inverse)
        value, low, high = estimate.value, min(estimate.interval[0], below), max(estimate.interval[1], above)
        if all(position == math.floor(position) for position in risks):
            value, low, high = _whole(value, low, high, is_fitted_above=not inverse)
            # Nothing is smaller than 1: where that was tried and may be the threshold, it bounds it.
            low = 1.0 if not low and not inverse and not note and 1.0 in risks else low
        return FittingThreshold(
            value=value, interval=(low, high), outcome=estimate.outcome, trainings=trainings,
            evidence={position: float(np.mean(draws)) for position, draws in risks.items()},
            seconds=clock.monotonic() - self.start, samples=self.samples, tolerance=self.epsilon,
            criterion=self.criterion, unit=unit, is_budget_spent=is_budget_spent,
            is_noise_limited=estimate.interval[1] * below > above * estimate.interval[0],
            title=f"{self.task.capitalize()} at {self.subject}", is_inverse=inverse, note=note,
            data_notes=source_notes(self.source, self.samples, Replicate(seed=self.seed)), failure=failure,
        )  # fmt: skip


def _sizes_to_try(question: _Question, guess: int | None) -> tuple[int, int]:
    """The first size and the largest: ten times as many parameters for each output as samples, four times the guess.

    Of an inverse of a size the easiest, which is 1, and n.
    """
    procedure = question.procedure
    if is_size_inverse(procedure):
        largest = int(max(1, min(procedure.max_size, question.samples)))
        return min(1 if guess is None else checked_count("guess", guess), largest), largest
    # How many parameters a size has does not depend on the samples.
    split = question.source.draw(SMALLEST, Replicate(seed=question.seed))
    n, outputs = question.samples, split.train_targets.shape[1]

    def size_of(number: int) -> int:
        """The largest size with no more parameters for each output; a size has one at least."""
        sizes = range(1, int(min(number, procedure.max_size)) + 1)
        return max(1, bisect_right(sizes, number * outputs, key=lambda size: procedure.parameters(size, split)))

    first = max(1, size_of(n) // _BELOW_THE_PARAMETERS) if guess is None else checked_count("guess", guess)
    largest = int(min(procedure.max_size, max(size_of(EVERY_FACTOR * n), 4 * first)))
    return min(first, largest), largest


def _last_time(procedure: Procedure, until: float | None) -> float:
    if procedure.time_name is None:
        raise invalid("procedure", "has no training time: it is solved, or its time was not named.")
    last = checked_number("until", until) if until is not None else end_of_training(procedure)
    if last is None:
        raise invalid("until", f"must be given, in {procedure.time_name}: the procedure does not say how long.")
    if last <= 0.0:
        raise invalid("until", f"must be a positive number of {procedure.time_name}, got {last:g}.")
    return last


def end_of_training(procedure: Procedure) -> float | None:
    """When the procedure's own training ends; None where that is not known."""
    if isinstance(procedure, Estimator):
        last = procedure.estimator.get_params().get(procedure.time_name)
    else:
        last = getattr(getattr(procedure, "training", None), "last_time", None)
    return float(last) if isinstance(last, (int, float)) else None


def _gives_all_times(procedure: Procedure) -> bool:
    """Whether one training gives the risks of all times."""
    if isinstance(procedure, Estimator):
        return route_of(procedure.estimator, str(procedure.time_name)) is not Route.SEPARATE
    return not isinstance(procedure, FunctionProcedure)


def _moments(last: float) -> list[float]:
    """Evenly spaced on a logarithmic scale; whole numbers where the last one is."""
    if last == math.floor(last):
        return [float(moment) for moment in np.unique(np.round(np.geomspace(1.0, last, _MOMENTS)))]
    return [float(moment) for moment in np.geomspace(last / _REACH, last, _MOMENTS)]


def _neighbours(risks: Mapping[float, object], value: float, *, is_fitted_above: bool) -> tuple[float, float]:
    """What was tried next below a crossing and next above it: between them it is only interpolated."""
    # What was tried and is the crossing itself is fitted.
    edge = value * (1.0 - 1e-12 if is_fitted_above else 1.0 + 1e-12)
    return max((p for p in risks if p < edge), default=0.0), min((p for p in risks if p >= edge), default=math.inf)


def _whole(value: float, low: float, high: float, *, is_fitted_above: bool) -> tuple[float, float, float]:
    """A crossing and its ends as whole numbers; exp(log(size)) may miss the size a little.

    Of two of them, one that fits and one that does not, only the first can be the threshold.
    """
    if is_fitted_above:
        value, high = (_rounded_up(end) for end in (value, high))
        return value, min(math.floor(low) + 1.0 if low else 0.0, value), high
    value, low = (float(math.floor(end * (1.0 + 1e-12))) if math.isfinite(end) else end for end in (value, low))
    return value, low, max(_rounded_up(high) - 1.0, value)


def _rounded_up(position: float) -> float:
    """The smallest whole number that is not below; exp(log(size)) may lie a little above the size."""
    return float(math.ceil(position * (1.0 - 1e-12))) if math.isfinite(position) else position
