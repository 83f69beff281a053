"""The driver: claims jobs from the store, hands them to an executor, and writes what comes back.

Only the driver writes. Whatever kills it, the store holds each block that was recorded, and the next driver goes on.
"""

from __future__ import annotations

import contextlib
import enum
import time
import traceback
from collections import deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from benign.experiments.environment import Environment
from benign.experiments.executors.protocol import Executor, JobStopped, NodeDied, Shared, WorkerDied
from benign.experiments.heartbeat import beating
from benign.experiments.interruption import Interruption, listening
from benign.experiments.jobs import Job, SharedWork, run_job
from benign.experiments.listener import Listeners, Progressed
from benign.experiments.parts import Part
from benign.experiments.planning import Plan
from benign.experiments.repeated_warnings import bring_back
from benign.experiments.states import JobResult, State
from benign.experiments.store import Store
from benign.experiments.tally import Tally
from benign.foundation.errors import BenignError, NotEnoughMemory
from benign.foundation.size_words import amount, span

_TICK_SECONDS = 0.5
_GRACE_SECONDS = 1.0  # for jobs beside one that failed: stopping them costs a new worker process
_LONGEST_TRACEBACK = 20_000


class RunDeleted(BenignError, RuntimeError):
    """Units that are to be measured are no longer in the store."""


class Ending(enum.StrEnum):
    """Why a driver stopped."""

    COMPLETE = "complete"
    OUT_OF_TIME = "out of time"
    INTERRUPTED = "interrupted"


def drive(
    plan: Plan, work: SharedWork, *, store: Store, executor: Executor, environment: Environment, listeners: Listeners
) -> tuple[Ending, Progressed]:
    """Do the jobs of the plan that no other driver does; return when all are done or failed, or earlier if asked.

    Args:
        plan: what is left to do.
        work: what the jobs share.
        store: the environment's, open: where the plan's units are.
        executor: the environment's, started: where jobs run.
        environment: when to stop.
        listeners: told what happens.

    Raises:
        StoreUnusable: if a result cannot be written; every result before it is kept.
    """
    driver = store.enter_driver()
    loop = _Loop(
        plan=plan,
        work=work,
        store=store,
        driver=driver,
        executor=executor,
        environment=environment,
        listeners=listeners,
    )
    tell = environment.on_interrupt
    on_first = None if tell is None else lambda: tell(loop.busy)
    try:
        with beating(store, driver), listening(on_first) as interruption:
            try:
                return loop.run(executor.share(work), interruption), loop.progress
            except KeyboardInterrupt:
                with contextlib.suppress(KeyboardInterrupt):  # pressed once more: we are stopping already
                    loop.rescue(interruption)
                return Ending.INTERRUPTED, loop.progress
            except BaseException:
                with contextlib.suppress(BenignError, KeyboardInterrupt):  # what ends the run is said, not what follows
                    loop.rescue(interruption, patience=_GRACE_SECONDS)
                raise
    finally:
        with contextlib.suppress(BenignError):  # what leaving would release, the next driver finds abandoned
            store.leave_driver(driver)


@dataclass(kw_only=True, eq=False)
class _Loop:
    """The state of one drive; its fields are what :func:`drive` was given, and the driver's id."""

    plan: Plan
    work: SharedWork
    store: Store
    driver: str
    executor: Executor
    environment: Environment
    listeners: Listeners

    def __post_init__(self) -> None:
        self._submitted: dict[Future[JobResult], Job] = {}
        self._since: dict[Future[JobResult], float] = {}
        self._overdue: set[Future[JobResult]] = set()
        self._tally = Tally(self.plan)
        self._queue: deque[Job] = deque(self.plan.without_failed())
        self._elsewhere: list[Job] = []
        self._start = time.monotonic()
        self._next_look = 0.0

    def run(self, work: Shared[SharedWork], interruption: Interruption) -> Ending:
        """Until nothing is left, or no job may be started any more and none is running."""
        self.store.release_abandoned()
        self.listeners.started(self.progress)
        while True:
            may_start = not interruption.is_asked and not self._is_out_of_time
            if may_start:
                self._fill(work)
            else:
                self._recall()
            if not self._submitted:
                if not may_start:
                    return Ending.INTERRUPTED if interruption.is_asked else Ending.OUT_OF_TIME
                if not self._queue and not self._elsewhere:
                    return Ending.COMPLETE
            self._wait(interruption)

    def rescue(self, interruption: Interruption, *, patience: float = 0.0) -> None:
        """Stop: keep what has come back by then, in so many seconds, and stop the rest."""
        wait([future for future in self._submitted if not future.cancel()], timeout=patience)
        with interruption.held():
            for future in list(self._submitted):
                if future.done() and not future.cancelled() and future.exception() is None:
                    self._keep(future)
            for future in self._submitted:
                if not future.cancel():
                    self.executor.stop(future)

    @property
    def busy(self) -> int:
        """How many jobs are running at this moment."""
        return sum(future.running() for future in list(self._submitted))

    @property
    def progress(self) -> Progressed:
        """Where the run stands."""
        return self._tally.progress(self._seconds)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._start

    @property
    def _is_out_of_time(self) -> bool:
        return self.environment.seconds is not None and self._seconds >= self.environment.seconds

    def _fill(self, work: Shared[SharedWork]) -> None:
        """Claim and submit until the executor is busy; one that runs jobs at once returns with a finished one."""
        slots = self.executor.slots
        while self._queue and len(self._submitted) < slots and not self._is_out_of_time:
            job = self._queue.popleft()
            mine = self.store.claim(self.driver, job.units)
            if len(mine) < len(job.units):
                self._elsewhere.append(job.restricted(set(job.units) - set(mine)) if mine else job)
            if mine:
                claimed = job.restricted(mine) if len(mine) < len(job.units) else job
                self._submitted[self.executor.submit(run_job, work, claimed)] = claimed

    def _recall(self) -> None:
        """Take back what was submitted and has not begun."""
        for future in [future for future in self._submitted if future.cancel()]:
            job = self._submitted.pop(future)
            self.store.release(self.driver, job.units)
            self._queue.append(job)

    def _wait(self, interruption: Interruption) -> None:
        """Settle what has come back; look after what hangs, and after what other drivers do."""
        if self._submitted:
            finished, _ = wait(self._submitted, timeout=_TICK_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                with interruption.held():
                    self._settle(future)
            self._stop_overdue()
        elif self._elsewhere:
            time.sleep(_TICK_SECONDS)
        if self._elsewhere and time.monotonic() >= self._next_look:
            self._look_elsewhere()
            self._next_look = time.monotonic() + 2.0 * _TICK_SECONDS

    def _settle(self, future: Future[JobResult]) -> None:
        error = future.exception()
        if error is None:
            self._keep(future)
            return
        job = self._submitted.pop(future)
        if future in self._overdue:
            error = JobStopped(f"It was stopped after {self.environment.seconds_per_job:g} s; allow it more minutes.")
        self._handle_failure(job, error)

    def _keep(self, future: Future[JobResult]) -> None:
        job, result = self._submitted[future], future.result()
        self.store.record(self.driver, job.units, result)
        del self._submitted[future]
        bring_back(result.heard)
        self._tally.settle(job.units, has_failed=False)
        progress = self.progress
        for position, payload in enumerate(result.payloads):
            self.listeners.measured(job.cell(position), job.part, payload, progress)

    def _handle_failure(self, job: Job, error: BaseException) -> None:
        if isinstance(error, NodeDied):
            self.store.release(self.driver, job.units)
            self._queue.append(job)
            return
        if self.environment.attempts is None:
            self.store.release(self.driver, job.units)
            raise _placed(error, _words(job, self.plan.parts, self.work.procedure.size_name))
        text = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
        limit = 1 if _is_final(error) else self.environment.attempts
        state = self.store.fail(self.driver, job.units, text, limit=limit)
        if state is State.PLANNED:
            self._queue.append(job)
        else:
            self._tally.settle(job.units, has_failed=True)
        progress = self.progress
        for position in range(len(job.units)):
            self.listeners.failed(job.cell(position), text, state is State.PLANNED, progress)

    def _stop_overdue(self) -> None:
        """Time counts from when a job was first seen running: until then it waited for a worker."""
        limit = self.environment.seconds_per_job
        if limit is None or not self.executor.can_stop:
            return
        now = time.monotonic()
        self._since = {future: self._since.get(future, now) for future in self._submitted if future.running()}
        for future, start in self._since.items():
            if now - start > limit:
                self._overdue.add(future)
                self.executor.stop(future)

    def _look_elsewhere(self) -> None:
        """What other drivers have finished is settled; what they have left behind comes back into the queue."""
        self.store.release_abandoned()
        wanted = [unit for job in self._elsewhere for unit in job.units]
        states = self.store.states(wanted)
        if len(states) < len(wanted):
            raise RunDeleted("The run was deleted by another program while it was measured; start it again.")
        waiting = self._elsewhere
        self._elsewhere = []
        for job in waiting:
            for state, has_failed in ((State.DONE, False), (State.FAILED, True)):
                self._tally.settle([unit for unit in job.units if states.get(unit) is state], has_failed=has_failed)
            for state, place in ((State.PLANNED, self._queue), (State.RUNNING, self._elsewhere)):
                left = [unit for unit in job.units if states.get(unit) is state]
                if left:
                    place.append(job.restricted(left))
        self.listeners.advanced(self.progress)


def _is_final(error: BaseException) -> bool:
    """A sentence about bad input would only be said again; a full machine, a killed worker or a bug may not."""
    return isinstance(error, BenignError) and not isinstance(error, (MemoryError, RuntimeError, TimeoutError))


def _words(job: Job, parts: Mapping[str, Part], size_name: str) -> str:
    """What the job trains: n, sizes and replicates."""
    sizes, replicates = parts[job.part].sizes.tolist(), job.replicates
    size = amount(sizes[0], size_name) if len(sizes) == 1 else span(sizes[0], sizes[-1], size_name)
    first = replicates[0]
    more = f" and {len(replicates) - 1} more" if len(replicates) > 1 else ""
    return f"n = {job.samples:,}, {size}, replicate {first.draw}-{first.initialisation}-{first.noise}{more}"


def _placed(error: BaseException, where: str) -> BaseException:
    """The error with the training that it befell, unless it says so itself; as a note, where it is not ours."""
    if isinstance(error, NodeDied) or not isinstance(error, (WorkerDied, JobStopped, MemoryError)):
        if not isinstance(error, BenignError):
            error.add_note(f"It was the training at {where}.")
        return error
    if isinstance(error, MemoryError):
        why = str(error) or "more is needed than there is; lower n or the size"
        placed: BaseException = NotEnoughMemory(f"The training at {where} ran out of memory: {why}")
    else:
        placed = type(error)(f"The training at {where} failed: {error}")
    placed.__cause__ = error
    return placed
