"""A run's surface, or a section of it, out of a store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import xarray as xr

from benign.experiments.assembly import assemble
from benign.experiments.grid import Grid
from benign.experiments.parts import Part
from benign.experiments.store import Store


@contextlib.contextmanager
def opened(store: str | Path | Store | None) -> Iterator[Store]:
    """The store itself, or the one at a location, closed again afterwards."""
    if isinstance(store, Store):
        yield store
        return
    with Store.open(store) as place:
        yield place


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

    Raises:
        InvalidArgument: if nothing of it has been measured.
    """
    wanted = _section(grid, samples, level)
    cells = None if wanted is grid else [key for key, _ in wanted.cells()]
    dataset = assemble(wanted, store.blocks(run, cells), _Parts(store), metrics)
    return dataset.assign_attrs({**_settings(wanted), **_origin(store.provenances(run), store.summary(run).seconds)})


def _section(grid: Grid, samples: int | None, level: int | None) -> Grid:
    if samples is not None:
        grid = replace(grid, samples=(samples,))
    if level is not None and grid.label_noise is not None:
        grid = replace(grid, sources=(grid.sources[level],), label_noise=(grid.label_noise[level],))
    return grid


class _Parts(dict[str, Part]):
    """Parts by key, fetched when the first block of one comes by: a run has many units and few parts."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def __missing__(self, key: str) -> Part:
        self.update(self._store.parts([key]))
        return super().__getitem__(key)


def _settings(grid: Grid) -> Mapping[str, str]:
    """Procedure and source as JSON: enough to measure it again. Several levels of label noise are a list of sources."""
    sources = grid.sources[0] if grid.label_noise is None else list(grid.sources)
    return {"procedure": json.dumps(grid.procedure, sort_keys=True), "source": json.dumps(sources, sort_keys=True)}


def _origin(provenances: Iterable[str], seconds: float) -> Mapping[str, str | float]:
    """Attributes that say how a surface was made; where its blocks differ, each way once."""
    stories = [json.loads(text) for text in provenances]

    def each(*names: str, between: str = " ") -> str:
        return "; ".join(sorted({between.join(str(story[name]) for name in names) for story in stories}))

    accelerators = sorted({str(story["accelerator"]) for story in stories if story.get("accelerator")})
    return {
        "benign_version": each("benign"),
        "numpy_version": each("numpy"),
        "machine": "; ".join([each("system", "python", between=", Python "), *accelerators]),
        "commit": "; ".join(sorted({str(story["commit"]) for story in stories if story["commit"]})),
        "seconds": round(seconds, 2),
    }
