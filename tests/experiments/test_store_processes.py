"""Several processes on one store, and what is left when one of them is killed."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from contextlib import ExitStack, closing

import pytest

from benign.experiments.states import State
from benign.experiments.store import Store
from tests.experiments.store_child import payload_of
from tests.experiments.stores import SHARED_KINDS, child, heard, located, planned, told


@pytest.fixture(params=SHARED_KINDS, ids=lambda kind: kind.replace(" ", "-"))
def location(request, tmp_path):
    with located(request.param, tmp_path) as where:
        yield where


def test_each_unit_is_obtained_by_one_process(location):
    with Store.open(location) as store, ExitStack() as stack:
        units = [unit.id for unit in planned(store, [f"{i}" for i in range(200)])]
        children = [stack.enter_context(child("claim", location)) for _ in range(2)]
        told(*children)
        obtained = [[int(unit) for unit in heard(process).split()] for process in children]
        assert sorted(obtained[0] + obtained[1]) == units
        for process in children:
            process.communicate("leave\n")
        assert store.counts("first")[State.PLANNED] == 200


def test_two_processes_that_record_the_same_run_do_every_unit_once(location):
    with Store.open(location) as store, ExitStack() as stack:
        units = planned(store, [f"{i}" for i in range(200)])
        children = [stack.enter_context(child("record", location)) for _ in range(2)]
        told(*children)
        said: list[str] = []
        for process in children:
            assert process.stdout is not None
            said += process.stdout.read().split()
        assert sorted(map(int, said)) == [unit.id for unit in units]
        assert [block.payload for block in store.blocks("first")] == [payload_of(unit.id) for unit in units]


def test_a_killed_driver_gives_its_units_back_at_once(location):
    with Store.open(location, lease_seconds=3600) as store:
        planned(store)
        with child("hold", location) as process:
            assert heard(process) == "ready"
            assert store.release_abandoned() == 0
            assert store.counts("first")[State.RUNNING] == 3
            process.kill()
            # Not waited for: until then it is a zombie, which has a number and a start, and does nothing more.
            deadline = time.monotonic() + 10
            while store.release_abandoned() == 0 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert store.counts("first")[State.PLANNED] == 3


@pytest.mark.parametrize("attempt", range(3))
def test_what_was_recorded_survives_kill_9(location, attempt):
    generator = random.Random(attempt)
    with Store.open(location) as store:
        units = planned(store, [f"{i}" for i in range(3000)])
    with child("record", location) as process:
        told(process)
        recorded = {int(heard(process))}
        threading.Timer(generator.uniform(0.0, 0.5), process.kill).start()
        assert process.stdout is not None
        whole_lines = process.stdout.read().rpartition("\n")[0]
        recorded |= {int(line) for line in whole_lines.split()}
    assert len(recorded) < 3000
    with Store.open(location) as store:
        store.release_abandoned()
        counts = store.counts("first")
        blocks = {block.cell: block.payload for block in store.blocks("first")}
        done = {unit.id for unit in store.units_of_run("first") if unit.state is State.DONE}
    assert done >= recorded
    assert len(done) <= len(recorded) + 2  # the two whose record was committed and not yet told
    assert counts[State.DONE] + counts[State.PLANNED] == 3000
    assert blocks == {unit.cell: payload_of(unit.id) for unit in units if unit.id in done}
    if not location.startswith("postgresql"):
        with closing(sqlite3.connect(location)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
