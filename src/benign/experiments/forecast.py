"""What a run will cost, from timing a few of its own jobs; these are kept in the store like any other."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benign.experiments.executors.protocol import Executor, Shared
from benign.experiments.heartbeat import beating
from benign.experiments.jobs import Job, SharedWork, run_job
from benign.experiments.repeated_warnings import bring_back, said_once
from benign.experiments.running import Resolved
from benign.experiments.states import JobResult
from benign.experiments.store import Store
from benign.foundation.errors import BenignError
from benign.foundation.wording import told

_TRIES = 2
# Without a second n the cost is somewhere between linear and cubic in n.
_EXPONENTS = (1.0, 3.0)
# A shared machine is rarely steadier than this.
_SPREAD = 1.25


class SampleFailed(BenignError, RuntimeError):
    """A job that was to be timed raised or died; its cause is what it raised."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one number of samples was seen to cost.

    Attributes:
        samples: n.
        seconds: of one job: the fastest of those tried, since the first one also loads and compiles.
        peak_bytes: largest resident memory of the process while it ran.
    """

    samples: int
    seconds: float
    peak_bytes: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is left of a run, and what it will take.

    Attributes:
        run: the run's id.
        jobs: all jobs.
        left: those still to do, after the timed sample.
        failed: those that failed before, of which nothing is forecast.
        workers: how many run side by side.
        seconds: best guess of the wall time that is left; None, as the next two, where jobs are left and none could be
            timed: other drivers are measuring all of them.
        interval: from what to what it may reasonably be.
        peak_bytes: memory of the largest job's process, times the workers.
        sampled: what was timed, by n.
        sampled_seconds: what the timing took.
        parts: of several runs, the forecast of each.
    """

    run: str
    jobs: int
    left: int
    failed: int
    workers: int
    seconds: float | None
    interval: tuple[float, float] | None
    peak_bytes: int | None
    sampled: tuple[Sample, ...]
    sampled_seconds: float
    parts: tuple[Forecast, ...] = ()


@said_once()
def sample_and_forecast(
    resolved: Resolved, *, store: Store, executor: Executor, workers: int, budget_seconds: float
) -> Forecast:
    """Time jobs of growing n, as long as the next one is expected to fit into the budget; scale up from these.

    Args:
        resolved: the run.
        store: where it is entered, and what keeps what the sample measured.
        executor: runs one job at a time; in a process of its own the memory is that of a worker.
        workers: how many will run side by side.
        budget_seconds: about how long the sample may take; the smallest n is always timed.
    """
    plan = resolved.plan(store)
    start = time.perf_counter()
    waiting: dict[int, list[Job]] = {}
    jobs = plan.without_failed()
    for job in jobs:
        waiting.setdefault(job.samples, []).append(job)
    samples: list[Sample] = []
    driver = store.enter_driver()
    try:
        with beating(store, driver):
            bench = _Bench(store=store, driver=driver, executor=executor, work=executor.share(resolved.work(plan)))
            for n in _probes(sorted(waiting)):
                spent = time.perf_counter() - start
                if samples and spent + _TRIES * _seconds_at(samples, n)[1] > budget_seconds:
                    break
                samples.extend(bench.time(n, waiting[n], budget_seconds - spent))
    finally:
        store.leave_driver(driver)
    left = {n: len(jobs) for n, jobs in waiting.items() if jobs}
    costs = _total(samples, left) / workers if samples or not left else None
    return Forecast(
        run=resolved.id,
        jobs=plan.total,
        left=sum(left.values()),
        failed=len(plan.jobs) - len(jobs),
        workers=workers,
        seconds=None if costs is None else float(costs[1]),
        interval=None if costs is None else (float(costs[0]), float(costs[2])),
        peak_bytes=None if costs is None else workers * _peak(samples, left),
        sampled=tuple(samples),
        sampled_seconds=time.perf_counter() - start,
    )


def together(parts: Sequence[Forecast]) -> Forecast:
    """What several runs take, one after the other: their ids side by side, the memory of the largest."""
    costs = [
        (part.interval[0], part.seconds, part.interval[1], part.peak_bytes)
        for part in parts
        if part.seconds is not None and part.interval is not None and part.peak_bytes is not None
    ]
    is_known = len(costs) == len(parts)
    return Forecast(
        run=", ".join(part.run for part in parts),
        jobs=sum(part.jobs for part in parts),
        left=sum(part.left for part in parts),
        failed=sum(part.failed for part in parts),
        workers=max((part.workers for part in parts), default=0),
        seconds=sum(cost[1] for cost in costs) if is_known else None,
        interval=(sum(cost[0] for cost in costs), sum(cost[2] for cost in costs)) if is_known else None,
        peak_bytes=max((cost[3] for cost in costs), default=0) if is_known else None,
        sampled=tuple(sample for part in parts for sample in part.sampled),
        sampled_seconds=sum(part.sampled_seconds for part in parts),
        parts=tuple(parts),
    )


def _probes(counts: Sequence[int]) -> list[int]:
    """Evenly spread, smallest first: every one of a few, five of many."""
    if not counts:
        return []
    places = np.unique(np.linspace(0, len(counts) - 1, 5).round().astype(int))
    return [counts[place] for place in places]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Bench:
    """Where a job is timed and its blocks are kept."""

    store: Store
    driver: str
    executor: Executor
    work: Shared[SharedWork]

    def time(self, samples: int, jobs: list[Job], seconds_left: float) -> list[Sample]:
        """Run some of the jobs and take them out of the list; nothing if other drivers have them all.

        A job that takes long is timed once: a population of networks may be half of the run.
        """
        results: list[JobResult] = []
        for job in list(jobs):
            if len(results) == _TRIES or (results and sum(one.seconds for one in results) > seconds_left / _TRIES):
                break
            mine = self.store.claim(self.driver, job.units)
            if len(mine) == len(job.units):
                results.append(self._run(job))
                jobs.remove(job)
            else:
                self.store.release(self.driver, mine)
        seconds, peaks = [result.seconds for result in results], [result.peak_bytes for result in results]
        return [Sample(samples=samples, seconds=min(seconds), peak_bytes=max(peaks))] if results else []

    def _run(self, job: Job) -> JobResult:
        try:
            result = self.executor.submit(run_job, self.work, job).result()
        except Exception as error:
            raise SampleFailed(
                f"A job failed while it was timed (n = {job.samples:,}): {told(error)}; nothing can be forecast"
                " until it runs."
            ) from error
        self.store.record(self.driver, job.units, result)
        bring_back(result.heard)
        return result


def _seconds_at(samples: Sequence[Sample], n: int) -> tuple[float, float, float]:
    """Low, likely and high cost of one job at n: a power law through the two nearest timed n."""
    nearest = sorted(samples, key=lambda sample: abs(math.log(sample.samples / n)))[:2]
    first, ratio = nearest[0], n / nearest[0].samples
    if len(nearest) == 1:
        low, high = sorted(first.seconds * ratio**exponent for exponent in _EXPONENTS)
        return low / _SPREAD, math.sqrt(low * high), high * _SPREAD
    slope = math.log(nearest[1].seconds / first.seconds) / math.log(nearest[1].samples / first.samples)
    guess = first.seconds * ratio**slope
    # Where it is extrapolated, the slope is as uncertain as the two times that it comes from.
    doubt = _SPREAD * max(ratio, 1.0 / ratio) ** 0.5
    return guess / doubt, guess, guess * doubt


def _total(samples: Sequence[Sample], left: Mapping[int, int]) -> Float[np.ndarray, " 3"]:
    """Low, likely and high seconds of all jobs left, one after another."""
    return sum((jobs * np.array(_seconds_at(samples, n)) for n, jobs in left.items()), np.zeros(3))


def _peak(samples: Sequence[Sample], left: Mapping[int, int]) -> int:
    """Memory of a job of the largest n left: a constant plus n^2, through the smallest and the largest timed n."""
    if not samples or not left:
        return 0
    first, last, n = samples[0], samples[-1], max(left)
    if n <= last.samples or first.samples == last.samples:
        return max(sample.peak_bytes for sample in samples)
    rate = max(0.0, (last.peak_bytes - first.peak_bytes) / (last.samples**2 - first.samples**2))
    return round(last.peak_bytes + rate * (n**2 - last.samples**2))
