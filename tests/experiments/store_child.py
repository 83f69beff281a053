"""A driver in a process of its own: `store_child.py COMMAND LOCATION`; it says "ready", and begins when told a line."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable

from benign.experiments.states import JobResult, State
from benign.experiments.store import Store


def payload_of(unit: int) -> bytes:
    """A block that tells whether it is whole; up to 20 kB, more than a page of the database."""
    return hashlib.sha256(str(unit).encode()).digest() * (1 + 37 * unit % 640)


def say(line: str) -> None:
    """To whoever started us."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def open_store(location: str) -> None:
    """Open the store, all processes at once."""
    say("ready")
    sys.stdin.readline()
    Store.open(location).close()
    say("opened")


def claim_all(location: str) -> None:
    """Claim whatever is planned, three units at a time, and say which are ours; leave when told."""
    with Store.open(location) as store:
        driver = store.enter_driver()
        units = [unit.id for unit in store.units_of_run("first")]
        say("ready")
        sys.stdin.readline()
        mine = [unit for start in range(0, len(units), 3) for unit in store.claim(driver, units[start : start + 3])]
        say(" ".join(map(str, mine)))
        sys.stdin.readline()
        store.leave_driver(driver)


def record_all(location: str) -> None:
    """Claim and record two units at a time, and say which are recorded, until killed."""
    with Store.open(location) as store:
        driver = store.enter_driver()
        left = [unit.id for unit in store.units_of_run("first") if unit.state is State.PLANNED]
        say("ready")
        sys.stdin.readline()
        for start in range(0, len(left), 2):
            mine = store.claim(driver, left[start : start + 2])
            payloads = tuple(map(payload_of, mine))
            store.record(driver, mine, JobResult(payloads=payloads, seconds=0.1, peak_bytes=1, provenance="{}"))
            for unit in mine:
                say(str(unit))


def hold(location: str) -> None:
    """Claim everything, and then do nothing, until killed."""
    with Store.open(location) as store:
        store.claim(store.enter_driver(), [unit.id for unit in store.units_of_run("first")])
        say("ready")
        sys.stdin.readline()


COMMANDS: dict[str, Callable[[str], None]] = {
    "open": open_store,
    "claim": claim_all,
    "record": record_all,
    "hold": hold,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](sys.argv[2])
