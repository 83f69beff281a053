"""A unit's way: claimed by one driver, then recorded, failed or released; and tried again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, func, insert, select, update

from benign.experiments.states import Result, State
from benign.experiments.store.drivers import beat
from benign.experiments.store.expressions import Clock, among, batches, inserting, packed
from benign.experiments.store.reading import run_number
from benign.experiments.store.tables import block, member, provenance, unit
from benign.experiments.store.texts import checked_text, storable

# Statements are built once: that takes longer than SQLite takes to run them.
_AMONG = among(unit.c.id, "units")
# SQLite: a writing transaction is the only one. PostgreSQL: the rows are ours until it ends, in the order of their ids,
# so that no two drivers wait for each other; a claim leaves those that another driver is changing at this moment.
_PLANNED = (
    select(unit.c.id)
    .where(_AMONG, unit.c.state == State.PLANNED.value)
    .order_by(unit.c.id)
    .with_for_update(skip_locked=True, key_share=True)
)
_CLAIM = update(unit).where(_AMONG).values(state=State.RUNNING.value, driver=bindparam("name"))

_NOT_DONE = (
    select(unit.c.id)
    .where(_AMONG, unit.c.state != State.DONE.value)
    .order_by(unit.c.id)
    .with_for_update(key_share=True)
)
_RECORD = (
    update(unit)
    .where(unit.c.id == bindparam("number"))
    .values(
        state=State.DONE.value,
        driver=None,
        error=None,
        size=bindparam("bytes"),
        seconds=bindparam("spent"),
        peak_bytes=bindparam("peak"),
        provenance=bindparam("made_by"),
        finished=Clock(),
    )
)
_BLOCK = insert(block).values(unit=bindparam("number"), payload=bindparam("content"))
_PROVENANCES = select(provenance.c.hash, provenance.c.number).where(among(provenance.c.hash, "hashes"))

_OURS = _AMONG & (unit.c.driver == bindparam("name"))
_MOST_ATTEMPTS = select(func.max(unit.c.attempts)).where(_OURS)
_RELEASE = update(unit).where(_OURS).values(state=State.PLANNED.value, driver=None)


def claim(connection: Connection, driver: str, units: Sequence[int]) -> list[int]:
    """See :meth:`benign.experiments.store.Store.claim`."""
    beat(connection, driver)  # whoever holds units is known, even if it was given up in between
    free: set[int] = set()
    for some in batches(units):
        free.update(connection.scalars(_PLANNED, {"units": packed(some)}))
    for some in batches(sorted(free)):
        connection.execute(_CLAIM, {"units": packed(some), "name": driver})
    return [number for number in dict.fromkeys(units) if number in free]


def record(connection: Connection, driver: str, results: Sequence[Result]) -> None:
    """See :meth:`benign.experiments.store.Store.record`."""
    beat(connection, driver)
    new = {result.unit: result for result in reversed(results)}
    undone = [new[number] for some in batches(new) for number in connection.scalars(_NOT_DONE, {"units": packed(some)})]
    if not undone:
        return
    provenances = _provenance_numbers(connection, {result.provenance for result in undone})
    done = [
        {
            "number": result.unit,
            "bytes": len(result.payload),
            "spent": result.seconds,
            "peak": result.peak_bytes,
            "made_by": provenances[result.provenance],
        }
        for result in undone
    ]
    connection.execute(_RECORD, done)
    connection.execute(_BLOCK, [{"number": result.unit, "content": result.payload} for result in undone])


def fail(connection: Connection, driver: str, units: Sequence[int], error: str, limit: int) -> State:
    """See :meth:`benign.experiments.store.Store.fail`."""
    ours = {"units": packed(units), "name": driver}
    most = connection.scalar(_MOST_ATTEMPTS, ours)
    if most is None:
        return State.PLANNED
    state = State.PLANNED if most + 1 < limit else State.FAILED
    attempted = {"state": state.value, "attempts": unit.c.attempts + 1, "error": storable(error), "driver": None}
    connection.execute(update(unit).where(_OURS).values(attempted), ours)
    return state


def release(connection: Connection, driver: str, units: Sequence[int]) -> None:
    """See :meth:`benign.experiments.store.Store.release`."""
    for some in batches(units):
        connection.execute(_RELEASE, {"units": packed(some), "name": driver})


def retry(connection: Connection, run_id: str) -> int:
    """See :meth:`benign.experiments.store.Store.retry`."""
    of_run = select(member.c.unit).where(member.c.run == run_number(connection, run_id))
    failed = update(unit).where(unit.c.id.in_(of_run), unit.c.state == State.FAILED.value)
    return connection.execute(failed.values(state=State.PLANNED.value, attempts=0, error=None)).rowcount


def _provenance_numbers(connection: Connection, texts: set[str]) -> dict[str, int]:
    """Every block of a run was made by one of a few provenances: each is stored once."""
    hashes = {text: hashlib.sha256(checked_text("provenance", text).encode()).hexdigest() for text in texts}
    wanted = {"hashes": packed(sorted(hashes.values()))}
    numbers = dict(connection.execute(_PROVENANCES, wanted).all())
    new = [{"hash": hashed, "content": text} for text, hashed in hashes.items() if hashed not in numbers]
    if new:
        connection.execute(inserting(connection, provenance).on_conflict_do_nothing(), new)  # another may be faster
        numbers = dict(connection.execute(_PROVENANCES, wanted).all())
    return {text: numbers[hashed] for text, hashed in hashes.items()}
