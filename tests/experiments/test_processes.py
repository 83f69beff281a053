"""Worker processes: they are kept for the next executor, and nothing of them outlives this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Timer
from typing import Any

import psutil
import pytest

from benign.experiments.executors import local_workers, processes
from benign.experiments.executors.processes import Processes
from benign.experiments.executors.protocol import JobStopped, WorkerDied
from benign.experiments.executors.worker import SAFE_PATH
from benign.foundation.errors import InvalidArgument, OutputFailed
from tests.optional import needs

SECONDS = 60.0


def pid_of(_: object, seconds: float = 0.0) -> int:
    time.sleep(seconds)
    return os.getpid()


def _pids(executor: Processes) -> set[int]:
    shared, seconds = executor.share(None), 0.1 * (executor.workers > 1)  # each of several gets one
    return {future.result(SECONDS) for future in [executor.submit(pid_of, shared, seconds) for _ in range(8)]}


def _eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def _driver(script: str) -> subprocess.Popen[str]:
    """A script without ``if __name__ == "__main__"``, run as a user runs it."""
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)


# ------------------------------------------------------------------------------------------------------ kept for others
def test_the_next_executor_uses_the_same_processes():
    first = Processes(2)
    pids = _pids(first)
    first.shutdown()
    second = Processes(2)
    assert _pids(second) == pids
    assert len(pids) == 2
    second.shutdown()


def test_idle_processes_end_after_a_while(monkeypatch):
    monkeypatch.setattr(local_workers, "_IDLE_SECONDS", 0.1)
    executor = Processes(2)
    pids = _pids(executor)
    executor.shutdown()
    assert _eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_a_process_that_dies_idle_is_replaced():
    executor = Processes(1)
    (pid,) = _pids(executor)
    os.kill(pid, signal.SIGKILL)
    (worker,) = executor._held
    assert _eventually(lambda: worker.process is not None and not worker.process.is_alive())
    assert _pids(executor) != {pid}
    executor.shutdown()


def test_a_process_is_not_asked_for_while_another_starts_which_asks_for_all(monkeypatch):
    executor = Processes(1)
    (pid,) = _pids(executor)
    (worker,) = executor._held
    process: Any = worker.process
    with local_workers._workers.starting:
        os.kill(pid, signal.SIGKILL)
        assert _eventually(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        # The other thread has the answer of the system, which gives it once, and has not written it down yet.
        with monkeypatch.context() as patch:
            patch.setattr(process._popen, "poll", lambda *_: None)
            future = executor.submit(pid_of, executor.share(None))
            time.sleep(0.3)  # as long as it might take to ask too early
    assert future.result(SECONDS) != pid
    executor.shutdown()


def test_an_executor_that_is_forgotten_gives_back_its_processes():
    executor = Processes(2)
    _pids(executor)
    held = executor._held
    assert not any(worker.free.is_set() for worker in held)
    del executor
    assert all(worker.free.wait(SECONDS) for worker in held)


def test_workers_that_start_at_once_leave_the_environment_as_it_was():
    def start(delay: float, hold: float) -> None:
        time.sleep(delay)
        with local_workers.out_of_this_folder():
            time.sleep(hold)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(start, (0.0, 0.2), (0.4, 0.6)))
    assert SAFE_PATH not in os.environ


# ----------------------------------------------------------------------------------------------------------------- ends
@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (lambda _: os._exit(7), "ended with exit code 7"),
        (lambda _: os.kill(os.getpid(), signal.SIGSEGV), "died of SIGSEGV"),
        (lambda _: os.kill(os.getpid(), signal.SIGKILL), "ran out of memory; use fewer workers"),
    ],
    ids=["exit", "crash", "killed"],
)
def test_how_a_worker_ended_is_said(end, sentence):
    executor = Processes(1)
    with pytest.raises(WorkerDied, match=sentence):
        executor.submit(end, executor.share(None)).result(SECONDS)
    executor.shutdown()


def test_what_a_worker_leaves_behind_ends_with_it():
    """Its children are another process's by the time that it is found dead."""

    def leave(_: object, path: Path) -> None:
        path.write_text(str(subprocess.Popen(["sleep", "1000"]).pid))
        os.kill(os.getpid(), signal.SIGSEGV)

    executor = Processes(1)
    path = Path(executor._folder) / "pid"
    with pytest.raises(WorkerDied, match="died of SIGSEGV"):
        executor.submit(leave, executor.share(None), path).result(SECONDS)
    assert _eventually(lambda: not _runs(int(path.read_text())))
    executor.shutdown()


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_jobs_print_is_not_on_standard_output():
    """Their driver's answer may be JSON."""
    with _driver("""
import os
from benign.experiments.executors.processes import Processes

def talk(_):
    print("from Python", flush=True)
    os.write(1, b"from C")

executor = Processes(1)
executor.submit(talk, executor.share(None)).result()
print("the answer")
""") as driver:
        assert driver.stdout is not None
        assert driver.stdout.read() == "the answer\n"


def test_a_shared_value_goes_with_who_holds_it():
    executor = Processes(1)
    shared = executor.share(1)
    held = executor.submit(pid_of, shared, 0.2)
    assert len(list(executor._folder.iterdir())) == 1
    del shared
    held.result(SECONDS)
    del held
    assert _eventually(lambda: not list(executor._folder.iterdir()))
    executor.shutdown()


def test_a_growing_executor_begins_with_one_process(monkeypatch):
    executor = Processes(2, growing=True)
    assert len(_pids(executor)) == 1
    monkeypatch.setattr(processes, "STARTING_SECONDS", 0.0)
    assert executor.call(pid_of).result(SECONDS) not in (None, os.getpid())
    assert len(_pids(executor)) == 2
    executor.shutdown()


def test_a_worker_that_takes_all_memory_is_killed(monkeypatch):
    executor = Processes(1)
    (pid,) = _pids(executor)
    monkeypatch.setattr(local_workers, "available_bytes", lambda: 0)
    with pytest.raises(WorkerDied, match="ran out of memory"):
        executor.submit(pid_of, executor.share(None), 1000.0).result(SECONDS)
    monkeypatch.undo()
    assert _pids(executor) != {pid}
    executor.shutdown()


def test_a_worker_is_the_first_that_is_killed_where_memory_runs_out():
    needs("oom_score", Path("/proc/self/oom_score_adj").exists(), "this system has no score by which it kills")
    executor = Processes(1)
    assert executor.submit(_score, executor.share(None)).result(SECONDS) == "1000"
    executor.shutdown()


def _score(_: object) -> str:
    return Path("/proc/self/oom_score_adj").read_text().strip()


def test_shutdown_waits_for_what_was_submitted():
    executor = Processes(1)
    shared = executor.share(None)
    futures = [executor.submit(pid_of, shared, 0.1) for _ in range(3)]
    executor.shutdown()
    assert all(future.done() for future in futures)
    with pytest.raises(InvalidArgument, match="was shut down"):
        executor.submit(pid_of, shared)


def test_shutdown_without_waiting_stops_everything():
    executor = Processes(1)
    shared = executor.share(None)
    futures = [executor.submit(pid_of, shared, 1000.0) for _ in range(3)]
    executor.shutdown(wait=False)
    for future in futures:
        with pytest.raises(JobStopped):
            future.result(SECONDS)


def test_stopping_a_job_ends_its_children():
    def parent(_: object, path: Path) -> None:
        child = subprocess.Popen(["sleep", "1000"])
        path.write_text(str(child.pid))
        child.wait()

    executor = Processes(1)
    path = Path(executor._folder) / "pid"
    future = executor.submit(parent, executor.share(None), path)
    assert _eventually(lambda: path.exists() and path.read_text() != "")
    child = psutil.Process(int(path.read_text()))
    executor.stop(future)
    with pytest.raises(JobStopped):
        future.result(SECONDS)
    assert _eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    executor.shutdown()


def test_a_job_that_ends_as_it_is_stopped_leaves_no_dying_process_to_the_next(monkeypatch):
    """Finding a process's children takes a while, and so does its death: meanwhile its job may have answered."""
    kill, killers = local_workers.kill, []

    def kill_slowly(process: BaseProcess) -> None:
        time.sleep(0.7)
        killers.append(Timer(0.3, kill, [process]))
        killers[0].start()

    monkeypatch.setattr(local_workers, "kill", kill_slowly)
    executor = Processes(1)
    shared = executor.share(None)
    (first,) = _pids(executor)
    stopped, following = executor.submit(pid_of, shared, 0.5), executor.submit(pid_of, shared, 0.6)
    assert _eventually(stopped.running)
    executor.stop(stopped)
    assert stopped.result(SECONDS) == first
    assert following.result(SECONDS) != first
    executor.shutdown()
    killers[0].join()


DRIVER = """
import os, sys, time
from benign.experiments.executors.processes import Processes

def work(shared, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pass
    return os.getpid()

executor = Processes(2)
shared = executor.share(None)
pids = {executor.submit(work, shared, 0.2).result() for _ in range(2)}
futures = [executor.submit(work, shared, 1000.0) for _ in range(5)]
while sum(future.running() for future in futures) < 2:
    time.sleep(0.01)
from benign.experiments.executors.local_workers import _workers
print(executor._folder, *(worker.process.pid for worker in _workers.all), flush=True)
"""


@pytest.mark.parametrize("end", ["exit", "exception", "kill -9"])
def test_nothing_outlives_the_driver(end):
    """Jobs that would run for a quarter of an hour keep neither the interpreter nor themselves alive."""
    last = {"exit": "", "exception": "raise KeyboardInterrupt", "kill -9": "time.sleep(1000)"}[end]
    with _driver(DRIVER + last) as driver:
        try:
            assert driver.stdout is not None
            folder, *pids = driver.stdout.readline().split()
            assert len(pids) == 2
            if end == "kill -9":
                assert Path(folder).exists()
                driver.kill()
            driver.wait(SECONDS)
        finally:
            driver.kill()
    assert _eventually(lambda: not any(_runs(int(pid)) for pid in pids))
    assert _eventually(lambda: not Path(folder).exists())


def test_without_a_temporary_folder_it_says_what_to_set(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(OutputFailed, match="set TMPDIR"):
        Processes(1)


def test_a_temporary_folder_that_goes_says_what_to_set(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    executor = Processes(1)
    [folder] = tmp_path.iterdir()
    folder.rmdir()
    with pytest.raises(OutputFailed, match="set TMPDIR"):
        executor.share(None)
    executor.shutdown()


@pytest.mark.parametrize("error", [OSError, UnboundLocalError])
def test_a_process_that_cannot_be_started_fails_its_job(monkeypatch, error):
    """Without descriptors loky names a variable of its own that has no value."""

    class Refuses:
        def Process(self, **_):
            try:
                raise OSError("Too many open files")
            except OSError as cause:
                raise error("Too many open files") from cause

    monkeypatch.setattr(local_workers, "get_context", lambda _: Refuses())
    monkeypatch.setattr(
        processes, "take_workers", lambda count: [local_workers.LocalWorker() for _ in range(count)]
    )  # no used one
    executor = Processes(1)
    with pytest.raises(WorkerDied, match="Too many open files"):
        executor.call(pid_of).result(SECONDS)
    executor.shutdown()
