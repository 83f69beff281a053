"""The surface of a run: stored blocks written into arrays at their places."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from benign import schema
from benign.experiments.encoding import CorruptBlock, decode
from benign.experiments.grid import Grid
from benign.experiments.parts import Part
from benign.experiments.states import StoredBlock
from benign.foundation.errors import invalid
from benign.schema import DAMAGED, Block

if TYPE_CHECKING:
    import xarray as xr

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
    places: dict[str, tuple[_Places, _Places] | None] = {}
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
        if block.part not in places:
            places[block.part] = _common_places(grid.part, content)
        common = places[block.part]
        if common is not None:
            columns.write(cell, *common, content)
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


# Which (sizes, times) to index: two slices where both are neighbours, which are copied without looking at each.
_Places = tuple[slice | np.ndarray, ...]


def _common_places(wanted: Part, block: Block) -> tuple[_Places, _Places] | None:
    """Where the numbers of blocks of one part stand in the grid's, and in their own; None if they share none."""
    _, size_there, size_here = np.intersect1d(wanted.sizes, block.sizes, assume_unique=True, return_indices=True)
    _, time_there, time_here = np.intersect1d(wanted.times, block.times, assume_unique=True, return_indices=True)
    if not (len(size_there) and len(time_there)):
        return None
    return _places(size_there, time_there), _places(size_here, time_here)


def _places(sizes: Int[np.ndarray, " size"], times: Int[np.ndarray, " time"]) -> _Places:
    if any(rows[-1] - rows[0] != len(rows) - 1 for rows in (sizes, times)):
        return np.ix_(sizes, times)
    return slice(sizes[0], sizes[-1] + 1), slice(times[0], times[-1] + 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Columns:
    """The numbers, a row for each cell in the order of :meth:`Grid.cells`; written in place."""

    metrics: Mapping[str, Float[np.ndarray, "cell size time"]]
    outcome: Int[np.ndarray, "cell size time"]
    parameters: Int[np.ndarray, "size time"]
    constants: Float[np.ndarray, "cell 2"]
    is_there: Bool[np.ndarray, " cell"]

    @classmethod
    def empty(cls, metrics: Collection[str], cells: int, part: Part) -> _Columns:
        shape = (cells, len(part.sizes), len(part.times))
        return cls(
            metrics={name: np.full(shape, np.nan) for name in metrics},
            outcome=np.full(shape, _MISSING, dtype=np.int8),
            parameters=np.full(shape[1:], _MISSING, dtype=np.int64),
            constants=np.full((cells, 2), np.nan),
            is_there=np.zeros(cells, dtype=bool),
        )

    def write(self, cell: int, there: _Places, here: _Places, block: Block) -> None:
        for name, values in block.metrics.items():
            self.metrics[name][cell, *there] = values[0, *here]
        outcome = self.outcome[cell]
        outcome[there] = np.maximum(outcome[there], block.outcome[0, *here])
        # Where they depend on n, the largest; whatever the order of the blocks.
        of_sizes = block.parameters[here[0]].reshape(-1, 1)
        self.parameters[there] = np.maximum(self.parameters[there], of_sizes)
        self.constants[cell] = [values[0] for values in block.constants.values()]
        self.is_there[cell] = True


def _surface(grid: Grid, columns: _Columns) -> xr.Dataset:
    import xarray as xr

    levels, samples, replicates = len(grid.sources), len(grid.samples), len(grid.replicates)
    is_kept = np.logical_or.reduce(columns.is_there.reshape(-1, replicates), axis=0)
    kept = slice(None) if is_kept.all() else np.flatnonzero(is_kept)
    axes = schema.DIMENSIONS if grid.label_noise is None else (schema.LABEL_NOISE, *schema.DIMENSIONS)

    def variable(values: np.ndarray) -> xr.Variable:
        array = values.reshape(levels, samples, replicates, *values.shape[1:])[:, :, kept]
        array = np.moveaxis(array, (1, 2), (-2, -1))
        dims = axes if values.shape[1:] else tuple(axis for axis in axes if axis not in ("size", "time"))
        return xr.Variable(dims, array if grid.label_noise is not None else array[0])

    data = {name: variable(values) for name, values in columns.metrics.items()}
    data["outcome"] = variable(_without_marks(columns.outcome, np.float32))
    data["parameters"] = xr.Variable("size", _without_marks(columns.parameters.max(axis=1), np.float64))
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
