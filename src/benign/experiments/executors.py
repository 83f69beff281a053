"""Where jobs run: in this process, or in worker processes once jobs are long enough to be worth them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from joblib import Parallel, delayed

from benign.experiments.jobs import Job, run_job
from benign.foundation.numbers import checked_count
from benign.schema import MeasuredBlock

# Starting workers and importing the numerical libraries takes about two seconds, once in the life of this process.
_WORTH_A_WORKER_SECONDS = 1.5


def run_jobs(jobs: Sequence[Job], workers: int | None) -> Iterator[MeasuredBlock]:
    """Yield results as they complete; the numbers do not depend on ``workers``.

    Args:
        jobs: what to run.
        workers: processes; None for as many as there are cores, if the first job shows that the rest is long enough.

    Raises:
        InvalidArgument: if ``workers`` is not a positive integer.
    """
    if workers is not None:
        checked_count("workers", workers)
    rest = list(jobs)
    if workers is None:
        start = time.perf_counter()
        yield run_job(rest.pop(0))
        left = (time.perf_counter() - start) * len(rest)
        workers = (os.cpu_count() or 1) if left > _WORTH_A_WORKER_SECONDS else 1
    if workers == 1 or len(rest) < 2:
        yield from map(run_job, rest)
        return
    pool = Parallel(n_jobs=min(workers, len(rest)), return_as="generator_unordered", batch_size=1)
    yield from pool(delayed(run_job)(job) for job in rest)
