"""Drivers, the processes that measure: who lives, and what becomes of the units of those that do not."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select, update

from benign.experiments.states import State
from benign.experiments.store.expressions import Clock, inserting
from benign.experiments.store.hosts import host_identity, process_start
from benign.experiments.store.tables import driver, unit

# Statements are built once: that takes longer than SQLite takes to run them.
_BEAT = update(driver).where(driver.c.id == bindparam("name")).values(heartbeat=Clock())
_SEEN = select(
    driver.c.id, driver.c.heartbeat, driver.c.host, driver.c.pid, driver.c.started, Clock() - driver.c.heartbeat
)
_PLANNED_AGAIN = update(unit).values(state=State.PLANNED.value, driver=None)


def beat(connection: Connection, name: str) -> None:
    """Say that this driver lives; one that was given up, such as that of a laptop asleep, is entered again."""
    if connection.execute(_BEAT, {"name": name}).rowcount == 0:
        pid = os.getpid()
        mine = {"id": name, "host": host_identity(), "pid": pid, "started": process_start(pid) or 0.0}
        new = inserting(connection, driver).values(heartbeat=Clock(), **mine)
        connection.execute(new.on_conflict_do_update(index_elements=["id"], set_={"heartbeat": Clock()}))


def leave(connection: Connection, name: str) -> None:
    """Take a driver off, and its units back."""
    connection.execute(_PLANNED_AGAIN.where(unit.c.driver == name))
    connection.execute(delete(driver).where(driver.c.id == name))


def release_abandoned(connection: Connection, lease_seconds: float) -> int:
    """Take back the units of drivers that do not live; return how many."""
    for name, heartbeat, *known in connection.execute(_SEEN).all():
        if not _lives(known, lease_seconds):
            # It may have called in since we looked.
            connection.execute(delete(driver).where(driver.c.id == name, driver.c.heartbeat == heartbeat))
    gone = unit.c.driver.is_not(None) & unit.c.driver.not_in(select(driver.c.id))
    return connection.execute(_PLANNED_AGAIN.where(gone)).rowcount


def living(connection: Connection, lease_seconds: float) -> set[object]:
    """The names of the drivers that live."""
    return {name for name, _, *known in connection.execute(_SEEN) if _lives(known, lease_seconds)}


def _lives(known: Sequence[object], lease_seconds: float) -> bool:
    """A heartbeat that is still to come is damaged, as is what is no number."""
    host, pid, started, silent = known
    if not isinstance(silent, float) or not -lease_seconds <= silent <= lease_seconds:
        return False
    return host != host_identity() or (isinstance(pid, int) and process_start(pid) == started)


def is_any_there(connection: Connection) -> bool:
    """Whether some driver is entered."""
    return connection.scalar(select(driver.c.id).limit(1)) is not None
