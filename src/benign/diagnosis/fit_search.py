"""What all searches share: trainings whose risks are read, what counts as fitted, and what may be spent."""

from __future__ import annotations

import contextlib
import time as clock
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import Criterion
from benign.curves.threshold_search import LEAST_DRAWS, checked_tolerance
from benign.diagnosis.search_arguments import DRAWS, MOST_TRAININGS, check_contract, seconds_per_training
from benign.diagnosis.threshold_bracketing import PositionRefused, SearchLimits, ThresholdSearch
from benign.experiments import Executor, Place
from benign.experiments.environment import Environment
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

Cell = tuple[int, list[float] | None, int]
"""Size, times and number of samples of a training."""


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
        environment: where trainings run.
        progress: told the number of trainings of each search.
    """

    procedure: Procedure
    source: Source
    tolerance: float
    criterion: Criterion
    seed: int
    limits: SearchLimits
    environment: Environment
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
        """The same with its store open, for several searches that share what they keep."""
        with self.environment.opened() as here:
            yield replace(self, environment=here)

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
        """Training risks of the first draws.

        Raises:
            PositionRefused: if there is no such training: fewer samples than a batch, say; along samples also for draws
                of one class alone.
            InvalidArgument: for these, if the samples stay as they are; if a risk is no number; and what the trainings
                raise.
        """
        (size, times, samples), dataset = cell, None
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
            risks = training_risks(dataset, self.criterion)
        except InvalidArgument as error:
            if dataset is not None and not is_along_samples:
                raise
            raise PositionRefused(str(error), error.argument) from error
        require_numbers(dataset, risks)
        return risks[0, :, 0]

    def bisection(
        self,
        task: str,
        what: str,
        cell: Callable[[int], Cell],
        *,
        positions: tuple[int, int],
        seeks_smallest: bool,
        is_along_samples: bool = False,
    ) -> ThresholdSearch:
        """A search along one axis, whose position ``cell`` gives a training.

        Args:
            task: what progress is told of.
            what: the name of its measurements.
            cell: what is trained at a position.
            positions: the smallest and the largest that are tried.
            seeks_smallest: whether the smallest that fits is wanted, else the largest.
            is_along_samples: whether a position is a number of samples.
        """
        limits = replace(self.limits, smallest=positions[0], largest=positions[1])

        def risks_of(position: int, draws: int) -> Float[np.ndarray, " R"]:
            self.progress(task, search.trainings, limits.trainings)
            return self.risks(what, cell(position), draws, is_along_samples=is_along_samples)[0]

        search = ThresholdSearch(risks_of, self.tolerance, limits, seeks_smallest=seeks_smallest)
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
    return SearchLimits(smallest=1, largest=1, draws=draws, trainings=trainings, has_time=deadline(max_minutes))


def deadline(max_minutes: float | None) -> Callable[[], bool]:
    """Says whether there is time left, counted from now.

    Raises:
        InvalidArgument: if the minutes are not positive.
    """
    if max_minutes is None:
        return lambda: True
    start, minutes = clock.monotonic(), checked_number("max_minutes", max_minutes)
    if minutes <= 0.0:
        raise invalid("max_minutes", f"must be positive, got {minutes:g}; leave it out for no limit.")
    return lambda: clock.monotonic() - start < 60.0 * minutes


def search_environment(
    workers: int | None, executor: str | Executor | None, store: Place, minutes: tuple[float | None, float | None]
) -> Environment:
    """Where trainings run: the first that fails is raised, and Ctrl-C waits for none.

    Args:
        workers: as the user gave them.
        executor: likewise.
        store: likewise.
        minutes: of the search, and of a single training, likewise.
    """
    return Environment(
        workers=workers,
        executor=executor,
        store=store,
        on_interrupt=None,
        seconds_per_job=seconds_per_training(*minutes),
    )
