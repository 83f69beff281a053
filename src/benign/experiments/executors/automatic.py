"""Jobs run here until they turn out to be worth workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from loky import cpu_count  # type: ignore[import-untyped]

from benign.experiments.executors.here import Here, Local
from benign.experiments.executors.processes import STARTING_SECONDS, Processes
from benign.experiments.executors.protocol import Answer, Executor, Shared, Value
from benign.experiments.executors.travel import Unpicklable, checked_shared

_LOADING_SECONDS = 5.0
"""As long as the libraries of a first job may take to load, and its programs to compile."""


class Automatic:
    """Runs the first job in this process and times it: the rest goes to worker processes if it would take longer here
    than starting them, and if it can be sent there. A first job of a few seconds may have spent them on loading and
    compiling, which no other job pays again: then the second is timed too. What it is (``name``, ``slots``,
    ``can_stop``) is that of the executor it uses now.

    Args:
        jobs: how many will be submitted.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs_left = jobs
        self._has_seen = False
        self._is_decided = False
        self._use(Here())

    def _use(self, executor: Executor) -> None:
        self._now = executor
        self.name, self.slots, self.can_stop = executor.name, executor.slots, executor.can_stop

    def share(self, value: Value) -> Shared[Value]:
        return Local(value)

    def submit(self, function: Callable[..., Answer], shared: Shared[Value], *arguments: object) -> Future[Answer]:
        if self._is_decided:
            local = checked_shared(shared, Local)
            if local.elsewhere is None:
                local.elsewhere = self._share_elsewhere(local.value)
            return self._now.submit(function, local.elsewhere, *arguments)
        start = time.perf_counter()
        future = self._now.submit(function, shared, *arguments)
        self._decide(time.perf_counter() - start)
        return future

    def _share_elsewhere(self, value: Value) -> Shared[Value]:
        """In this process after all where it cannot be sent to another: nobody asked for workers."""
        try:
            return self._now.share(value)
        except Unpicklable:
            self._now.shutdown(wait=False)
            self._use(Here())
            return self._now.share(value)

    def stop(self, future: Future[Answer]) -> None:
        self._now.stop(future)

    def shutdown(self, *, wait: bool = True) -> None:
        self._now.shutdown(wait=wait)

    def _decide(self, seconds: float) -> None:
        self._jobs_left -= 1
        workers = min(cpu_count(), self._jobs_left)
        is_worth_it = workers > 1 and seconds * self._jobs_left > STARTING_SECONDS
        self._is_decided = self._has_seen or not is_worth_it or seconds > _LOADING_SECONDS
        self._has_seen = True
        if self._is_decided and is_worth_it:
            self._use(Processes(workers))
