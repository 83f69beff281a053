"""Runs that are killed, jobs that hang or die, drivers that share a store: nothing is lost, nothing is done twice."""

import os
import random
import signal
import time

import numpy as np
import pytest
import xarray as xr

import benign
from benign.experiments.environment import Environment
from benign.experiments.executors import Here, Processes
from benign.experiments.grid import Grid
from benign.experiments.measurement import measure
from benign.experiments.resolution import resolve_grid
from benign.experiments.running import Resolved, run_grid
from benign.experiments.states import State
from benign.experiments.store import Store
from tests.experiments.scripted import Scripted

SOURCE = benign.sources.mml()
SAMPLES, SIZES = [10, 20], [1, 2, 3, 5, 8]


@pytest.fixture(scope="module", autouse=True)
def _done_here_before(tmp_path_factory):
    """What is compiled at its first call, SQL and the checks of annotations, is compiled once, not in every child."""
    folder = tmp_path_factory.mktemp("before")
    procedure, path = Scripted(log=folder / "log"), folder / "runs.db"
    for replicates in (1, 2):
        with Store.open(path) as store:
            run(procedure, store, replicates=replicates, executor=Here())
            store.counts(store.runs()[0].record.id)


def grid_of(procedure, replicates):
    return resolve_grid(procedure, [SOURCE], sizes=SIZES, samples=SAMPLES, replicates=replicates)


def run(procedure, store, *, replicates, executor, **limits):
    return drive(resolved(procedure, replicates), store, executor=executor, **limits)


def resolved(procedure, replicates):
    grid = grid_of(procedure, replicates)
    return Resolved(grid=grid, procedure=procedure, sources=[SOURCE], name="survival")


def drive(declared, store, *, executor, **limits):
    return run_grid(declared, Environment(store=store, executor=executor, **{"attempts": 3, **limits}))


def undisturbed(tmp_path, replicates):
    return measure(
        Scripted(log=tmp_path / "undisturbed.log"), SOURCE, sizes=SIZES, samples=SAMPLES, replicates=replicates,
        executor="here",
    ).dataset  # fmt: skip


def surface(procedure, path, replicates):
    """What the store holds, without measuring: a log that grows would show it."""
    before = len(procedure.computed())
    dataset = measure(
        procedure, SOURCE, sizes=SIZES, samples=SAMPLES, replicates=replicates, store=path, executor="here",
        name="survival",
    ).dataset  # fmt: skip
    assert len(procedure.computed()) == before
    return dataset


def forked(work):
    """Run ``work`` in a child that has all of this process's imports and none of its threads."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def kill_at(child, procedure, lines, seconds):
    """Kill the child some time after it has begun so many jobs, at the latest when it has ended by itself."""
    while len(procedure.computed()) < lines:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.002)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def done_units(path):
    """(n, draw) of each unit that is done."""
    with Store.open(path) as store:
        (summary,) = store.runs()
        cells = dict(Grid.from_json(summary.record.grid).cells())
        units = store.units_of_run(summary.record.id)
    return {
        f"{cells[unit.cell].samples} {cells[unit.cell].replicate.draw}" for unit in units if unit.state is State.DONE
    }


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")  # a hundred drivers, as users run them
@pytest.mark.parametrize(
    ("make_executor", "kills", "replicates"),
    [(Here, 50, 150), (lambda: Processes(2), 5, 60)],
    ids=["here", "processes"],
)
def test_a_driver_that_is_killed_again_and_again_still_gets_there(tmp_path, make_executor, kills, replicates):
    path, moments = tmp_path / "runs.db", random.Random(7)
    procedure = Scripted(log=tmp_path / "log", seconds=0.005)
    declared = resolved(procedure, replicates)

    def work():
        with Store.open(path) as store:
            drive(declared, store, executor=make_executor())

    Store.open(path).close()
    known: list[tuple[int, set[str]]] = []
    for _ in range(kills):
        begun = len(procedure.computed())
        child = forked(work)
        kill_at(child, procedure, begun + moments.randrange(8), moments.uniform(0.0, 0.05))
        with Store.open(path) as store:
            if store.runs():
                known.append((len(procedure.computed()), done_units(path)))
    os.waitpid(forked(work), 0)

    computed = [" ".join(line.split()[:2]) for line in procedure.computed()]
    assert set(computed) == {f"{n} {draw}" for n in SAMPLES for draw in range(replicates)}
    for lines, done in known:
        assert not done & set(computed[lines:])
    assert any(0 < len(done) < len(SAMPLES) * replicates for _, done in known)
    xr.testing.assert_identical(
        surface(procedure, path, replicates).drop_attrs(), undisturbed(tmp_path, replicates).drop_attrs()
    )


@pytest.mark.slow
@pytest.mark.parametrize("make_executor", [Here, lambda: Processes(1)], ids=["here", "processes"])
def test_two_drivers_on_one_store_share_the_work(tmp_path, make_executor):
    path = tmp_path / "runs.db"
    procedure = Scripted(log=tmp_path / "log", seconds=0.01)

    def work():
        with Store.open(path) as store:
            run(procedure, store, replicates=40, executor=make_executor())

    for child in [forked(work), forked(work)]:
        os.waitpid(child, 0)
    computed = procedure.computed()
    assert len(computed) == len(set(computed)) == len(SAMPLES) * 40
    xr.testing.assert_identical(surface(procedure, path, 40).drop_attrs(), undisturbed(tmp_path, 40).drop_attrs())


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["kill once", "hang once", "raise once"])
def test_a_job_that_dies_once_is_tried_again(tmp_path, trouble):
    procedure = Scripted(log=tmp_path / "log", script={3: trouble})
    with Store.open(tmp_path / "runs.db") as store:
        outcome = run(procedure, store, replicates=8, executor=Processes(2), seconds_per_job=2.0)
    assert outcome.counts == {State.DONE: 16, State.PLANNED: 0, State.RUNNING: 0, State.FAILED: 0}
    xr.testing.assert_identical(
        surface(procedure, tmp_path / "runs.db", 8).drop_attrs(), undisturbed(tmp_path, 8).drop_attrs()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "says", "tries"),
    [("kill", "memory", 2), ("hang", "stopped", 2), ("raise", "was told to raise", 2), ("refuse", "cannot be", 1)],
    ids=["killed as for memory", "hangs", "raises", "refuses"],
)
def test_a_job_that_always_dies_stops_no_other(tmp_path, trouble, says, tries):
    procedure = Scripted(log=tmp_path / "log", script={3: trouble})
    with Store.open(tmp_path / "runs.db") as store:
        outcome = run(procedure, store, replicates=6, executor=Processes(2), seconds_per_job=1.5, attempts=2)
        failures = store.failures(outcome.run)
    assert (outcome.counts[State.DONE], outcome.counts[State.FAILED]) == (10, 2)
    assert outcome.progress.failed == 2
    assert [failure.attempts for failure in failures] == [tries, tries]
    assert all(says in failure.error for failure in failures)


def test_failed_jobs_are_left_alone_until_a_retry_is_asked_for(tmp_path):
    procedure = Scripted(log=tmp_path / "log", script={3: "raise"})
    with Store.open(tmp_path / "runs.db") as store:
        first = run(procedure, store, replicates=6, executor="here", attempts=1)
        tried = len(procedure.computed())
        again = run(procedure, store, replicates=6, executor="here", attempts=1)
        assert len(procedure.computed()) == tried
        assert again.counts == first.counts
        store.retry(first.run)
        mended = Scripted(log=procedure.log)
        assert run(mended, store, replicates=6, executor="here").counts[State.DONE] == 12
        assert len(procedure.computed()) == tried + 2


def test_nan_is_a_result(tmp_path):
    procedure = Scripted(log=tmp_path / "log", script={1: "nan"})
    with Store.open(":memory:") as store:
        outcome = run(procedure, store, replicates=3, executor="here")
        assert outcome.counts[State.DONE] == 6
    dataset = measure(procedure, SOURCE, sizes=SIZES, samples=SAMPLES, replicates=3, executor="here").dataset
    assert np.isnan(dataset["test_loss"].sel(replicate="1-1-1")).all()
    assert np.isfinite(dataset["test_loss"].sel(replicate="2-2-2")).all()


def test_more_replicates_sizes_and_metrics_compute_only_what_is_new(tmp_path):
    procedure, path = Scripted(log=tmp_path / "log"), tmp_path / "runs.db"
    options = {"samples": [10], "store": path, "executor": "here"}
    measure(procedure, SOURCE, sizes=[1, 2], replicates=2, **options)
    more = measure(procedure, SOURCE, sizes=[1, 2], replicates=3, **options).dataset
    assert procedure.computed() == ["10 0 2", "10 1 2", "10 2 2"]
    wider = measure(procedure, SOURCE, sizes=[1, 2, 5], replicates=3, **options).dataset
    assert procedure.computed()[3:] == ["10 0 1", "10 1 1", "10 2 1"]
    measure(procedure, SOURCE, sizes=[2, 5], replicates=2, **options)
    assert len(procedure.computed()) == 6
    measure(procedure, SOURCE, sizes=[5], replicates=1, metrics=["condition"], **options)
    assert procedure.computed()[6:] == ["10 0 1"]
    xr.testing.assert_identical(wider["test_loss"].sel(size=[1, 2]), more["test_loss"])


def test_time_that_is_up_stops_before_the_next_job(tmp_path):
    procedure = Scripted(log=tmp_path / "log", seconds=0.02)
    with Store.open(":memory:") as store:
        outcome = run(procedure, store, replicates=50, executor="here", seconds=0.1)
        assert outcome.ending == "out of time"
        assert 0 < outcome.counts[State.DONE] < 100
        assert run(procedure, store, replicates=50, executor="here").counts[State.DONE] == 100
    assert len(procedure.computed()) == 100


@pytest.mark.slow
@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize("make_executor", [Here, lambda: Processes(2)], ids=["here", "processes"])
def test_ctrl_c_keeps_what_is_done(tmp_path, make_executor, presses):
    path = tmp_path / "runs.db"
    procedure = Scripted(log=tmp_path / "log", seconds=0.25)
    ending = tmp_path / "ending"

    def work():
        with Store.open(path) as store:
            ending.write_text(run(procedure, store, replicates=20, executor=make_executor()).ending, encoding="utf-8")

    child = forked(work)
    while len(procedure.computed()) < 4:
        time.sleep(0.02)
    for _ in range(presses):
        os.kill(child, signal.SIGINT)
        time.sleep(0.1)
    start = time.monotonic()
    os.waitpid(child, 0)
    assert ending.read_text(encoding="utf-8") == "interrupted"
    assert time.monotonic() - start < 10.0
    done = done_units(path)
    assert 2 <= len(done) < 40
    before = len(procedure.computed())
    if presses == 1:
        assert len(done) == before
    with Store.open(path) as store:
        assert store.counts(store.runs()[0].record.id)[State.RUNNING] == 0
        quick = Scripted(log=procedure.log)
        assert run(quick, store, replicates=20, executor="here").counts[State.DONE] == 40
    assert len(procedure.computed()) - before == 40 - len(done)


def test_a_measurement_that_failed_is_tried_again_by_the_next_call(tmp_path):
    broken = Scripted(log=tmp_path / "log", script={1: "raise"})
    options = {"sizes": SIZES, "samples": SAMPLES, "replicates": 3, "store": tmp_path / "runs.db", "executor": "here"}
    with pytest.raises(ZeroDivisionError, match="draw 1 was told to raise"):
        measure(broken, SOURCE, **options)
    mended = measure(Scripted(log=broken.log), SOURCE, **options).dataset
    assert np.isfinite(mended["test_loss"]).all()
    assert len([line for line in broken.computed() if line.startswith("10 0")]) == 1


def test_what_a_run_left_failed_does_not_fail_a_measurement(tmp_path):
    broken, path = Scripted(log=tmp_path / "log", script={1: "raise"}), tmp_path / "runs.db"
    with Store.open(path) as store:
        assert run(broken, store, replicates=3, executor="here", attempts=1).counts[State.FAILED] == 2
    mended = measure(
        Scripted(log=broken.log), SOURCE, sizes=SIZES, samples=SAMPLES, replicates=3, store=path, executor="here"
    ).dataset
    assert np.isfinite(mended["test_loss"]).all()


def test_what_was_planned_and_found_too_dear_is_not_paid_for(tmp_path):
    procedure, path = Scripted(log=tmp_path / "log"), tmp_path / "runs.db"
    with Store.open(path) as store:
        outcome = run(procedure, store, replicates=2, executor="here", seconds=1e-9)
        assert outcome.counts[State.PLANNED] == 4
    less = {"samples": [10], "replicates": 2, "store": path, "executor": "here"}
    measure(procedure, SOURCE, sizes=SIZES[:2], **less)
    assert procedure.computed() == ["10 0 2", "10 1 2"]
    measure(procedure, SOURCE, sizes=[*SIZES, 13], **less)
    assert sorted(procedure.computed()[2:]) == ["10 0 1", "10 0 5", "10 1 1", "10 1 5"]


def test_what_comes_back_beside_a_failure_is_kept(tmp_path):
    broken, path = Scripted(log=tmp_path / "log", script={1: "raise"}), tmp_path / "runs.db"
    executor = Here()
    executor.slots = 12  # all jobs are back by the time the driver looks
    with pytest.raises(ZeroDivisionError):
        measure(broken, SOURCE, sizes=SIZES, samples=[10], replicates=12, store=path, executor=executor)
    assert done_units(path) == {f"10 {draw}" for draw in range(12) if draw != 1}
