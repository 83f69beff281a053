"""Measuring networks for a figure: where the population is trained follows from the scale and the machine."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from benign.experiments import Executor, measure
from benign.figures.figure import MeasureOptions
from benign.networks.devices import has_gpu
from benign.procedures import Procedure
from benign.sources import Source


def measure_population(
    options: MeasureOptions,
    procedure: Procedure,
    source: Source,
    *,
    name: str,
    samples: Sequence[int],
    sizes: Sequence[int],
    replicates: int,
    times: Sequence[float] | None = None,
    metrics: Sequence[str] | None = None,
) -> xr.Dataset:
    """The surface of a population; ``name`` says which figure, scale and part it is, for progress and the store."""
    return measure(
        procedure, source, samples=samples, sizes=sizes, times=times, replicates=replicates, seed=options.seed,
        metrics=metrics, workers=options.workers, executor=_executor(options), store=options.store, name=name,
        progress=lambda task, done, total: options.progress(f"{name}: {task}", done, total),
    ).dataset  # fmt: skip


def _executor(options: MeasureOptions) -> str | Executor | None:
    """As asked; else this process where it is small or has the GPU, and worker processes where training is long.

    A population's jobs are few, so that timing the first one to decide would leave the other cores idle meanwhile.
    """
    if options.executor is not None:
        return options.executor
    return "here" if options.scale == "smoke" or has_gpu() else "processes"
