"""Where and how jobs run: the one value that every call on the way down passes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from benign.experiments.executors.protocol import Executor
from benign.experiments.interruption import print_how_to_stop_at_once
from benign.experiments.keeping import IN_MEMORY, Place
from benign.experiments.listener import Listener
from benign.experiments.reading import opened
from benign.foundation.progress import Progress, silent


@dataclass(frozen=True, kw_only=True, eq=False)
class Environment:
    """Where and how jobs run. No number depends on any of it, and no job's key.

    Attributes:
        executor: ``"here"``, ``"processes"``, ``"ray"``, a ready one, or None to choose by the length of the first job.
        workers: processes; None chooses.
        store: keeps what is measured, and what it has is not measured again: path, URL, an open one, None for the
            default one; unless given, nothing is kept.
        progress: told the number of finished jobs.
        listeners: told all that happens, for example ``benign.TensorBoardLogger("logs")``.
        on_interrupt: called at the first Ctrl-C with the number of jobs that still run, and are waited for; a second
            one stops at once. None where the first one does.
        attempts: how often a job that raises, hangs or is killed is tried before it is given up and the others go on.
            None: the first failure ends all and is raised, and nothing counts as failed.
        seconds_per_job: a job that takes longer is stopped, where the executor can stop one.
        seconds: no job is started after that long; None for no end.
    """

    executor: str | Executor | None = None
    workers: int | None = None
    store: Place = IN_MEMORY
    progress: Progress = silent
    listeners: Sequence[Listener] = ()
    on_interrupt: Callable[[int], None] | None = print_how_to_stop_at_once
    attempts: int | None = None
    seconds_per_job: float | None = None
    seconds: float | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Environment]:
        """The same with its store open, for several calls that share what they keep; closed again where it was not."""
        with opened(self.store) as store:
            yield replace(self, store=store)

    def told_of(self, part: str) -> Environment:
        """The same for one part of the work, whose name its progress says first: ``"width: jobs"``."""
        tell = self.progress
        return replace(self, progress=lambda task, done, total: tell(f"{part}: {task}", done, total))
