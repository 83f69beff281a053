"""Which executor a user gets for what they say."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from benign.experiments.executors import automatic
from benign.experiments.executors.automatic import Automatic
from benign.experiments.executors.choice import choose
from benign.experiments.executors.here import Here
from benign.experiments.executors.processes import Processes
from benign.experiments.executors.protocol import Executor
from benign.foundation.errors import InvalidArgument, UnknownName


@pytest.mark.parametrize(
    ("executor", "workers", "kind"),
    [
        (None, None, Automatic),
        (None, 1, Here),
        (None, 2, Processes),
        ("here", None, Here),
        ("here", 1, Here),
        ("processes", 1, Processes),
        ("processes", None, Processes),
    ],
)
def test_a_name_or_a_number_of_workers_makes_an_executor(executor, workers, kind):
    made, is_ours = choose(executor, workers=workers, jobs=5)
    assert type(made) is kind
    assert isinstance(made, Executor)
    assert is_ours
    made.shutdown()


@pytest.mark.parametrize(("workers", "jobs", "expected"), [(2, 5, 2), (5, 2, 2), (3, 1, 1)])
def test_there_are_no_more_workers_than_jobs(workers, jobs, expected):
    made, _ = choose("processes", workers=workers, jobs=jobs)
    assert isinstance(made, Processes)
    assert made.workers == expected
    made.shutdown()


@pytest.mark.parametrize(("executor", "workers"), [("ray", None), ("processes", None), (None, 2)])
def test_nothing_is_started_for_no_jobs(executor, workers):
    assert type(choose(executor, workers=workers, jobs=0)[0]) is Here


def test_one_that_is_ready_stays_its_owners():
    here = Here()
    assert choose(here, workers=None, jobs=5) == (here, False)


@pytest.mark.parametrize(
    ("executor", "workers", "sentence"),
    [
        (None, 0, "`workers` must be a positive integer"),
        (None, 1.5, "`workers` must be a positive integer"),
        (
            None,
            10**9,
            r"`workers` must be at most [\d,]+ here, got 1,000,000,000: each is a process of 64 MiB and more",
        ),
        ("processes", "4", "`workers` must be a positive integer, got '4'"),
        ("here", 2, '`workers` must be 1 with `executor` "here", got 2'),
        ("ray", 2, "`workers` cannot be set for Ray"),
        (Here(), 1, "`workers` cannot be set for an executor that is ready"),
        (7, None, "`executor` must be one of here, processes, ray or an Executor, got 7"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_gets_a_sentence(executor, workers, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        choose(executor, workers=workers, jobs=5)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'processes'"):
        choose("process", workers=None, jobs=5)


# ------------------------------------------------------------------------------------------------------------ automatic
def pid_of(_: object) -> int:
    return os.getpid()


@pytest.mark.parametrize(
    ("seconds", "jobs", "names"),
    [
        ([0.3, 0.3], 10, ["here", "here", "processes"]),
        ([8.0], 10, ["here", "processes", "processes"]),
        ([3.0, 0.01], 10, ["here", "here", "here"]),
        ([0.3], 3, ["here", "here", "here"]),
        ([0.0], 1000, ["here", "here", "here"]),
    ],
    ids=["worth it", "long jobs", "a first that loads", "few jobs", "short jobs"],
)
def test_automatic_takes_workers_when_they_are_worth_it(monkeypatch, seconds, jobs, names):
    clock = iter([time for one in seconds for time in (0.0, one)])  # a busy machine's own would make a short job long
    monkeypatch.setattr(automatic, "cpu_count", lambda: 2)
    monkeypatch.setattr(automatic, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    executor = Automatic(jobs)
    shared = executor.share(None)
    ran = [executor.submit(pid_of, shared).result() == os.getpid() for _ in names]
    assert ["here" if is_here else "processes" for is_here in ran] == names
    assert executor.name == names[-1]
    assert (executor.slots, executor.can_stop) == ((4, True) if executor.name == "processes" else (1, False))
    executor.shutdown()


def test_automatic_stays_here_on_one_processor(monkeypatch):
    clock = iter([0.0, 0.1])
    monkeypatch.setattr(automatic, "cpu_count", lambda: 1)
    monkeypatch.setattr(automatic, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    executor = Automatic(100)
    executor.submit(pid_of, executor.share(None))
    assert executor.name == "here"
