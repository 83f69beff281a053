"""The grid of an experiment, resolved: everything that decides its keys and axes, and nothing that computes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Real

from benign.experiments.parts import Part, is_increasing
from benign.foundation.arguments import is_writable
from benign.foundation.errors import BenignError
from benign.foundation.memory import require_memory
from benign.foundation.replicate import Replicate
from benign.schema import first_name, name_today

Spec = Mapping[str, object]

_MANY_CELLS = 10_000  # a list of runs reads a grid for each step of a search: fewer cells are not worth a look
_CELL_BYTES = 500  # of a key and an address, in the lists that hold them
_BEYOND_INTEGERS = 2**63  # of NumPy and of every file
_DAMAGED = (
    "What a run in the store measures is damaged and cannot be read; start it again with `benign run FILE`: what is"
    " measured is kept."
)


class DamagedGrid(BenignError, ValueError):
    """A text that holds no grid."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One replicate of one number of samples at one level of label noise.

    Attributes:
        level: position of the source among the grid's.
        samples: n.
        replicate: which draw, initialisation and noise.
    """

    level: int
    samples: int
    replicate: Replicate


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """What is measured.

    Attributes:
        procedure: canonical settings and ``revision``.
        sources: canonical settings with data fingerprint and ``revision``, one for each level of label noise.
        label_noise: these levels, or None where the source is measured as it is (then there is one source).
        samples: numbers of training samples, strictly increasing.
        replicates: in the order of the surface.
        part: sizes, times and metrics, the same for every cell.
        attributes: what the surface says of itself: title, names of the axes, number of classes.
    """

    procedure: Spec
    sources: tuple[Spec, ...]
    label_noise: tuple[float, ...] | None
    samples: tuple[int, ...]
    replicates: tuple[Replicate, ...]
    part: Part
    attributes: Mapping[str, str | int]

    def cells(self) -> Iterator[tuple[str, Cell]]:
        """Every cell with its key, levels outermost, replicates innermost.

        A cell's key is the hash of the canonical settings and revisions of its source and procedure, its number of
        samples and its replicate; never of the batch, sizes or times that it is measured with.
        """
        for level, prefix in enumerate(self._prefixes):
            for samples in self.samples:
                for replicate in self.replicates:
                    address = (
                        f"{samples}:{replicate.seed}:{replicate.draw}:{replicate.initialisation}:{replicate.noise}"
                    )
                    key = hashlib.sha256(f"{prefix}:{address}".encode()).hexdigest()
                    yield key, Cell(level=level, samples=samples, replicate=replicate)

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        return tuple(
            hashlib.sha256(_canonical({"source": source, "procedure": self.procedure}).encode()).hexdigest()
            for source in self.sources
        )

    @cached_property
    def key(self) -> str:
        """SHA-256 of :meth:`to_json`: the same grid, declared anywhere, has the same key."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """The grid as canonical JSON; :meth:`from_json` reads it."""
        return _canonical(
            {
                "procedure": self.procedure,
                "sources": self.sources,
                "label_noise": self.label_noise,
                "samples": self.samples,
                "seed": self.replicates[0].seed,
                "replicates": [(r.draw, r.initialisation, r.noise) for r in self.replicates],
                "sizes": self.part.sizes.tolist(),
                "times": [repr(moment) for moment in self.part.times.tolist()],
                "metrics": sorted(map(first_name, self.part.metrics)),
                "attributes": self.attributes,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Grid:
        """Read what :meth:`to_json` wrote.

        Raises:
            DamagedGrid: if it did not.
            NotEnoughMemory: if it has more cells than this machine can list.
        """
        try:
            grid = cls._stored(json.loads(text))
            axes = (grid.part.sizes, grid.part.times, np.array(grid.samples, dtype=np.int64))
            is_grid = grid.to_json() == text and all(map(is_increasing, axes))
            cells = len(grid.sources) * len(grid.samples) * len(grid.replicates)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise DamagedGrid(_DAMAGED) from error
        if not (is_grid and grid._is_of_its_types()):
            raise DamagedGrid(_DAMAGED)
        if cells > _MANY_CELLS:
            what = f"A stored run of {cells:,} blocks"
            require_memory(_CELL_BYTES * cells, purpose=what, advice="it is none of benign's")
        return grid

    def _is_of_its_types(self) -> bool:
        """Whether whatever reads a surface of it can do so: it may be a stranger's, and JSON holds anything."""
        levels = (0.0,) if self.label_noise is None else self.label_noise
        return (
            len(levels) == len(self.sources)
            and all(isinstance(spec, Mapping) for spec in (self.procedure, *self.sources, self.attributes))
            and all(type(level) in (int, float) and abs(level) < _BEYOND_INTEGERS for level in levels)
            and all(type(count) is int for count in self.samples)
            and not np.isnan(self.part.times).any()
            and all(name.isidentifier() and _is_said(value) for name, value in self.attributes.items())
        )

    @classmethod
    def _stored(cls, stored: Mapping[str, Any]) -> Grid:
        noise = stored["label_noise"]
        return cls(
            procedure=stored["procedure"],
            sources=tuple(stored["sources"]),
            label_noise=None if noise is None else tuple(noise),
            samples=tuple(stored["samples"]),
            replicates=tuple(
                Replicate(seed=stored["seed"], draw=draw, initialisation=initialisation, noise=noise)
                for draw, initialisation, noise in stored["replicates"]
            ),
            part=Part(
                sizes=_numbers(stored["sizes"]),
                times=np.array([float(moment) for moment in stored["times"]]),
                metrics=frozenset(map(name_today, stored["metrics"])),
            ),
            attributes=stored["attributes"],
        )


def _numbers(sizes: list[object]) -> Real[np.ndarray, " size"]:
    """Sizes out of JSON, where whole ones are integers."""
    return np.array(sizes, dtype=np.float64 if any(isinstance(size, float) for size in sizes) else np.int64)


def _is_said(value: object) -> bool:
    """Whether a surface may say so of itself, in every format that it is exported to."""
    return is_writable(value) if isinstance(value, str) else isinstance(value, int) and abs(value) < _BEYOND_INTEGERS


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
