"""The laws of an executor, held against each of them; see ``benign.experiments.executors.protocol.Executor``."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl
import xarray as xr
from jaxtyping import Float

import benign
from benign.experiments.executors.here import Here
from benign.experiments.executors.processes import Processes
from benign.experiments.executors.protocol import Executor, JobStopped, WorkerDied
from benign.experiments.executors.travel import Unpicklable
from benign.foundation.errors import InvalidArgument
from tests.optional import needs

SECONDS = 60.0  # longer than anything below takes; a hang fails and does not hang the suite
RAY = pytest.param("ray", marks=pytest.mark.ray)


MADE: dict[str, Callable[[], Executor]] = {"here": Here, "processes": partial(Processes, 2)}


@pytest.fixture(scope="module")
def ray_executor() -> Iterator[Executor]:
    needs("ray", importlib.util.find_spec("ray") is not None, "Ray is not installed")
    import ray

    from benign.experiments.executors.ray_cluster import Ray

    executor = Ray()
    yield executor
    executor.shutdown(wait=False)
    ray.shutdown()


@pytest.fixture(scope="module", autouse=True)
def _many_threads() -> Iterator[None]:
    """What workers inherit allows two threads: one thread is then their executor's doing."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            patch.setenv(variable, "2")
        yield


@pytest.fixture(scope="module", params=["here", "processes", RAY])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    yield from _made(request)


@pytest.fixture(scope="module", params=["processes", RAY])
def workers(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """An executor whose jobs run in other processes."""
    yield from _made(request)


def _made(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "ray":
        yield request.getfixturevalue("ray_executor")
        return
    executor = MADE[request.param]()
    yield executor
    executor.shutdown(wait=False)


def run(executor: Executor, function: Callable[..., Any], value: object = None, *arguments: object) -> Any:
    return executor.submit(function, executor.share(value), *arguments).result(SECONDS)


# ------------------------------------------------------------------------------------------------------------ 1 answers
def add(value: int, number: int) -> int:
    return value + number


def spectrum(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    return np.linalg.eigvalsh(matrix @ matrix.T)


def threads_of(_: object) -> dict[str, int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return {pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}


def test_every_executor_gives_the_same_bits(executor):
    matrix = np.random.default_rng(0).standard_normal((120, 120))
    assert np.array_equal(run(executor, spectrum, matrix), spectrum(matrix))


def test_three_hundred_jobs_in_any_order(executor):
    shared = executor.share(1)
    futures = [executor.submit(add, shared, number) for number in range(300)]
    assert not wait(futures, timeout=SECONDS).not_done
    assert [future.result() for future in futures] == list(range(1, 301))


def test_a_job_has_one_thread(executor):
    with threadpoolctl.threadpool_limits(limits=2):
        assert max(pool["num_threads"] for pool in threadpoolctl.threadpool_info()) == 2
        threads = run(executor, threads_of)
    assert threads
    assert set(threads.values()) == {1}


def test_functions_and_classes_of_the_moment(executor):
    class Pair:
        def __init__(self, left, right):
            self.left, self.right = left, right

    factor = 3
    pair = run(executor, lambda value, number: Pair(value * factor, number), 5, 7)
    assert isinstance(pair, Pair)
    assert (pair.left, pair.right) == (15, 7)


def test_large_values_and_answers(executor):
    large = np.arange(2_000_000.0)
    assert np.array_equal(run(executor, lambda value: value + 1.0, large), large + 1.0)


def test_a_job_may_write_to_what_was_shared(executor):
    def fill(value):
        value[:] = 2.0
        return value.sum()

    assert run(executor, fill, np.ones(200_000)) == 400_000.0


def test_a_job_may_print(executor):
    def talk(value):
        sys.stdout.write("x" * 100_000)
        os.write(1, b"y" * 100_000)
        os.write(2, b"z" * 100_000)
        return value

    assert run(executor, talk, 4) == 4


def test_what_another_executor_shared_is_refused(executor):
    with pytest.raises(InvalidArgument, match="`shared` must be what this executor's `share` returned"):
        executor.submit(add, object(), 1)


# ------------------------------------------------------------------------------------------------------------ 2 shipped
class Counted:
    """A value that notes each time it is unpickled, and where."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.notes = state["notes"]
        with self.notes.open("a") as file:
            file.write(f"{os.getpid()}\n")


def pid_of(_: object, seconds: float = 0.0) -> int:
    time.sleep(seconds)
    return os.getpid()


def test_a_value_is_shipped_once_to_each_worker(executor, tmp_path):
    notes = tmp_path / "notes"
    notes.touch()
    shared = executor.share(Counted(notes))
    pids = {executor.submit(pid_of, shared, 0.01).result(SECONDS) for _ in range(20)}
    readers = notes.read_text().split()
    assert len(readers) == len(set(readers))
    assert {int(pid) for pid in readers} == pids - {os.getpid()}


# -------------------------------------------------------------------------------------------------------------- 3 apart
class OddError(Exception):
    """An exception that pickles, but does not come back."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} is odd")
        self.second = second


def fail_with(_: object, kind: str) -> None:
    if kind == "value":
        raise ValueError("the job's own")
    raise OddError(3, 4)


def die(_: object, how: int) -> None:
    os.kill(os.getpid(), how)
    time.sleep(1000.0)


def spin(_: object) -> None:
    while True:
        pass


@contextmanager
def endless_jobs(
    executor: Executor, shared: Any, count: int, function: Callable[..., Any] = spin, *arguments: object
) -> Iterator[list[Future[Any]]]:
    """Jobs that end only here, whatever a test finds: one left behind would hold a worker of every later test."""
    futures = [executor.submit(function, shared, *arguments) for _ in range(count)]
    try:
        yield futures
    finally:
        for future in futures:
            executor.stop(future)


def until_told(_: object, path: Path) -> int:
    while not path.exists():
        time.sleep(0.01)
    return os.getpid()


def until(condition: Callable[[], bool]) -> bool:
    """Whether it comes true; a loaded machine may take seconds to start a worker."""
    deadline = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_an_exception_is_the_jobs_own_and_says_where(executor):
    future = executor.submit(fail_with, executor.share(None), "value")
    error = future.exception(SECONDS)
    assert type(error) is ValueError
    assert str(error) == "the job's own"
    assert "in fail_with" in "".join(traceback.format_exception(error))
    assert run(executor, add, 1, 2) == 3


def test_an_exception_that_cannot_travel_keeps_its_sentence(workers):
    error = workers.submit(fail_with, workers.share(None), "odd").exception(SECONDS)
    assert type(error) is RuntimeError
    assert str(error) == "OddError: 3 is odd"
    assert "in fail_with" in "".join(traceback.format_exception(error))


class Hostile(Exception):
    """One that can neither be read nor pickled; asking it ends the process."""

    def __str__(self) -> str:
        raise SystemExit(4)

    def __reduce__(self) -> tuple[Any, ...]:
        raise SystemExit(5)


def fail_hostile(_: object, kind: str) -> None:
    if kind == "huge":
        raise ValueError("x" * 10_000_000)
    if kind == "exit":
        sys.exit(3)
    if kind == "interrupt":
        raise KeyboardInterrupt
    raise Hostile


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("huge", "ValueError: xxx"),
        ("exit", "The job ended with SystemExit: 3; look for a call"),
        ("interrupt", "The job ended with KeyboardInterrupt; look for"),
        ("hostile", "Hostile"),
    ],
)
def test_an_exception_that_means_harm_is_a_sentence(workers, kind, sentence):
    error = workers.submit(fail_hostile, workers.share(None), kind).exception(SECONDS)
    assert isinstance(error, RuntimeError)
    assert str(error).startswith(sentence)
    assert len(str(error)) < 1000
    assert run(workers, add, 1, 2) == 3


def fork_itself(value: int) -> int:
    return value if os.fork() else -value


def test_a_child_that_a_job_forks_does_not_answer(workers):
    shared = workers.share(7)
    assert [workers.submit(fork_itself, shared).result(SECONDS) for _ in range(5)] == [7] * 5


def test_a_killed_worker_fails_its_own_job_alone(workers, tmp_path):
    shared, told = workers.share(1), tmp_path / "told"
    with endless_jobs(workers, shared, 1, until_told, told) as (neighbour,):
        killed = workers.submit(die, shared, signal.SIGKILL)
        others = [workers.submit(add, shared, number) for number in range(3)]
        with pytest.raises(WorkerDied, match="ran out of memory"):
            killed.result(SECONDS)
        told.touch()
        assert isinstance(neighbour.result(SECONDS), int)
    assert [other.result(SECONDS) for other in others] == [1, 2, 3]
    assert run(workers, add, 1, 2) == 3


def test_what_cannot_be_pickled_gets_a_sentence(workers):
    generator = (number for number in range(3))
    shared = workers.share(0)
    with pytest.raises(Unpicklable, match="shared value cannot be pickled: TypeError"):
        workers.share(generator)
    for future in (
        workers.submit(add, shared, generator),
        workers.submit(lambda value: next(generator, value), shared),
    ):
        with pytest.raises(Unpicklable, match="job cannot be pickled: TypeError"):
            future.result(SECONDS)
    with pytest.raises(Unpicklable, match="answer of the job cannot be pickled: TypeError"):
        workers.submit(lambda value: (number for number in range(value)), shared).result(SECONDS)
    assert run(workers, add, 1, 2) == 3


# --------------------------------------------------------------------------------------------------------------- 4 stop
@pytest.mark.parametrize(("function", "arguments"), [(spin, ()), (pid_of, (1000.0,))], ids=["spinning", "sleeping"])
def test_a_running_job_can_be_stopped(workers, tmp_path, function, arguments):
    assert workers.can_stop
    shared, told = workers.share(1), tmp_path / "told"
    with endless_jobs(workers, shared, 1, until_told, told) as (neighbour,):
        with endless_jobs(workers, shared, 1, function, *arguments) as (endless,):
            assert until(endless.running)
        with pytest.raises(JobStopped):
            endless.result(SECONDS)
        told.touch()
        assert isinstance(neighbour.result(SECONDS), int)
    assert run(workers, add, 1, 2) == 3


def test_a_waiting_job_can_be_stopped(workers):
    shared = workers.share(1)
    with endless_jobs(workers, shared, 2) as running:
        waiting = workers.submit(add, shared, 1)
        assert until(lambda: all(future.running() for future in running))
        assert not waiting.running()
        workers.stop(waiting)
        with pytest.raises(JobStopped):
            waiting.result(SECONDS)
    assert not wait(running, timeout=SECONDS).not_done


@pytest.mark.ray
def test_ray_is_asked_again_where_a_stop_is_lost(ray_executor, monkeypatch):
    """Ray itself loses one that meets a worker which is just starting the task, and says that it obeyed."""
    import ray

    cancel, asked = ray.cancel, []

    def lossy(reference: object, **options: bool) -> None:
        asked.append(reference)
        if len(asked) > 1:
            cancel(reference, **options)

    monkeypatch.setattr(ray, "cancel", lossy)
    monkeypatch.setattr("benign.experiments.executors.ray_cluster._ASKED_AGAIN_AFTER_SECONDS", 0.2)
    with endless_jobs(ray_executor, ray_executor.share(1), 1) as (endless,):
        assert until(endless.running)
    with pytest.raises(JobStopped):
        endless.result(SECONDS)
    assert len(asked) >= 2


def leave_a_trace(path: Path) -> None:
    path.touch()


def test_a_waiting_job_that_is_cancelled_never_runs(workers, tmp_path):
    shared = workers.share(tmp_path / "trace")
    with endless_jobs(workers, shared, 2) as running:
        waiting = workers.submit(leave_a_trace, shared)
        assert waiting.cancel()
    assert not wait([*running, waiting], timeout=SECONDS).not_done
    assert run(workers, add, 1, 2) == 3
    assert not (tmp_path / "trace").exists()


def test_stopping_what_is_done_changes_nothing(executor):
    future = executor.submit(add, executor.share(1), 2)
    future.result(SECONDS)
    executor.stop(future)
    assert future.result() == 3


# ------------------------------------------------------------------------------------------------------------- 5 Ctrl-C
def interrupt_itself(value: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)
    return value


def test_a_worker_ignores_an_interrupt(workers):
    assert run(workers, interrupt_itself, 6) == 6


# ----------------------------------------------------------------------------------------------------------- of its own
def test_an_executor_keeps_the_protocol(executor):
    assert isinstance(executor, Executor)
    assert executor.name in {"here", "processes", "ray"}
    assert executor.slots >= 1


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit])
def test_here_lets_through_what_is_meant_for_this_process(exception):
    def leave(_: object) -> None:
        raise exception

    here = Here()
    with pytest.raises(exception):
        here.submit(leave, here.share(None))


# ---------------------------------------------------------------------------------------- a figure, as any experiment
FIGURES = ["mml_polynomial", "belkin2019_fourier"]


@pytest.fixture(scope="module")
def figures_here():
    return {name: benign.figure(name, scale="smoke", executor="here", store=":memory:") for name in FIGURES}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_every_executor_measures_the_same_figure(workers, figures_here, name):
    here, there = figures_here[name], benign.figure(name, scale="smoke", executor=workers, store=":memory:")
    assert list(there.surfaces) == list(here.surfaces)
    for part, surface in here.surfaces.items():
        xr.testing.assert_identical(there.surfaces[part].dataset.drop_attrs(), surface.dataset.drop_attrs())
