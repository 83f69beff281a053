"""Measure a procedure on a source over a grid of sizes, times, samples and replicates."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from benign import schema
from benign.experiments.executors import run_jobs
from benign.experiments.jobs import plan_jobs
from benign.foundation.errors import BenignError, InvalidArgument
from benign.foundation.numbers import checked_count, checked_number
from benign.foundation.progress import Progress, silent
from benign.foundation.replicate import Replicate, crossed_replicates, paired_replicates
from benign.foundation.sizes import checked_sizes
from benign.procedures.protocol import Procedure
from benign.sources.protocol import Source

Sizes = Literal["every"] | Sequence[int] | Int[np.ndarray, " size"]


class MeasurementInterrupted(BenignError, KeyboardInterrupt):
    """Stopped by the user; ``dataset`` is the surface of what had been measured, None if nothing was."""

    def __init__(self, dataset: xr.Dataset | None, done: int, total: int) -> None:
        super().__init__(f"Interrupted after {done} of {total} jobs; what was measured is kept.")
        self.dataset = dataset


def measure(
    procedure: Procedure,
    source: Source,
    *,
    sizes: Sizes = "every",
    times: Sequence[float] | None = None,
    samples: Sequence[int],
    replicates: int | None = None,
    crossed: tuple[int, int, int] | None = None,
    seed: int = 0,
    metrics: Sequence[str] | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    """Run the grid and join its blocks; see :func:`benign.measure`, which wraps the result."""
    for name, value, protocol in (("procedure", procedure, Procedure), ("source", source, Source)):
        if not isinstance(value, protocol):
            raise InvalidArgument(f"`{name}` must be a {protocol.__name__}, got {type(value).__name__}.")
    draws = _replicates(replicates, crossed, seed)
    counts = _checked_samples(samples, source)
    wanted = checked_sizes(sizes, available=procedure.max_size, samples=counts[-1], unit=procedure.size_name)
    moments = None if times is None else _checked_times(times, procedure)
    jobs = plan_jobs(source, procedure, counts, draws, wanted, moments, schema.checked_metrics(metrics))
    start, parts = time.perf_counter(), []
    progress("replicates", 0, len(jobs))
    try:
        for result in run_jobs(jobs, workers):
            parts.append(result)
            progress("replicates", len(parts), len(jobs))
    except KeyboardInterrupt as interrupt:
        partial = None
        if parts:
            partial = schema.join(parts, draws).assign_attrs(_attributes(procedure, source, seed, start))
        raise MeasurementInterrupted(partial, len(parts), len(jobs)) from interrupt
    return schema.join(parts, draws).assign_attrs(_attributes(procedure, source, seed, start))


def _replicates(count: int | None, crossed: tuple[int, int, int] | None, seed: int) -> tuple[Replicate, ...]:
    if crossed is None:
        return paired_replicates(10 if count is None else checked_count("replicates", count), seed=seed)
    if count is not None:
        raise InvalidArgument("`replicates` and `crossed` cannot both be given; choose paired or crossed replicates.")
    if not isinstance(crossed, (tuple, list)) or len(crossed) != 3:
        raise InvalidArgument(f"`crossed` must be three counts (draws, initialisations, noises), got {crossed!r}.")
    return crossed_replicates(*(checked_count("crossed", count) for count in crossed), seed=seed)


def _checked_times(times: Sequence[float], procedure: Procedure) -> Float[np.ndarray, " time"]:
    if procedure.time_name is None:
        raise InvalidArgument("`times` must be None: this procedure is solved, not trained, so it has no duration.")
    return np.array([checked_number("times", moment) for moment in times], dtype=np.float64)


def _checked_samples(samples: Sequence[int], source: Source) -> list[int]:
    if not isinstance(samples, (Sequence, np.ndarray)) or isinstance(samples, str) or not len(samples):
        raise InvalidArgument(f"`samples` must be a list of training-set sizes, for example [1000], got {samples!r}.")
    counts = [checked_count("samples", n) for n in samples]
    if min(counts) < 2:
        raise InvalidArgument(f"`samples` must be at least 2, got {min(counts)}: one sample shows no curve.")
    if sorted(set(counts)) != counts:
        raise InvalidArgument(f"`samples` must increase strictly, got {counts}; sort them and drop repeats.")
    if source.max_samples is not None and counts[-1] > source.max_samples:
        raise InvalidArgument(
            f"`samples` asks for {counts[-1]} training samples, but {source.name} has {source.max_samples} outside its "
            "test set; lower it."
        )
    return counts


def _attributes(procedure: Procedure, source: Source, seed: int, start: float) -> dict[str, str | float]:
    """What was measured, and on what: enough to do it again."""
    return {
        "title": f"{procedure.spec()['procedure']} on {source.name}",
        "size_name": procedure.size_name,
        "time_name": procedure.time_name or "",
        "procedure": json.dumps({**procedure.spec(), "revision": procedure.revision}, sort_keys=True),
        "source": json.dumps({**source.spec(), "revision": source.revision}, sort_keys=True),
        "classes": len(source.classes) if source.classes is not None else 0,
        "seed": seed,
        "benign_version": version("benign"),
        "numpy_version": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "seconds": round(time.perf_counter() - start, 2),
    }
