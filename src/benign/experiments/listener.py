"""Who is told what happens in a run: the display of its progress, loggers such as MLflow, a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from benign.experiments.grid import Cell, Grid
from benign.experiments.states import State
from benign.foundation.progress import Progress
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


class ProgressListener:
    """Tells a plain :class:`~benign.foundation.progress.Progress` how many jobs are settled."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def started(self, run: str, grid: Grid, progress: Progressed) -> None:
        del run, grid
        self.advanced(progress)

    def measured(self, cell: Cell, block: Block, progress: Progressed) -> None:
        del cell, block
        self.advanced(progress)

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        del cell, error, will_retry
        self.advanced(progress)

    def advanced(self, progress: Progressed) -> None:
        self._progress("jobs", progress.done + progress.failed, progress.total)

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        del counts
        self.advanced(progress)
