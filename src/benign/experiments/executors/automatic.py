"""Jobs run here until they turn out to be worth workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from loky import cpu_count  # type: ignore[import-untyped]

from benign.experiments.executors.here import Here, Local
from benign.experiments.executors.processes import STARTING_SECONDS, Processes
from benign.experiments.executors.protocol import Answer, Executor, Shared, Value
from benign.experiments.executors.travel import checked_shared


class Automatic:
    """Runs the first job in this process and times it: the rest goes to worker processes if it would take longer here
    than starting them. What it is (``name``, ``slots``, ``can_stop``) is that of the executor it uses now.

    Args:
        jobs: how many will be submitted.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._is_timed = False
        self._use(Here())

    def _use(self, executor: Executor) -> None:
        self._now = executor
        self.name, self.slots, self.can_stop = executor.name, executor.slots, executor.can_stop

    def share(self, value: Value) -> Shared[Value]:
        return Local(value)

    def submit(self, function: Callable[..., Answer], shared: Shared[Value], *arguments: object) -> Future[Answer]:
        if self._is_timed:
            local = checked_shared(shared, Local)
            if local.elsewhere is None:
                local.elsewhere = self._now.share(local.value)
            return self._now.submit(function, local.elsewhere, *arguments)
        start = time.perf_counter()
        future = self._now.submit(function, shared, *arguments)
        self._decide((time.perf_counter() - start) * (self._jobs - 1))
        return future

    def stop(self, future: Future[Answer]) -> None:
        self._now.stop(future)

    def shutdown(self, *, wait: bool = True) -> None:
        self._now.shutdown(wait=wait)

    def _decide(self, seconds_left: float) -> None:
        self._is_timed = True
        workers = min(cpu_count(), self._jobs - 1)
        if workers > 1 and seconds_left > STARTING_SECONDS:
            self._use(Processes(workers))
