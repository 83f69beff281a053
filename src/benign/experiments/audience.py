"""All listeners of a run as one, which no listener can break."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

from benign.experiments.encoding import decode
from benign.experiments.grid import Cell, Grid
from benign.experiments.listener import Listener, Progressed
from benign.experiments.parts import Part
from benign.experiments.states import State
from benign.foundation.progress import heard
from benign.schema import Block


class Audience:
    """Passes on what happens in one run; a listener that raises is warned about and left out from then on."""

    def __init__(self, listeners: Sequence[Listener], *, run: str, grid: Grid, parts: Mapping[str, Part]) -> None:
        self._listeners = list(listeners)
        self._run, self._grid, self._parts = run, grid, parts

    def started(self, progress: Progressed) -> None:
        self._note(progress)
        self._tell(lambda listener: listener.started(self._run, self._grid, progress))

    def measured(self, cell: Cell, part: str, payload: bytes, progress: Progressed) -> None:
        """Decodes the block, if somebody listens."""
        self._note(progress)
        if self._listeners:
            block = _block(cell, self._parts[part], payload)
            self._tell(lambda listener: listener.measured(cell, block, progress))

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        self._tell(lambda listener: listener.failed(cell, error, will_retry, progress))

    def advanced(self, progress: Progressed) -> None:
        self._tell(lambda listener: listener.advanced(progress))

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        self._tell(lambda listener: listener.ended(counts, progress))

    def _note(self, progress: Progressed) -> None:
        heard(f"{progress.done:,} of {progress.total:,} jobs are done, others are running")

    def _tell(self, call: Callable[[Listener], None]) -> None:
        for listener in list(self._listeners):
            try:
                call(listener)
            except Exception as error:  # a listener is anybody's code, and the measurement goes on without it
                self._listeners.remove(listener)
                warnings.warn(
                    f"{type(listener).__name__} raised {type(error).__name__}: {error}; the run goes on without it.",
                    stacklevel=2,
                )


def _block(cell: Cell, part: Part, payload: bytes) -> Block:
    stored = decode(payload, part)
    shape = (1, len(part.sizes), len(part.times))
    return Block(
        replicates=(cell.replicate,),
        sizes=part.sizes,
        times=part.times,
        parameters=stored.parameters[:: len(part.times)],
        outcome=stored.outcome.reshape(shape),
        metrics={name: values.reshape(shape) for name, values in stored.metrics.items()},
    )
