"""Which executor the user asked for."""

from __future__ import annotations

from loky import cpu_count  # type: ignore[import-untyped]

from benign.experiments.executors.automatic import Automatic
from benign.experiments.executors.capacity import checked_workers
from benign.experiments.executors.here import Here
from benign.experiments.executors.processes import Processes
from benign.experiments.executors.protocol import Executor
from benign.experiments.executors.ray_cluster import Ray
from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.wording import shown

NAMES = ("here", "processes", "ray")


def choose(executor: str | Executor | None, *, workers: int | None, jobs: int) -> tuple[Executor, bool]:
    """The executor to use, and whether it was made here, so that the caller shuts it down.

    Args:
        executor: ``"here"``, ``"processes"`` or ``"ray"``; one that is ready; None for what suits ``workers``.
        workers: processes; 1 for none beside this one. None: as many as there are processors and jobs for them; with no
            ``executor`` either, only if the first job shows that the rest is worth it.
        jobs: how many will be submitted; for none, nothing is started.

    Raises:
        UnknownName: if no executor has this name.
        InvalidArgument: if ``workers`` are none that this machine can hold, or cannot be said of this executor.
        MissingExtra: if Ray is not installed.
    """
    if workers is not None:
        checked_workers(workers)
    if executor is None and workers is None:
        return Automatic(jobs), True
    if executor is None:
        executor = "here" if workers == 1 else "processes"
    if isinstance(executor, str):
        return _made(executor, workers, jobs), True
    if not isinstance(executor, Executor):
        raise invalid("executor", f"must be one of {', '.join(NAMES)} or an Executor, got {shown(executor)}.")
    if workers is not None:
        raise invalid("workers", "cannot be set for an executor that is ready; leave it out.")
    return executor, False


def _made(name: str, workers: int | None, jobs: int) -> Executor:
    checked_name("executor", name, NAMES)
    if name == "here" and workers not in {None, 1}:
        raise invalid("workers", f'must be 1 with `executor` "here", got {workers}; use "processes".')
    if name == "ray" and workers is not None:
        raise invalid("workers", "cannot be set for Ray, which uses the processors of its cluster; leave it out.")
    if name == "here" or jobs == 0:
        return Here()
    if name == "ray":
        return Ray()
    return Processes(min(cpu_count() if workers is None else workers, jobs))
