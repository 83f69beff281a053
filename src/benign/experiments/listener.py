"""Who is told what happens in a run: the display of its progress, loggers such as MLflow, a user's own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
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
        """One cell's block (of one replicate) is in the store; it is decoded when a field of it is first read."""
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
    """All listeners of a run, none of which can break it: one that raises is warned about and left out from then on."""

    def __init__(self, listeners: Sequence[Listener], *, run: str, grid: Grid, parts: Mapping[str, Part]) -> None:
        self._listeners = list(listeners)
        self._run, self._grid, self._parts = run, grid, parts

    def started(self, progress: Progressed) -> None:
        self._tell(lambda listener: listener.started(self._run, self._grid, progress), progress)

    def measured(self, cell: Cell, part: str, payload: bytes, progress: Progressed) -> None:
        read = partial(decode, payload, self._parts[part], replicates=(cell.replicate,))
        block = cast("Block", _UndecodedBlock(read))
        self._tell(lambda listener: listener.measured(cell, block, progress), progress)

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        self._tell(lambda listener: listener.failed(cell, error, will_retry, progress), progress)

    def advanced(self, progress: Progressed) -> None:
        self._tell(lambda listener: listener.advanced(progress), progress)

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        self._tell(lambda listener: listener.ended(counts, progress), progress)

    def _tell(self, call: Callable[[Listener], None], progress: Progressed) -> None:
        heard(f"{progress.done:,} of {progress.total:,} jobs are done, others are running")
        for listener in list(self._listeners):
            try:
                call(listener)
            except Exception as error:  # a listener is anybody's code, and the measurement goes on without it
                self._listeners.remove(listener)
                warnings.warn(
                    f"{type(listener).__name__} raised {type(error).__name__}: {error}; the run goes on without it.",
                    stacklevel=2,
                )


class _UndecodedBlock:
    """Has the fields of a :class:`Block`; most listeners read none of them."""

    def __init__(self, read: Callable[[], Block]) -> None:
        self._read = read

    @cached_property
    def _block(self) -> Block:
        return self._read()

    def __getattr__(self, name: str) -> object:
        return getattr(self._block, name)


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
