"""What the store holds, read back as plain records."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Select, bindparam, case, func, select, true

from benign.experiments.parts import Part
from benign.experiments.states import Failure, RunRecord, RunSummary, State, StoredBlock, Unit
from benign.experiments.store.checksums import checksum
from benign.experiments.store.drivers import living
from benign.experiments.store.encoded_parts import decode_part
from benign.experiments.store.errors import RunDamaged
from benign.experiments.store.expressions import among, batches, packed
from benign.experiments.store.tables import block, member, part, provenance, run, unit
from benign.experiments.store.texts import checked_key
from benign.foundation.errors import unknown_name
from benign.foundation.wording import shown

# Blocks that are in memory at once: few bytes, and few rows where blocks are small.
_CHUNK_BYTES, _CHUNK_ROWS = 8 * 2**20, 1_000

RECORD = (run.c.id, run.c.name, run.c.grid, run.c.declaration, run.c.created, run.c.mark, run.c.checksum)
_NUMBER = select(run.c.number).where(run.c.id == bindparam("key"))
_NUMBER_IN_TABLE = select(run.c.number).where(run.c.id.concat("") == bindparam("key"))  # no index serves that
_ID = select(run.c.id).where(run.c.number == bindparam("number"))
_YEAR_5000 = 95617584000.0
_PARTS = select(part.c.key, part.c.sizes, part.c.times, part.c.metrics).where(among(part.c.key, "keys"))
_OF_CELLS = among(unit.c.cell, "cells")
_TIMED = (unit.c.seconds, unit.c.peak_bytes, unit.c.provenance)
# Outer joins: what is lost is said.
_BLOCKS = (
    select(unit.c.id, unit.c.checksum, unit.c.cell, part.c.key, *_TIMED, block.c.payload)
    .select_from(unit)
    .outerjoin(part, unit.c.part == part.c.number)
    .outerjoin(block, block.c.unit == unit.c.id)
    .where(among(unit.c.id, "units"), unit.c.state == State.DONE.value)
    .order_by(unit.c.id)
)
_STATES = select(unit.c.id, unit.c.state).where(among(unit.c.id, "units"))
_UNITS = select(unit.c.id, unit.c.cell, part.c.key, unit.c.state).outerjoin(part, unit.c.part == part.c.number)
_STATE_OF = {state.value: state for state in State}


def run_number(connection: Connection, run_id: str) -> int:
    """The store's own number of a run.

    Raises:
        UnknownName: if there is no such run; the message names the nearest.
    """
    number = known_number(connection, run_id)
    if number is None:
        known = connection.scalars(select(run.c.id).order_by(run.c.number.desc()))
        raise unknown_name("run", run_id, map(str, known), argument="run_id")
    return number


def known_number(connection: Connection, run_id: str) -> int | None:
    """As :func:`run_number`, but None if there is no such run. A damaged index leads elsewhere, or hides it."""
    key = checked_key("run", run_id)
    number = connection.scalar(_NUMBER, {"key": key})
    if number is not None and connection.scalar(_ID, {"number": number}) == key:
        return number
    return connection.scalar(_NUMBER_IN_TABLE, {"key": key})


def is_whole(connection: Connection, run_id: str) -> bool:
    """Whether there is such a run, and neither it nor which units are its own is damaged."""
    number = known_number(connection, run_id)
    if number is None:
        return False
    record, units = _row(connection, number)
    there = select(func.sum(unit.c.id)).select_from(member.join(unit)).where(member.c.run == number)
    return record is not None and (connection.scalar(there) or 0) == (units or 0)


def _row(connection: Connection, number: int) -> tuple[RunRecord | None, object]:
    """A run, None if it is damaged, and what says what the numbers of its units should sum up to, whatever it is."""
    *columns, units = connection.execute(select(*RECORD, run.c.units).where(run.c.number == number)).one()
    return record_in(*columns), units


def record_in(*columns: object) -> RunRecord | None:
    """The run in a row of :data:`RECORD`; None if it is damaged."""
    match columns:
        case [str(run_id), str(name), str(grid), (None | str()) as declaration, float(created), mark, found] if (
            0.0 <= created < _YEAR_5000 and found == checksum(run_id, name, grid, declaration, created)
        ):
            known = mark if isinstance(mark, str) else None
            return RunRecord(id=run_id, name=name, grid=grid, declaration=declaration, created=created, mark=known)
    return None


def record_of(connection: Connection, run_id: str) -> RunRecord:
    """One run."""
    record, _ = _row(connection, run_number(connection, run_id))
    if record is None:
        raise RunDamaged(
            f"The run {shown(run_id)} is damaged in the store; start it again with `benign run FILE`: what is"
            " measured is kept."
        )
    return record


def summaries(connection: Connection, lease_seconds: float) -> tuple[list[RunSummary], list[str]]:
    """All runs, newest first; and what the damaged ones among them are called."""
    progress = _progress(connection, _COUNTED, lease_seconds)
    whole: list[RunSummary] = []
    damaged: list[str] = []
    for number, units, *columns in connection.execute(
        select(run.c.number, run.c.units, *RECORD).order_by(run.c.number.desc())
    ):
        seen, record = progress.pop(number, _Progress()), record_in(*columns)
        if record is None:
            damaged.append(shown(str(columns[0])))
        else:
            whole.append(seen.summary(record, units))
    return whole, damaged + ["one without a name"] * len(progress)  # units of a run whose row is lost


def summary_of(connection: Connection, run_id: str, lease_seconds: float) -> RunSummary:
    """One run with its progress."""
    record, number = record_of(connection, run_id), run_number(connection, run_id)
    seen = _progress(connection, _COUNTED.where(member.c.run == number), lease_seconds)
    return seen.get(number, _Progress()).summary(record, _row(connection, number)[1])


@dataclass(kw_only=True)
class _Progress:
    """What is counted of a run's units."""

    counts: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    seconds: float = 0.0
    units: int = 0
    is_whole: bool = True

    def summary(self, record: RunRecord, units: object) -> RunSummary:
        """``units``: what their numbers should sum up to."""
        is_whole = self.is_whole and self.units == (units or 0)
        return RunSummary(record=record, counts=self.counts, seconds=self.seconds, is_whole=is_whole)


_IS_MISTIMED = (unit.c.state == State.DONE.value) & func.coalesce(unit.c.timed != unit.c.seconds, true())
_COUNTED = (
    select(
        member.c.run,
        unit.c.state,
        unit.c.driver,
        func.count(),
        func.sum(case((_IS_MISTIMED, 0.0), else_=unit.c.seconds)),
        func.sum(case((_IS_MISTIMED, 1), else_=0)),
        func.sum(unit.c.id),
    )
    .select_from(member.join(unit))
    .group_by(member.c.run, unit.c.state, unit.c.driver)
)


def _progress(
    connection: Connection, counted: Select[int, str, str | None, int, float | None, int, int], lease_seconds: float
) -> dict[int, _Progress]:
    """By the runs' numbers. What a driver was measuring that does not live is planned."""
    alive = living(connection, lease_seconds)
    found: dict[int, _Progress] = {}
    for number, state, driver, count, spent, mistimed, units in connection.execute(counted):
        seen, known = found.setdefault(number, _Progress()), _STATE_OF.get(state)
        if known is None or (known is State.RUNNING and driver not in alive):
            seen.counts[State.PLANNED] += count
        else:
            seen.counts[known] += count
        seconds = float(spent or 0.0)
        seen.seconds += seconds if math.isfinite(seconds) else 0.0
        seen.units += int(units)
        seen.is_whole &= known is not None and not mistimed and math.isfinite(seconds)
    return found


def states_of(connection: Connection, units: Iterable[int]) -> dict[int, State]:
    """State of each of these units that is still there."""
    states: dict[int, State] = {}
    for some in batches(dict.fromkeys(units)):
        found = connection.execute(_STATES, {"units": packed(some)})
        states.update((number, _STATE_OF.get(state, State.PLANNED)) for number, state in found)
    return states


def failures_of(connection: Connection, run_id: str) -> tuple[list[Failure], int]:
    """The failed units of a run, and how many more are damaged."""
    failed = (
        select(unit.c.id, unit.c.checksum, unit.c.cell, part.c.key, unit.c.attempts, unit.c.error)
        .join(member)
        .outerjoin(part, unit.c.part == part.c.number)
        .where(member.c.run == run_number(connection, run_id), unit.c.state == State.FAILED.value)
        .order_by(unit.c.id)
    )
    rows = connection.execute(failed).all()
    whole = [
        Failure(unit=number, cell=facts[0], attempts=facts[2], error=facts[3])
        for number, found, *facts in rows
        if found == checksum(*facts) and isinstance(facts[2], int) and isinstance(facts[3], str)
    ]
    return whole, len(rows) - len(whole)


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


def parts_of(connection: Connection, keys: Iterable[str]) -> dict[str, Part]:
    """Those of these parts that are there and whole."""
    found: dict[str, Part | None] = {}
    for some in batches(dict.fromkeys(keys)):
        rows = connection.execute(_PARTS, {"keys": packed(checked_key("part", key) for key in some)})
        found.update((row[0], decode_part(*row)) for row in rows)
    return {key: there for key, there in found.items() if there is not None}


def provenances_of(connection: Connection, run_id: str) -> list[str]:
    """Each different provenance of a run's blocks, in the order they came up; empty JSON for one that is damaged."""
    of_run = (member.c.run == run_number(connection, run_id)) & (unit.c.state == State.DONE.value)
    used = select(unit.c.provenance).join(member).where(of_run).distinct().subquery()
    found = (
        select(provenance.c.hash, provenance.c.content)
        .select_from(used)
        .outerjoin(provenance, provenance.c.number == used.c.provenance)
        .order_by(used.c.provenance)
    )
    return [
        content if isinstance(content, str) and hashed == provenance_hash(content) else "{}"
        for hashed, content in connection.execute(found)
    ]


def provenance_hash(content: str) -> str:
    """By which a provenance is found, and by which damage to it is seen."""
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()


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
    """The blocks of these units, as far as they are still there; damaged ones are without their payload."""
    found = connection.execute(_BLOCKS, {"units": packed(units)})
    return [
        StoredBlock(unit=number, cell=cell, part=key, payload=payload)
        if isinstance(payload, bytes) and checked == checksum(cell, key, *timed, payload=payload)
        else StoredBlock(unit=number, cell="", part="", payload=None)
        for number, checked, cell, key, *timed, payload in found
    ]


def _chunks(sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    chunk: list[int] = []
    total = 0
    for number, size in sizes:
        length = size if isinstance(size, int) else 0  # if damaged, too
        if chunk and (total + length > _CHUNK_BYTES or len(chunk) == _CHUNK_ROWS):
            yield chunk
            chunk, total = [], 0
        chunk.append(number)
        total += length
    if chunk:
        yield chunk


def _units(
    connection: Connection, wanted: Select[int, str, str, str], listed_cells: dict[str, str] | None = None
) -> list[Unit]:
    return [
        Unit(id=number, cell=_text(cell), part=_text(key), state=_STATE_OF.get(state, State.PLANNED))
        for number, cell, key, state in connection.execute(wanted.order_by(unit.c.id), listed_cells)
    ]


def _text(value: object) -> str:
    """Empty where it is lost or damaged: nothing is called so."""
    return value if isinstance(value, str) else ""


def _keys(cells: Iterable[str]) -> str:
    return packed(checked_key("cell", cell) for cell in cells)
