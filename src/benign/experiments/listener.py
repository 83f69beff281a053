"""Who is told what happens in a run: the display of its progress, loggers such as MLflow, a user's own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol, cast, runtime_checkable

from benign.experiments.encoding import decode
from benign.experiments.grid import Cell, Grid
from benign.experiments.parts import Part
from benign.experiments.states import State
from benign.foundation.progress import Progress, heard
from benign.schema import Block


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """Where a run stands, in jobs.

    Attributes:
        done: measured or found in the store.
        failed: given up.
        total: all of them.
        seconds: since the run was started.
    """

    done: int
    failed: int
    total: int
    seconds: float


@runtime_checkable
class Listener(Protocol):
    """Told in the driver, from one thread, in the order things happen. What it raises ends nothing: it is warned about
    once and then left out.
    """

    def started(self, run: str, grid: Grid, progress: Progressed) -> None:
        """The run is planned; what the store already had counts as done."""
        ...

    def measured(self, cell: Cell, block: Block, progress: Progressed) -> None:
        """One cell's block (of one replicate) is in the store."""
        ...

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        """A job raised, or its worker died; ``error`` is its traceback."""
        ...

    def advanced(self, progress: Progressed) -> None:
        """Another driver of the same jobs may have got further."""
        ...

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        """Nothing is left to do, or the run was interrupted."""
        ...


class Listeners:
    """All who are told of a run, none of whom can break it: one that raises is warned about and left out from then on.

    Args:
        listeners: told all that happens.
        progress: told how many jobs are settled.
        run: the run's id.
        grid: what it measures.
        parts: of its jobs, by key.
    """

    def __init__(
        self, listeners: Sequence[Listener], *, progress: Progress, run: str, grid: Grid, parts: Mapping[str, Part]
    ) -> None:
        self._told: list[Listener | Progress] = [*listeners, progress]
        self._progress = progress
        self._run, self._grid, self._parts = run, grid, parts

    def started(self, progress: Progressed) -> None:
        self._tell(lambda listener: listener.started(self._run, self._grid, progress), progress)

    def measured(self, cell: Cell, part: str, payload: bytes, progress: Progressed) -> None:
        """The block is decoded, once, for listeners; progress needs none of it."""
        read = cache(partial(decode, payload, self._parts[part], replicates=(cell.replicate,)))
        self._tell(lambda listener: listener.measured(cell, read(), progress), progress)

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        self._tell(lambda listener: listener.failed(cell, error, will_retry, progress), progress)

    def advanced(self, progress: Progressed) -> None:
        self._tell(lambda listener: listener.advanced(progress), progress)

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        self._tell(lambda listener: listener.ended(counts, progress), progress)

    def _tell(self, call: Callable[[Listener], None], progress: Progressed) -> None:
        heard(f"{progress.done:,} of {progress.total:,} jobs are done, others are running")
        for told in list(self._told):
            try:
                if told is self._progress:
                    self._progress("jobs", progress.done + progress.failed, progress.total)
                else:
                    call(cast("Listener", told))
            except Exception as error:  # a listener is anybody's code, and the measurement goes on without it
                self._told.remove(told)
                warnings.warn(
                    f"{type(told).__name__} raised {type(error).__name__}: {error}; the run goes on without it.",
                    stacklevel=2,
                )
