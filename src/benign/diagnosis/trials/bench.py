"""The bench on which the user's model is tried: trials side by side, within a budget, each of them once."""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field, replace

from benign.diagnosis.trials.budget import GRACE_SECONDS, Budget
from benign.diagnosis.trials.cost import Workload, forecast_seconds, workload
from benign.diagnosis.trials.trial import Measured, Shared, Trial, fold_of, run_trial
from benign.experiments.executors.choice import choose
from benign.experiments.executors.protocol import Executor
from benign.experiments.executors.protocol import Shared as Shipped
from benign.experiments.repeated_warnings import bring_back
from benign.foundation.errors import BenignError
from benign.foundation.memory import require_memory
from benign.foundation.progress import Progress
from benign.foundation.split import Split
from benign.procedures import known_estimators
from benign.procedures.estimator import Estimator
from benign.procedures.known_estimators import Subject
from benign.sources.protocol import Source, SupportsFolds

_JOBS = 100  # a diagnosis makes about as many trainings: what decides whether workers are worth it


@dataclass(kw_only=True, eq=False)
class _Records:
    """What all shares of a bench know."""

    measured: dict[Trial, Measured] = field(default_factory=dict)
    failures: dict[Trial, str] = field(default_factory=dict)
    refused: set[Trial] = field(default_factory=set)
    seconds: dict[Workload, float] = field(default_factory=dict)
    worlds: list[Source] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """The user's model on their data, and what may be spent; :func:`opened` makes it.

    Attributes:
        subject: the model.
        source: the data.
        samples: the user's n.
        seed: root seed.
        budget: until where this bench may spend.
        executor: where trainings run.
        progress: told what has been spent.
        whole: the budget that this bench's is a share of; None where it is none.
    """

    subject: Subject
    source: Source
    samples: int
    seed: int
    budget: Budget
    executor: Executor
    progress: Progress
    _shared: Shipped[Shared]
    whole: Budget | None = None
    _records: _Records = field(default_factory=_Records)

    @property
    def folds(self) -> int:
        """How many folds share no held-out row; a distribution has no end of them, and five are as good."""
        return min(self.source.folds, 5) if isinstance(self.source, SupportsFolds) else 5

    @property
    def is_classification(self) -> bool:
        """Whether there is a zero-one error."""
        return self.source.classes is not None

    @property
    def failures(self) -> dict[str, int]:
        """What trainings failed with, a sentence each, and how many did."""
        sentences = list(self._records.failures.values())
        return {sentence: sentences.count(sentence) for sentence in dict.fromkeys(sentences)}

    def failure_of(self, trial: Trial) -> str:
        """What this one failed with; empty where it did not."""
        return self._records.failures.get(trial, "")

    @property
    def is_budget_spent(self) -> bool:
        """Whether a trial was refused for want of budget."""
        return bool(self._records.refused)

    @property
    def measured(self) -> tuple[Measured, ...]:
        """All that was measured so far."""
        return tuple(self._records.measured.values())

    def share(self, fraction: float) -> Bench:
        """The same bench with so much of what is left of the budget."""
        return replace(self, budget=self.budget.share(fraction), whole=self.whole or self.budget)

    def unshared(self) -> Bench:
        """The same bench with all that is left: for the one training without which nothing can be said."""
        return replace(self, budget=self.whole or self.budget)

    def user_trial(self, fold: int = 0) -> Trial:
        """A training at the user's n, size and time: of an estimator as it stands, which may stop by itself."""
        subject = self.subject
        time = None if isinstance(subject.procedure, Estimator) else subject.time
        times = None if time is None else (time,)
        return Trial(rows=self.samples, fold=fold, size=subject.size, times=times)

    @property
    def end(self) -> float | None:
        """When the user's training ends: as was said, or where one of the loop that it is was seen to end."""
        if self.subject.time is not None:
            return self.subject.time
        ended = (one for one in self.measured if one.trial.rows == self.samples and one.trial.times is None)
        return next((one.passed[-1] for one in ended if one.passed), None)

    @property
    def passed_times(self) -> tuple[float, ...]:
        """The times that a loop was seen to go by: on the user's n, where one of these was measured."""
        seen = max(self.measured, key=lambda one: (one.trial.rows == self.samples, len(one.passed)), default=None)
        return () if seen is None else seen.passed

    def split(self, fold: int = 0, samples: int | None = None) -> Split:
        """The rows of a fold."""
        return fold_of(self.source, self.samples if samples is None else samples, fold, self.seed)

    def add_world(self, source: Source) -> int:
        """Another source to train on, such as a synthetic population; returns its number for :class:`Trial`."""
        self._records.worlds.append(source)
        return len(self._records.worlds)

    def cost(self, trial: Trial) -> float:
        """Nominal: 1 for a training of the user's model."""
        return self._load(trial).over(self._load(self.user_trial()))

    def seconds(self, trial: Trial) -> float:
        """Forecast; 0 where nothing was timed yet."""
        return forecast_seconds(self._load(trial), self._records.seconds)

    def affords(self, trials: Sequence[Trial]) -> bool:
        """Whether the budget allows all of them that were not measured yet, one process at a time."""
        missing = [one for one in dict.fromkeys(trials) if one not in self._records.measured]
        seconds = sum(self.seconds(one) for one in missing) / self._side_by_side
        return not missing or self.budget.allows(trainings=sum(map(self.cost, missing)), seconds=seconds)

    def measure(self, trials: Sequence[Trial]) -> list[Measured | None]:
        """Train what was not trained yet, in this order, as far as the budget goes.

        Returns:
            In the order given; None for a trial that failed (:meth:`failure_of`), or was refused for want of budget.
        """
        known = self._records
        done = known.measured.keys() | known.failures.keys()
        pending = deque(trial for trial in dict.fromkeys(trials) if trial not in done)
        running: dict[Future[Measured], Trial] = {}
        try:
            while pending or running:
                while pending and len(running) < self._side_by_side:
                    self._begin(pending.popleft(), running)
                self._collect(running)
        finally:
            for future in running:
                self.executor.stop(future)
        return [known.measured.get(trial) for trial in trials]

    @property
    def _side_by_side(self) -> int:
        return max(1, self.executor.slots // 2)  # the second of a worker's slots would wait

    def _load(self, trial: Trial) -> Workload:
        parameter, size = self.subject.size_parameter, self.subject.size
        # Where the user's has no limit, a limited one costs no more.
        grows = parameter is not None and parameter.grows and size is not None and math.isfinite(size)
        return workload(trial, size_grows=grows, time=self.end or 1.0)

    def _begin(self, trial: Trial, running: dict[Future[Measured], Trial]) -> None:
        cost, seconds = self.cost(trial), self.seconds(trial)
        if not self.budget.allows(trainings=cost, seconds=seconds):
            self._records.refused.add(trial)
            return
        try:
            self._require_memory(trial)
        except BenignError as error:
            self._records.failures[trial] = str(error)
            return
        ledger = self.budget.ledger
        ledger.trainings, ledger.count = ledger.trainings + cost, ledger.count + 1
        world = self._records.worlds[trial.world - 1] if trial.world else None
        running[self.executor.submit(run_trial, self._shared, trial, world)] = trial

    def _require_memory(self, trial: Trial) -> None:
        needed = known_estimators.least_bytes(self.subject, trial.rows, trial.size)
        if needed is not None:
            require_memory(
                needed, purpose=f"A training of {self.subject.name} on {trial.rows:,} samples", advice="lower its size"
            )

    def _collect(self, running: dict[Future[Measured], Trial]) -> None:
        """Wait for one of them to end; stop those that have gone on for too long."""
        if not running:
            return
        left = self.budget.seconds_left + GRACE_SECONDS
        done, _ = wait_for(running, timeout=max(0.0, min(left, 1e6)), return_when=FIRST_COMPLETED)
        if not done:
            for future in running:
                self.executor.stop(future)
            done, _ = wait_for(running)
        for future in done:
            self._keep(running.pop(future), future)
        ledger = self.budget.ledger
        self.progress("diagnosis", min(ledger.seconds, self.budget.seconds), self.budget.seconds)

    def _keep(self, trial: Trial, future: Future[Measured]) -> None:
        try:
            found = future.result()
        except (BenignError, MemoryError) as error:
            self._records.failures[trial] = str(error) or f"{self.subject.name} ran out of memory."
            return
        bring_back(found.heard)
        self._records.measured[trial] = found
        if not trial.parameters and not found.stopped:
            known, load = self._records.seconds, self._load(trial)
            known[load] = min(known.get(load, math.inf), found.seconds)  # the first one may load libraries, or compile


@contextlib.contextmanager
def opened(
    *,
    subject: Subject,
    source: Source,
    samples: int,
    seed: int,
    budget: Budget,
    executor: str | Executor | None,
    workers: int | None,
    progress: Progress,
) -> Iterator[Bench]:
    """A bench; when it is closed, what still runs is stopped.

    Raises:
        InvalidArgument: for an executor that there is not.
    """
    chosen, is_ours = choose(executor, workers=workers, jobs=_JOBS)
    try:
        shared = chosen.share(Shared(procedure=subject.procedure, source=source, seed=seed))
        yield Bench(
            subject=subject,
            source=source,
            samples=samples,
            seed=seed,
            budget=budget,
            executor=chosen,
            progress=progress,
            _shared=shared,
        )
    finally:
        if is_ours:
            chosen.shutdown(wait=False)
