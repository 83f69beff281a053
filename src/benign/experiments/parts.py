"""A part: which sizes, times and metrics a block holds; and what is still missing once some parts are there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from benign.foundation.sizes import whole_where_possible
from benign.schema import END_OF_TRAINING, first_name


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """The rectangle sizes x times x metrics of one cell that one block holds.

    Attributes:
        sizes: strictly increasing; int64 where all are whole, else float64.
        times: strictly increasing; ``[inf]`` is the end of training.
        metrics: names in ``benign.schema.METRICS``.
    """

    sizes: Real[np.ndarray, " size"]
    times: Float[np.ndarray, " time"]
    metrics: frozenset[str]

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical content: equal parts have equal keys, whatever format names their metrics."""
        digest = hashlib.sha256(size_bytes(self.sizes))
        if self.sizes.dtype.kind == "f":
            digest.update(b"real")  # the bytes alone could be integers too
        digest.update(b"|" + np.ascontiguousarray(self.times, dtype="<f8").tobytes() + b"|")
        digest.update(json.dumps(sorted(map(first_name, self.metrics))).encode())
        return digest.hexdigest()

    @property
    def recorded_times(self) -> Float[np.ndarray, " time"] | None:
        """The times as a procedure is asked for them: None for the end of training alone."""
        return None if len(self.times) == 1 and self.times[0] == END_OF_TRAINING else self.times


def size_bytes(sizes: Real[np.ndarray, " size"]) -> bytes:
    """Sizes as little-endian numbers of eight bytes: integers, or float64 where they are real."""
    return np.ascontiguousarray(sizes, dtype="<i8" if sizes.dtype.kind in "iu" else "<f8").tobytes()


def is_increasing(values: np.ndarray) -> bool:
    """Whether there are values, and each is larger than the one before."""
    return bool(len(values)) and bool(np.all(values[1:] > values[:-1]))


def missing_parts(wanted: Part, stored: Iterable[Part]) -> tuple[Part, ...]:
    """The fewest-looking rectangles that, with ``stored``, cover ``wanted``; none overlaps a stored part or another.

    Sizes that lack the same times of the same metrics go together, so that asking for more sizes, times or metrics
    gives one part in each of the plain cases.
    """
    metrics = sorted(wanted.metrics)
    covered = np.zeros((len(metrics), len(wanted.sizes), len(wanted.times)), dtype=bool)
    for part in stored:
        covered |= _covered(wanted, metrics, part)
    parts = []
    for mask, of_metrics in _grouped(covered.reshape(len(metrics), -1)):
        for times_there, of_sizes in _grouped(mask.reshape(covered.shape[1:])):
            if not times_there.all():
                parts.append(
                    Part(
                        sizes=whole_where_possible(wanted.sizes[of_sizes]),
                        times=wanted.times[~times_there],
                        metrics=frozenset(metrics[i] for i in of_metrics),
                    )
                )
    return tuple(parts)


def _covered(wanted: Part, metrics: list[str], part: Part) -> Bool[np.ndarray, "metric size time"]:
    has_metric = np.array([name in part.metrics for name in metrics], dtype=bool)
    has_size, has_time = np.isin(wanted.sizes, part.sizes), np.isin(wanted.times, part.times)
    return has_metric[:, None, None] & has_size[:, None] & has_time


def _grouped(
    rows: Bool[np.ndarray, "row column"],
) -> list[tuple[Bool[np.ndarray, " column"], Int[np.ndarray, " some"]]]:
    """Each different row, with the positions where it stands."""
    different, which = np.unique(rows, axis=0, return_inverse=True)
    return [(row, np.flatnonzero(which.ravel() == i)) for i, row in enumerate(different)]
