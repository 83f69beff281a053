"""Two drivers do whatever they like, in whatever order: the store does what a dictionary would."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from benign.experiments.states import State
from benign.experiments.store import Store
from tests.experiments.stores import KINDS, located, planned, record

UNITS = 6
positions = st.lists(st.integers(0, UNITS - 1), min_size=1, max_size=UNITS, unique=True)
who = st.integers(0, 1)


@dataclass
class Modelled:
    state: State = State.PLANNED
    driver: int | None = None
    attempts: int = 0
    payload: bytes | None = None

    def become(self, state, driver=None):
        self.state, self.driver = state, driver


class Drivers(RuleBasedStateMachine):
    """The units of one run; the store may hold those of earlier examples too."""

    def __init__(self, store):
        super().__init__()
        self.store = store
        self.run_id = f"run {len(store.runs())}"
        self.ids = [unit.id for unit in planned(store, [f"{self.run_id} {i}" for i in range(UNITS)], self.run_id)]
        self.names = [store.enter_driver(), store.enter_driver()]
        self.units = [Modelled() for _ in range(UNITS)]
        self.results = 0

    def _held(self, driver, which):
        return [i for i in which if self.units[i].driver == driver]

    @rule(driver=who, which=positions)
    def claim(self, driver, which):
        free = [i for i in which if self.units[i].state is State.PLANNED]
        claimed = self.store.claim(self.names[driver], [self.ids[i] for i in which])
        assert claimed == [self.ids[i] for i in free]
        for i in free:
            self.units[i].become(State.RUNNING, driver)

    @rule(driver=who, which=positions, any_at_all=st.booleans())
    def record(self, driver, which, any_at_all):
        sent: dict[int, bytes] = {}
        for i in which if any_at_all else self._held(driver, which):
            self.results += 1
            payload = b"%d" % self.results
            sent.setdefault(self.ids[i], payload)
            if self.units[i].state is not State.DONE:
                self.units[i].become(State.DONE)
                self.units[i].payload = payload
        record(self.store, self.names[driver], sent)

    @rule(driver=who, which=positions, limit=st.integers(1, 3))
    def fail(self, driver, which, limit):
        held = self._held(driver, which)
        tried = max((self.units[i].attempts + 1 for i in held), default=0)
        expected = State.FAILED if tried >= limit else State.PLANNED
        assert self.store.fail(self.names[driver], [self.ids[i] for i in which], "error", limit=limit) is expected
        for i in held:
            self.units[i].become(expected)
            self.units[i].attempts += 1

    @rule(driver=who, which=positions)
    def release(self, driver, which):
        self.store.release(self.names[driver], [self.ids[i] for i in which])
        for i in self._held(driver, which):
            self.units[i].become(State.PLANNED)

    @rule(driver=who)
    def leave(self, driver):
        self.store.leave_driver(self.names[driver])
        for i in self._held(driver, range(UNITS)):
            self.units[i].become(State.PLANNED)

    @rule()
    def retry(self):
        failed = [unit for unit in self.units if unit.state is State.FAILED]
        assert self.store.retry(self.run_id) == len(failed)
        for unit in failed:
            unit.become(State.PLANNED)
            unit.attempts = 0

    @rule()
    def look_for_the_dead(self):
        assert self.store.release_abandoned() == 0

    @invariant()
    def the_store_says_the_same(self):
        assert [unit.state for unit in self.store.units_of_run(self.run_id)] == [unit.state for unit in self.units]
        counts = self.store.counts(self.run_id)
        assert counts == {state: sum(unit.state is state for unit in self.units) for state in State}
        failures = {failure.unit: failure.attempts for failure in self.store.failures(self.run_id)}
        assert failures == {
            number: unit.attempts
            for number, unit in zip(self.ids, self.units, strict=True)
            if unit.state is State.FAILED
        }
        stored = [block.payload for block in self.store.blocks(self.run_id)]
        assert stored == [unit.payload for unit in self.units if unit.payload is not None]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.replace(" ", "-"))
def test_a_store_does_what_a_dictionary_would(kind, tmp_path):
    examples = 25 if kind == "sqlite memory" else 10
    with located(kind, tmp_path) as location, Store.open(location) as store:
        run_state_machine_as_test(
            lambda: Drivers(store),  # type: ignore[arg-type] # a class, says its type; a factory, its name
            settings=settings(
                max_examples=examples,
                stateful_step_count=20,
                suppress_health_check=[HealthCheck.too_slow],
                deadline=None,
            ),
        )
