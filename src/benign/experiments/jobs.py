"""A job: one procedure on a batch of replicates of one n. It is what an executor runs, in this process or another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import ThreadpoolController

from benign.foundation.replicate import Replicate
from benign.foundation.split import Split, class_indices
from benign.procedures.protocol import Procedure
from benign.schema import MeasuredBlock
from benign.sources.protocol import Source


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """Everything that a worker needs; its result depends on nothing else."""

    source: Source
    procedure: Procedure
    samples: int
    replicates: tuple[Replicate, ...]
    sizes: Int[np.ndarray, " size"]
    times: Float[np.ndarray, " time"] | None
    metrics: frozenset[str]


def plan_jobs(
    source: Source,
    procedure: Procedure,
    samples: Sequence[int],
    replicates: Sequence[Replicate],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    metrics: frozenset[str],
) -> list[Job]:
    """One job for each n and each (draw, initialisation): label-noise draws on the same inputs go together."""
    batches: dict[tuple[int, int], list[Replicate]] = {}
    for replicate in replicates:
        batches.setdefault((replicate.draw, replicate.initialisation), []).append(replicate)
    return [
        Job(
            source=source, procedure=procedure, samples=n, replicates=tuple(batch), sizes=sizes, times=times,
            metrics=metrics,
        )
        for n in samples
        for batch in batches.values()
    ]  # fmt: skip


def run_job(job: Job) -> MeasuredBlock:
    """Measure the job on one BLAS thread, so that every executor computes the same bits."""
    with _threads().limit(limits=1):
        splits = [job.source.draw(job.samples, replicate) for replicate in job.replicates]
        block = job.procedure.measure(splits, job.sizes, job.times, job.metrics)
    constant = [_constant_risks(split) for split in splits]
    return MeasuredBlock(
        samples=job.samples,
        block=block,
        train_loss_constant=np.array([risk[0] for risk in constant]),
        test_error_constant=np.array([risk[1] for risk in constant]),
    )


@cache
def _threads() -> ThreadpoolController:
    """The loaded numerical libraries, looked up once in each process: that takes milliseconds."""
    return ThreadpoolController()


def _constant_risks(split: Split) -> tuple[float, float]:
    """Training loss of the mean target, and test error of always saying the most frequent training class."""
    loss = float(np.sum(np.var(split.train_targets, axis=0)))
    if split.classes is None:
        return loss, float("nan")
    most_frequent = split.train_targets.sum(axis=0).argmax()
    return loss, float(np.mean(class_indices(split.test_targets) != most_frequent))
