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

from benign.curves.fitting_threshold import NOTHING_READ, PRECISION, Criterion, FittingThreshold, ThresholdOutcome
from benign.curves.threshold_reading import mean_crossing
from benign.curves.threshold_search import TOLERANCE
from benign.diagnosis.search_arguments import (
    SMALLEST,
    check_contract,
    check_criterion_of,
    checked_budget,
    checked_samples,
    checked_size,
    checked_times,
    deadline,
    training_limits,
)
from benign.diagnosis.threshold_bracketing import FAILURES, PositionRefused, SearchLimits, ThresholdSearch
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
from benign.foundation.size_words import amount
from benign.foundation.sizes import EVERY_FACTOR
from benign.procedures.estimator import Estimator
from benign.procedures.estimator_times import Route, route_of
from benign.procedures.function_procedure import FunctionProcedure
from benign.procedures.protocol import Procedure, is_size_inverse
from benign.sources.protocol import Source, source_notes
from benign.surface.size_direction import wrong_way_note_of_search
from benign.surface.training_risks import (
    checked_criterion,
    checked_tolerance,
    require_numbers,
    training_risks,
)

_BELOW_THE_PARAMETERS = 4  # small models cost little, and few thresholds lie above as many parameters as samples
_MOMENTS = 25
_REACH = 1000.0  # times that are no whole numbers start so far below the last one


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
        estimate, nothing_for = NOTHING_READ, None
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
            NOTHING_READ if note else estimate, search.ascending, search.trainings, unit,
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
            low, high = mean_crossing(np.array(moments), list(risks.values()), self.epsilon).interval
            is_on_one_side = low >= moments[-1] or high <= moments[0]
            if is_on_one_side or high <= step * low:
                break
        estimate = mean_crossing(np.array(moments), list(risks.values()), self.epsilon)
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
        estimate: FittingThreshold,
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
        evidence = {position: float(np.mean(draws)) for position, draws in risks.items()}
        read = replace(estimate.widened(list(risks)), evidence=evidence)
        read = read if note else read.in_whole_numbers()
        return replace(
            read, trainings=trainings,
            seconds=clock.monotonic() - self.start, samples=self.samples, tolerance=self.epsilon,
            criterion=self.criterion, unit=unit, is_budget_spent=is_budget_spent,
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
