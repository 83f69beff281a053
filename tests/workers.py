"""Worker processes that a test has spoiled, or that a test wants fresh."""

from __future__ import annotations

from benign.experiments.executors import local_workers


def end_workers() -> None:
    """End all that this process has: the next executor starts others."""
    for worker in list(local_workers._workers.all):
        if worker.process is not None:
            local_workers.kill(worker.process)
