"""Run a resolved grid: enter it into a store, drive what is left to do, say how it ended."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benign.experiments.driver import Ending, drive
from benign.experiments.environment import Environment
from benign.experiments.executors import choose
from benign.experiments.grid import Grid
from benign.experiments.jobs import SharedWork
from benign.experiments.keeping import IN_MEMORY
from benign.experiments.listener import Listeners, Progressed
from benign.experiments.planning import Plan, plan_run
from benign.experiments.reading import opened, read_dataset
from benign.experiments.repeated_warnings import said_once
from benign.experiments.states import RunRecord, State
from benign.experiments.store import Store
from benign.foundation.errors import BenignError
from benign.procedures.protocol import Procedure
from benign.sources.protocol import Source

if TYPE_CHECKING:
    import xarray as xr

_KEY_DIGITS = 8
_LONGEST_SLUG = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Resolved:
    """All that a run is made of.

    Attributes:
        grid: what is wanted; see :func:`benign.experiments.resolution.resolve_grid`.
        procedure: what measures it; the one whose settings are the grid's.
        sources: on what, likewise: one for each level of label noise.
        name: what the run is called.
        declaration: text for a later resume from the store alone; None where only Python can make source and procedure
            again.
    """

    grid: Grid
    procedure: Procedure
    sources: Sequence[Source]
    name: str
    declaration: str | None = None

    @property
    def id(self) -> str:
        """A readable name with a few digits of the grid's key: a safe file name, the same for the same experiment.

        ``"Ünder/../ the 5 % peak!"`` becomes ``"under-the-5-peak-1f0c92ab"``.
        """
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode().lower()
        slug = re.sub("[^a-z0-9]+", "-", plain)[:_LONGEST_SLUG].strip("-") or "run"
        return f"{slug}-{self.grid.key[:_KEY_DIGITS]}"

    def plan(self, store: Store) -> Plan:
        """Enter the run into the store, and list what is left to do."""
        record = RunRecord(id=self.id, name=self.name, grid=self.grid.to_json(), declaration=self.declaration)
        return plan_run(self.grid, self.procedure, store, record)

    def work(self, plan: Plan) -> SharedWork:
        """What the jobs of its plan share."""
        return SharedWork(procedure=self.procedure, sources=tuple(self.sources), parts=plan.parts)


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """How driving a run ended.

    Attributes:
        run: the run's id.
        ending: why the driver stopped.
        counts: number of its units in each state.
        progress: the same in jobs.
    """

    run: str
    ending: Ending
    counts: Mapping[State, int]
    progress: Progressed


class MeasurementInterrupted(BenignError, KeyboardInterrupt):
    """Stopped by the user; ``dataset`` is the surface of what had been measured, None if nothing was."""

    def __init__(self, dataset: xr.Dataset | None, done: int, total: int, *, place: str = IN_MEMORY) -> None:
        kept = "in this error's `dataset` alone" if place == IN_MEMORY else f"kept in {place}"
        super().__init__(f"Interrupted after {done} of {total} jobs; what was measured is {kept}.")
        self.dataset = dataset


@said_once()
def run_grid(resolved: Resolved, environment: Environment) -> RunOutcome:
    """Measure what the environment's store lacks of the grid.

    Raises:
        InvalidArgument: for an executor or number of workers that cannot be used.
        StoreUnusable: if a result cannot be written; every result before it is kept.
    """
    with opened(environment.store) as store:
        plan = resolved.plan(store)
        if environment.attempts is None and State.FAILED in plan.states.values():
            store.retry(resolved.id)
            plan = resolved.plan(store)
        executor, is_owned = choose(environment.executor, workers=environment.workers, jobs=len(plan.jobs))
        listeners = Listeners(
            environment.listeners, progress=environment.progress, run=resolved.id, grid=resolved.grid, parts=plan.parts
        )
        try:
            ending, progress = drive(
                plan, resolved.work(plan), store=store, executor=executor, environment=environment, listeners=listeners
            )
        finally:
            if is_owned:
                executor.shutdown(wait=False)
        counts = store.counts(resolved.id)
    listeners.ended(counts, progress)
    return RunOutcome(run=resolved.id, ending=ending, counts=counts, progress=progress)


def measured_grid(resolved: Resolved, environment: Environment) -> xr.Dataset:
    """Measure what the environment's store lacks of a resolved grid, and join it.

    Raises:
        MeasurementInterrupted: on Ctrl-C.
    """
    with opened(environment.store) as store:
        outcome = run_grid(resolved, replace(environment, store=store))
        dataset = read_dataset(store, outcome.run, resolved.grid) if outcome.counts[State.DONE] else None
    if outcome.ending is Ending.INTERRUPTED:
        raise MeasurementInterrupted(dataset, outcome.progress.done, outcome.progress.total, place=store.location)
    assert dataset is not None  # a failure was raised, an interruption too
    return dataset
