"""What a figure measures: plain experiments, and how several make one surface."""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version

import numpy as np
import xarray as xr

from benign.experiments.declaration import Experiment
from benign.experiments.environment import Environment
from benign.experiments.measurement import measure_experiment
from benign.networks.devices import has_gpu
from benign.procedures import Procedure
from benign.schema import LEARNING_RATE


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A figure at one scale, of one root seed.

    >>> str(Edition(figure="belkin2019_fourier", scale="quick"))
    'belkin2019_fourier quick'
    """

    figure: str
    scale: str
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.figure} {self.scale}"

    @property
    def command(self) -> list[str]:
        """What to type to reproduce it, word by word."""
        seed = ["--seed", str(self.seed)] if self.seed else []
        return ["benign", "figure", self.figure, "--scale", self.scale, *seed]

    def entitled(self, experiment: Experiment) -> Experiment:
        """The experiment named as its run: ``"belkin2019_fourier quick, clean"``; a store keeps what it belongs to."""
        return experiment.at(json.dumps(asdict(self)), name=f"{self}, {experiment.name}", seed=self.seed)

    @classmethod
    def of_run(cls, declaration: str | None) -> Edition | None:
        """To what a run belongs, by what a store keeps of it; None for the run of no figure."""
        with contextlib.suppress(ValueError, RecursionError):
            match json.loads(declaration or "null"):
                case {"figure": str(figure), "scale": str(scale), "seed": int(seed)}:
                    return cls(figure=figure, scale=scale, seed=seed)
        return None


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


def made_here(procedure: str, source: Mapping[str, object]) -> dict[str, object]:
    """Attributes that say how a :class:`Made` surface came about, under the names that measured ones have."""
    return {
        "procedure": json.dumps({"procedure": procedure, "revision": 1}),
        "source": json.dumps(source),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "benign_version": version("benign"),
        "numpy_version": version("numpy"),
    }


def experiments_of(declared: Iterable[Declared], edition: Edition) -> list[Experiment]:
    """All experiments behind the surfaces, each named as its run."""
    return [edition.entitled(one) for each in declared for one in _parts(each)]


def measured(
    declared: Iterable[Declared], edition: Edition, environment: Environment
) -> Iterator[tuple[str, xr.Dataset]]:
    """The surfaces by name, each as soon as it is done. No number depends on the environment."""
    for one in declared:
        if isinstance(one, Made):
            yield one.name, one.make(edition.seed)
        else:
            parts = [_measured(part, edition, environment) for part in _parts(one)]
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


def _measured(experiment: Experiment, edition: Edition, environment: Environment) -> xr.Dataset:
    """Where it is trained follows from the scale and the machine, unless the environment says it."""
    here = environment.told_of(experiment.name.replace("_", " "))
    if here.executor is None and here.workers is None:
        here = replace(here, executor=_executor(experiment, edition.scale))
    return measure_experiment(edition.entitled(experiment), here).dataset


def _executor(experiment: Experiment, scale: str) -> str | None:
    """Where it is measured; None for what the length of the first job says."""
    trains = isinstance(experiment.procedure, Procedure) and experiment.procedure.time_name is not None
    if scale == "smoke" or (trains and has_gpu()):
        return "here"  # a run of seconds is not worth starting workers
    # Trainings are few and long: timing a first one, to decide by, would leave the other cores idle meanwhile.
    return "processes" if trains else None
