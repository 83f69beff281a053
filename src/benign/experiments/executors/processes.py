"""Jobs run in worker processes on this machine."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, cast
from uuid import uuid4

from loky import cpu_count  # type: ignore[import-untyped]
from loky.backend import resource_tracker  # type: ignore[import-untyped]

from benign.experiments.executors.capacity import checked_workers
from benign.experiments.executors.local_workers import Backlog, LocalWorker, Task, out_of_this_folder, take_workers
from benign.experiments.executors.protocol import Answer, Shared, Value
from benign.experiments.executors.travel import Unpicklable, checked_shared, fail, pack_call, pack_value
from benign.foundation.errors import OutputFailed, invalid

STARTING_SECONDS = 1.5
"""Starting workers and importing the numerical libraries takes about that long, once in the life of this process."""


@dataclass(frozen=True, eq=False)
class OnDisk(Generic[Value]):
    """A value in a file that each worker reads once."""

    path: str


class Processes:
    """Runs each job in one of ``workers`` processes of this machine, each with one thread for numerical libraries.

    Workers need no ``if __name__ == "__main__"`` in the user's script and may run functions that were defined
    interactively. They are kept for the next executor of this process and end after five idle minutes or with this
    process, however it ends; a module that is edited in the meantime is not imported again.

    Memory: a shared value is written to a file in a private temporary folder, which goes when the executor does. Each
    worker holds a copy of its own of the last two shared values, and a result is held once more, as bytes, on its way.

    Args:
        workers: number of processes; None for as many as this process may use processors.
        growing: begin with one of them; the others come once jobs have waited about as long as it takes to start them.

    Raises:
        InvalidArgument: unless ``workers`` is a positive integer of as many as this machine can hold.
        OutputFailed: if no temporary folder can be written.
    """

    name = "processes"
    can_stop = True

    def __init__(self, workers: int | None = None, *, growing: bool = False) -> None:
        self.workers: int = cpu_count() if workers is None else checked_workers(workers)
        with _temporary_files():
            self._folder = Path(tempfile.mkdtemp(prefix="benign-"))
        self._backlog = Backlog()
        self._held: list[LocalWorker] = []
        self._seconds_waited = 0.0
        self._tasks: dict[Future[object], Task] = {}
        # Loky's tracker, a process of its own, removes the folder if this process is killed.
        with out_of_this_folder():
            resource_tracker.register(str(self._folder), "folder")
        self._release = weakref.finalize(self, _release, self._backlog, self._held, self._folder)
        self._hold(1 if growing else self.workers)

    @property
    def slots(self) -> int:
        """Two for each worker: the second waits in this process, so that the worker need not wait for the driver. Its
        future's ``running()`` is false until it starts.
        """
        return 2 * self.workers

    def share(self, value: Value) -> Shared[Value]:
        path = self._folder / uuid4().hex
        content = pack_value(value)
        with _temporary_files():
            path.write_bytes(content)
        shared = OnDisk[Value](str(path))
        weakref.finalize(shared, path.unlink, missing_ok=True)
        return shared

    def submit(self, function: Callable[..., Answer], shared: Shared[Value], *arguments: object) -> Future[Answer]:
        held = checked_shared(shared, OnDisk)
        return self._given(Task(shared=held, module=_module_of(function)), held.path, function, arguments)

    def call(self, function: Callable[..., Answer], *arguments: object) -> Future[Answer]:
        """Run ``function(None, *arguments)`` in a worker at once: one that starts imports nothing of ours before it."""
        return self._given(Task(), "", function, arguments)

    def _given(
        self, task: Task, path: str, function: Callable[..., Answer], arguments: Sequence[object]
    ) -> Future[Answer]:
        if not self._release.alive:
            raise invalid("submit", "was called on an executor that was shut down; make a new one.")
        try:
            task.message = (path, pack_call(function, arguments))
        except Unpicklable as error:
            fail(task.future, error)
        else:
            if self._seconds_waited > STARTING_SECONDS:
                self._hold(self.workers)
            self._tasks[task.future] = task
            task.future.add_done_callback(self._forget)
            self._backlog.put(task)
        return cast("Future[Answer]", task.future)

    def _hold(self, workers: int) -> None:
        """Take as many workers as make up this number."""
        more = take_workers(workers - len(self._held))
        self._held += more
        for worker in more:
            worker.serve(self._backlog)

    def stop(self, future: Future[Answer]) -> None:
        task = self._tasks.get(cast("Future[object]", future))
        if task is not None:
            task.stop()

    def shutdown(self, *, wait: bool = True) -> None:
        if wait:
            wait_for(list(self._tasks))
        else:
            for task in list(self._tasks.values()):
                task.stop()
        self._release()
        if wait:
            for worker in self._held:
                worker.free.wait()

    def _forget(self, future: Future[object]) -> None:
        task = self._tasks.pop(future, None)
        if task is not None and task.since and self._tasks:  # others waited for it
            self._seconds_waited += time.monotonic() - task.since


@contextmanager
def _temporary_files() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputFailed(
            f"What worker processes need cannot be written to a temporary folder ({error.strerror or error}); set "
            "TMPDIR to a folder with room, or take the executor 'here'."
        ) from error


def _module_of(function: Callable[..., object]) -> str:
    """The module of one of our own functions, which imports what it needs; empty for others."""
    module = str(getattr(function, "__module__", ""))
    return module if module.startswith("benign.") else ""


def _release(backlog: Backlog, held: Sequence[LocalWorker], folder: Path) -> None:
    """Send the workers to their next executor and remove the files."""
    for _ in held:
        backlog.put(None)
    shutil.rmtree(folder, ignore_errors=True)
    resource_tracker.unregister(str(folder), "folder")
