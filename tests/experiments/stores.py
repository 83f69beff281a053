"""Stores of each kind for the tests, what they are filled with, and the processes that work on them."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, text

from benign.experiments.parts import Part
from benign.experiments.states import JobResult, RunRecord, Unit
from benign.experiments.store import Store
from benign.experiments.store.tables import VERSION_TABLE
from tests.optional import needs

KINDS = ["sqlite file", "sqlite memory", "postgresql"]
SHARED_KINDS = ["sqlite file", "postgresql"]  # those that a second process can open
SERVER = "BENIGN_TEST_POSTGRES"  # .ci/postgres sets it

PART = Part(sizes=np.arange(1, 51), times=np.array([np.inf]), metrics=frozenset({"test_loss", "train_loss"}))
OTHER_PART = Part(sizes=np.array([1, 7, 1000]), times=np.array([0.5, 1.0, np.inf]), metrics=frozenset({"norm"}))
PARTS = {part.key: part for part in (PART, OTHER_PART)}


@contextmanager
def located(kind: str, folder: Path) -> Iterator[str]:
    """Where an empty store of this kind is; what it leaves behind is removed."""
    if kind == "sqlite file":
        yield str(folder / "deep" / "store.db")
    elif kind == "sqlite memory":
        yield ":memory:"
    else:
        with _schema() as location:
            yield location


@contextmanager
def _schema() -> Iterator[str]:
    server = os.environ.get(SERVER, "")
    needs("postgresql", bool(server), f"{SERVER} names no server; run it through .ci/postgres")
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{server}?options=-csearch_path%3D{name}"
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def run_record(run_id: str = "first", **changes: str | None) -> RunRecord:
    """A run."""
    settings: dict[str, str | None] = {"name": "A run", "grid": "{}", "declaration": None, **changes}
    return RunRecord(id=run_id, **settings)  # type: ignore[arg-type]


def planned(store: Store, cells: Sequence[str] = ("a", "b", "c"), run_id: str = "first") -> list[Unit]:
    """The units of a new run of these cells."""
    store.add_run(run_record(run_id), ((cell, PART.key) for cell in cells), PARTS)
    return store.units_of_run(run_id)


def record(
    store: Store, driver: str, blocks: Mapping[int, bytes], *, seconds: float = 0.5, provenance: str = '{"version": 1}'
) -> None:
    """Keep the block of each unit, as of one job that took so many seconds for each of them."""
    result = JobResult(
        payloads=tuple(blocks.values()), seconds=seconds * len(blocks), peak_bytes=2**40, provenance=provenance
    )
    store.record(driver, list(blocks), result)


@contextmanager
def child(command: str, location: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a command of `store_child.py`, and is told when to; killed at the end."""
    script = Path(__file__).with_name("store_child.py")
    with subprocess.Popen(
        [sys.executable, str(script), command, location], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told(*children: subprocess.Popen[str]) -> None:
    """Wait until all children are ready, then tell them to begin."""
    for process in children:
        assert heard(process) == "ready"
    for process in children:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    """The next line that a child says; empty after its end."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that nobody may write to; root, whom permissions do not bind, mounts it anew."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(0o755)
        return
    bind = subprocess.run(["mount", "--bind", str(folder), str(folder)], check=False, capture_output=True, text=True)
    needs("mount", bind.returncode == 0, f"no file system can be mounted here: {bind.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def back_to_0001(connection: Connection) -> None:
    """Take away what migration 0002 adds."""
    for column in ("run DROP COLUMN mark", "run DROP COLUMN checksum", "run DROP COLUMN units",
                   "unit DROP COLUMN checksum", "unit DROP COLUMN timed"):  # fmt: skip
        connection.execute(text(f"ALTER TABLE benign_{column}"))
    connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
