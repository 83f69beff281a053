"""A measured block as the few series of numbers that a tracker shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from benign.experiments.grid import Cell, Grid
from benign.plots.decimation import kept_rows
from benign.schema import Block, label

_MOST_STEPS = 100
_MOST_SIZES = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Numbers under one name.

    Attributes:
        tag: metric and address, for example ``"test_loss/samples 1000/replicate 0-0-0"``.
        steps: sizes or times, increasing.
        values: the metric there.
    """

    tag: str
    steps: Int[np.ndarray, " step"]
    values: Float[np.ndarray, " step"]


def block_series(grid: Grid, cell: Cell, block: Block) -> Iterator[Series]:
    """The block's metrics along sizes or, where there is more than one time, along times at no more than ten sizes.

    Of each metric at most 100 steps are kept, over all sizes together; the extremes of each curve are among them. Where
    times are not all whole numbers, a step is the position of a time.

    Args:
        grid: what the cell belongs to.
        cell: whose block it is.
        block: of one replicate.
    """
    place = address(grid, cell)
    sizes = _spread(len(block.sizes))
    for name in sorted(block.metrics):
        values = block.metrics[name][0]
        if len(block.times) == 1:
            yield _thinned(f"{name}/{place}", np.asarray(block.sizes), values[:, 0], _MOST_STEPS)
            continue
        for row in sizes:
            tag = f"{name}/{place}/size {block.sizes[row]}"
            yield _thinned(tag, _time_steps(block.times), values[row], _MOST_STEPS // len(sizes))


def address(grid: Grid, cell: Cell) -> str:
    """Where a cell stands in its grid, in characters that every tracker allows."""
    noise = "" if grid.label_noise is None else f"/label_noise {grid.label_noise[cell.level]:g}"
    return f"samples {cell.samples}{noise}/replicate {label(cell.replicate)}"


def _spread(count: int) -> Int[np.ndarray, " row"]:
    """At most ten rows, evenly spread, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_SIZES)).astype(np.int64))


def _time_steps(times: Float[np.ndarray, " time"]) -> Int[np.ndarray, " time"]:
    is_whole = np.isfinite(times).all() and np.all(times == np.floor(times))
    return times.astype(np.int64) if is_whole else np.arange(len(times))


def _thinned(tag: str, steps: Int[np.ndarray, " K"], values: Float[np.ndarray, " K"], most: int) -> Series:
    rows = kept_rows(steps.astype(np.float64), values[None], always=np.empty(0), limit=most)
    return Series(tag=tag, steps=steps[rows], values=values[rows])
