"""Measure a procedure on a source over a grid of sizes, times, samples and replicates: the simplest use of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from benign.experiments.declaration import Experiment, resolve
from benign.experiments.environment import Environment
from benign.experiments.executors.protocol import Executor
from benign.experiments.keeping import IN_MEMORY, Place
from benign.experiments.pilot import with_found_sizes
from benign.experiments.resolution import Axes, Sizes, resolve_grid
from benign.experiments.running import Resolved, measured_grid
from benign.foundation.arguments import checked_text
from benign.foundation.errors import invalid
from benign.foundation.progress import Progress, silent
from benign.procedures.makers import maker_of
from benign.procedures.protocol import Procedure
from benign.sources.protocol import Source
from benign.surface import Surface


def check_kinds(procedure: object, source: object) -> None:
    """Refuse what is no procedure or no source, and say what makes one.

    Raises:
        InvalidArgument: naming the argument.
    """
    _check_kind("procedure", procedure, Procedure, maker_of(procedure))
    check_source(source)


def check_source(source: object) -> None:
    """Refuse what is no source, likewise.

    Raises:
        InvalidArgument: naming the argument.
    """
    _check_kind("source", source, Source, "benign.sources, such as digits(), arrays(inputs, labels) or dataset(data)")


def _check_kind(argument: str, value: object, protocol: type, makers: str) -> None:
    if not isinstance(value, protocol):
        raise invalid(argument, f"must be a {protocol.__name__}, got {type(value).__name__}; make one with {makers}.")


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
    executor: str | Executor | None = None,
    store: Place = IN_MEMORY,
    name: str | None = None,
    progress: Progress = silent,
) -> Surface:
    """Measure train and test risk of ``procedure`` on ``source``.

    Args:
        procedure: for example :class:`benign.RandomFourier`.
        source: for example ``benign.sources.digits(label_noise=0.1)``.
        sizes: ``"every"`` (up to 10 times the largest n where sizes have no end); strictly increasing sizes; or
            ``"auto"``: a pilot searches the smallest size that fits each n, by training risk alone (0.02 of the best
            constant predictor's), and some 25 to 30 sizes are placed densely there and log-spaced from a tenth of it
            to five times beyond. The surface's attribute ``size_search`` says what it found.
        times: recorded training times; None for the end of training.
        samples: numbers of training samples n.
        replicates: how many paired replicates (draw, initialisation and noise all afresh); 10 unless said.
        crossed: instead, numbers of draws, initialisations and noise draws whose full grid is measured.
        seed: root seed.
        metrics: more than the default ones; see ``benign.schema.METRICS``.
        workers: processes; None chooses. The numbers do not depend on it.
        executor: ``"here"``, ``"processes"``, ``"ray"`` or a ready one; None chooses.
        store: path or URL of a store that keeps what is measured, None for the default one; unless given, nothing is
            kept. What a store holds already is not measured again.
        name: what ``benign runs`` calls it; says what was measured unless given.
        progress: told the number of finished jobs.

    Returns:
        The surface; ``.curve("test_loss")`` is a section of it.

    Raises:
        InvalidArgument: for settings that make no sense; the message says what to do.
        MeasurementInterrupted: on Ctrl-C; its ``dataset`` is what had been measured.
    """
    environment = Environment(executor=executor, workers=workers, store=store, progress=progress)
    return measure_in(
        environment,
        procedure,
        source,
        name=name,
        sizes=sizes,
        times=times,
        samples=samples,
        replicates=replicates,
        crossed=crossed,
        seed=seed,
        metrics=metrics,
    )


def measure_in(
    environment: Environment, procedure: Procedure, source: Source, *, name: str | None = None, **axes: Unpack[Axes]
) -> Surface:
    """As :func:`measure`, in an environment.

    Args:
        environment: where and how jobs run, and what stops them.
        procedure: what is measured.
        source: on what.
        name: what ``benign runs`` calls it; says what was measured unless given.
        axes: ``sizes``, ``times``, ``samples``, ``replicates``, ``crossed``, ``seed`` and ``metrics``, as there.

    Raises:
        InvalidArgument: for settings that make no sense; the message says what to do.
        MeasurementInterrupted: on Ctrl-C; its ``dataset`` is what had been measured.
    """
    check_kinds(procedure, source)
    grid = resolve_grid(procedure, [source], **axes)
    called = str(grid.attributes["title"]) if name is None else checked_text("name", name)
    resolved = Resolved(grid=grid, procedure=procedure, sources=[source], name=called)
    with environment.opened() as here:
        return Surface(measured_grid(with_found_sizes(resolved, here), here))


def measure_experiment(experiment: Experiment, environment: Environment) -> Surface:
    """What an experiment declares, measured in an environment; where the experiment itself would run is no matter.

    Raises:
        InvalidDeclaration: for what cannot be measured.
        MeasurementInterrupted: on Ctrl-C; its ``dataset`` is what had been measured.
    """
    with environment.opened() as here:
        return Surface(measured_grid(resolve(experiment, here), here))
