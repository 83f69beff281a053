"""A run's surface, or a section of it, out of a store."""

from __future__ import annotations

import contextlib
import json
import shlex
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benign.experiments.assembly import assemble, read_block
from benign.experiments.encoding import CorruptBlock
from benign.experiments.grid import Grid
from benign.experiments.parts import Part
from benign.experiments.states import State, StoredBlock
from benign.experiments.store import Store
from benign.foundation.progress import doing
from benign.schema import DAMAGED

if TYPE_CHECKING:
    import xarray as xr


@contextlib.contextmanager
def opened(store: str | Path | Store | None) -> Iterator[Store]:
    """The store itself, or the one at a location, closed again afterwards."""
    if isinstance(store, Store):
        yield store
        return
    with Store.open(store) as place:
        yield place


@doing("reading what is measured")
def read_dataset(
    store: Store,
    run: str,
    grid: Grid,
    *,
    metrics: Collection[str] | None = None,
    samples: int | None = None,
    level: int | None = None,
) -> xr.Dataset:
    """What has been measured of a run.

    Args:
        store: where it is.
        run: the run's id.
        grid: the run's grid.
        metrics: only these; None for all.
        samples: only this n.
        level: only the source at this position.

    What is damaged is left out; a warning says so.

    Raises:
        InvalidArgument: if nothing of it has been measured.
    """
    wanted = _section(grid, samples, level)
    cells = None if wanted is grid else [key for key, _ in wanted.cells()]
    dataset = assemble(wanted, store.blocks(run, cells), _Parts(store), metrics)
    summary = store.summary(run)
    is_whole = summary.is_whole and (
        cells is None or len({unit.cell for unit in store.units_of_cells(cells)}) == len(cells)
    )
    if DAMAGED in dataset.attrs or not is_whole:
        _warn(run, dataset.attrs.setdefault(DAMAGED, 0), summary.counts[State.DONE])
    return dataset.assign_attrs({**_settings(wanted), **_origin(store.provenances(run), summary.seconds)})


@doing("looking for damaged blocks")
def set_aside_damaged(store: Store, run: str, grid: Grid) -> None:
    """Plan again what is damaged of a run, with a warning that says how much. What is whole is kept.

    Raises:
        RunDamaged: if the run's own row is.
    """
    cells, parts = {key for key, _ in grid.cells()}, _Parts(store)
    lost = [unit.id for unit in store.units_of_run(run) if unit.cell not in cells or parts[unit.part] is None]
    damaged = [block.unit for block in store.blocks(run) if not _is_readable(block, parts)]
    damaged = sorted(set(damaged) - set(lost))
    if lost or damaged or not store.summary(run).is_whole:
        store.set_aside(run, damaged, lost)
        warnings.warn(f"What is damaged of {run} in the store is measured again.", stacklevel=2)


def _is_readable(block: StoredBlock, parts: Mapping[str, Part | None]) -> bool:
    try:
        read_block(block, parts)
    except CorruptBlock:
        return False
    return True


def _warn(run: str, damaged: int, done: int) -> None:
    what = f"{damaged:,} of the {done:,} measured blocks" if damaged else "some of the jobs"
    warnings.warn(
        f"Damaged in the store, and left out: {what} of {run}; measure again with: benign resume {shlex.quote(run)}",
        stacklevel=3,
    )


def _section(grid: Grid, samples: int | None, level: int | None) -> Grid:
    if samples is not None:
        grid = replace(grid, samples=(samples,))
    if level is not None and grid.label_noise is not None:
        grid = replace(grid, sources=(grid.sources[level],), label_noise=(grid.label_noise[level],))
    return grid


class _Parts(dict[str, Part | None]):
    """Parts by key, fetched when the first block of one comes by: a run has many units and few parts.

    None for one that is lost or damaged.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def __missing__(self, key: str) -> Part | None:
        self[key] = part = self._store.parts([key]).get(key)
        return part


def _settings(grid: Grid) -> Mapping[str, str]:
    """Procedure and source as JSON: enough to measure it again. Several levels of label noise are a list of sources."""
    sources = grid.sources[0] if grid.label_noise is None else list(grid.sources)
    return {"procedure": json.dumps(grid.procedure, sort_keys=True), "source": json.dumps(sources, sort_keys=True)}


def _origin(provenances: Iterable[str], seconds: float) -> Mapping[str, str | float]:
    """Attributes that say how a surface was made; where its blocks differ, each way once."""
    stories = [_story(text) for text in provenances]

    def each(*names: str, between: str = " ") -> str:
        return "; ".join(sorted({between.join(str(story.get(name, "unknown")) for name in names) for story in stories}))

    accelerators = sorted({str(story["accelerator"]) for story in stories if story.get("accelerator")})
    return {
        "benign_version": each("benign"),
        "numpy_version": each("numpy"),
        "machine": "; ".join([each("system", "python", between=", Python "), *accelerators]),
        "commit": "; ".join(sorted({str(story["commit"]) for story in stories if story.get("commit")})),
        "seconds": round(seconds, 2),
    }


def _story(provenance: str) -> Mapping[str, object]:
    """Empty if it is damaged."""
    try:
        story = json.loads(provenance)
    except (ValueError, RecursionError):
        return {}
    return story if isinstance(story, dict) else {}
