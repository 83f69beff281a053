"""What becomes of the units of work that a store keeps, as plain records that know no database."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from benign.experiments.repeated_warnings import Heard

_SEARCH = "search for "


class State(enum.StrEnum):
    """State of a unit."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One part of one cell, as a store keeps it: planned, then running, then done (with its block) or failed.

    Attributes:
        id: the store's number for it.
        cell: key of the cell; see :meth:`benign.experiments.grid.Grid.cells`.
        part: key of the part.
        state: what became of it.
    """

    id: int
    cell: str
    part: str
    state: State


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What a job sends back, on its way into the store.

    Attributes:
        payloads: the block of each of its replicates as compressed Arrow bytes.
        seconds: wall time.
        peak_bytes: peak resident memory of the process that ran it, meanwhile.
        provenance: JSON: versions, device, commit.
        heard: what libraries warned of.
    """

    payloads: tuple[bytes, ...]
    seconds: float
    peak_bytes: int
    provenance: str
    heard: Counter[Heard] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True)
class StoredBlock:
    """A block as the store gives it back.

    Attributes:
        unit: the store's number of its unit.
        cell: key of its cell.
        part: key of its part.
        payload: one of :attr:`JobResult.payloads`; None, and cell and part empty, where any of it is damaged.
    """

    unit: int
    cell: str
    part: str
    payload: bytes | None


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run as the store keeps it.

    Attributes:
        id: what users call it: a readable name and a few digits of the grid's key.
        name: as declared.
        grid: :meth:`benign.experiments.grid.Grid.to_json`.
        declaration: JSON of the experiment it was declared as, or None where it was measured from Python objects that
            have no name: then only Python can resume it.
        created: seconds since 1970, by the store's clock; 0.0 before it is stored.
        mark: by which installations know a declaration as their own; None where it has none.
    """

    id: str
    name: str
    grid: str
    declaration: str | None
    created: float = 0.0
    mark: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run with its progress.

    Attributes:
        record: the run.
        counts: number of units in each state; all four states are there.
        seconds: wall time of its finished jobs, summed.
        is_whole: False where units of it are lost or damaged, as far as counting tells.
    """

    record: RunRecord
    counts: Mapping[State, int]
    seconds: float
    is_whole: bool = True


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A unit that failed.

    Attributes:
        unit: its id.
        cell: key of its cell.
        attempts: how often it was tried.
        error: traceback of the last try.
    """

    unit: int
    cell: str
    attempts: int
    error: str


def search_name(what: str) -> str:
    """The name of the measurements of a search, by which they are listed together.

    >>> search_name("the complexity of 64 leaves on digits")
    'search for the complexity of 64 leaves on digits'
    """
    return f"{_SEARCH}{what}"


def is_search(name: str) -> bool:
    """Whether a run of this name is one step of a search."""
    return name.startswith(_SEARCH)
