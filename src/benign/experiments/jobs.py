"""A job: one procedure on a batch of replicates of one n, as it runs in this process or another."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from benign.experiments.encoding import encode
from benign.experiments.executors.threads import one_thread
from benign.experiments.grid import Cell
from benign.experiments.parts import Part
from benign.experiments.provenance import PeakMemory, provenance
from benign.experiments.repeated_warnings import recorded
from benign.experiments.states import JobResult
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split, class_indices
from benign.procedures.objectives import constant_loss
from benign.procedures.protocol import Procedure
from benign.schema import CONSTANTS, Block
from benign.sources.protocol import Source


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedWork:
    """What all jobs of a run share; shipped once to each worker.

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
    """What one call measures: small enough to be sent a hundred thousand times.

    Attributes:
        level: position of the source.
        samples: n.
        replicates: one or more.
        part: key of what is measured of each.
        units: the store's number for each replicate's share.
    """

    level: int
    samples: int
    replicates: tuple[Replicate, ...]
    part: str
    units: tuple[int, ...] = ()

    def restricted(self, units: Collection[int]) -> Job:
        """The same job for some of its units."""
        kept = [(unit, replicate) for unit, replicate in zip(self.units, self.replicates, strict=True) if unit in units]
        return replace(self, units=tuple(unit for unit, _ in kept), replicates=tuple(which for _, which in kept))

    def cell(self, position: int) -> Cell:
        """Where the block of one of its replicates belongs."""
        return Cell(level=self.level, samples=self.samples, replicate=self.replicates[position])


def run_job(shared: SharedWork, job: Job) -> JobResult:
    """Measure the job on one BLAS thread, so that every executor computes the same bits."""
    start, peak = time.perf_counter(), PeakMemory()
    with recorded() as heard:
        block = measure_job(shared, job)
    return JobResult(
        payloads=encode(block),
        seconds=time.perf_counter() - start,
        peak_bytes=peak.read(),
        provenance=provenance(),
        heard=heard,
    )


def measure_job(shared: SharedWork, job: Job) -> Block:
    """The job's block, not yet encoded."""
    source, part = shared.sources[job.level], shared.parts[job.part]
    with one_thread():
        splits = [source.draw(job.samples, replicate) for replicate in job.replicates]
        block = shared.procedure.measure(splits, part.sizes, part.recorded_times, part.metrics)
    risks = np.array([_constant_risks(split, shared.procedure.objective) for split in splits])
    return replace(block, constants=dict(zip(CONSTANTS, risks.T, strict=True)))


def _constant_risks(split: Split, objective: str) -> tuple[float, float]:
    """In the order of :data:`benign.schema.CONSTANTS`: training loss of the best constant, and test error
    of always saying the most frequent training class (NaN without classes).
    """
    loss = constant_loss(objective, split.train_targets)
    if split.classes is None:
        return loss, float("nan")
    most_frequent = split.train_targets.sum(axis=0).argmax()
    return loss, float(np.mean(class_indices(split.test_targets) != most_frequent))
