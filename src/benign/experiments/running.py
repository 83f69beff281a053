"""Run a resolved grid: enter it into a store, drive what is left to do, say how it ended."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benign.experiments.audience import Audience
from benign.experiments.driver import Ending, Limits, drive
from benign.experiments.executors import choose
from benign.experiments.executors.protocol import Executor
from benign.experiments.grid import Grid
from benign.experiments.jobs import Study
from benign.experiments.listener import Listener, Progressed
from benign.experiments.planning import plan_run
from benign.experiments.repeated_warnings import said_once
from benign.experiments.states import RunRecord, State
from benign.experiments.store import Store
from benign.procedures.protocol import Procedure
from benign.sources.protocol import Source

_NO_LIMITS = Limits()
_SEARCH = "search for "
_KEY_DIGITS = 8
_LONGEST_SLUG = 40


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


def print_how_to_stop_at_once(running: int) -> None:
    """On standard error: what the first Ctrl-C did, and what a second one would do."""
    what = f"Finishing {running} running {'job' if running == 1 else 'jobs'}" if running else "Stopping"
    # There is no other way to reach who pressed it.
    print(f"\n{what}; Ctrl-C again stops at once.", file=sys.stderr, flush=True)  # noqa: T201


@said_once()
def run_grid(
    grid: Grid,
    procedure: Procedure,
    sources: Sequence[Source],
    *,
    name: str,
    declaration: str | None,
    store: Store,
    executor: str | Executor | None = None,
    workers: int | None = None,
    limits: Limits = _NO_LIMITS,
    listeners: Sequence[Listener] = (),
    on_interrupt: Callable[[int], None] = print_how_to_stop_at_once,
) -> RunOutcome:
    """Measure what the store lacks of the grid.

    Args:
        grid: what is wanted; see :func:`benign.experiments.resolution.resolve_grid`.
        procedure: the one whose settings are the grid's.
        sources: likewise, one for each level of label noise.
        name: what the run is called; its id is made of it and of the grid's key.
        declaration: the experiment as JSON, for a later resume from the store alone.
        store: what is there is not measured again.
        executor: ``"here"``, ``"processes"``, ``"ray"``, a ready one, or None to choose by the length of the first job.
        workers: processes.
        limits: when to stop.
        listeners: told what happens.
        on_interrupt: called at the first Ctrl-C with the number of jobs that still run.

    Raises:
        InvalidArgument: for an executor or number of workers that cannot be used.
        StoreUnusable: if a result cannot be written; every result before it is kept.
    """
    record = RunRecord(id=run_id(name, grid), name=name, grid=grid.to_json(), declaration=declaration)
    plan = plan_run(grid, procedure, store, record)
    if limits.stops_at_failure and State.FAILED in plan.states.values():
        store.retry(record.id)
        plan = plan_run(grid, procedure, store, record)
    chosen, is_owned = choose(executor, workers=workers, jobs=len(plan.jobs))
    audience = Audience(listeners, run=record.id, grid=grid, parts=plan.parts)
    try:
        ending, progress = drive(
            plan, Study(procedure=procedure, sources=tuple(sources), parts=plan.parts), store=store, executor=chosen,
            limits=limits, audience=audience, on_interrupt=on_interrupt,
        )  # fmt: skip
    finally:
        if is_owned:
            chosen.shutdown(wait=False)
    counts = store.counts(record.id)
    audience.ended(counts, progress)
    return RunOutcome(run=record.id, ending=ending, counts=counts, progress=progress)


def search_name(what: str) -> str:
    """The name of the measurements of a search, by which they are listed together.

    >>> search_name("the complexity of 64 leaves on digits")
    'search for the complexity of 64 leaves on digits'
    """
    return f"{_SEARCH}{what}"


def is_search(name: str) -> bool:
    """Whether a run of this name is one step of a search."""
    return name.startswith(_SEARCH)


def run_id(name: str, grid: Grid) -> str:
    """A readable name with a few digits of the grid's key: safe as a file name, the same for the same experiment.

    >>> run_id("Ünder/../ the 5 % peak!", grid)  # doctest: +SKIP
    'under-the-5-peak-1f0c92ab'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub("[^a-z0-9]+", "-", plain)[:_LONGEST_SLUG].strip("-") or "run"
    return f"{slug}-{grid.key[:_KEY_DIGITS]}"
