"""Damaged and prepared stores: what is shown equals what was measured, or it is said; nothing is raised or written."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import struct
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.experiments.environment import Environment
from benign.experiments.resolution import resolve_grid
from benign.experiments.running import Resolved, run_grid
from benign.experiments.states import RunRecord
from benign.experiments.store import Store
from benign.experiments.store.checksums import checksum
from benign.experiments.store.tables import VERSION_TABLE, metadata
from benign.foundation.errors import BenignError
from tests.experiments.scripted import Scripted
from tests.experiments.stores import back_to_0001, read_only

# What a damaged file holds is refused by the product itself, as where users are: not by the check of annotations.
pytestmark = pytest.mark.usefixtures("unchecked")

PAGE = 4096
EVERYTHING = ["surface", "notes", "failures", "curve"]


@dataclass(frozen=True, kw_only=True)
class Healthy:
    """A store, and all that is read from it."""

    content: bytes
    runs: tuple[str, ...]
    seen: Mapping[tuple[str, str], object]

    def __repr__(self) -> str:
        return f"<a store of {len(self.content)} bytes>"  # Hypothesis prints what its tests are given


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> Healthy:
    """Two runs that share blocks of a few numbers, each with a failure, and one whose blocks are compressed."""
    folder = tmp_path_factory.mktemp("healthy")
    procedure, source = Scripted(log=folder / "log", script={2: "refuse"}), benign.sources.mml(test_samples=5)
    with Store.open(folder / "store.db") as store:
        for name, samples, sizes in (
            ("first", [10, 20], range(1, 4)), ("second", [20, 30], range(1, 4)), ("third", [10], range(1, 300)),
        ):  # fmt: skip
            grid = resolve_grid(
                procedure, [source], sizes=list(sizes), samples=samples, replicates=3,
                metrics=["train_loss", "test_loss"],
            )  # fmt: skip
            resolved = Resolved(grid=grid, procedure=procedure, sources=[source], name=name)
            run_grid(resolved, Environment(store=store, executor="here", attempts=3))
    runs = tuple(run.id for run in benign.list_runs(folder / "store.db"))
    seen, said = looked_at(folder / "store.db", runs)
    assert not said
    assert len(runs) == 3
    return Healthy(content=(folder / "store.db").read_bytes(), runs=runs, seen=seen)


def looked_at(file: Path, runs: tuple[str, ...]) -> tuple[dict[tuple[str, str], object], list[str]]:
    """What every command that reads is made of, sentences in place of what cannot be had; and what was warned of."""
    seen: dict[tuple[str, str], object] = {}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for run in benign.list_runs(file):
            seen[run.id, "listed"] = (run.name, run.created, dict(run.counts), run.seconds, run.state)
        for position, name in enumerate(runs):
            # Each way of reading at one run: blocks are shared, and all ways read them through one door.
            ways = EVERYTHING if position == 0 else [EVERYTHING[position]]
            try:
                run = benign.open_run(name, file)
            except BenignError as error:
                seen[name, "opened"] = error
                continue
            seen[name, "opened"] = (run.name, run.created, run.record.grid, run.record.declaration)
            for way in ways:
                seen[name, way] = _read(run, way)
    return seen, [str(warning.message) for warning in heard]


def _read(run: benign.Run, way: str) -> object:
    try:
        if way == "surface":
            return run.surface.dataset
        if way == "curve":
            return run.curve("test_loss", samples=10).values
        return run.failures() if way == "failures" else run.notes
    except BenignError as error:
        return error


def judge(healthy: Healthy, content: bytes, folder: Path, *, is_malice: bool = False) -> str:
    """Assert what holds of every damaged store; return what became of it.

    Args:
        healthy: what it was.
        content: what it is.
        folder: where to put it.
        is_malice: its checksums fit: then it may say what it likes, but only in sentences.
    """
    file = folder / "store.db"
    for left in folder.glob("store.db*"):
        left.unlink()
    file.write_bytes(content)
    try:
        seen, said = looked_at(file, healthy.runs)
    except BenignError as error:
        seen, said = {}, [str(error)]
    assert file.read_bytes() == content, "a command that reads has written"
    said += [str(value) for value in seen.values() if isinstance(value, BenignError)]
    for sentence in said:
        assert "\n" not in sentence, sentence
    is_said = bool(said)
    for key, value in healthy.seen.items():
        if not is_malice and not _agree(value, seen.get(key), is_said=is_said):
            raise AssertionError(f"{key}: {seen.get(key)!r} instead of {value!r}; said: {said}")
    return "said" if is_said else "unharmed"


def _agree(value: object, seen: object, *, is_said: bool) -> bool:
    if isinstance(value, xr.Dataset) and isinstance(seen, xr.Dataset):
        return _surfaces_agree(value, seen, is_said=is_said)
    return is_said or (np.array_equal(seen, value) if isinstance(seen, np.ndarray) else seen == value)  # type: ignore[arg-type]


def _surfaces_agree(surface: xr.Dataset, seen: xr.Dataset, *, is_said: bool) -> bool:
    """Numbers that are there equal the healthy ones; that some are not there, or how they were made, is said."""
    if surface.identical(seen):
        return True
    known = surface.sel(replicate=seen["replicate"].values)
    numbers = ((known[name].values, seen[name].values) for name in known.variables if known[name].dtype.kind == "f")
    if not all(np.all((there == those) | np.isnan(there) | np.isnan(those)) for those, there in numbers):
        return False
    is_unknown = any("unknown" in str(seen.attrs.get(name)) for name in surface.attrs)
    return is_said or (is_unknown and surface.drop_attrs(deep=False).identical(seen.drop_attrs(deep=False)))


# --------------------------------------------------------------------------------------------------- damage by accident


def _flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def _anywhere(content: bytes, chance: random.Random) -> bytes:
    return _flipped(content, chance.randrange(8 * len(content)))


def _in_a_header(content: bytes, chance: random.Random) -> bytes:
    """The first bytes of a page say where everything on it is."""
    return _flipped(content, 8 * PAGE * chance.randrange(len(content) // PAGE) + chance.randrange(8 * 64))


def _in_the_first_page(content: bytes, chance: random.Random) -> bytes:
    """The file's header and its schema."""
    return _flipped(content, chance.randrange(8 * PAGE))


def _zeroed(content: bytes, chance: random.Random) -> bytes:
    at = PAGE * chance.randrange(len(content) // PAGE)
    return content[:at] + bytes(PAGE) + content[at + PAGE :]


def _swapped(content: bytes, chance: random.Random) -> bytes:
    one, other = sorted(PAGE * place for place in chance.sample(range(len(content) // PAGE), 2))
    pages = content[one : one + PAGE], content[other : other + PAGE]
    return content[:one] + pages[1] + content[one + PAGE : other] + pages[0] + content[other + PAGE :]


def _truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(1, len(content))]


def _overwritten(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) - 512)
    return content[:at] + chance.randbytes(chance.randrange(2, 512)) + content[at + 512 :]


ACCIDENTS: dict[Callable[[bytes, random.Random], bytes], int] = {
    _anywhere: 70, _in_a_header: 40, _in_the_first_page: 20, _zeroed: 10, _swapped: 15, _truncated: 10,
    _overwritten: 15,
}  # fmt: skip


@pytest.mark.parametrize("accident", ACCIDENTS, ids=lambda accident: accident.__name__.strip("_"))
def test_an_accident_is_said_or_does_no_harm(healthy, tmp_path, accident):
    became = {judge(healthy, accident(healthy.content, random.Random(i)), tmp_path) for i in range(ACCIDENTS[accident])}
    assert "said" in became


@pytest.mark.long
@pytest.mark.parametrize("start", range(0, 50, 10))
def test_every_fiftieth_bit(healthy, tmp_path, start):
    bits = range(start, 8 * len(healthy.content), 500)
    assert "said" in {judge(healthy, _flipped(healthy.content, bit), tmp_path) for bit in bits}


# ------------------------------------------------------------------------------------------------------ hostile values


COLUMNS = [(table.name, column.name) for table in metadata.sorted_tables for column in table.columns]
COLUMNS.append((VERSION_TABLE, "version_num"))
HOSTILE = st.one_of(
    st.sampled_from(
        [None, "", "\0", "1", ("x", 100_000), ("[", 100_000), ('{"a":', 5_000), '{"samples": [1e999]}', "\x1b[2J"]
    ),
    st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary(max_size=50), st.text(max_size=20),
)  # fmt: skip


def check_hostile_value(healthy, tmp_path, place, value, fits):
    """With checksums as they were, and made to fit, as somebody would who means harm."""
    (table, column), file = place, tmp_path / "prepared.db"
    for left in tmp_path.glob("prepared.db*"):
        left.unlink()
    file.write_bytes(healthy.content)
    text, times = value if isinstance(value, tuple) else (value, None)
    _prepare(file, f"UPDATE {table} SET {column} = ?", text if times is None else text * times)
    if fits:
        _make_fit(file)
    became = judge(healthy, file.read_bytes(), tmp_path, is_malice=fits or column in UNREAD)
    assert became in ("said", "unharmed")


PREPARED = {"place": st.sampled_from(COLUMNS), "value": HOSTILE, "fits": st.booleans()}


@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(**PREPARED)
def test_a_hostile_value(healthy, tmp_path, place, value, fits):
    check_hostile_value(healthy, tmp_path, place, value, fits)


@pytest.mark.long
@settings(max_examples=1_000, suppress_health_check=list(HealthCheck))
@given(**PREPARED)
def test_many_hostile_values(healthy, tmp_path, place, value, fits):
    check_hostile_value(healthy, tmp_path, place, value, fits)


# What says nothing of a run that is not said elsewhere, too, or is a driver's.
UNREAD = {"finished", "mark", "version_num", "heartbeat", "host", "pid", "started"}


def _prepare(file: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(file)) as connection, suppress(sqlite3.IntegrityError):
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement, values)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _make_fit(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.text_factory = lambda text: text.decode(errors="surrogateescape")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        runs = connection.execute("SELECT number, id, name, grid, declaration, created FROM benign_run").fetchall()
        blocks = connection.execute(
            "SELECT u.id, u.cell, p.key, u.seconds, u.peak_bytes, u.provenance, b.payload"
            " FROM benign_unit u LEFT JOIN benign_part p ON p.number = u.part JOIN benign_block b ON b.unit = u.id"
        ).fetchall()
        connection.executemany(
            "UPDATE benign_run SET checksum = ? WHERE number = ?", [(checksum(*facts), n) for n, *facts in runs]
        )
        connection.executemany(
            "UPDATE benign_unit SET timed = seconds, checksum = ? WHERE id = ?",
            [(checksum(*facts, payload=content), n) for n, *facts, content in blocks if isinstance(content, bytes)],
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON benign_driver BEGIN DELETE FROM benign_run; END",
        "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "ALTER TABLE benign_block ADD COLUMN huge BLOB AS (zeroblob(900000000))",
    ],
    ids=["trigger", "view", "computed column"],
)
def test_a_file_that_computes_is_left_alone(healthy, tmp_path, statement):
    file = tmp_path / "store.db"
    file.write_bytes(healthy.content)
    _prepare(file, statement)
    with pytest.raises(BenignError, match="is the database of another application, and was left as it is"):
        benign.list_runs(file)


def test_a_part_that_unpacks_to_gigabytes_is_not_unpacked(healthy, tmp_path, monkeypatch):
    file = tmp_path / "store.db"
    file.write_bytes(healthy.content)
    monkeypatch.setattr("benign.experiments.store.encoded_parts._MOST_BYTES", 2**20)
    _prepare(file, "UPDATE benign_part SET sizes = ?", zlib.compress(bytes(2**28), 9))
    tracemalloc.start()
    seen, said = looked_at(file, healthy.runs)
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()
    assert not said
    assert "damaged blocks and nothing else" in str(seen[healthy.runs[0], "surface"])


# -------------------------------------------------------------------------------------- commands, and what resume mends

EXPERIMENT = """
name = "small"
samples = [10, 20]
sizes = [1, 2, 3]
replicates = 3

[source]
name = "mml"
test_samples = 5

[procedure]
name = "polynomial"

[execution]
executor = "here"
"""


@pytest.fixture(scope="module")
def declared(tmp_path_factory) -> tuple[Path, bytes, str]:
    """A file, its finished store and its run."""
    folder = tmp_path_factory.mktemp("declared")
    (folder / "small.toml").write_text(EXPERIMENT, encoding="utf-8")
    run = benign.run(folder / "small.toml", store=folder / "store.db")
    return folder / "small.toml", (folder / "store.db").read_bytes(), run.id


DAMAGES = {
    "a block": "UPDATE benign_block SET payload = zeroblob(length(payload)) WHERE unit = 2",
    "a block that is lost": "DELETE FROM benign_block WHERE unit IN (1, 4)",
    "seconds": "UPDATE benign_unit SET seconds = 1e6 WHERE id = 3",
    "a state": "UPDATE benign_unit SET state = 'dnoe' WHERE id = 3",
    "a cell": "UPDATE benign_unit SET cell = 'x' WHERE id = 3",
    "a unit's part": "UPDATE benign_unit SET part = 77 WHERE id = 3",
    "a unit that is lost": "DELETE FROM benign_unit WHERE id = 3",
    "a member": "DELETE FROM benign_member WHERE unit = 3",
    "all members": "DELETE FROM benign_member",
    "a part": "UPDATE benign_part SET times = x'00'",
    "a part's key": "UPDATE benign_part SET key = 'x'",
    "the sum of units": "UPDATE benign_run SET units = 1",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_resume_measures_again_what_is_damaged(declared, tmp_path, damage):
    _, content, name = declared
    file = tmp_path / "store.db"
    file.write_bytes(content)
    whole = benign.open_run(name, file).surface.dataset.drop_attrs(deep=False)
    _prepare(file, DAMAGES[damage])
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        seen = _read(benign.open_run(name, file), "surface")
        assert heard or "damaged blocks" in str(seen)
        benign.open_run(name, file).resume()
    assert "is measured again" in str(heard[-1].message)
    run = benign.open_run(name, file)  # and from here on nothing is to be said
    assert run.surface.dataset.drop_attrs(deep=False).identical(whole)
    assert (run.state, run.done) == ("done", 6)


def _called(*arguments: str | Path) -> tuple[int, str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("column", ["name", "grid", "declaration", "created"])
def test_a_damaged_run_gets_a_sentence_in_every_command_and_hides_no_other(declared, tmp_path, column):
    toml, content, name = declared
    file = tmp_path / "store.db"
    file.write_bytes(content)
    with Store.open(file) as store:
        store.add_run(replace(store.run(name), id="another"), [], {})
    _prepare(file, f"UPDATE benign_run SET {column} = x'80ff' WHERE id = ?", name)
    code, printed, said = _called("runs", "--store", file)
    assert code == 0
    assert "another" in printed
    assert f"Damaged in the store {file}, and left out: {name!r}" in said.replace("\n", " ")
    for command in ("show", "export", "resume", "delete"):
        code, printed, said = _called(command, name, "--store", file)
        assert (code, printed) == (2, "")
        assert f"benign: The run {name!r} is damaged in the store; start it again with `benign run FILE`" in said
    for command in ("plan", "run"):  # which writes it anew
        code, printed, _ = _called(command, toml, "--store", file)
        assert code == 0
    assert benign.open_run(name, file).surface.dataset["test_loss"].notnull().all()


def test_commands_say_what_is_damaged_and_print_the_rest(declared, tmp_path, monkeypatch):
    _, content, name = declared
    file = tmp_path / "store.db"
    file.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    _prepare(file, DAMAGES["a block"])
    for command, what in (["export", f"{name}.parquet"], ["show", "Note: Blocks that are damaged in the store, and"]):
        code, printed, said = _called(command, name, "--store", file)
        assert code == 0, said
        assert what in printed
        assert f"left out: 1 of the 6 measured blocks of {name}" in said
    code, _, said = _called("resume", name, "--store", file)
    assert code == 0, said
    assert f"Warning: What is damaged of {name} in the store is measured again." in said


def test_a_command_to_type_takes_a_stranger_s_name_as_one_word(declared, tmp_path):
    _, content, name = declared
    file = tmp_path / "store.db"
    file.write_bytes(content)
    with Store.open(file) as store:
        units = [(unit.cell, unit.part) for unit in store.units_of_run(name)]
        store.add_run(replace(store.run(name), id="one; two"), units, {})
    _prepare(file, DAMAGES["a block"])
    with pytest.warns(UserWarning, match=r"measure again with: benign resume 'one; two'$"):
        _ = benign.open_run("one; two", file).surface


# --------------------------------------------------------------------------------------------- stores to be looked at


def test_a_store_that_cannot_be_written_is_looked_at(healthy, tmp_path):
    file = tmp_path / "store.db"
    file.write_bytes(healthy.content)
    with read_only(tmp_path):
        seen, said = looked_at(file, healthy.runs)
        code, printed, _ = _called("runs", "--store", file)
        assert (code, "first" in printed) == (0, True)
        with pytest.raises(BenignError, match=r"cannot be written \(attempt to write a readonly database\)"):
            benign.open_run(healthy.runs[0], file).delete()
    assert not said
    assert all(_agree(value, seen[key], is_said=False) for key, value in healthy.seen.items())
    assert [path.name for path in tmp_path.iterdir()] == ["store.db"]


def test_an_older_store_that_cannot_be_written_is_looked_at(healthy, tmp_path):
    file = tmp_path / "store.db"
    file.write_bytes(healthy.content)
    with Store.open(file) as store:
        store._transactions.writing(back_to_0001)
    with read_only(tmp_path):
        seen, said = looked_at(file, healthy.runs)
        with pytest.raises(BenignError, match=r"cannot be written \(attempt to write a readonly database\)"):
            benign.open_run(healthy.runs[0], file).delete()
    assert not said
    assert all(_agree(value, seen[key], is_said=False) for key, value in healthy.seen.items())


@pytest.mark.parametrize("has_index", [True, False], ids=["with its index", "alone"])
def test_a_log_beside_a_store_that_cannot_be_written(healthy, tmp_path, has_index):
    """What a driver has not yet written into the file is seen if SQLite can share the log; if not, that is said."""
    file = tmp_path / "kept" / "store.db"
    file.parent.mkdir()
    (tmp_path / "store.db").write_bytes(healthy.content)
    with Store.open(tmp_path / "store.db") as store:
        store.add_run(RunRecord(id="new", name="new", grid="{}", declaration=None), [], {})
        for suffix in ("", "-wal", "-shm")[: 3 if has_index else 2]:
            shutil.copy(f"{tmp_path}/store.db{suffix}", f"{file}{suffix}")
    with read_only(file.parent), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        names = {run.id for run in benign.list_runs(file)}
    assert ("new" in names) == has_index
    said = [str(warning.message) for warning in heard]
    assert bool(said) != has_index
    assert all(
        "cannot be written here, so it is only looked at: what stands in store.db-wal" in words for words in said
    )


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
@pytest.mark.parametrize("content", [b"", b"\xff" * 5_000], ids=["empty", "damaged"])
def test_a_damaged_file_beside_a_store(healthy, tmp_path, suffix, content):
    file = tmp_path / "store.db"
    file.write_bytes(healthy.content)
    Path(f"{file}{suffix}").write_bytes(content)
    seen, said = looked_at(file, healthy.runs)
    assert said or all(_agree(value, seen[key], is_said=False) for key, value in healthy.seen.items())


def _names_another_file(file: Path, other: Path) -> None:
    """Make a journal that SQLite plays back at the first look; then it deletes the other file, which it names."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    page, name, nonce = file.read_bytes()[:PAGE], str(other).encode(), 1
    magic = bytes.fromhex("d9d505f920a163d7")
    header = (magic + struct.pack(">5I", 1, nonce, file.stat().st_size // PAGE, 512, PAGE)).ljust(512, b"\0")
    record = struct.pack(">I", 1) + page + struct.pack(">I", nonce + sum(page[PAGE - 200 : 0 : -200]))
    ending = struct.pack(">I", 2**30 // PAGE + 1) + name + struct.pack(">2I", len(name), sum(name)) + magic
    Path(f"{file}-journal").write_bytes(header + record + ending)


def test_a_journal_that_names_another_file_is_not_obeyed(healthy, tmp_path):
    file, precious = tmp_path / "store.db", tmp_path / "precious.txt"
    precious.write_text("mine")
    file.write_bytes(healthy.content)
    _names_another_file(file, precious)
    with closing(sqlite3.connect(shutil.copy(file, tmp_path / "alone.db"))) as connection:  # it is a store
        connection.execute("SELECT count(*) FROM benign_run")
    before = _all_in(tmp_path)
    done = CliRunner().invoke(app, ["runs", "--store", str(file)])
    assert done.exit_code == 2
    assert "is no journal of a store" in done.stderr
    assert _all_in(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_pipe_in_place_of_a_journal_is_not_waited_at(healthy, tmp_path):
    file = tmp_path / "store.db"
    file.write_bytes(healthy.content)
    os.mkfifo(f"{file}-journal")
    with pytest.raises(BenignError, match="is no journal of a store"):
        benign.list_runs(file)


def _all_in(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["attributes", "title"], ["x"]), (["attributes", "classes"], 10**30), (["attributes", ""], "x"),
        (["attributes", "size_name"], "a\0b"), (["attributes"], []), (["samples"], ["a", "b"]),
        (["samples"], [1.5, 2.5]), (["samples"], [10**20]), (["label_noise"], ["x"]),
        (["label_noise"], [[1]]), (["label_noise"], [10**400]), (["times"], ["nan"]), (["procedure"], "x"),
        (["sources"], [None]),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else None,
)  # fmt: skip
def test_a_grid_of_other_types_is_a_sentence_in_every_command(healthy, tmp_path, place, value):
    file = tmp_path / "store.db"
    file.write_bytes(healthy.content)
    with closing(sqlite3.connect(file)) as connection:
        (text,) = connection.execute("SELECT grid FROM benign_run WHERE id = ?", [healthy.runs[0]]).fetchone()
    grid = changed = json.loads(text)
    for key in place[:-1]:
        changed = changed[key]
    changed[place[-1]] = value
    text = json.dumps(grid, sort_keys=True, separators=(",", ":"))
    _prepare(file, "UPDATE benign_run SET grid = ? WHERE id = ?", text, healthy.runs[0])
    _make_fit(file)
    for command in (["show"], ["export", "--to", "netcdf", "--out", str(tmp_path / "out.nc")]):
        done = CliRunner().invoke(app, [*command, "--store", str(file), "--", healthy.runs[0]])
        assert done.exit_code == 2, (done.output, done.exception)
        assert "is damaged and cannot be read" in done.stderr


@pytest.mark.parametrize("metrics", [[], ["train_loss"]], ids=["none", "one"])
def test_a_grid_that_lacks_the_losses_is_shown_without_curves(healthy, tmp_path, metrics):
    file, run = tmp_path / "store.db", healthy.runs[0]  # of many sizes
    file.write_bytes(healthy.content)
    with closing(sqlite3.connect(file)) as connection:
        (text,) = connection.execute("SELECT grid FROM benign_run WHERE id = ?", [run]).fetchone()
    text = json.dumps({**json.loads(text), "metrics": metrics}, sort_keys=True, separators=(",", ":"))
    _prepare(file, "UPDATE benign_run SET grid = ? WHERE id = ?", text, run)
    _make_fit(file)
    done = CliRunner().invoke(app, ["show", "--store", str(file), "--", run])
    assert done.exit_code == 0, (done.output, done.exception)
    assert "too few sizes for a curve" in done.stdout
