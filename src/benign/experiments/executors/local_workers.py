"""Workers on this machine: each a process with the thread that feeds it, kept for the next executor.

Starting a worker and importing the numerical libraries takes one to two seconds and a figure makes a dozen
measurements, so idle workers are kept for a few minutes. No pool of ``concurrent.futures`` or loky deals out the jobs:
each process has its own thread, and a death or a hang is known to be that one job's. Loky starts the process: unlike
multiprocessing, it does not run the user's script again, which so needs no ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import atexit
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import Empty, Queue, SimpleQueue
from threading import Event, Lock, RLock, Thread

import psutil
from loky.backend import get_context  # type: ignore[import-untyped]

from benign.experiments.executors.protocol import JobStopped, WorkerDied
from benign.experiments.executors.threads import worker_environment
from benign.experiments.executors.travel import fail, pack_call, settle
from benign.experiments.executors.worker import SAFE_PATH, serve, warm_up
from benign.foundation.memory import available_bytes

_IDLE_SECONDS = 300.0
_GRACE_SECONDS = 5.0
_LEAST_FREE = 0.02  # of what a worker holds: a machine without swap, or a full container, is about to kill somebody


@dataclass(kw_only=True, eq=False)
class Task:
    """A job on its way to a worker.

    Attributes:
        message: path of the shared value's file, empty where there is none, and the packed call.
        shared: what the executor returned for the value, which may go once nobody holds it any more.
        module: what a worker imports before its first task begins, whose time is then its own; empty for nothing.
        process: what runs it now.
        since: when it began, by ``time.monotonic``.
        stopped: whether it was stopped; then it must not run any more.
    """

    message: tuple[str, bytes] = ("", b"")
    shared: object = None
    module: str = ""
    future: Future[object] = field(default_factory=Future)
    process: BaseProcess | None = None
    since: float = 0.0
    stopped: bool = False
    _lock: RLock = field(default_factory=RLock)

    def begin(self, process: BaseProcess | None) -> bool:
        """Whether it may run, in the process; not if it was stopped or cancelled while it waited."""
        with self._lock:
            if self.stopped or not self.future.set_running_or_notify_cancel():
                return False
            self.process, self.since = process, time.monotonic()
            return True

    def end(self) -> None:
        """It has left the process: from now on :meth:`stop` kills nothing."""
        with self._lock:
            self.process = None

    def stop(self) -> None:
        """Kill what runs it, or see that it never runs."""
        with self._lock:
            if self.future.done() or self.stopped:
                return
            self.stopped = True
            if self.process is not None:
                kill(self.process)  # its worker notices
            elif self.future.set_running_or_notify_cancel():
                fail(self.future, JobStopped("The job was stopped before it started."))


Backlog = SimpleQueue[Task | None]


class LocalWorker:
    """A thread that takes tasks from an executor's backlog and has its one process perform them.

    The thread that starts a process must outlive it: Linux signals the parent's death when that thread ends.
    """

    def __init__(self) -> None:
        self.free = Event()
        self.process: BaseProcess | None = None
        self._is_warm = False
        self._connection: Connection | None = None
        self._backlogs: Queue[Backlog] = Queue()
        Thread(target=self._live, name="benign-worker", daemon=True).start()

    def serve(self, backlog: Backlog) -> None:
        """Take tasks from this backlog until it yields None; then the worker is free."""
        self.free.clear()
        self._backlogs.put(backlog)

    def _live(self) -> None:
        # A process inherits the mask: Ctrl-C cannot reach it in the moment before it asks to be spared.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while True:
            try:
                backlog = self._backlogs.get(timeout=_IDLE_SECONDS)
            except Empty:
                if _workers.leave(self):
                    break
                continue  # taken a moment ago
            for task in iter(backlog.get, None):
                self._run(task)
                del task  # with its answer, and the executor that it came from
            del backlog
            _workers.put(self)
            self.free.set()
        self.close()

    def _run(self, task: Task) -> None:
        try:
            # Before it begins, so that its time is its own and it can be stopped or cancelled meanwhile.
            is_off = task.stopped or task.future.cancelled()
            if not task.begin(None if is_off else self._ready_process(task.module)):
                return
        except Exception as error:  # loky's own mistake too, behind which is the system's word
            reason = error if isinstance(error, OSError) else error.__context__ or error
            fail(task.future, WorkerDied(f"No worker process could be started: {reason}; use fewer workers."))
            return
        outcome = self._outcome(task.message)
        task.end()
        # A process that is killed or died is dying for a moment: the next task must not meet it.
        code = self.close() if task.stopped or outcome is None else None
        if outcome is not None:
            settle(task.future, outcome)
        elif task.stopped:
            fail(task.future, JobStopped("The job was stopped while it ran."))
        else:
            fail(task.future, WorkerDied(_cause_of_death(code)))

    def _ready_process(self, module: str) -> BaseProcess | None:
        """The process, started if it is not there any more, with the module imported."""
        with _workers.starting:  # a start asks after all processes, and who asks at the same moment hears nothing
            is_alive = self.process is not None and self.process.is_alive()
        if not is_alive:
            self.close()
            self._start()
        if module and not self._is_warm:
            if self._outcome(("", pack_call(warm_up, [module]))) is None:
                raise OSError(f"it ended with exit code {self.close()} as it began")
            self._is_warm = True
        return self.process

    def _start(self) -> None:
        if _workers.closed:
            raise OSError("this process is ending")
        self._is_warm = False
        self._connection, theirs = Pipe()
        with theirs:
            process: BaseProcess = get_context("loky").Process(
                target=serve, args=(theirs, os.getpid()), env=worker_environment()
            )
            with out_of_this_folder():
                process.start()
        self.process = process
        if _workers.closed:
            kill(process)

    def _outcome(self, message: tuple[str, bytes]) -> bytes | None:
        """What the process answers, or None if it dies."""
        connection, process = self._connection, self.process
        assert connection is not None
        assert process is not None
        with suppress(EOFError, OSError):
            connection.send(message)
            # A death closes the connection, unless a child of the worker holds it open: look now and then.
            while not connection.poll(1.0):
                if not process.is_alive() and not connection.poll(0.0):
                    return None
                if _takes_all_memory(process):
                    kill(process)
                    return None
            return connection.recv_bytes()
        return None

    def close(self) -> int | None:
        """End the process, if there is one, and return its exit code."""
        if self._connection is not None:
            self._connection.close()  # an idle worker ends by itself when it sees this
            self._connection = None
        process, self.process = self.process, None
        if process is None:
            return None
        process.join(_GRACE_SECONDS)
        if process.is_alive():
            kill(process)
            process.join()
        _kill_group(process)
        return process.exitcode


@contextmanager
def out_of_this_folder() -> Iterator[None]:
    """Within the block a Python that is started imports nothing from the current folder: a ``random.py`` of the user's
    would end it before it begins. A worker has our own path, and takes the setting back for what it starts itself.
    """
    with _workers.starting:  # or one thread would take for the user's setting what another has set
        before = os.environ.get(SAFE_PATH)
        os.environ[SAFE_PATH] = "1"
        try:
            yield
        finally:
            del os.environ[SAFE_PATH]
            os.environ.update({} if before is None else {SAFE_PATH: before})


class _Workers:
    """All workers of this process, and those among them that are idle."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.starting = Lock()
        self.all: set[LocalWorker] = set()
        self._idle: list[LocalWorker] = []
        self.closed = False

    def take(self, count: int) -> list[LocalWorker]:
        """So many workers, the idle ones first."""
        with self._lock:
            taken = [self._idle.pop() if self._idle else LocalWorker() for _ in range(count)]
            self.all.update(taken)
        return taken

    def put(self, worker: LocalWorker) -> None:
        with self._lock:
            self._idle.append(worker)

    def leave(self, worker: LocalWorker) -> bool:
        """Whether the worker was idle, and may end."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            self.all.discard(worker)
            return True

    def close(self) -> None:
        """Kill every process, and all that are started from now on: the interpreter's exit waits for them to end."""
        self.closed = True
        with self._lock:
            for worker in self.all:
                if worker.process is not None:
                    kill(worker.process)


_workers = _Workers()
take_workers = _workers.take
os.register_at_fork(after_in_child=_workers.__init__)  # type: ignore[misc]  # a forked child has none of our threads
atexit.register(_workers.close)


def kill(process: BaseProcess) -> None:
    """SIGKILL for a process and its children, who might hold on to memory or a processor."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        family = root.children(recursive=True)
        root.kill()
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
    _kill_group(process)


def _takes_all_memory(process: BaseProcess) -> bool:
    """Whether next to nothing is free beside what this process holds: it ends, before another's program does."""
    with suppress(psutil.Error):
        return available_bytes() < _LEAST_FREE * psutil.Process(process.pid).memory_info().rss
    return False


def _kill_group(process: BaseProcess) -> None:
    """SIGKILL for what a worker has left behind: it led a session of its own."""
    assert process.pid  # of group 0 would be this process itself
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _cause_of_death(code: int | None) -> str:
    end, advice = f"ended with exit code {code}", "; look for a call that ends the process"
    if code == -signal.SIGKILL:
        end = "was killed (SIGKILL)"
        advice = ", most likely because the machine ran out of memory; use fewer workers or smaller sizes"
    elif code is not None and code < 0:
        end = f"died of {signal.Signals(-code).name}"
        advice = "; look for a library that crashes: with PYTHONFAULTHANDLER=1 set, it says where"
    return f"The worker process {end} while it ran this job{advice}."
