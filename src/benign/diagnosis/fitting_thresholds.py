"""The smallest size, and the shortest time, at which a procedure fits a training set: from training risk alone.

The mirror images of the effective model complexity (Nakkiran et al. 2020, Definition 1): the contour "training risk =
tolerance" read along size, or along time, at a fixed number of samples. The test risk peaks near it, if it does.
"""

from __future__ import annotations

import math
import time as clock
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import (
    NOTHING_READ,
    PRECISION,
    Criterion,
    FittingThreshold,
    ThresholdEstimator,
    ThresholdOutcome,
)
from benign.curves.threshold_reading import mean_crossing, read_threshold
from benign.diagnosis.fit_search import FitSearch, search_environment, search_limits
from benign.diagnosis.search_arguments import SMALLEST, checked_samples, checked_size, checked_times
from benign.diagnosis.threshold_bracketing import FAILURES
from benign.experiments import Executor, Place
from benign.experiments.repeated_warnings import said_once
from benign.foundation.conventions import TOLERANCE
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_number
from benign.foundation.progress import Progress, silent
from benign.foundation.replicate import Replicate
from benign.foundation.size_words import amount
from benign.foundation.sizes import EVERY_FACTOR
from benign.procedures.estimator import Estimator
from benign.procedures.estimator_times import Route, route_of
from benign.procedures.function_procedure import FunctionProcedure
from benign.procedures.protocol import Procedure, is_size_inverse
from benign.sources.protocol import Source
from benign.surface.size_direction import wrong_way_note_of_search

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
    estimator: ThresholdEstimator = "mean",
    seed: int = 0,
    workers: int | None = None,
    executor: str | Executor | None = None,
    store: Place = None,
    progress: Progress = silent,
) -> FittingThreshold:
    """Search the smallest size that fits ``samples``, from training risk alone; of an inverse, the largest value.

    The contour of the effective model complexity (Nakkiran et al. 2020, Definition 1) read along size.

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
        estimator: whether the ``"mean"`` risk over draws falls to the tolerance there, which is what is searched, or
            the ``"median"`` at what was tried.
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
    asked = FitSearch(
        procedure=procedure,
        source=source,
        tolerance=tolerance,
        criterion=criterion,
        seed=seed,
        progress=progress,
        limits=search_limits(max_trainings, max_minutes, replicates),
        environment=search_environment(workers, executor, store, (max_minutes, minutes_per_training)),
    )
    with asked.opened() as search:
        return find_size(search, samples=samples, time=time, guess=guess, estimator=estimator)


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
    estimator: ThresholdEstimator = "mean",
    seed: int = 0,
    workers: int | None = None,
    executor: str | Executor | None = None,
    store: Place = None,
    progress: Progress = silent,
) -> FittingThreshold:
    """Find the shortest training time after which ``samples`` are fitted at one size, from training risk alone.

    The contour of the effective model complexity (Nakkiran et al. 2020, Definition 1) read along time.

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
        estimator: as there.
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
    asked = FitSearch(
        procedure=procedure,
        source=source,
        tolerance=tolerance,
        criterion=criterion,
        seed=seed,
        progress=progress,
        limits=search_limits(max_trainings, max_minutes, replicates),
        environment=search_environment(workers, executor, store, (max_minutes, minutes_per_training)),
    )
    with asked.opened() as search:
        return find_time(search, samples=samples, size=size, until=until, estimator=estimator)


def find_size(
    search: FitSearch, *, samples: int, time: float | None, guess: int | None, estimator: ThresholdEstimator = "mean"
) -> FittingThreshold:
    """As :func:`threshold_size`; also where sizes are read the wrong way round, which is then said."""
    start, procedure = clock.monotonic(), search.procedure
    n, times = checked_samples(samples, search.source), checked_times(time, procedure)
    search.check(n, times)
    at = "" if times is None else f", {amount(times[0], str(procedure.time_name))}"
    subject, inverse, unit = f"n = {n:,}{at} on {search.source.name}", is_size_inverse(procedure), procedure.size_name
    first, largest = _sizes_to_try(search, n, guess)
    bisection = search.bisection(
        "threshold size",
        f"the threshold size at {subject}",
        lambda size: (size, times, n),
        positions=(1, largest),
        seeks_smallest=not inverse,
    )
    estimate, nothing_for = NOTHING_READ, None
    try:
        estimate = bisection.run(first)
    except FAILURES as error:
        nothing_for = error
    # A larger size may be refused that fits less: more neighbours than samples, say.
    if nothing_for is not None or bisection.failure is not None or estimate.outcome is ThresholdOutcome.NONE_FITTED:
        bisection.look_at(largest if inverse else 1)  # what should fit worst
    elif estimate.outcome is ThresholdOutcome.ALL_FITTED:
        bisection.look_at(1 if inverse else min(largest, n))  # best; no more neighbours than samples
    note = wrong_way_note_of_search(bisection.ascending, unit, search.criterion, search.tolerance, inverse=inverse)
    if nothing_for is not None and not note:
        raise nothing_for
    found = _read(search, bisection.ascending, estimate.outcome, estimator, is_inverse=inverse)
    if note:
        found = replace(NOTHING_READ, evidence=found.evidence, tolerance=found.tolerance, is_inverse=inverse, note=note)
    return _told(
        replace(found, title=f"Threshold size at {subject}", unit=unit, is_budget_spent=bisection.is_budget_spent),
        search,
        start,
        n,
        bisection.trainings,
        bisection.failure,
    )


def find_time(
    search: FitSearch, *, samples: int, size: int, until: float | None, estimator: ThresholdEstimator = "mean"
) -> FittingThreshold:
    """As :func:`threshold_time`."""
    start, procedure = clock.monotonic(), search.procedure
    n, model_size = checked_samples(samples, search.source), checked_size(size, procedure)
    last = _last_time(procedure, until)
    search.check(n, [last])
    subject = f"n = {n:,}, {amount(model_size, procedure.size_name)} on {search.source.name}"
    what, unit = f"the threshold time at {subject}", str(procedure.time_name)
    if _gives_all_times(procedure):
        found, trainings, failure = _along(search, what, (model_size, n), _moments(last), estimator)
    elif last != math.floor(last):
        raise invalid(
            "until",
            f"must be a whole number of {unit}, for each of which this procedure is trained, got {last:g}.",
        )
    else:
        bisection = search.bisection(
            "threshold time",
            what,
            lambda moment: (model_size, [float(moment)], n),
            positions=(1, int(last)),
            seeks_smallest=True,
        )
        estimate = bisection.run(max(1, int(last) // 2))
        found = _read(search, bisection.ascending, estimate.outcome, estimator)
        found = replace(found, is_budget_spent=bisection.is_budget_spent)
        trainings, failure = bisection.trainings, bisection.failure
    return _told(replace(found, title=f"Threshold time at {subject}", unit=unit), search, start, n, trainings, failure)


def _along(
    search: FitSearch, what: str, at: tuple[int, int], moments: list[float], estimator: ThresholdEstimator
) -> tuple[FittingThreshold, int, BaseException | None]:
    """Read the crossing from trainings recorded at all moments; more of them while they tell more.

    Returns:
        The threshold, the number of trainings, and what ended them if one failed.
    """
    (size, n), limits = at, search.limits
    risks: dict[float, Float[np.ndarray, " _R"]] = {}
    done, is_budget_spent, failure = 0, False, None
    step = max(PRECISION, moments[-1] / moments[max(len(moments) - 2, 0)])
    for wanted in limits.looks:
        if wanted > limits.trainings or (done and not limits.has_time()):
            is_budget_spent = True
            break
        search.progress("threshold time", done, limits.trainings)
        try:
            recorded = search.risks(what, (size, moments, n), wanted)
        except FAILURES as error:
            if not done:
                raise
            failure = error
            break
        risks, done = dict(zip(moments, recorded, strict=True)), wanted
        low, high = _mean_interval(risks, search.tolerance)
        is_on_one_side = low >= moments[-1] or high <= moments[0]
        if is_on_one_side or high <= step * low:
            break
    low, high = _mean_interval(risks, search.tolerance)
    is_cut_short = (is_budget_spent or failure is not None) and not (low > 0.0 and high < math.inf)
    outcome = ThresholdOutcome.UNDECIDED if is_cut_short else None
    return replace(_read(search, risks, outcome, estimator), is_budget_spent=is_budget_spent), done, failure


def _mean_interval(risks: Mapping[float, Float[np.ndarray, " _R"]], tolerance: float) -> tuple[float, float]:
    return mean_crossing(np.array(list(risks)), list(risks.values()), tolerance).interval


def _read(
    search: FitSearch,
    risks: Mapping[float, Float[np.ndarray, " _R"]],
    outcome: ThresholdOutcome | None,
    estimator: ThresholdEstimator,
    *,
    is_inverse: bool = False,
) -> FittingThreshold:
    """What was measured, read as of any surface; undecided where the search ended before it could tell."""
    found = read_threshold(
        list(risks),
        list(risks.values()),
        search.tolerance,
        estimator=estimator,
        seed=search.seed,
        is_fitted_below=is_inverse,
    )
    return replace(found, outcome=outcome) if outcome is ThresholdOutcome.UNDECIDED else found


def _told(
    found: FittingThreshold, search: FitSearch, start: float, n: int, trainings: int, failure: BaseException | None
) -> FittingThreshold:
    limits = search.limits
    search.progress(found.title.partition(" at ")[0].lower(), limits.trainings, limits.trainings)
    return replace(
        found,
        samples=n,
        criterion=search.criterion,
        trainings=trainings,
        seconds=clock.monotonic() - start,
        data_notes=search.notes(n),
        failure="" if failure is None else str(failure),
    )


def _sizes_to_try(search: FitSearch, n: int, guess: int | None) -> tuple[int, int]:
    """The first size and the largest: ten times as many parameters for each output as samples, four times the guess.

    Of an inverse of a size the easiest, which is 1, and n.
    """
    procedure = search.procedure
    if is_size_inverse(procedure):
        largest = int(max(1, min(procedure.max_size, n)))
        return min(1 if guess is None else checked_count("guess", guess), largest), largest
    # How many parameters a size has does not depend on the samples.
    split = search.source.draw(SMALLEST, Replicate(seed=search.seed))
    outputs = split.train_targets.shape[1]

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
