"""A job: one procedure on a batch of replicates of one n, as it runs in this process or another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benign.experiments.encoding import encode
from benign.experiments.executors.threads import one_thread
from benign.experiments.parts import Part
from benign.experiments.provenance import PeakMemory, provenance
from benign.experiments.repeated_warnings import Heard, recorded
from benign.experiments.states import Result
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split, class_indices
from benign.procedures.protocol import Procedure
from benign.schema import MeasuredBlock
from benign.sources.protocol import Source


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """What all jobs of an experiment share; shipped once to each worker.

    Attributes:
        procedure: what is measured.
        sources: one for each level of label noise.
        parts: what to measure, by key.
    """

    procedure: Procedure
    sources: tuple[Source, ...]
    parts: Mapping[str, Part]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one call measures: small enough to be sent a hundred thousand times."""

    level: int
    samples: int
    replicates: tuple[Replicate, ...]
    part: str


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What a job sends back: one encoded block a replicate, how it was made, and what libraries warned of."""

    payloads: tuple[bytes, ...]
    seconds: float
    peak_bytes: int
    provenance: str
    heard: Counter[Heard]


def run_job(study: Study, job: Job) -> JobResult:
    """Measure the job on one BLAS thread, so that every executor computes the same bits."""
    start, peak = time.perf_counter(), PeakMemory()
    with recorded() as heard:
        measured = measure_job(study, job)
    return JobResult(
        payloads=encode(measured),
        seconds=time.perf_counter() - start,
        peak_bytes=peak.read(),
        provenance=provenance(),
        heard=heard,
    )


def measure_job(study: Study, job: Job) -> MeasuredBlock:
    """The job's block, not yet encoded."""
    source, part = study.sources[job.level], study.parts[job.part]
    with one_thread():
        splits = [source.draw(job.samples, replicate) for replicate in job.replicates]
        block = study.procedure.measure(splits, part.sizes, part.recorded_times, part.metrics)
    constant = [_constant_risks(split, study.procedure.objective) for split in splits]
    return MeasuredBlock(
        samples=job.samples,
        block=block,
        train_loss_constant=np.array([risk[0] for risk in constant]),
        test_error_constant=np.array([risk[1] for risk in constant]),
    )


def results_of(units: Sequence[int], result: JobResult) -> list[Result]:
    """What the store keeps of a job: one entry for each of its units, which come in the order of its replicates."""
    share = result.seconds / len(units)
    return [
        Result(
            unit=unit,
            payload=payload,
            seconds=share,
            peak_bytes=result.peak_bytes,
            provenance=result.provenance,
        )
        for unit, payload in zip(units, result.payloads, strict=True)
    ]


def _constant_risks(split: Split, objective: str) -> tuple[float, float]:
    """Training loss of the best constant, and test error of always saying the most frequent training class."""
    if objective == "cross-entropy":
        shares = split.train_targets.mean(axis=0)
        loss = -float(np.sum(shares[shares > 0.0] * np.log(shares[shares > 0.0])))
    else:
        loss = float(np.sum(np.var(split.train_targets, axis=0)))
    if split.classes is None:
        return loss, float("nan")
    most_frequent = split.train_targets.sum(axis=0).argmax()
    return loss, float(np.mean(class_indices(split.test_targets) != most_frequent))
