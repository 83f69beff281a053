"""The smallest size, and the shortest time, at which a procedure fits a training set: from training risk alone.

The mirror images of the effective model complexity (Nakkiran et al. 2020, Definition 1): the contour "training risk =
tolerance" read along size, or along time, at a fixed number of samples. The test risk peaks near it, if it does.
"""

from __future__ import annotations

import math
import time as clock
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

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
from benign.curves.threshold_bracketing import ThresholdSearch
from benign.curves.threshold_reading import mean_crossing, read_threshold
from benign.curves.threshold_search import LEAST_DRAWS
from benign.diagnosis.fit_search import FAILURES, FitSearch, search_limits, stored_trainings
from benign.diagnosis.search_arguments import SMALLEST, checked_samples, checked_size, checked_times, largest_size
from benign.experiments import Executor, Place
from benign.experiments.repeated_warnings import said_once
from benign.foundation.conventions import TOLERANCE
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_number, checked_positive
from benign.foundation.progress import Progress, silent
from benign.foundation.replicate import Replicate
from benign.foundation.size_words import amount
from benign.foundation.sizes import EVERY_FACTOR
from benign.procedures.protocol import (
    Procedure,
    end_of_training,
    has_real_sizes,
    is_size_inverse,
    trains_along_time,
)
from benign.sources.protocol import Source
from benign.surface.size_direction import wrong_way_note_of_search

_BELOW_THE_PARAMETERS = 4  # small models cost little, and few thresholds lie above as many parameters as samples
_MOMENTS = 25
_REALS = 1e6  # real numbers are tried so many times above and below the first
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
    guess: float | None = None,
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
            1 of an inverse of a size, whose values go up to n, and of a real number.
        max_trainings: budget; 60 unless said.
        max_minutes: budget of time; a training that has begun may end. It holds beside ``max_trainings``.
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
    where: dict[str, Any] = {"workers": workers, "executor": executor, "store": store}
    asked = FitSearch(
        procedure=procedure,
        source=source,
        tolerance=tolerance,
        criterion=criterion,
        seed=seed,
        progress=progress,
        limits=search_limits(max_trainings, max_minutes, replicates),
        trainings=stored_trainings(procedure, source, seed=seed, minutes=(max_minutes, minutes_per_training), **where),
    )
    n, times = checked_samples(samples, source), checked_times(time, procedure)
    first = None if guess is None else _checked_guess(guess, procedure)
    with asked.opened() as search:
        return find_size(search, samples=n, times=times, guess=first, estimator=estimator)


@said_once()
def threshold_time(
    procedure: Procedure,
    source: Source,
    *,
    samples: int,
    size: float,
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
        max_minutes: budget of time; a training that has begun may end. It holds beside ``max_trainings``.
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
    where: dict[str, Any] = {"workers": workers, "executor": executor, "store": store}
    asked = FitSearch(
        procedure=procedure,
        source=source,
        tolerance=tolerance,
        criterion=criterion,
        seed=seed,
        progress=progress,
        limits=search_limits(max_trainings, max_minutes, replicates),
        trainings=stored_trainings(procedure, source, seed=seed, minutes=(max_minutes, minutes_per_training), **where),
    )
    with asked.opened() as search:
        return find_time(search, samples=samples, size=size, until=until, estimator=estimator)


def find_size(
    search: FitSearch,
    *,
    samples: int,
    times: list[float] | None,
    guess: float | None = None,
    estimator: ThresholdEstimator = "mean",
    is_inverse: bool | None = None,
    ends: tuple[float, float] | None = None,
) -> FittingThreshold:
    """As :func:`threshold_size`. A size that acts the other way round is read so, which is said.

    Args:
        search: what is trained, and what may be spent.
        samples: n.
        times: the one time, if there is one.
        guess: where the threshold may be.
        estimator: as there.
        is_inverse: whether the size is the inverse of one; as the procedure has it unless said.
        ends: the smallest and the largest size that are tried; known from the procedure unless said.
    """
    start, procedure, n = clock.monotonic(), search.procedure, samples
    search.check(n, times)
    at = "" if times is None else f", {amount(times[0], str(procedure.time_name))}"
    subject, unit = f"n = {n:,}{at} on {search.source.name}", procedure.size_name
    axis = _SizeAxis(search=search, samples=n, times=times, title=f"the threshold size at {subject}", ends=ends)
    inverse, reading = is_size_inverse(procedure) if is_inverse is None else is_inverse, ""
    bisection, nothing_for = axis.searched(axis.first(guess, inverse=inverse), inverse=inverse)
    note = axis.wrong_way_note(bisection, inverse=inverse)
    if note and min(map(len, bisection.risks.values())) >= LEAST_DRAWS:
        inverse, note, said = not inverse, "", note
        reading = f"{said.partition('. Nothing is read')[0]}, and is read so."
        bisection, nothing_for = axis.searched(max(bisection.risks), inverse=inverse, before=bisection)
    if nothing_for is not None and not note:
        raise nothing_for
    outcome = bisection.outcome if bisection.risks else ThresholdOutcome.UNDECIDED
    found = _read(search, bisection.ascending, outcome, estimator, is_inverse=inverse)
    if note:
        found = replace(NOTHING_READ, evidence=found.evidence, tolerance=found.tolerance, is_inverse=inverse, note=note)
    found = replace(
        found,
        title=f"Threshold size at {subject}",
        unit=unit,
        reading=reading,
        is_budget_spent=bisection.is_budget_spent,
    )
    return _told(found, search, start, n, bisection.trainings, bisection.failure)


@dataclass(frozen=True, kw_only=True)
class _SizeAxis:
    """Sizes at one n: which there are, and searches along them.

    Attributes:
        search: what is trained, and what may be spent.
        samples: n.
        times: the one time, if there is one.
        title: of the searches.
        ends: the smallest and the largest size that are tried; known from the procedure unless said.
    """

    search: FitSearch
    samples: int
    times: list[float] | None
    title: str
    ends: tuple[float, float] | None

    def searched(
        self, first: float, *, inverse: bool, before: ThresholdSearch | None = None
    ) -> tuple[ThresholdSearch, Exception | None]:
        """A search from a first size, and what it failed with if nothing could be measured there."""
        least, largest = self._ends(first, inverse=inverse)
        if before is not None and has_real_sizes(self.search.procedure):  # the same numbers, the other way round
            least, largest = min(before.risks), max(before.risks)
        bisection = self.search.bisection(
            "threshold size",
            self.title,
            lambda size: (size, self.times, self.samples),
            positions=(least, largest),
            seeks_smallest=not inverse,
            is_real=has_real_sizes(self.search.procedure),
            risks=None if before is None else before.risks,
        )
        estimate, nothing_for = NOTHING_READ, None
        try:
            estimate = bisection.run(min(max(first, least), largest))
        except FAILURES as error:
            nothing_for = error
        # A larger size may be refused that fits less: more neighbours than samples, say.
        if nothing_for is not None or bisection.failure is not None or estimate.outcome is ThresholdOutcome.NONE_FITTED:
            bisection.look_at(largest if inverse else least)  # what should fit worst
        elif estimate.outcome is ThresholdOutcome.ALL_FITTED:
            # What should fit best; no more neighbours than samples.
            bisection.look_at(least if inverse else max(least, min(largest, self.samples)))
        return bisection, nothing_for

    def first(self, guess: float | None, *, inverse: bool) -> float:
        """The size that is tried first: a quarter of as many parameters for each output as samples.

        Of an inverse of a size the easiest, which is 1; of a real number 1.
        """
        if guess is not None:
            return float(self.samples) if math.isinf(guess) else guess
        if inverse or has_real_sizes(self.search.procedure):
            return 1
        return max(1, self._size_of(self.samples) // _BELOW_THE_PARAMETERS)

    def wrong_way_note(self, bisection: ThresholdSearch, *, inverse: bool) -> str:
        """What to say where the size acts the other way round; else empty."""
        search = self.search
        return wrong_way_note_of_search(
            bisection.ascending, search.procedure.size_name, search.criterion, search.tolerance, inverse=inverse
        )

    def _ends(self, first: float, *, inverse: bool) -> tuple[float, float]:
        """The smallest and the largest size: ten times as many parameters for each output as samples, four times the
        first. Of an inverse n; of a real number a million times the first, and a millionth of it.
        """
        procedure, n = self.search.procedure, self.samples
        if self.ends is not None:
            most = n if inverse else max(EVERY_FACTOR * n, 4 * first)
            is_endless = not math.isfinite(self.ends[1])
            return self.ends[0], float(most) if is_endless else self.ends[1]
        if has_real_sizes(procedure):
            return first / _REALS, min(first * _REALS, procedure.max_size)
        if inverse:
            return 1, int(max(1, min(self._most, n)))
        largest = int(min(self._most, max(self._size_of(EVERY_FACTOR * n), 4 * first)))
        return 1, largest

    @property
    def _most(self) -> float:
        return largest_size(self.search.procedure, self.search.source, self.search.seed)

    def _size_of(self, number: int) -> int:
        """The largest size with no more parameters for each output; a size has one at least."""
        # How many parameters a size has does not depend on the samples.
        split = self.search.source.draw(SMALLEST, Replicate(seed=self.search.seed))
        procedure, outputs = self.search.procedure, split.train_targets.shape[1]
        there = min(number, self._most)
        sizes = range(1, int(there) + 1)
        return max(1, bisect_right(sizes, number * outputs, key=lambda size: procedure.parameters(size, split)))


def find_time(
    search: FitSearch, *, samples: int, size: float, until: float | None, estimator: ThresholdEstimator = "mean"
) -> FittingThreshold:
    """As :func:`threshold_time`."""
    start, procedure = clock.monotonic(), search.procedure
    n, model_size = checked_samples(samples, search.source), checked_size(size, procedure)
    last = _last_time(procedure, until)
    search.check(n, [last])
    subject = f"n = {n:,}, {amount(model_size, procedure.size_name)} on {search.source.name}"
    what, unit = f"the threshold time at {subject}", str(procedure.time_name)
    if trains_along_time(procedure):
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
            lambda moment: (model_size, [moment], n),
            positions=(1, int(last)),
            seeks_smallest=True,
        )
        estimate = bisection.run(max(1, int(last) // 2))
        found = _read(search, bisection.ascending, estimate.outcome, estimator)
        found = replace(found, is_budget_spent=bisection.is_budget_spent)
        trainings, failure = bisection.trainings, bisection.failure
    return _told(replace(found, title=f"Threshold time at {subject}", unit=unit), search, start, n, trainings, failure)


def _along(
    search: FitSearch, what: str, at: tuple[float, int], moments: list[float], estimator: ThresholdEstimator
) -> tuple[FittingThreshold, int, BaseException | None]:
    """Read the crossing from trainings recorded at all moments; more of them while they tell more.

    Returns:
        The threshold, the number of trainings, and what ended them if one failed.
    """
    (size, n), limits = at, search.limits
    risks: dict[float, Float[np.ndarray, " _R"]] = {}
    done, is_budget_spent, failure = 0, False, None
    step = max(PRECISION, moments[-1] / moments[max(len(moments) - 2, 0)])
    for look in limits.looks:
        wanted = min(look, limits.trainings)
        if wanted <= done or (done and not limits.has_time()):
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
        risks, done = dict(zip(moments, recorded, strict=True)), recorded.shape[1]
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


def _checked_guess(guess: object, procedure: Procedure) -> float:
    return checked_positive("guess", guess) if has_real_sizes(procedure) else checked_count("guess", guess)


def _last_time(procedure: Procedure, until: float | None) -> float:
    if procedure.time_name is None:
        raise invalid("procedure", "has no training time: it is solved, or its time was not named.")
    last = checked_number("until", until) if until is not None else end_of_training(procedure)
    if last is None:
        raise invalid("until", f"must be given, in {procedure.time_name}: the procedure does not say how long.")
    if last <= 0.0:
        raise invalid("until", f"must be a positive number of {procedure.time_name}, got {last:g}.")
    return last


def _moments(last: float) -> list[float]:
    """Evenly spaced on a logarithmic scale; whole numbers where the last one is."""
    if last == math.floor(last):
        return [float(moment) for moment in np.unique(np.round(np.geomspace(1.0, last, _MOMENTS)))]
    return [float(moment) for moment in np.geomspace(last / _REACH, last, _MOMENTS)]
