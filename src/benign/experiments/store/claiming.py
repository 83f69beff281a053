"""A unit's way: claimed by one driver, then recorded, failed or released; and tried again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, select, update

from benign.experiments.states import JobResult, State
from benign.experiments.store.checksums import checksum
from benign.experiments.store.drivers import beat
from benign.experiments.store.expressions import Clock, among, batches, inserting, packed
from benign.experiments.store.reading import provenance_hash, run_number
from benign.experiments.store.tables import block, member, part, provenance, unit
from benign.experiments.store.texts import storable
from benign.foundation.arguments import checked_text

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
    select(unit.c.id, unit.c.cell, part.c.key)
    .join(part, unit.c.part == part.c.number)
    .where(_AMONG, unit.c.state != State.DONE.value)
    .order_by(unit.c.id)
    .with_for_update(key_share=True, of=unit)
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
        timed=bindparam("spent"),
        checksum=bindparam("checked"),
        peak_bytes=bindparam("peak"),
        provenance=bindparam("made_by"),
        finished=Clock(),
    )
)
_BLOCK = insert(block).values(unit=bindparam("number"), payload=bindparam("content"))
_PROVENANCE = select(provenance.c.number).where(provenance.c.hash == bindparam("hash"))

_OURS = _AMONG & (unit.c.driver == bindparam("name"))
_ATTEMPTS = (
    select(unit.c.id, unit.c.cell, part.c.key, unit.c.attempts).join(part, unit.c.part == part.c.number).where(_OURS)
)
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


def record(connection: Connection, driver: str, units: Sequence[int], result: JobResult) -> None:
    """See :meth:`benign.experiments.store.Store.record`."""
    beat(connection, driver)
    payloads = dict(zip(reversed(units), reversed(result.payloads), strict=True))  # of twins the first
    undone = [row for some in batches(payloads) for row in connection.execute(_NOT_DONE, {"units": packed(some)})]
    if not undone:
        return
    spent, peak = float(result.seconds) / len(units), int(result.peak_bytes)
    made_by = _provenance_number(connection, result.provenance)
    done = []
    for number, cell, key in undone:
        payload = payloads[number]
        checked = checksum(cell, key, spent, peak, made_by, payload=payload)
        facts = {"spent": spent, "peak": peak, "made_by": made_by, "checked": checked, "bytes": len(payload)}
        done.append({"number": number, "content": payload, **facts})
    connection.execute(_RECORD, done)
    connection.execute(_BLOCK, done)


def fail(connection: Connection, driver: str, units: Sequence[int], error: str, limit: int) -> State:
    """See :meth:`benign.experiments.store.Store.fail`."""
    ours = {"units": packed(units), "name": driver}
    tried = [(number, cell, key, times + 1) for number, cell, key, times in connection.execute(_ATTEMPTS, ours)]
    if not tried:
        return State.PLANNED
    state = State.PLANNED if max(times for *_, times in tried) < limit else State.FAILED
    text = storable(error)
    attempted = update(unit).where(unit.c.id == bindparam("number"))
    connection.execute(
        attempted.values(
            state=state.value, attempts=bindparam("times"), error=text, driver=None, checksum=bindparam("checked")
        ),
        [
            {"number": number, "times": times, "checked": checksum(cell, key, times, text)}
            for number, cell, key, times in tried
        ],
    )
    return state


def release(connection: Connection, driver: str, units: Sequence[int]) -> None:
    """See :meth:`benign.experiments.store.Store.release`."""
    for some in batches(units):
        connection.execute(_RELEASE, {"units": packed(some), "name": driver})


def retry(connection: Connection, run_id: str) -> int:
    """See :meth:`benign.experiments.store.Store.retry`."""
    of_run = select(member.c.unit).where(member.c.run == run_number(connection, run_id))
    failed = update(unit).where(unit.c.id.in_(of_run), unit.c.state == State.FAILED.value)
    return connection.execute(failed.values(state=State.PLANNED.value, attempts=0, error=None, checksum=None)).rowcount


def _provenance_number(connection: Connection, text: str) -> int:
    """Every block of a run was made by one of a few provenances: each is stored once."""
    known = {"hash": provenance_hash(checked_text("provenance", text))}
    number = connection.scalar(_PROVENANCE, known)
    if number is None:
        new = inserting(connection, provenance).on_conflict_do_nothing()  # another may be faster
        connection.execute(new, {**known, "content": text})
        number = connection.scalars(_PROVENANCE, known).one()
    return number
