"""What the machinery of runs costs: overhead a job, planning, resuming, reading. Writes runs.json.

python benchmarks/runs.py            # all of it, about five minutes
python benchmarks/runs.py overhead   # one part

Every overhead is against the bare computation in the same run: the same jobs measured in a loop in this process.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
from machine import describe

import benign
from benign.experiments.environment import Environment
from benign.experiments.executors import Executor, Here, Processes, Ray
from benign.experiments.grid import Grid
from benign.experiments.jobs import Job, SharedWork, measure_job
from benign.experiments.planning import plan_run
from benign.experiments.reading import read_dataset
from benign.experiments.resolution import resolve_grid
from benign.experiments.running import Resolved, run_grid
from benign.experiments.states import JobResult, RunRecord, State
from benign.experiments.store import Store, claiming, planning, reading

JOBS = 2_000
MANY = 100_000
CHECKED_ROUNDS = 15
SOURCE = benign.sources.mml(test_samples=20)
PROCEDURE = benign.Polynomial()
OUTPUT = Path(__file__).parent / "runs.json"


def grid_of(*, replicates: int, samples: Sequence[int] = (10,), sizes: Sequence[int] = (2, 4, 6)) -> Grid:
    """Many small jobs."""
    return resolve_grid(
        PROCEDURE, [SOURCE], sizes=sizes, samples=samples, replicates=replicates,
    )  # fmt: skip


def resolved(grid: Grid, name: str) -> Resolved:
    """A run of it."""
    return Resolved(grid=grid, procedure=PROCEDURE, sources=[SOURCE], name=name)


def bare_seconds(grid: Grid) -> float:
    """The same jobs in a loop, without store, executor or encoding."""
    work = SharedWork(procedure=PROCEDURE, sources=(SOURCE,), parts={grid.part.key: grid.part})
    start = time.perf_counter()
    for replicate in grid.replicates:
        measure_job(work, Job(level=0, samples=10, replicates=(replicate,), part=grid.part.key))
    return time.perf_counter() - start


def run_seconds(grid: Grid, executor: Executor) -> float:
    """One run into a new SQLite file."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "runs.db") as store:
        start = time.perf_counter()
        outcome = run_grid(resolved(grid, "overhead"), Environment(store=store, executor=executor))
        seconds = time.perf_counter() - start
    assert outcome.counts[State.DONE] == len(grid.replicates)
    return seconds


def overhead() -> dict[str, object]:
    """Milliseconds a job beyond the bare computation; wall time, so two workers get no credit for sharing it."""
    grid, warm = grid_of(replicates=JOBS), grid_of(replicates=20)
    executors: dict[str, Executor] = {"here": Here(), "processes": Processes(2)}
    if importlib.util.find_spec("ray") is not None:
        executors["ray"] = Ray()
    result: dict[str, object] = {"jobs": JOBS}
    for name, executor in executors.items():
        run_seconds(warm, executor)
        bare, whole = bare_seconds(grid), run_seconds(grid, executor)
        result[f"{name}_milliseconds_a_job"] = round(1000.0 * whole / JOBS, 3)
        result[f"{name}_overhead_milliseconds_a_job"] = round(1000.0 * (whole - bare) / JOBS, 3)
        result["bare_milliseconds_a_job"] = round(1000.0 * bare / JOBS, 3)
        executor.shutdown()
    return result


def planning_case() -> dict[str, object]:
    """Plan 10^5 jobs into a new store, in a process of its own for the memory."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "runs.db") as store:
        grid = grid_of(replicates=MANY // 100, samples=range(10, 110))
        start = time.perf_counter()
        plan = plan_run(grid, PROCEDURE, store, _record(grid))
        seconds = time.perf_counter() - start
    assert len(plan.jobs) == MANY
    return {"jobs": MANY, "seconds": round(seconds, 2), "peak_mebibytes": _peak_mebibytes()}


def resuming_case() -> dict[str, object]:
    """Resume a finished run of 10^5 jobs: opening the store to knowing that nothing is left."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        grid = grid_of(replicates=MANY // 100, samples=range(10, 110))
        with Store.open(path) as store:
            _fill(store, grid)
        start = time.perf_counter()
        with Store.open(path) as store:
            environment = Environment(store=store, executor="processes", attempts=3)
            outcome = run_grid(resolved(grid, "benchmark"), environment)
        seconds = time.perf_counter() - start
    assert outcome.counts[State.DONE] == MANY
    return {"jobs": MANY, "seconds": round(seconds, 2), "peak_mebibytes": _peak_mebibytes()}


def reading_case() -> dict[str, object]:
    """One curve out of 10^6 stored points, and all of 10^7; a point is one metric in one cell of the surface."""
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for points, sizes in ((10**6, 1_000), (10**7, 10_000)):
            replicates, samples = 16, range(10_001, 10_001 - (-points // (6 * 16 * sizes)))
            grid = grid_of(replicates=replicates, samples=samples, sizes=range(1, sizes + 1))
            with Store.open(Path(folder) / f"{points}.db") as store:
                _fill(store, grid)
            stored = len(samples) * replicates * sizes * 6
            seconds = []
            for _ in range(5):
                with Store.open(Path(folder) / f"{points}.db") as store:
                    start = time.perf_counter()
                    if points == 10**6:
                        read_dataset(store, "benchmark", grid, metrics=["test_loss", "train_loss"], samples=samples[0])
                    else:
                        read_dataset(store, "benchmark", grid)
                    seconds.append(time.perf_counter() - start)
            name = "one_curve" if points == 10**6 else "everything"
            result[name] = {"points": stored, "seconds": round(float(np.median(seconds)), 4)}
    return {**result, "peak_mebibytes": _peak_mebibytes()}


def checksums() -> dict[str, object]:
    """Writing a run's blocks and reading its surface with checksums and without, in turns; processor time."""
    result: dict[str, object] = {"rounds": CHECKED_ROUNDS}
    for name, grid in {
        "5000_blocks_of_3_sizes": grid_of(replicates=500, samples=range(10, 20)),
        "100_blocks_of_10000_sizes": grid_of(replicates=10, samples=range(10, 20), sizes=range(1, 10_001)),
    }.items():
        rounds = [_written_and_read(grid, checked=checked) for _ in range(CHECKED_ROUNDS) for checked in (True, False)]
        for i, what in enumerate(("writing", "reading")):
            with_them, without = ([seconds[i] for seconds in rounds[start::2]] for start in (0, 1))
            low, middle, high = np.quantile(without, (0.25, 0.5, 0.75))
            result[f"{what}_{name}"] = {
                "seconds_with": round(float(np.median(with_them)), 4),
                "seconds_without": round(float(middle), 4),
                "ratio": round(float(np.median(with_them) / middle), 3),
                "quartiles_without_over_median": [round(float(low / middle), 3), round(float(high / middle), 3)],
            }
    return result


def _written_and_read(grid: Grid, *, checked: bool) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "runs.db") as store, ExitStack() as patches:
        if not checked:
            for module in (claiming, planning, reading):  # a Mock would take longer than what it stands for
                patches.enter_context(mock.patch.object(module, "checksum", lambda *_, **__: 0))  # noqa: PT008
        plan = plan_run(grid, PROCEDURE, store, _record(grid))
        payload, units = _payload(grid), [unit for job in plan.jobs for unit in job.units]
        start = time.process_time()
        _record_all(store, units, payload)
        written = time.process_time()
        read_dataset(store, "benchmark", grid)
        return written - start, time.process_time() - written


def workers() -> dict[str, object]:
    """Jobs of about a second, one BLAS thread each, in one and in two worker processes that are already started."""
    source = benign.sources.digits(label_noise=0.1)
    procedure = benign.RandomFourier()
    grid = resolve_grid(
        procedure, [source], None, sizes="every", times=None, samples=[800], replicates=8, crossed=None, seed=0,
        metrics=None,
    )  # fmt: skip

    def seconds(executor: Executor) -> float:
        with Store.open(":memory:") as store:
            start = time.perf_counter()
            run_grid(
                Resolved(grid=grid, procedure=procedure, sources=[source], name="workers"),
                Environment(store=store, executor=executor),
            )
            return time.perf_counter() - start

    one, two = Processes(1), Processes(2)
    _warm(two, procedure, source)
    rounds = [(seconds(one), seconds(two)) for _ in range(3)]
    one.shutdown()
    two.shutdown()
    return {
        "jobs": 8, "seconds_a_job": round(float(np.median([first for first, _ in rounds])) / 8, 2),
        "speedup_of_two_workers": round(float(np.median([first / second for first, second in rounds])), 3),
    }  # fmt: skip


def _warm(executor: Executor, procedure: benign.Procedure, source: benign.sources.Source) -> None:
    grid = resolve_grid(
        procedure, [source], None, sizes=[5], times=None, samples=[20], replicates=8, crossed=None, seed=0, metrics=None
    )
    with Store.open(":memory:") as store:
        run_grid(
            Resolved(grid=grid, procedure=procedure, sources=[source], name="warm"),
            Environment(store=store, executor=executor),
        )


def _record(grid: Grid) -> RunRecord:
    return RunRecord(id="benchmark", name="benchmark", grid=grid.to_json(), declaration=None)


def _fill(store: Store, grid: Grid) -> None:
    """Enter a run and mark all of it done, with one measured block for each."""
    record = RunRecord(id=resolved(grid, "benchmark").id, name="benchmark", grid=grid.to_json(), declaration=None)
    plan_run(grid, PROCEDURE, store, record)
    plan = plan_run(grid, PROCEDURE, store, _record(grid))
    _record_all(store, [unit for job in plan.jobs for unit in job.units], _payload(grid))


def _record_all(store: Store, units: Sequence[int], payload: bytes) -> None:
    driver = store.enter_driver()
    for start in range(0, len(units), 1000):
        some = units[start : start + 1000]
        store.claim(driver, some)
        payloads = (payload,) * len(some)
        store.record(driver, some, JobResult(payloads=payloads, seconds=0.001, peak_bytes=1, provenance=_PROVENANCE))
    store.leave_driver(driver)


_PROVENANCE = json.dumps({"benign": "0", "numpy": "0", "system": "benchmark", "python": "0", "commit": None})


def _payload(grid: Grid) -> bytes:
    """A block with numbers that do not compress better than measured ones do."""
    from benign.experiments.encoding import encode
    from benign.schema import Block

    random, sizes = np.random.default_rng(0), grid.part.sizes
    shape = (1, len(sizes), 1)
    block = Block(
        replicates=grid.replicates[:1], sizes=sizes, times=np.array([np.inf]), parameters=sizes,
        outcome=np.zeros(shape, dtype=np.int8), metrics={name: random.random(shape) for name in grid.part.metrics},
        constants={"train_loss_constant": np.array([1.0]), "test_error_constant": np.array([np.nan])},
    )  # fmt: skip
    return encode(block)[0]


def _peak_mebibytes() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


CASES: dict[str, Callable[[], dict[str, object]]] = {
    "overhead": overhead,
    "planning": planning_case,
    "resuming": resuming_case,
    "reading": reading_case,
    "checksums": checksums,
    "workers": workers,
}


def main() -> None:
    """Each part in a process of its own, so that its peak memory is its own; updates the JSON beside this script."""
    if sys.argv[1:2] == ["--case"]:
        print(json.dumps(CASES[sys.argv[2]]()))
        return
    result = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    for name in sys.argv[1:] or CASES:
        machine = describe()
        done = subprocess.run([sys.executable, __file__, "--case", name], check=True, stdout=subprocess.PIPE, text=True)
        result[name] = {**json.loads(done.stdout.splitlines()[-1]), "machine": machine}
        print(name, json.dumps(result[name], indent=2))
        OUTPUT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
