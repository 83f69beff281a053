"""The surface of a run: stored blocks written into arrays at their places."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from benign import schema
from benign.experiments.encoding import CorruptBlock, decode
from benign.experiments.grid import Grid
from benign.experiments.parts import Part
from benign.experiments.states import StoredBlock
from benign.foundation.errors import invalid
from benign.schema import DAMAGED, Block

_MISSING = -1  # in integers, until the end


def assemble(
    grid: Grid,
    blocks: Iterable[StoredBlock],
    parts: Mapping[str, Part | None],
    metrics: Collection[str] | None = None,
) -> xr.Dataset:
    """The surface of ``grid`` as far as ``blocks`` hold it.

    A replicate of which nothing is there is left out. What else is missing is NaN: in the metrics, in the constant
    risks, and in ``outcome`` and ``parameters``, which then are floating-point numbers and otherwise integers. Where
    parts overlap, the outcome is the graver one.

    Args:
        grid: the axes. For one curve, give a grid of fewer samples or levels, and its blocks.
        blocks: in any order; cells, sizes, times and metrics that the grid does not have are passed over.
        parts: the parts of the blocks, by key; None for one that is damaged.
        metrics: which of the grid's metrics to read; None for all.

    Blocks that are damaged are left out; the attribute :data:`DAMAGED` says how many, if there are any.

    Raises:
        InvalidArgument: if no block belongs to the grid.
    """
    names = sorted(grid.part.metrics if metrics is None else grid.part.metrics & frozenset(metrics))
    position = {key: index for index, (key, _) in enumerate(grid.cells())}
    columns = _Columns.empty(names, cells=len(position), part=grid.part)
    placements: dict[str, _Placement] = {}
    damaged = 0
    for block in blocks:
        try:
            content = read_block(block, parts, names)
        except CorruptBlock:
            damaged += 1
            continue
        cell = position.get(block.cell)
        if cell is None:
            continue
        placement = placements.get(block.part)
        if placement is None:
            placement = placements[block.part] = _placement(grid.part, content)
        if not placement.is_empty:
            columns.write(cell, placement, content)
    if not columns.is_there.any():
        what = f"{damaged:,} damaged blocks and nothing else" if damaged else "nothing"
        then = "measure again with `benign resume RUN`" if damaged else "measure something first"
        raise invalid("blocks", f"holds {what} of this grid, so there is no surface; {then}.")
    surface = schema.check(_surface(grid, columns))
    return surface.assign_attrs({DAMAGED: damaged}) if damaged else surface


def read_block(block: StoredBlock, parts: Mapping[str, Part | None], metrics: Collection[str] | None = None) -> Block:
    """What a block holds.

    Raises:
        CorruptBlock: if it, or its part, is damaged.
    """
    part = None if block.payload is None else parts[block.part]
    if block.payload is None or part is None:
        raise CorruptBlock("A stored block, or what it is said to hold, is damaged.")
    return decode(block.payload, part, metrics)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Placement:
    """Which rows (size x time) of a part's blocks stand at which rows of the grid's, and which sizes at which."""

    source_sizes: Int[np.ndarray, " size"]
    target_sizes: Int[np.ndarray, " size"]
    source: slice | Int[np.ndarray, " row"]
    target: slice | Int[np.ndarray, " row"]
    is_empty: bool


def _placement(wanted: Part, part: Block) -> _Placement:
    _, size_there, size_here = np.intersect1d(wanted.sizes, part.sizes, assume_unique=True, return_indices=True)
    _, time_there, time_here = np.intersect1d(wanted.times, part.times, assume_unique=True, return_indices=True)
    target = (size_there[:, None] * len(wanted.times) + time_there).ravel()
    source = (size_here[:, None] * len(part.times) + time_here).ravel()
    return _Placement(
        source_sizes=size_here,
        target_sizes=size_there,
        source=_as_slice(source),
        target=_as_slice(target),
        is_empty=not len(target),
    )


def _as_slice(rows: Int[np.ndarray, " row"]) -> slice | Int[np.ndarray, " row"]:
    """The same rows, as a slice where they are neighbours: that is copied without looking at each."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


@dataclass(frozen=True, kw_only=True, eq=False)
class _Columns:
    """The numbers, a row for each cell in the order of :meth:`Grid.cells`; written in place."""

    metrics: Mapping[str, Float[np.ndarray, "cell row"]]
    outcome: Int[np.ndarray, "cell row"]
    parameters: Int[np.ndarray, " size"]
    constants: Float[np.ndarray, "cell 2"]
    is_there: Bool[np.ndarray, " cell"]

    @classmethod
    def empty(cls, metrics: Collection[str], cells: int, part: Part) -> _Columns:
        rows = len(part.sizes) * len(part.times)
        return cls(
            metrics={name: np.full((cells, rows), np.nan) for name in metrics},
            outcome=np.full((cells, rows), _MISSING, dtype=np.int8),
            parameters=np.full(len(part.sizes), _MISSING, dtype=np.int64),
            constants=np.full((cells, 2), np.nan),
            is_there=np.zeros(cells, dtype=bool),
        )

    def write(self, cell: int, placement: _Placement, block: Block) -> None:
        source, target = placement.source, placement.target
        for name, values in block.metrics.items():
            self.metrics[name][cell, target] = values.ravel()[source]
        outcome = self.outcome[cell]
        outcome[target] = np.maximum(outcome[target], block.outcome.ravel()[source])
        # Where they depend on n, the largest; whatever the order of the blocks.
        sizes = placement.target_sizes
        self.parameters[sizes] = np.maximum(self.parameters[sizes], block.parameters[placement.source_sizes])
        self.constants[cell] = [values[0] for values in block.constants.values()]
        self.is_there[cell] = True


def _surface(grid: Grid, columns: _Columns) -> xr.Dataset:
    levels, samples, replicates = len(grid.sources), len(grid.samples), len(grid.replicates)
    sizes, times = len(grid.part.sizes), len(grid.part.times)
    is_kept = np.logical_or.reduce(columns.is_there.reshape(-1, replicates), axis=0)
    kept = slice(None) if is_kept.all() else np.flatnonzero(is_kept)
    axes = schema.DIMENSIONS if grid.label_noise is None else (schema.LABEL_NOISE, *schema.DIMENSIONS)

    def variable(values: np.ndarray) -> xr.Variable:
        array = values.reshape(levels, samples, replicates, *((sizes, times) if values.shape[1:] else ()))[:, :, kept]
        array = np.moveaxis(array, (1, 2), (-2, -1))
        dims = axes if values.shape[1:] else tuple(axis for axis in axes if axis not in ("size", "time"))
        return xr.Variable(dims, array if grid.label_noise is not None else array[0])

    data = {name: variable(values) for name, values in columns.metrics.items()}
    data["outcome"] = variable(_without_marks(columns.outcome, np.float32))
    data["parameters"] = xr.Variable("size", _without_marks(columns.parameters, np.float64))
    data |= {name: variable(values) for name, values in zip(schema.CONSTANTS, columns.constants.T, strict=True)}
    return schema.described(xr.Dataset(data, coords=_coordinates(grid, is_kept), attrs=dict(grid.attributes)))


def _coordinates(grid: Grid, is_kept: Bool[np.ndarray, " replicate"]) -> dict[str, object]:
    replicates = [replicate for replicate, is_there in zip(grid.replicates, is_kept, strict=True) if is_there]
    levels = {} if grid.label_noise is None else {schema.LABEL_NOISE: np.array(grid.label_noise)}
    return {
        **levels,
        "size": grid.part.sizes,
        "time": grid.part.times,
        "samples": np.array(grid.samples),
        **schema.replicate_coordinates(replicates),
    }


def _without_marks(values: Int[np.ndarray, "*shape"], dtype: type[np.floating]) -> np.ndarray:
    """The integers; with NaN, as ``dtype``, for those that are missing."""
    is_missing = values == _MISSING
    return np.where(is_missing, dtype(np.nan), values).astype(dtype, copy=False) if is_missing.any() else values
