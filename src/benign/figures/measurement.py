"""What a figure measures: plain experiments, and how several make one surface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from benign.experiments.declaration import Experiment
from benign.experiments.environment import Environment
from benign.experiments.measurement import measure_experiment
from benign.networks.devices import has_gpu
from benign.procedures import Procedure
from benign.schema import LEARNING_RATE


@dataclass(frozen=True, kw_only=True)
class Joined:
    """A surface that several experiments make."""

    name: str
    experiments: Sequence[Experiment]
    join: Callable[[Sequence[xr.Dataset]], xr.Dataset]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A surface that no experiment measures: a printed table, a path that is integrated; of the root seed."""

    name: str
    make: Callable[[int], xr.Dataset]


Declared = Experiment | Joined | Made


def experiments_of(declared: Iterable[Declared], title: str, *, seed: int) -> list[Experiment]:
    """All experiments behind the surfaces, each named ``"title, name"``, as its run."""
    return [_entitled(one, title, seed) for each in declared for one in _parts(each)]


def measured(
    declared: Iterable[Declared], title: str, *, seed: int, environment: Environment
) -> Iterator[tuple[str, xr.Dataset]]:
    """The surfaces by name, each as soon as it is done. No number depends on the title, nor on the environment."""
    for one in declared:
        if isinstance(one, Made):
            yield one.name, one.make(seed)
        else:
            parts = [_measured(part, title, seed, environment) for part in _parts(one)]
            yield one.name, one.join(parts) if isinstance(one, Joined) else parts[0]


def over_learning_rates(name: str, parts: Sequence[Experiment], rates: Sequence[float]) -> Joined:
    """Experiments that differ in their learning rate alone, as one surface with an axis of learning rates."""

    def join(surfaces: Sequence[xr.Dataset]) -> xr.Dataset:
        joined = xr.concat(surfaces, dim=LEARNING_RATE, combine_attrs="override")
        return joined.assign_coords({LEARNING_RATE: np.array(rates)})

    return Joined(name=name, experiments=parts, join=join)


def _parts(declared: Declared) -> Sequence[Experiment]:
    if isinstance(declared, Experiment):
        return [declared]
    return declared.experiments if isinstance(declared, Joined) else ()


def _entitled(experiment: Experiment, title: str, seed: int) -> Experiment:
    return experiment.model_copy(update={"name": f"{title}, {experiment.name}", "seed": seed})


def _measured(experiment: Experiment, title: str, seed: int, environment: Environment) -> xr.Dataset:
    """Where it is trained follows from the scale and the machine, unless the environment says it."""
    here, procedure = environment.told_of(experiment.name.replace("_", " ")), experiment.procedure
    if here.executor is None and isinstance(procedure, Procedure) and procedure.time_name is not None:
        # Trainings are few and long: timing a first one, to decide by, would leave the other cores idle meanwhile.
        here = replace(here, executor="here" if title.endswith(" smoke") or has_gpu() else "processes")
    return measure_experiment(_entitled(experiment, title, seed), here).dataset
