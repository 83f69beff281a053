"""The contract of an executor: where jobs run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar, runtime_checkable

from benign.foundation.errors import BenignError

Value = TypeVar("Value")
Answer = TypeVar("Answer")


class WorkerDied(BenignError, RuntimeError):
    """The process that ran a job was killed from outside, most often because the machine ran out of memory."""


class NodeDied(WorkerDied):
    """The machine that ran a job is gone; the job is not to blame."""


class JobStopped(BenignError, TimeoutError):
    """The job was stopped by :meth:`Executor.stop`."""


@runtime_checkable
class Shared(Protocol, Generic[Value]):  # type: ignore[misc]  # Value appears nowhere below: it is what a worker gets
    """A value that was shipped once; passed to :meth:`Executor.submit` in the value's place."""


@runtime_checkable
class Executor(Protocol):
    """Runs functions of a shared value and small arguments, speaking ``concurrent.futures``.

    Laws, which ``tests/experiments/test_executors.py`` holds every executor to:

    1. *Same answer*: what a job returns does not depend on the executor; each job has one BLAS thread.
    2. *Shipped once*: a shared value reaches each worker (or node) at most once, however many jobs use it.
    3. *Apart*: a job that raises fails its own future, with its own exception; a job whose worker is killed fails it
       with :class:`WorkerDied`; no other job notices, and the next submission finds a worker.
    4. *Stoppable*: where ``can_stop`` is true, :meth:`stop` ends a running job at once, whatever it does; its future
       fails with :class:`JobStopped`, no other job notices.
    5. *Deaf to Ctrl-C*: workers ignore SIGINT; the driver alone decides what an interrupt means.
    """

    @property
    def name(self) -> str:
        """``"here"``, ``"processes"`` or ``"ray"``."""
        ...

    @property
    def slots(self) -> int:
        """How many submitted jobs keep it busy; may change while it runs (a cluster grows)."""
        ...

    @property
    def can_stop(self) -> bool:
        """Whether a running job can be stopped."""
        ...

    def share(self, value: Value) -> Shared[Value]:
        """Ship a value to wherever jobs will run, once."""
        ...

    def submit(self, function: Callable[..., Answer], shared: Shared[Value], *arguments: object) -> Future[Answer]:
        """Run ``function(value, *arguments)``, where ``value`` is what was shared."""
        ...

    def stop(self, future: Future[Answer]) -> None:
        """End the job of this future at once; nothing happens if it is done."""
        ...

    def shutdown(self, *, wait: bool = True) -> None:
        """Free what the executor holds; without ``wait`` running jobs are stopped."""
        ...
