"""From a declared experiment to the grid that is measured and the objects that measure it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from benign.experiments.declaration.axes import as_numbers, as_whole_numbers
from benign.experiments.declaration.catalogue import PROCEDURE, SOURCE, find_maker
from benign.experiments.declaration.experiment import Experiment
from benign.experiments.declaration.problems import InvalidDeclaration, Origin, Problem, refusals_at, refuse, within
from benign.experiments.declaration.settings import make, settings_of
from benign.experiments.declaration.tables import Crossed
from benign.experiments.environment import Environment
from benign.experiments.pilot import with_found_sizes
from benign.experiments.resolution import resolve_grid
from benign.experiments.running import Resolved
from benign.procedures.protocol import Procedure
from benign.sources.protocol import Source, SupportsLabelNoise

_MOST_LEVELS = 1_000
_ARGUMENTS = ("samples", "sizes", "times", "label_noise", "replicates", "crossed", "seed", "metrics")


def resolve(experiment: Experiment, environment: Environment | None = None) -> Resolved:
    """Make the source and the procedure, and check everything against everything; with ``sizes="auto"``, find them.

    Args:
        experiment: as declared.
        environment: where a pilot's jobs run, and what keeps them; this process and its memory unless given.

    Raises:
        InvalidDeclaration: for what cannot be measured; the message names file and key.
        MissingExtra: if the source or procedure needs a package that is not installed.
        MeasurementInterrupted: on Ctrl-C while a pilot runs.
    """
    with experiment.origin.blamed():
        return with_found_sizes(_resolved(experiment), environment or Environment())


def _resolved(experiment: Experiment) -> Resolved:
    procedure, source = _procedure_and_source(experiment)
    levels = _levels(experiment)
    sources = (source,) if levels is None else tuple(_at_level(source, level) for level in levels)
    samples, sizes, crossed = _samples(experiment, source), experiment.sizes, experiment.crossed
    with refusals_at({name: (name,) for name in _ARGUMENTS}):
        grid = resolve_grid(
            procedure,
            sources,
            levels,
            sizes=sizes if isinstance(sizes, str) else as_whole_numbers(sizes),
            times=None if experiment.times is None else as_numbers(experiment.times),
            samples=samples,
            replicates=experiment.replicates,
            crossed=(crossed.draws, crossed.initialisations, crossed.noises) if isinstance(crossed, Crossed) else None,
            seed=experiment.seed,
            metrics=experiment.metrics,
        )
    name, declaration = experiment.name, experiment.declaration
    return Resolved(grid=grid, procedure=procedure, sources=sources, name=name, declaration=declaration)


def _procedure_and_source(experiment: Experiment) -> tuple[Procedure, Source]:
    """Both made, or the problems of both."""
    made: dict[str, object] = {}
    problems: list[Problem] = []
    for kind in (PROCEDURE, SOURCE):
        given = getattr(experiment, kind.word)
        try:
            made[kind.word] = make(given, kind) if isinstance(given, Mapping) else given
        except InvalidDeclaration as error:
            problems += within((kind.word,), error.problems)
    if problems:
        raise Origin().error(problems)
    procedure, source = made["procedure"], made["source"]
    assert isinstance(procedure, Procedure)
    assert isinstance(source, Source)
    return procedure, source


def _levels(experiment: Experiment) -> list[float] | None:
    """The levels of label noise, if they are given in one place only."""
    declared = experiment.label_noise
    if declared is None:
        return None
    if isinstance(experiment.source, Mapping):
        settings = settings_of(find_maker(SOURCE, str(experiment.source["name"])))
        for key in ("label_noise", "noise"):
            # A setting without a default must be given, so it cannot be a mistake that it is.
            setting = settings.get(key)
            if key in experiment.source and (setting is None or setting.default is not inspect.Parameter.empty):
                refuse("cannot be given beside levels of `label_noise`; leave one of them out.", "source", key)
    levels = as_numbers(declared)
    if len(levels) > _MOST_LEVELS:
        refuse(f"must be at most {_MOST_LEVELS:,} levels, got {len(levels):,}.", "label_noise")
    return levels


def _at_level(source: Source, level: float) -> Source:
    if not isinstance(source, SupportsLabelNoise):
        refuse(
            f"cannot be given for {source.name}, which has no method with_label_noise(level); leave it out to measure "
            "the source as it is.",
            "label_noise",
        )
    with refusals_at(dict.fromkeys(("label_noise", "noise"), ("label_noise",)), ("label_noise",)):
        changed = source.with_label_noise(level)
    assert isinstance(changed, Source)
    return changed


def _samples(experiment: Experiment, source: Source) -> list[int]:
    declared = experiment.samples
    if declared != "every":
        return as_whole_numbers(declared)
    if source.max_samples is None:
        refuse(f'cannot be "every" for {source.name}, which has no end; give a list or a range.', "samples")
    return list(range(2, source.max_samples + 1))
