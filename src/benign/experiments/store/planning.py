"""Runs going in and out of the store: their parts, their units, and who shares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Text,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    update,
)

from benign.experiments.parts import Part
from benign.experiments.states import RunRecord, State
from benign.experiments.store import tables
from benign.experiments.store.checksums import checksum
from benign.experiments.store.drivers import release_abandoned
from benign.experiments.store.encoded_parts import encode_part
from benign.experiments.store.errors import RunInUse
from benign.experiments.store.expressions import Clock, among, batches, inserting, packed, rows
from benign.experiments.store.reading import RECORD, known_number, record_in, run_number
from benign.experiments.store.texts import checked_key
from benign.experiments.store.versions import take_turn
from benign.foundation.arguments import checked_text
from benign.foundation.errors import invalid

Pair = tuple[str, str]


def add_run(connection: Connection, record: RunRecord, wanted: Iterable[list[Pair]], parts: Mapping[str, Part]) -> None:
    """See :meth:`benign.experiments.store.Store.add_run`; the pairs come in batches."""
    take_turn(connection)
    number = _add_record(connection, record)
    _add_parts(connection, parts)
    for pairs in wanted:
        _add_units(connection, number, pairs)
    is_broken = tables.unit.c.state.not_in([state.value for state in State])
    _plan_again(connection, connection.scalars(_units_of(number).where(is_broken)).all())
    units = select(func.sum(tables.member.c.unit)).where(tables.member.c.run == number).scalar_subquery()
    connection.execute(update(tables.run).where(tables.run.c.number == number).values(units=units))


def set_aside(connection: Connection, run_id: str, damaged: Iterable[int], lost: Iterable[int]) -> None:
    """See :meth:`benign.experiments.store.Store.set_aside`."""
    take_turn(connection)
    number = run_number(connection, run_id)
    _plan_again(connection, damaged)
    of_run = tables.member.c.run == number
    for some in batches(lost):
        connection.execute(delete(tables.member).where(of_run, tables.member.c.unit.in_(some)))
    connection.execute(delete(tables.member).where(of_run, tables.member.c.unit.not_in(select(tables.unit.c.id))))


def _units_of(number: int) -> Select[int]:
    """The units of a run."""
    return select(tables.unit.c.id).select_from(tables.member.join(tables.unit)).where(tables.member.c.run == number)


def _plan_again(connection: Connection, units: Iterable[int]) -> None:
    """As if they had never been tried."""
    columns = (column.name for column in tables.unit.columns if column.nullable)
    fresh = {**dict.fromkeys(columns), "state": State.PLANNED.value, "attempts": 0}
    for some in batches(units):
        connection.execute(update(tables.unit).where(tables.unit.c.id.in_(some)).values(fresh))
        connection.execute(delete(tables.block).where(tables.block.c.unit.in_(some)))


def _add_record(connection: Connection, record: RunRecord) -> int:
    facts: dict[str, str | float | None] = {
        "id": checked_key("id", record.id),
        "name": checked_text("name", record.name),
        "grid": checked_text("grid", record.grid),
        "declaration": None if record.declaration is None else checked_text("declaration", record.declaration),
        "created": connection.scalar(select(Clock())),
    }
    number = known_number(connection, record.id)
    is_it = tables.run.c.number == number
    known = None if number is None else record_in(*connection.execute(select(*RECORD).where(is_it)).one())
    if known is not None:
        # A declaration that is there is not lost because the same grid was measured from Python objects.
        facts |= {"declaration": facts["declaration"] or known.declaration, "created": known.created}
    values = {**facts, "checksum": checksum(*facts.values())} | ({} if record.mark is None else {"mark": record.mark})
    if number is None:
        connection.execute(insert(tables.run).values(values))
    else:  # what is damaged is written anew
        connection.execute(update(tables.run).where(is_it).values(values))
    return run_number(connection, record.id)


def _add_parts(connection: Connection, parts: Mapping[str, Part]) -> None:
    contents = [{"key": checked_key("part", key), **encode_part(part)} for key, part in parts.items()]
    if contents:
        insert = inserting(connection, tables.part)
        same = {name: insert.excluded[name] for name in ("sizes", "times", "metrics")}  # unless they are damaged
        connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=same), contents)


def _add_units(connection: Connection, number: int, pairs: list[Pair]) -> None:
    numbers = _part_numbers(connection, {part for _, part in pairs})
    numbered = [(checked_key("cell", cell), numbers[part]) for cell, part in pairs]
    cell, part = rows("pairs", Text(), BigInteger())
    pairs_as_rows = {"pairs": packed(numbered)}
    # SQLite takes what follows a SELECT without WHERE for a join's condition.
    new = select(cell, part, literal(State.PLANNED.value), literal(0)).where(true())
    units = inserting(connection, tables.unit).from_select(["cell", "part", "state", "attempts"], new)
    connection.execute(units.on_conflict_do_nothing(), pairs_as_rows)
    theirs = (tables.unit.c.cell == cell) & (tables.unit.c.part == part)
    both = select(literal(number, BigInteger()), tables.unit.c.id).where(theirs)
    members = inserting(connection, tables.member).from_select(["run", "unit"], both)
    connection.execute(members.on_conflict_do_nothing(), pairs_as_rows)


def _part_numbers(connection: Connection, keys: set[str]) -> dict[str, int]:
    wanted = among(tables.part.c.key, "keys")
    stored = select(tables.part.c.key, tables.part.c.number).where(wanted)
    numbers: dict[str, int] = dict(connection.execute(stored, {"keys": packed(sorted(keys))}).all())
    if unknown := keys - numbers.keys():
        raise invalid("parts", f"lacks the part {min(unknown)!r}, which is wanted and not in the store; add it.")
    return numbers


def delete_run(connection: Connection, run_id: str, lease_seconds: float) -> int:
    """See :meth:`benign.experiments.store.Store.delete_run`."""
    take_turn(connection)
    number = run_number(connection, run_id)
    release_abandoned(connection, lease_seconds)
    # Locked, so that no driver claims one while we look.
    alone = _units_of_this_alone(number)
    states = select(tables.unit.c.state).where(tables.unit.c.id.in_(alone)).with_for_update()
    held = states.subquery()
    running = connection.scalar(select(func.count()).select_from(held).where(held.c.state == State.RUNNING.value)) or 0
    if running:
        raise RunInUse(
            f"The run {run_id!r} cannot be deleted while {running} of its jobs are being measured; stop that first."
        )
    blocks = connection.execute(delete(tables.block).where(tables.block.c.unit.in_(alone))).rowcount
    connection.execute(delete(tables.unit).where(tables.unit.c.id.in_(alone)))
    connection.execute(delete(tables.run).where(tables.run.c.number == number))
    unused = ~select(tables.unit.c.id).where(tables.unit.c.part == tables.part.c.number).exists()
    connection.execute(delete(tables.part).where(unused))
    # Provenances stay: they are few, and a driver may be about to refer to one.
    return blocks


def _units_of_this_alone(number: int) -> Select[int]:
    others = tables.member.alias()
    is_shared = select(others.c.unit).where(others.c.unit == tables.member.c.unit, others.c.run != number).exists()
    return select(tables.member.c.unit).where(tables.member.c.run == number, ~is_shared)
