"""The contract of the store: what every kind of it does."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.sql.compiler import SQLCompiler

from benign.experiments.parts import Part
from benign.experiments.states import JobResult, State
from benign.experiments.store import Store, hosts, reading
from benign.experiments.store.errors import RunInUse, StoreUnusable
from benign.foundation.errors import InvalidArgument, UnknownName
from tests.experiments.stores import KINDS, OTHER_PART, PART, PARTS, located, planned, record, run_record

NOTHING = dict.fromkeys(State, 0)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.replace(" ", "-"))
def location(request, tmp_path):
    with located(request.param, tmp_path) as where:
        yield where


@pytest.fixture
def store(location):
    with Store.open(location, patience_seconds=10) as opened:
        yield opened


def _states(store, run_id="first"):
    return [unit.state.value for unit in store.units_of_run(run_id)]


# ------------------------------------------------------------------------------------------------------ runs and units


def test_a_new_store_is_empty(store):
    assert store.runs() == []
    assert store.units_of_cells(["a"]) == []
    assert store.parts(["x"]) == {}
    assert store.release_abandoned() == 0


def test_a_run_comes_back_as_it_went_in(store):
    store.add_run(run_record(name="Großer Lauf", grid='{"a": [1]}', declaration='{"x": "é"}'), [], {})
    found = store.run("first")
    assert (found.name, found.grid, found.declaration) == ("Großer Lauf", '{"a": [1]}', '{"x": "é"}')
    assert abs(found.created - time.time()) < 60


def test_a_run_added_again_is_renamed_and_grows(store):
    store.add_run(run_record(declaration="{}"), [("a", PART.key)], PARTS)
    created = store.run("first").created
    store.add_run(run_record(name="Renamed", declaration=None), [("a", PART.key), ("b", PART.key)], {})
    assert (store.run("first").name, store.run("first").declaration) == ("Renamed", "{}")
    assert store.run("first").created == created
    assert [unit.cell for unit in store.units_of_run("first")] == ["a", "b"]
    assert len(store.runs()) == 1
    store.add_run(run_record(declaration='{"attempts": 5}'), [], {})
    assert store.run("first").declaration == '{"attempts": 5}'


def test_sql_is_compiled_once_whichever_sqlite_store_asks(tmp_path, monkeypatch):
    """A run is read by opening its store, and most of the time of opening one went into compiling the same SQL."""
    compiled: list[object] = []
    compile_now = SQLCompiler.__init__
    for name in ("one.db", "another.db"):
        with Store.open(tmp_path / name) as store:
            planned(store)

    def counted(*of, **how):
        compiled.append(of)
        compile_now(*of, **how)

    monkeypatch.setattr(SQLCompiler, "__init__", counted)

    def used(name):
        with Store.open(tmp_path / name) as store:
            assert [store.runs()[0].record.id, _states(store)] == ["first", ["planned"] * 3]
            return len(compiled)

    before = used("one.db")
    assert used("another.db") == before


@pytest.mark.parametrize(
    "ask",
    [
        Store.run,
        Store.counts,
        Store.summary,
        Store.failures,
        Store.provenances,
        Store.units_of_run,
        Store.blocks,
        Store.retry,
        Store.delete_run,
    ],
    ids=lambda method: method.__name__,
)
def test_an_unknown_run_gets_the_nearest_name(store, ask):
    store.add_run(run_record("polynomial-1a2b"), [], {})
    with pytest.raises(UnknownName, match="unknown run 'polinomial-1a2b'; did you mean 'polynomial-1a2b'"):
        ask(store, "polinomial-1a2b")


def test_parts_come_back_as_they_went_in(store):
    store.add_run(run_record(), [], PARTS)
    found = store.parts([PART.key, "absent", OTHER_PART.key, PART.key])
    assert found.keys() == PARTS.keys()
    for key, part in found.items():
        assert part.key == key
        assert part.sizes.dtype == np.int64
        np.testing.assert_array_equal(part.sizes, PARTS[key].sizes)
        np.testing.assert_array_equal(part.times, PARTS[key].times)
        assert part.metrics == PARTS[key].metrics


def test_runs_share_units(store):
    store.add_run(run_record("old"), [("a", PART.key), ("b", PART.key)], PARTS)
    store.add_run(run_record("new"), [("b", PART.key), ("b", OTHER_PART.key)], {})
    assert len(store.units_of_cells(["a", "b", "c"])) == 3
    old, new = store.units_of_run("old"), store.units_of_run("new")
    assert old[1] == new[0]
    assert [(unit.cell, unit.part) for unit in new] == [("b", PART.key), ("b", OTHER_PART.key)]


def test_a_wanted_part_that_nobody_gave_stores_nothing(store):
    with pytest.raises(InvalidArgument, match="lacks the part 'unknown'"):
        store.add_run(run_record(), [("a", PART.key), ("a", "unknown")], PARTS)
    assert store.runs() == []
    assert store.units_of_cells(["a"]) == []
    assert store.parts([PART.key]) == {}


def test_many_cells_are_planned_and_found(store):
    cells = [f"cell {i}" for i in range(12_000)]  # more than one batch
    store.add_run(run_record(), ((cell, PART.key) for cell in cells), PARTS)
    assert store.counts("first") == NOTHING | {State.PLANNED: 12_000}
    assert [unit.cell for unit in store.units_of_cells(cells)] == cells
    driver = store.enter_driver()
    units = [unit.id for unit in store.units_of_run("first")]
    assert store.claim(driver, units) == units
    store.release(driver, units)
    assert store.counts("first") == NOTHING | {State.PLANNED: 12_000}


def test_runs_are_listed_newest_first_with_their_progress(store):
    units = planned(store, run_id="old")
    store.add_run(run_record("new"), [("c", PART.key)], {})
    store.add_run(run_record("empty"), [], {})
    driver = store.enter_driver()
    store.claim(driver, [unit.id for unit in units])
    record(store, driver, {units[0].id: b"block"}, seconds=2.5)
    record(store, driver, {units[2].id: b"block"}, seconds=1.0)
    empty, new, old = store.runs()
    assert (empty.record.id, empty.counts, empty.seconds) == ("empty", NOTHING, 0.0)
    assert (new.record, new.counts, new.seconds) == (store.run("new"), NOTHING | {State.DONE: 1}, 1.0)
    assert (old.record.id, old.seconds) == ("old", 3.5)
    assert old.counts == store.counts("old") == NOTHING | {State.DONE: 2, State.RUNNING: 1}


# -------------------------------------------------------------------------------------------------------- a unit's way


def test_a_claimed_unit_is_nobody_elses(store):
    a, b, c = (unit.id for unit in planned(store))
    mine, theirs = store.enter_driver(), store.enter_driver()
    assert mine != theirs
    assert store.claim(mine, [c, a, c, 999]) == [c, a]
    assert store.claim(theirs, [a, b, c]) == [b]
    assert store.claim(mine, [a, b, c]) == []
    assert _states(store) == ["running"] * 3


def test_a_recorded_unit_has_its_block(store):
    a, b, _ = (unit.id for unit in planned(store))
    driver = store.enter_driver()
    store.claim(driver, [a, b])
    record(store, driver, {b: b"\0\xff" * 5000, a: b""})
    assert _states(store) == ["done", "done", "planned"]
    assert [(block.cell, block.part, block.payload) for block in store.blocks("first")] == [
        ("a", PART.key, b""),
        ("b", PART.key, b"\0\xff" * 5000),
    ]


def test_what_is_done_stays_as_it_is(store):
    (a, *_) = (unit.id for unit in planned(store))
    mine, theirs = store.enter_driver(), store.enter_driver()
    store.claim(mine, [a])
    twins = JobResult(payloads=(b"first", b"twin"), seconds=2.0, peak_bytes=1, provenance='{"version": 1}')
    store.record(mine, [a, a], twins)
    record(store, theirs, {a: b"second"}, seconds=5.0, provenance='{"other": 1}')
    store.fail(mine, [a], "late", limit=1)
    store.release(mine, [a])
    assert store.claim(theirs, [a]) == []
    assert [block.payload for block in store.blocks("first")] == [b"first"]
    assert store.runs()[0].seconds == 1.0
    assert store.provenances("first") == ['{"version": 1}']


@pytest.mark.parametrize("state", ["planned", "running", "failed"])
def test_a_late_result_is_kept_whatever_became_of_its_unit(store, state):
    (a, *_) = (unit.id for unit in planned(store))
    mine, theirs = store.enter_driver(), store.enter_driver()
    if state != "planned":
        store.claim(theirs, [a])
    if state == "failed":
        store.fail(theirs, [a], "error", limit=1)
    record(store, mine, {a: b"late"})
    assert [block.payload for block in store.blocks("first")] == [b"late"]
    assert store.failures("first") == []
    store.leave_driver(theirs)
    assert _states(store)[0] == "done"


def test_a_result_of_a_deleted_unit_is_passed_over_and_its_number_never_given_again(store):
    *_, last = (unit.id for unit in planned(store))
    driver = store.enter_driver()
    assert store.delete_run("first") == 0
    units = planned(store, ["x", "y", "z"])
    record(store, driver, {last: b"stray"})
    assert last < min(unit.id for unit in units)
    assert _states(store) == ["planned"] * 3


def test_failures_are_retried_up_to_the_limit(store):
    a, b, c = (unit.id for unit in planned(store))
    driver = store.enter_driver()
    for attempt, expected in [(1, State.PLANNED), (2, State.PLANNED), (3, State.FAILED)]:
        store.claim(driver, [a, b])
        assert store.fail(driver, [a, b], f"traceback {attempt} \0 \ud800", limit=3) is expected
    assert _states(store) == ["failed", "failed", "planned"]
    failures = store.failures("first")
    assert [(failure.unit, failure.cell, failure.attempts) for failure in failures] == [(a, "a", 3), (b, "b", 3)]
    assert failures[0].error == "traceback 3 \\x00 \\ud800"
    assert store.claim(driver, [a]) == []
    assert store.retry("first") == 2
    assert store.claim(driver, [a, b, c]) == [a, b, c]
    assert store.fail(driver, [a], "again", limit=2) is State.PLANNED


def test_units_that_fail_together_share_their_fate(store):
    a, b, c = (unit.id for unit in planned(store))
    driver = store.enter_driver()
    store.claim(driver, [a])
    store.fail(driver, [a], "alone", limit=2)
    store.claim(driver, [a, b, c])
    assert store.fail(driver, [a, b], "together", limit=2) is State.FAILED
    assert [failure.attempts for failure in store.failures("first")] == [2, 1]
    assert store.fail(driver, [c], "at once", limit=1) is State.FAILED


def test_only_the_driver_that_measures_a_unit_can_fail_or_release_it(store):
    a, b, _ = (unit.id for unit in planned(store))
    mine, theirs = store.enter_driver(), store.enter_driver()
    store.claim(mine, [a])
    assert store.fail(theirs, [a, b], "not mine", limit=1) is State.PLANNED
    store.release(theirs, [a, b])
    assert _states(store) == ["running", "planned", "planned"]
    store.release(mine, [a, b])
    assert _states(store) == ["planned"] * 3
    assert store.failures("first") == []


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_one_attempt(store, limit):
    with pytest.raises(InvalidArgument, match="`limit` must be a positive integer"):
        store.fail("driver", [], "error", limit=limit)


# -------------------------------------------------------------------------------------------------------------- blocks


def test_blocks_of_some_cells(store):
    units = planned(store, ["a", "b", "c", "d"])
    driver = store.enter_driver()
    record(store, driver, {unit.id: unit.cell.encode() for unit in units[:3]})
    assert [block.payload for block in store.blocks("first", ["c", "absent", "a", "d", "c"])] == [b"a", b"c"]
    assert list(store.blocks("first", [])) == []


@pytest.mark.parametrize(("rows", "size"), [(2, 1000), (1000, 25), (1000, 1)], ids=["rows", "bytes", "each too large"])
def test_blocks_are_read_in_pieces_between_which_others_write(store, monkeypatch, rows, size):
    monkeypatch.setattr(reading, "_CHUNK_ROWS", rows)
    monkeypatch.setattr(reading, "_CHUNK_BYTES", size)
    units = planned(store, [f"{i}" for i in range(7)])
    driver = store.enter_driver()
    record(store, driver, {unit.id: b"%010d" % unit.id for unit in units})
    found = []
    for block in store.blocks("first"):
        store.heartbeat(driver)
        found.append(int(block.payload))
    assert found == [unit.id for unit in units]


def test_blocks_deleted_while_they_are_read_are_left_out(store, monkeypatch):
    monkeypatch.setattr(reading, "_CHUNK_ROWS", 1)
    units = planned(store)
    record(store, store.enter_driver(), {unit.id: b"block" for unit in units})
    blocks = store.blocks("first")
    assert next(blocks).cell == "a"
    store.delete_run("first")
    assert list(blocks) == []


def test_each_provenance_is_told_once(store):
    a, b, c = (unit.id for unit in planned(store))
    driver = store.enter_driver()
    record(store, driver, {a: b"", c: b""}, provenance='{"n": 1}')
    record(store, driver, {b: b""}, provenance='{"n": 2}')
    assert sorted(store.provenances("first")) == ['{"n": 1}', '{"n": 2}']


# ------------------------------------------------------------------------------------------------------------ deleting


def test_a_deleted_run_leaves_what_others_use(store):
    units = planned(store, run_id="old")
    store.add_run(run_record("new"), [("b", PART.key), ("c", OTHER_PART.key)], {})
    record(store, store.enter_driver(), {unit.id: b"block" for unit in units})
    assert store.delete_run("old") == 2
    assert [summary.record.id for summary in store.runs()] == ["new"]
    assert [block.cell for block in store.blocks("new")] == ["b"]
    assert [unit.cell for unit in store.units_of_cells(["a", "b", "c"])] == ["b", "c"]
    assert store.delete_run("new") == 1
    assert store.parts(PARTS) == {}


def test_a_run_that_is_being_measured_is_not_deleted(store):
    a, b, _ = (unit.id for unit in planned(store))
    store.add_run(run_record("other"), [("a", PART.key)], {})
    driver = store.enter_driver()
    store.claim(driver, [a, b])
    with pytest.raises(RunInUse, match=r"run 'first' cannot be deleted while 1 of its jobs are being measured; stop"):
        store.delete_run("first")
    assert len(store.units_of_run("first")) == 3
    assert store.delete_run("other") == 0  # its only unit, running, is of another run too
    store.leave_driver(driver)
    store.delete_run("first")


def test_a_run_whose_driver_has_died_can_be_deleted(store, monkeypatch):
    units = planned(store)
    store.claim(store.enter_driver(), [unit.id for unit in units])
    monkeypatch.setattr(store, "lease_seconds", -1.0)  # over, however coarse the clock
    assert store.delete_run("first") == 0


# ------------------------------------------------------------------------------------------------------------- drivers


def test_a_driver_that_leaves_gives_its_units_back(store):
    a, b, c = (unit.id for unit in planned(store))
    mine, theirs = store.enter_driver(), store.enter_driver()
    store.claim(mine, [a, b])
    store.claim(theirs, [c])
    record(store, mine, {a: b"block"})
    store.leave_driver(mine)
    assert _states(store) == ["done", "planned", "running"]


def test_a_driver_that_lives_keeps_its_units(store):
    units = planned(store)
    store.claim(store.enter_driver(), [unit.id for unit in units])
    assert store.release_abandoned() == 0
    assert _states(store) == ["running"] * 3


def test_a_driver_that_is_silent_is_given_up_and_may_come_back(location):
    with Store.open(location, lease_seconds=30.0, patience_seconds=10) as store:
        a, b, c = (unit.id for unit in planned(store))
        silent, alive = store.enter_driver(), store.enter_driver()
        store.claim(silent, [a, b])
        store.claim(alive, [c])
        before = text("UPDATE benign_driver SET heartbeat = heartbeat - 31")  # as if so many seconds had gone by
        store._transactions.writing(lambda connection: connection.execute(before))
        store.heartbeat(alive)
        assert store.release_abandoned() == 2
        assert _states(store) == ["planned", "planned", "running"]
        assert store.claim(silent, [a]) == [a]  # awake again
        assert store.release_abandoned() == 0


@pytest.mark.parametrize(
    ("host", "start", "released"),
    [("mine", None, 3), ("mine", 1.0, 3), ("another", None, 0), ("another", 1.0, 0)],
    ids=["ended", "its number went to another process", "elsewhere", "its number means something else elsewhere"],
)
def test_a_process_of_this_host_that_has_ended_is_given_up_at_once(store, monkeypatch, host, start, released):
    units = planned(store)
    monkeypatch.setattr(hosts, "host_identity", lambda: host)
    monkeypatch.setattr("benign.experiments.store.drivers.host_identity", lambda: host)
    store.claim(store.enter_driver(), [unit.id for unit in units])
    monkeypatch.setattr("benign.experiments.store.drivers.host_identity", lambda: "mine")
    monkeypatch.setattr("benign.experiments.store.drivers.process_start", lambda _: start)
    assert store.release_abandoned() == released
    assert store.counts("first")[State.PLANNED] == released


def test_a_heartbeat_may_come_from_another_thread(store):
    units = planned(store, [f"{i}" for i in range(60)])
    driver = store.enter_driver()
    stop, trouble, beats = threading.Event(), [], []

    def beat():
        try:
            while not stop.is_set():
                store.heartbeat(driver)
                beats.append(store.counts("first")[State.DONE])
        except Exception as error:
            trouble.append(error)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        for unit in units:
            assert store.claim(driver, [unit.id]) == [unit.id]
            record(store, driver, {unit.id: b"block"})
    finally:
        stop.set()
        thread.join()
    assert trouble == []
    assert beats
    assert store.counts("first") == NOTHING | {State.DONE: 60}


def test_the_states_of_some_units(store):
    a, b, c = (unit.id for unit in planned(store))
    driver = store.enter_driver()
    store.claim(driver, [b])
    record(store, driver, {c: b"block"})
    assert store.states([c, b, a, c, 999]) == {a: State.PLANNED, b: State.RUNNING, c: State.DONE}
    assert store.states([]) == {}


def test_a_run_by_itself(store):
    units = planned(store)
    record(store, store.enter_driver(), {units[0].id: b"block"})
    assert store.summary("first") == store.runs()[0]
    assert store.has_run("first")
    assert not store.has_run("second")


def test_a_store_says_what_it_is(location):
    with Store.open(location, lease_seconds=7) as store:
        assert store.lease_seconds == 7
        assert store.is_private == (location == ":memory:")


def test_a_closed_store_says_so(location):
    store = Store.open(location)
    store.close()
    store.close()
    with pytest.raises(StoreUnusable, match="was closed; open it again"):
        store.runs()


# ---------------------------------------------------------------------------------------------- whatever is put into it

HOSTILE = [
    "'; DROP TABLE benign_run; --",
    "\"quoted\" 'names' `here`",
    "%s %(name)s :name ? {x} $1",
    "🦜 e\u0301 \u202e right to left \ufffe",
    "line\nfeed\ttab\x1b[31m\x7f",
    "../../etc/passwd",
    " ",
    "[[1]]",
    "\\u0000",
]


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 10_000, "🦜" * 2_500], ids=ascii)
def test_hostile_texts_come_back_as_they_went_in(store, text):
    key = text[:500]
    store.add_run(run_record(key, name=text, grid=text, declaration=text), [(key, PART.key)], PARTS)
    found = store.run(key)
    assert (found.id, found.name, found.grid, found.declaration) == (key, text, text, text)
    (unit,) = store.units_of_cells([key])
    assert unit.cell == key
    driver = store.enter_driver()
    store.claim(driver, [unit.id])
    store.fail(driver, [unit.id], text, limit=1)
    assert store.failures(key)[0].error == text
    record(store, driver, {unit.id: b"block"}, provenance=text)
    assert store.provenances(key) == [text]
    assert [block.cell for block in store.blocks(key, [key])] == [key]
    assert store.delete_run(key) == 1


@pytest.mark.parametrize("where", ["id", "name", "grid", "declaration", "cell", "part", "provenance"])
@pytest.mark.parametrize("text", ["a\0b", "\ud83e"], ids=["NUL", "half a character"])
def test_what_no_database_can_keep_gets_a_sentence(store, where, text):
    driver = store.enter_driver()
    units = planned(store, run_id="innocent")
    put = {
        "id": lambda: store.add_run(run_record(text), [], {}),
        "name": lambda: store.add_run(run_record(name=text), [], {}),
        "grid": lambda: store.add_run(run_record(grid=text), [], {}),
        "declaration": lambda: store.add_run(run_record(declaration=text), [], {}),
        "cell": lambda: store.add_run(run_record(), [(text, PART.key)], {}),
        "part": lambda: store.add_run(run_record(), [], {text: PART}),
        "provenance": lambda: record(store, driver, {units[0].id: b"block"}, provenance=text),
    }
    with pytest.raises(InvalidArgument, match=f"`{where}` must be text that a file can hold, got '.*'; rename it"):
        put[where]()
    assert [summary.record.id for summary in store.runs()] == ["innocent"]
    assert store.counts("innocent") == NOTHING | {State.PLANNED: 3}


@pytest.mark.parametrize("where", ["id", "cell", "part"])
def test_a_key_has_a_length_that_every_index_takes(store, where):
    keys = {"id": "run", "cell": "cell", "part": "part"}
    for length in (500, 501):
        keys[where] = "🦜" * length
        add = run_record(keys["id"]), [(keys["cell"], keys["part"])], {keys["part"]: PART}
        if length == 500:
            store.add_run(*add)
        else:
            with pytest.raises(InvalidArgument, match=f"`{where}` may have at most 500 characters, got 501"):
                store.add_run(*add)
    assert len(store.runs()) == 1


@pytest.mark.parametrize("ask", ["run", "cells", "parts"])
def test_what_cannot_be_stored_cannot_be_asked_for(store, ask):
    with pytest.raises(InvalidArgument):
        {"run": store.run, "cells": lambda x: store.units_of_cells([x]), "parts": lambda x: store.parts([x])}[ask]("\0")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(max_size=60), min_size=2, max_size=5, unique=True),
    payloads=st.lists(st.binary(max_size=9000), min_size=5, max_size=5),
    moments=st.sets(st.floats(min_value=0, allow_nan=False), min_size=1, max_size=8),
)
def test_anything_round_trips_or_gets_a_sentence(store, texts, payloads, moments):
    run_id, *cells = texts
    part = Part(sizes=PART.sizes, times=np.array(sorted(moments)), metrics=PART.metrics)
    try:
        store.add_run(run_record(run_id, name=cells[0]), [(cell, part.key) for cell in cells], {part.key: part})
    except InvalidArgument:
        assert "\0" in "".join(texts)
        return
    units = store.units_of_run(run_id)
    assert [unit.cell for unit in units] == cells
    np.testing.assert_array_equal(store.parts([part.key])[part.key].times, part.times)
    sent = dict(zip(cells, payloads, strict=False))
    record(store, store.enter_driver(), {unit.id: sent[unit.cell] for unit in units})
    assert {block.cell: block.payload for block in store.blocks(run_id)} == sent
    assert store.delete_run(run_id) == len(cells)
