"""What all searches share: trainings whose risks are read, what counts as fitted, and what may be spent."""

from __future__ import annotations

import contextlib
import math
import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import Criterion
from benign.curves.threshold_bracketing import FAILURES as UNTRAINABLE
from benign.curves.threshold_bracketing import PositionRefused, SearchLimits, ThresholdSearch
from benign.curves.threshold_search import LEAST_DRAWS, checked_tolerance
from benign.diagnosis.search_arguments import DRAWS, MOST_TRAININGS, check_contract, seconds_per_training
from benign.experiments import Executor, Place
from benign.experiments.environment import Environment
from benign.experiments.executors.protocol import JobStopped, WorkerDied
from benign.experiments.measurement import measure_in
from benign.experiments.states import search_name
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count, checked_number
from benign.foundation.progress import Progress
from benign.foundation.randomness import checked_seed
from benign.foundation.replicate import Replicate
from benign.procedures.protocol import Procedure, SupportsCheck
from benign.sources.protocol import Source, source_notes
from benign.surface.training_risks import checked_criterion, require_numbers, training_risks

Cell = tuple[float | None, list[float] | None, int]
"""Size, times and number of samples of a training."""

FAILURES: tuple[type[Exception], ...] = (*UNTRAINABLE, WorkerDied, JobStopped)
"""What a training may end with: a search answers from what was measured before it."""

_STEEPEST = 2.0  # power of n: how much longer a training of more samples is taken to last before one was timed
_SHARE = 0.5  # of the time left: what is forecast to take longer is trained one draw at a time


@runtime_checkable
class Trainings(Protocol):
    """Trains at one size and n, and says what is left of the training risk.

    Laws: the draws of fewer are the first of those of more; a training that was had before is not done again; where
    the budget ends, the draws that there are come back, having overrun it by one training at most.
    """

    def risks(
        self, what: str, cell: Cell, draws: int, *, criterion: Criterion, limits: SearchLimits, is_along_samples: bool
    ) -> Float[np.ndarray, "time R"]:
        """Training risks of the first draws.

        Args:
            what: is searched.
            cell: what is trained.
            draws: how many.
            criterion: ``"objective"`` or ``"error"``.
            limits: of the search, whose time may end.
            is_along_samples: whether another number of samples may do what this one cannot.

        Raises:
            PositionRefused: if there is no such training: fewer samples than a batch, say; along samples also for draws
                of one class alone.
            InvalidArgument: for these, if the samples stay as they are; if a risk is no number; and what the trainings
                raise.
        """
        ...

    def opened(self) -> contextlib.AbstractContextManager[Trainings]:
        """The same, for several searches that share what they keep."""
        ...


@dataclass(frozen=True, kw_only=True)
class StoredTrainings:
    """Trainings through :func:`benign.measure` and a store.

    Attributes:
        procedure: what is trained.
        source: where training sets come from.
        seed: root seed.
        environment: where trainings run.
    """

    procedure: Procedure
    source: Source
    seed: int
    environment: Environment
    _paces: dict[int, float] = field(default_factory=dict, compare=False)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Trainings]:
        """With the store open."""
        with self.environment.opened() as here:
            yield replace(self, environment=here)

    def risks(
        self, what: str, cell: Cell, draws: int, *, criterion: Criterion, limits: SearchLimits, is_along_samples: bool
    ) -> Float[np.ndarray, "time R"]:
        """As :meth:`Trainings.risks`."""
        done, found = 0, np.zeros((1, 0))
        while done < draws and (not done or limits.has_time()):
            is_quick = self._pace(cell[2]) * (draws - done) <= _SHARE * limits.seconds_left()
            start, before = clock.monotonic(), done
            done = draws if is_quick else done + 1
            found = self._measured(what, cell, done, criterion, is_along_samples)
            # What the store held takes no time, and says nothing of how long a training does.
            self._paces[cell[2]] = max(self._paces.get(cell[2], 0.0), (clock.monotonic() - start) / (done - before))
        return found

    def _pace(self, samples: int) -> float:
        """Seconds that a training may take at most, as far as is known; infinity before the first."""
        scaled = [seconds * max(1.0, samples / n) ** _STEEPEST for n, seconds in self._paces.items()]
        return min(scaled, default=math.inf)

    def _measured(
        self, what: str, cell: Cell, draws: int, criterion: Criterion, is_along_samples: bool
    ) -> Float[np.ndarray, "time R"]:
        (size, times, samples), dataset = cell, None
        assert size is not None  # a procedure of a grid has sizes
        try:
            dataset = measure_in(
                self.environment,
                self.procedure,
                self.source,
                name=search_name(what),
                sizes=[size],
                times=times,
                samples=[samples],
                replicates=draws,
                seed=self.seed,
            ).dataset
            risks = training_risks(dataset, criterion)
        except InvalidArgument as error:
            if dataset is not None and not is_along_samples:
                raise
            raise PositionRefused(str(error), error.argument) from error
        require_numbers(dataset, risks)
        return risks[0, :, 0]


@dataclass(frozen=True, kw_only=True)
class FitSearch:
    """One procedure on one source, and what may be spent on finding out what it fits.

    Attributes:
        procedure: what is trained.
        source: where training sets come from.
        tolerance: what counts as fitted.
        criterion: ``"objective"`` or ``"error"``.
        seed: root seed.
        limits: of each search; its range of positions is set by the search.
        trainings: what trains.
        progress: told the number of trainings of each search.
    """

    procedure: Procedure
    source: Source
    tolerance: float
    criterion: Criterion
    seed: int
    limits: SearchLimits
    trainings: Trainings
    progress: Progress

    def __post_init__(self) -> None:
        check_contract(self.procedure, self.source)
        checked_tolerance(self.tolerance)
        checked_seed(self.seed)
        if checked_criterion(self.criterion) == "error" and self.source.classes is None:
            raise InvalidArgument(
                '`criterion="error"` needs classes, and this source is a regression; use "objective".', "criterion"
            )

    @contextlib.contextmanager
    def opened(self) -> Iterator[FitSearch]:
        """The same for several searches that share what they keep."""
        with self.trainings.opened() as here:
            yield replace(self, trainings=here)

    def check(self, samples: int, times: Sequence[float] | None) -> None:
        """Refuse what no size can do, before any is tried."""
        if isinstance(self.procedure, SupportsCheck):
            self.procedure.check([samples], None if times is None else np.array(times, dtype=np.float64))

    def notes(self, samples: int) -> tuple[str, ...]:
        """What there is to know of the data."""
        return source_notes(self.source, samples, Replicate(seed=self.seed))

    def risks(
        self, what: str, cell: Cell, draws: int, *, is_along_samples: bool = False
    ) -> Float[np.ndarray, "time R"]:
        """Training risks of the first draws; see :meth:`Trainings.risks`."""
        return self.trainings.risks(
            what, cell, draws, criterion=self.criterion, limits=self.limits, is_along_samples=is_along_samples
        )

    def bisection(
        self,
        task: str,
        what: str,
        cell: Callable[[float], Cell],
        *,
        positions: tuple[float, float],
        seeks_smallest: bool,
        is_along_samples: bool = False,
        is_real: bool = False,
        risks: Mapping[float, Float[np.ndarray, " _R"]] | None = None,
    ) -> ThresholdSearch:
        """A search along one axis, whose position ``cell`` gives a training.

        Args:
            task: what progress is told of.
            what: the name of its measurements.
            cell: what is trained at a position.
            positions: the smallest and the largest that are tried.
            seeks_smallest: whether the smallest that fits is wanted, else the largest.
            is_along_samples: whether a position is a number of samples, of which a smaller one need not be easier.
            is_real: whether any number is a position, rather than whole ones.
            risks: what was measured before.
        """
        limits = replace(self.limits, smallest=positions[0], largest=positions[1], is_real=is_real)

        def risks_of(position: float, draws: int) -> Float[np.ndarray, " R"]:
            self.progress(task, search.trainings, limits.trainings)
            return self.risks(what, cell(position), draws, is_along_samples=is_along_samples)[0]

        search = ThresholdSearch(
            risks_of,
            self.tolerance,
            limits,
            seeks_smallest=seeks_smallest,
            may_turn=is_along_samples,
            failures=FAILURES,
            risks=risks,
        )
        return search


def search_limits(max_trainings: int | None, max_minutes: float | None, replicates: int | None) -> SearchLimits:
    """What a search that begins now may spend.

    Raises:
        InvalidArgument: for fewer than four trainings or replicates, or minutes that are not positive.
    """
    trainings = MOST_TRAININGS if max_trainings is None else checked_count("max_trainings", max_trainings)
    draws = DRAWS if replicates is None else checked_count("replicates", replicates)
    for argument, value in (("max_trainings", trainings), ("replicates", draws)):
        if value < LEAST_DRAWS:
            raise invalid(
                argument, f"must be at least {LEAST_DRAWS}, got {value}: fewer trainings decide nothing at one n."
            )
    return SearchLimits(smallest=1, largest=1, draws=draws, trainings=trainings, seconds_left=deadline(max_minutes))


def deadline(max_minutes: float | None) -> Callable[[], float]:
    """Says how many seconds are left, counted from now; infinity where there is no end.

    Raises:
        InvalidArgument: if the minutes are not positive.
    """
    if max_minutes is None:
        return lambda: math.inf
    start, minutes = clock.monotonic(), checked_number("max_minutes", max_minutes)
    if minutes <= 0.0:
        raise invalid("max_minutes", f"must be positive, got {minutes:g}; leave it out for no limit.")
    return lambda: start + 60.0 * minutes - clock.monotonic()


def stored_trainings(
    procedure: Procedure,
    source: Source,
    *,
    seed: int,
    workers: int | None,
    executor: str | Executor | None,
    store: Place,
    minutes: tuple[float | None, float | None],
) -> StoredTrainings:
    """Trainings of which the first that fails is raised, and for none of which Ctrl-C waits.

    Args:
        procedure: as the user gave it; ``source``, ``seed``, ``workers``, ``executor`` and ``store`` likewise.
        source: likewise.
        seed: likewise.
        workers: likewise.
        executor: likewise.
        store: likewise.
        minutes: of the search, and of a single training, likewise.
    """
    environment = Environment(
        workers=workers,
        executor=executor,
        store=store,
        on_interrupt=None,
        seconds_per_job=seconds_per_training(*minutes),
    )
    return StoredTrainings(procedure=procedure, source=source, seed=seed, environment=environment)
