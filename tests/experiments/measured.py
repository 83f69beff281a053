"""Measured blocks made of random numbers, and a grid that asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benign.experiments.encoding import encode
from benign.experiments.grid import Grid
from benign.experiments.parts import Part
from benign.experiments.states import StoredBlock
from benign.foundation.replicate import Replicate, paired_replicates
from benign.schema import Block

METRICS = ("norm", "test_loss", "train_loss")


def part(
    sizes: Sequence[int] = (1, 2, 5), times: Sequence[float] = (np.inf,), metrics: Sequence[str] = METRICS
) -> Part:
    return Part(sizes=np.array(sizes), times=np.array(times, dtype=float), metrics=frozenset(metrics))


def grid(
    wanted: Part, *, samples: tuple[int, ...] = (10, 20), replicates: int = 3, noise: tuple[float, ...] | None = None
) -> Grid:
    return Grid(
        procedure={"procedure": "made up", "revision": 1},
        sources=tuple({"source": "made up", "label_noise": level} for level in noise or (0.0,)),
        label_noise=noise,
        samples=samples,
        replicates=paired_replicates(replicates),
        part=wanted,
        attributes={"title": "made up", "classes": 0},
    )


def block(shape: Part, *, samples: int = 10, replicates: Sequence[Replicate] = (Replicate(),), level: int = 0) -> Block:
    """Numbers that depend on the address alone: two parts agree where they overlap."""
    rows = [_rows(shape, samples, replicate, level) for replicate in replicates]
    return Block(
        replicates=tuple(replicates),
        sizes=shape.sizes,
        times=shape.times,
        parameters=7 * shape.sizes,
        outcome=(np.array([row["outcome"] for row in rows]) * 3).astype(np.int8),
        metrics={name: np.array([row[name] for row in rows]) for name in sorted(shape.metrics)},
        constants={
            "train_loss_constant": np.array([samples + replicate.draw / 3 for replicate in replicates]),
            "test_error_constant": np.array(
                [np.nan if replicate.draw == 1 else 0.1 + level for replicate in replicates]
            ),
        },
    )


def _rows(shape: Part, samples: int, replicate: Replicate, level: int) -> dict[str, np.ndarray]:
    def number(name: str, size: int, time: float) -> float:
        return float(np.random.default_rng([*name.encode(), size, hash(time), samples, replicate.draw, level]).random())

    return {
        name: np.array([[number(name, size, time) for time in shape.times.tolist()] for size in shape.sizes.tolist()])
        for name in (*sorted(shape.metrics), "outcome")
    }


def stored(of: Grid, shape: Part) -> Iterator[StoredBlock]:
    """Every cell's block of this part, encoded as a store keeps it."""
    for key, cell in of.cells():
        measured = block(shape, samples=cell.samples, replicates=[cell.replicate], level=cell.level)
        yield StoredBlock(unit=0, cell=key, part=shape.key, payload=encode(measured)[0])
