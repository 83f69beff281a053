"""What a figure measures, as it declares it: the grids behind its surfaces, and how several make one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import xarray as xr
from jaxtyping import Int

from benign.experiments.environment import Environment
from benign.experiments.measurement import measure_in
from benign.networks.devices import has_gpu
from benign.procedures import Procedure
from benign.schema import LEARNING_RATE
from benign.sources import Source


class Measured(Protocol):
    """A surface that a figure asks for."""

    def measured(self, figure: str, scale: str, *, seed: int, environment: Environment) -> xr.Dataset:
        """The surface; nothing of it depends on what ``figure`` asks for it, nor on the environment."""
        ...


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One grid, as :func:`benign.measure` takes it.

    Attributes:
        part: which part of the figure it is, for progress and the store; empty for all of it.
        is_population: its jobs train networks, all replicates at once: they are few and long.
        attributes: of the surface, besides those that measuring gives it.
    """

    procedure: Procedure
    source: Source
    samples: Sequence[int]
    sizes: Sequence[int] | Int[np.ndarray, " sizes"]
    replicates: int
    times: Sequence[float] | None = None
    metrics: Sequence[str] | None = None
    part: str = ""
    is_population: bool = True
    attributes: dict[str, object] = field(default_factory=dict)

    def measured(self, figure: str, scale: str, *, seed: int, environment: Environment) -> xr.Dataset:
        """The surface; where it is trained follows from the scale and the machine, unless the environment says it."""
        here = environment.told_of(self.part) if self.part else environment
        if here.executor is None and self.is_population:
            # Timing a first job, to decide by, would leave the other cores idle meanwhile.
            here = replace(here, executor="here" if scale == "smoke" or has_gpu() else "processes")
        name = ", ".join(filter(None, [f"{figure} {scale}", self.part]))
        surface = measure_in(
            here, self.procedure, self.source, name=name, sizes=self.sizes,
            times=self.times, samples=self.samples, replicates=self.replicates, seed=seed, metrics=self.metrics,
        )  # fmt: skip
        return surface.dataset.assign_attrs(self.attributes)


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Several grids that make one surface."""

    parts: Sequence[Measurement]
    join: Callable[[Sequence[xr.Dataset]], xr.Dataset]

    def measured(self, figure: str, scale: str, *, seed: int, environment: Environment) -> xr.Dataset:
        """The surface that they make."""
        return self.join([part.measured(figure, scale, seed=seed, environment=environment) for part in self.parts])


def over_learning_rates(parts: Sequence[Measurement], rates: Sequence[float]) -> Joined:
    """Grids that differ in their learning rate alone, as one surface with an axis of learning rates."""

    def join(measured: Sequence[xr.Dataset]) -> xr.Dataset:
        joined = xr.concat(measured, dim=LEARNING_RATE, combine_attrs="override")
        return joined.assign_coords({LEARNING_RATE: np.array(rates)})

    return Joined(parts=parts, join=join)
