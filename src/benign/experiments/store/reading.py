"""What the store holds, read back as plain records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, Select, func, select

from benign.experiments.states import Failure, RunRecord, RunSummary, State, StoredBlock, Unit
from benign.experiments.store.expressions import among, batches, packed
from benign.experiments.store.tables import block, member, part, provenance, run, unit
from benign.experiments.store.texts import checked_key
from benign.foundation.errors import unknown_name

# Blocks that are in memory at once: few bytes, and few rows where blocks are small.
_CHUNK_BYTES, _CHUNK_ROWS = 8 * 2**20, 1_000

_RECORD = (run.c.id, run.c.name, run.c.grid, run.c.declaration, run.c.created, run.c.mark)
_PARTS = select(part.c.key, part.c.sizes, part.c.times, part.c.metrics).where(among(part.c.key, "keys"))
_OF_CELLS = among(unit.c.cell, "cells")
_BLOCKS = (
    select(unit.c.cell, part.c.key, block.c.payload)
    .select_from(unit)
    .join(part, unit.c.part == part.c.number)
    .join(block, block.c.unit == unit.c.id)
    .where(among(unit.c.id, "units"))
    .order_by(unit.c.id)
)
_STATES = select(unit.c.id, unit.c.state).where(among(unit.c.id, "units"))
_UNITS = select(unit.c.id, unit.c.cell, part.c.key, unit.c.state).join(part, unit.c.part == part.c.number)


def run_number(connection: Connection, run_id: str) -> int:
    """The store's own number of a run.

    Raises:
        UnknownName: if there is no such run; the message names the nearest.
    """
    number = connection.scalar(select(run.c.number).where(is_called(run_id)))
    if number is None:
        raise unknown_name("run", run_id, connection.scalars(select(run.c.id).order_by(run.c.number.desc())))
    return number


def is_called(run_id: str) -> ColumnElement[bool]:
    """Whether a run has this id; looked up in the table itself, for a damaged index would hide it."""
    return run.c.id.concat("") == checked_key("run", run_id)


def is_there(connection: Connection, run_id: str) -> bool:
    """Whether there is such a run."""
    return connection.scalar(select(run.c.number).where(run.c.id == checked_key("run", run_id))) is not None


def record_of(connection: Connection, run_id: str) -> RunRecord:
    """One run."""
    number = run_number(connection, run_id)
    return _record(*connection.execute(select(*_RECORD).where(run.c.number == number)).one())


def summaries(connection: Connection) -> list[RunSummary]:
    """All runs, newest first."""
    counts: dict[int, dict[State, int]] = {}
    seconds: dict[int, float] = {}
    for number, state, count, spent in connection.execute(_counted()):
        counts.setdefault(number, dict.fromkeys(State, 0))[State(state)] = count
        seconds[number] = seconds.get(number, 0.0) + (spent or 0.0)
    return [
        RunSummary(
            record=_record(*columns),
            counts=counts.get(number, dict.fromkeys(State, 0)),
            seconds=seconds.get(number, 0.0),
        )
        for number, *columns in connection.execute(select(run.c.number, *_RECORD).order_by(run.c.number.desc()))
    ]


def summary_of(connection: Connection, run_id: str) -> RunSummary:
    """One run with its progress."""
    number = run_number(connection, run_id)
    found = connection.execute(_counted().where(member.c.run == number)).all()
    return RunSummary(
        record=record_of(connection, run_id),
        counts=dict.fromkeys(State, 0) | {State(state): count for _, state, count, _ in found},
        seconds=sum(spent or 0.0 for *_, spent in found),
    )


def states_of(connection: Connection, units: Iterable[int]) -> dict[int, State]:
    """State of each of these units that is still there."""
    states: dict[int, State] = {}
    for some in batches(dict.fromkeys(units)):
        found = connection.execute(_STATES, {"units": packed(some)})
        states.update((number, State(state)) for number, state in found)
    return states


def counts_of(connection: Connection, run_id: str) -> dict[State, int]:
    """How many units of a run are in each state."""
    number = run_number(connection, run_id)
    found = connection.execute(_counted().where(member.c.run == number))
    return dict.fromkeys(State, 0) | {State(state): count for _, state, count, _ in found}


def failures_of(connection: Connection, run_id: str) -> list[Failure]:
    """The failed units of a run."""
    failed = (
        select(unit.c.id, unit.c.cell, unit.c.attempts, unit.c.error)
        .join(member)
        .where(member.c.run == run_number(connection, run_id), unit.c.state == State.FAILED.value)
        .order_by(unit.c.id)
    )
    return [
        Failure(unit=number, cell=cell, attempts=attempts, error=error or "")
        for number, cell, attempts, error in connection.execute(failed)
    ]


def units_of_run(connection: Connection, run_id: str) -> list[Unit]:
    """All units of a run, in the order they were planned."""
    number = run_number(connection, run_id)
    return _units(connection, _UNITS.join(member, member.c.unit == unit.c.id).where(member.c.run == number))


def units_of_cells(connection: Connection, cells: Iterable[str]) -> list[Unit]:
    """All units of these cells, of whatever run."""
    found: list[Unit] = []
    for some in batches(dict.fromkeys(cells)):
        found += _units(connection, _UNITS.where(_OF_CELLS), {"cells": _keys(some)})
    return found


def stored_parts(connection: Connection, keys: Iterable[str]) -> Iterator[tuple[str, bytes, bytes, str]]:
    """Key, sizes, times and metrics of these parts, as stored."""
    for some in batches(dict.fromkeys(keys)):
        found = connection.execute(_PARTS, {"keys": packed(checked_key("part", key) for key in some)})
        yield from ((key, sizes, times, metrics) for key, sizes, times, metrics in found)


def provenances_of(connection: Connection, run_id: str) -> list[str]:
    """Each different provenance of a run's blocks, in the order they came up."""
    number = run_number(connection, run_id)
    used = select(unit.c.provenance).join(member).where(member.c.run == number)
    found = select(provenance.c.content).where(provenance.c.number.in_(used)).order_by(provenance.c.number)
    return list(connection.scalars(found))


def block_chunks(connection: Connection, run_id: str, cells: Sequence[str] | None) -> list[list[int]]:
    """The units whose blocks are there, in pieces that :func:`blocks_of` can read at once."""
    of_run = member.c.run == run_number(connection, run_id)
    done = select(unit.c.id, unit.c.size).join(member).where(of_run, unit.c.state == State.DONE.value)
    if cells is None:
        return list(_chunks((number, size) for number, size in connection.execute(done.order_by(unit.c.id))))
    of_cells = done.where(_OF_CELLS).order_by(unit.c.id)
    some = [{"cells": _keys(batch)} for batch in batches(dict.fromkeys(cells))]
    return list(_chunks((number, size) for these in some for number, size in connection.execute(of_cells, these)))


def blocks_of(connection: Connection, units: Sequence[int]) -> list[StoredBlock]:
    """The blocks of these units, as far as they are still there."""
    found = connection.execute(_BLOCKS, {"units": packed(units)})
    return [StoredBlock(cell=cell, part=key, payload=payload) for cell, key, payload in found]


def _chunks(sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    chunk: list[int] = []
    total = 0
    for number, size in sizes:
        if chunk and (total + size > _CHUNK_BYTES or len(chunk) == _CHUNK_ROWS):
            yield chunk
            chunk, total = [], 0
        chunk.append(number)
        total += size
    if chunk:
        yield chunk


def _counted() -> Select[int, str, int, float | None]:
    counted = select(member.c.run, unit.c.state, func.count(), func.sum(unit.c.seconds)).select_from(member.join(unit))
    return counted.group_by(member.c.run, unit.c.state)


def _units(
    connection: Connection, wanted: Select[int, str, str, str], listed_cells: dict[str, str] | None = None
) -> list[Unit]:
    states = {state.value: state for state in State}
    return [
        Unit(id=number, cell=cell, part=key, state=states[state])
        for number, cell, key, state in connection.execute(wanted.order_by(unit.c.id), listed_cells)
    ]


def _keys(cells: Iterable[str]) -> str:
    return packed(checked_key("cell", cell) for cell in cells)


def _record(run_id: str, name: str, grid: str, declaration: str | None, created: float, mark: str | None) -> RunRecord:
    return RunRecord(id=run_id, name=name, grid=grid, declaration=declaration, created=created, mark=mark)
