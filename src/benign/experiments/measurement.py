"""Measure a procedure on a source over a grid of sizes, times, samples and replicates: the simplest use of a run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import xarray as xr

from benign.experiments.driver import Ending, Limits
from benign.experiments.executors.protocol import Executor
from benign.experiments.grid import Grid
from benign.experiments.keeping import IN_MEMORY, Place
from benign.experiments.listener import ProgressListener
from benign.experiments.pilot import with_found_sizes
from benign.experiments.reading import opened, read_dataset
from benign.experiments.resolution import Sizes, is_auto, resolve_grid
from benign.experiments.running import run_grid, search_name
from benign.experiments.states import State
from benign.experiments.store import Store
from benign.foundation.arguments import checked_text
from benign.foundation.errors import BenignError, InvalidArgument
from benign.foundation.progress import Progress, silent
from benign.procedures.protocol import Procedure
from benign.sources.protocol import Source
from benign.surface import Surface

FIRST_FAILURE_ENDS = Limits(attempts=1, stops_at_failure=True)


class MeasurementInterrupted(BenignError, KeyboardInterrupt):
    """Stopped by the user; ``dataset`` is the surface of what had been measured, None if nothing was."""

    def __init__(self, dataset: xr.Dataset | None, done: int, total: int, *, place: str = IN_MEMORY) -> None:
        kept = "in this error's `dataset` alone" if place == IN_MEMORY else f"kept in {place}"
        super().__init__(f"Interrupted after {done} of {total} jobs; what was measured is {kept}.")
        self.dataset = dataset


def check_kinds(procedure: object, source: object) -> None:
    """Refuse what is no procedure or no source, and say what makes one.

    Raises:
        InvalidArgument: naming the argument.
    """
    kinds = (
        ("procedure", procedure, Procedure, "benign.from_estimator or benign.from_callable"),
        (
            "source",
            source,
            Source,
            "benign.sources, such as digits() or arrays(inputs, labels)",
        ),
    )
    for argument, value, protocol, makers in kinds:
        if not isinstance(value, protocol):
            raise InvalidArgument.of(
                argument, f"must be a {protocol.__name__}, got {type(value).__name__}; make one with {makers}."
            )


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
    limits: Limits = FIRST_FAILURE_ENDS,
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
        limits: how often a job is tried, and how long it may take; unless given, the first failure ends it all.

    Returns:
        The surface; ``.curve("test_loss")`` is a section of it.

    Raises:
        InvalidArgument: for settings that make no sense; the message says what to do.
        MeasurementInterrupted: on Ctrl-C; its ``dataset`` is what had been measured.
    """
    check_kinds(procedure, source)
    grid = resolve_grid(
        procedure, [source], None, sizes=sizes, times=times, samples=samples, replicates=replicates, crossed=crossed,
        seed=seed, metrics=metrics,
    )  # fmt: skip
    called = str(grid.attributes["title"]) if name is None else checked_text("name", name)
    with opened(store) as place:

        def measured(grid: Grid, sources: Sequence[Source], called: str) -> xr.Dataset:
            return measured_grid(
                grid, procedure, sources, name=called, store=place, executor=executor, workers=workers,
                progress=progress, limits=limits,
            )  # fmt: skip

        if is_auto(sizes):
            pilot = partial(measured, called=search_name(f"the sizes of {called}"))
            grid = with_found_sizes(grid, procedure, [source], pilot)
        return Surface(measured(grid, [source], called))


def measured_grid(
    grid: Grid,
    procedure: Procedure,
    sources: Sequence[Source],
    *,
    name: str,
    store: Store,
    executor: str | Executor | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    limits: Limits = FIRST_FAILURE_ENDS,
) -> xr.Dataset:
    """Measure what the store lacks of a resolved grid, stopping at the first failure, and join it.

    Raises:
        MeasurementInterrupted: on Ctrl-C.
    """
    outcome = run_grid(
        grid, procedure, sources, name=name, declaration=None, store=store, executor=executor, workers=workers,
        limits=limits, listeners=[ProgressListener(progress)],
    )  # fmt: skip
    dataset = read_dataset(store, outcome.run, grid) if outcome.counts[State.DONE] else None
    if outcome.ending is Ending.INTERRUPTED:
        raise MeasurementInterrupted(dataset, outcome.progress.done, outcome.progress.total, place=store.location)
    assert dataset is not None  # a failure was raised, an interruption too
    return dataset
