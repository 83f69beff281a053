"""A store, a file or a folder prepared by somebody else: it is read and does nothing; what is used is named first."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import benign
from benign.cli.main import app
from benign.cli.run_display import displayed
from benign.experiments import trust
from benign.experiments.declaration import Experiment
from benign.experiments.declaration.reach import stored_reach
from benign.experiments.states import RunRecord
from benign.experiments.store import Store
from benign.foundation.file_names import file_name
from tests.hostile.commands import SECONDS, environment_of
from tests.hostile.commands import benign as in_a_process

MODULE = """
from pathlib import Path
Path({trace!r}).touch()
from benign.sources import mml as theirs
"""
TERMINAL = "\x1b[2J\x1b]52;c;cm0gLXJm\x07\x9b31m\r\x08\u202e\u2066\x00\x7f"
NAMES = ["../../../up", "/absolute", "..", ".hidden", "-rf", "con", "nul.x", "a\nb", "a\\b", "C:x", "Upper", "x" * 400]


def run(*arguments: object) -> Result:
    """A command, in this process; whatever is raised and no exit code is raised here."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def sentence(done: Result, *words: str) -> None:
    """It ended with exit code 2 and one sentence."""
    assert done.exit_code == 2, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("benign: ")]
    for word in words:
        assert word in line, line


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that one is in, with a user's own folders around it."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return place


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Become another user of this machine."""
    return lambda: monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "theirs"))


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is there once an installed plug-in has been imported."""
    made, metadata = tmp_path / "imported", tmp_path / "plug_in" / "a_plug_in-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plug-in\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[benign.sources]\ntheirs = their_module:theirs\n")
    (metadata.parent / "their_module.py").write_text(MODULE.format(trace=str(made)))
    monkeypatch.syspath_prepend(metadata.parent)
    monkeypatch.delitem(sys.modules, "their_module", raising=False)
    return made


def declared(place: Path, store: str | None = None) -> benign.Run:
    """A run of a few numbers that was declared by names, and is not finished."""
    experiment = Experiment(
        source="mml", procedure="polynomial", samples=[5], sizes=[1, 2], replicates=2, name="theirs"
    )
    return benign.run(experiment, store=store or place / "runs.db", executor="here", max_minutes=1e-9)


def prepared(place: Path, run_id: str = "theirs", **changes: object) -> RunRecord:
    """A record that somebody who knows how a store is written has put into one."""
    record = replace(declared(place).record, id=run_id, mark=None, **changes)  # type: ignore[arg-type]
    with Store.open(place / "runs.db") as store:
        store.add_run(record, [], {})
    return record


def hostile(**execution: object) -> str:
    """A declaration that asks for all that one can be asked for."""
    return json.dumps(
        {
            "name": "theirs", "source": {"name": "theirs"}, "procedure": "polynomial", "samples": [5], "sizes": [1, 2],
            "replicates": 2, "modules": ["os"], "loggers": {"mlflow": "http://127.0.0.1:9"},
            "execution": {"executor": "ray", "address": "127.0.0.1:9", "store": "postgresql://h/x", **execution},
        }
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- trust


def test_what_was_declared_here_goes_on_unasked(here: Path) -> None:
    declared(here)
    assert "2 of 2 blocks are done" in run("resume", "theirs", "--store", "runs.db", "--executor", "here").stdout
    assert declared(here, ":memory:").resume(executor="here").state == "done"


def test_what_was_declared_elsewhere_needs_trust_once_and_keeps_its_owners_mark(
    here: Path, elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = os.environ["XDG_CONFIG_HOME"]
    elsewhere()
    declared(here)
    theirs = os.environ["XDG_CONFIG_HOME"]
    resume = ("resume", "theirs", "--store", "runs.db", "--executor", "here")
    monkeypatch.setenv("XDG_CONFIG_HOME", mine)
    for asked in (resume, (*resume, "--json")):
        sentence(
            run(*asked),
            "is not marked as yours (declared elsewhere, or by an older benign)",
            "resuming it computes",
            "--trust",
        )
    with pytest.raises(PermissionError, match="trust=True"):
        benign.open_run("theirs", here / "runs.db").resume()
    assert benign.open_run("theirs", here / "runs.db").done == 0
    assert run(*resume, "--trust", "--max-minutes", "1e-9").exit_code == 0
    for home in (mine, theirs):
        monkeypatch.setenv("XDG_CONFIG_HOME", home)
        assert run(*resume).exit_code == 0


def test_a_declaration_that_was_changed_is_nobodys(here: Path) -> None:
    mine = declared(here).record
    assert trust.is_ours(mine)
    assert not trust.is_ours(replace(mine, declaration=f"{mine.declaration} "))
    assert not trust.is_ours(replace(mine, id="other"))
    assert not trust.is_ours(replace(mine, mark="0" * 64))
    assert not trust.is_ours(replace(mine, mark="é \ud800 x"))


def test_marks_of_many_users_stay_a_line(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunRecord(id="x", name="x", grid="{}", declaration="{}")
    for user in range(40):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / f"user{user}"))
        record = trust.marked(record, record)
    assert trust.is_ours(record)
    assert len(record.mark or "") < 2000


def test_the_key_is_made_once_whole_and_for_its_owner_alone(here: Path, tmp_path: Path) -> None:
    code = (
        "import benign.experiments.trust as t, benign.experiments.states as s\n"
        "print(t.marked(s.RunRecord(id='x', name='x', grid='', declaration='x'), None).mark)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], env={**os.environ}, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    first, second = (process.communicate(timeout=120)[0] for process in both)
    assert first == second
    assert re.fullmatch("[0-9a-f]{64}\n", first)
    key = tmp_path / "mine" / "benign" / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(made := key.read_bytes()) == 32
    assert trust._read(key) == key.read_bytes() == made  # another process comes second


def spoil_by_file(folder: Path) -> None:
    folder.touch()


def spoil_by_length(folder: Path) -> None:
    folder.mkdir()
    (folder / "key").write_bytes(b"short")
    (folder / "key").chmod(0o600)


def spoil_by_mode(folder: Path) -> None:
    folder.mkdir()
    (folder / "key").write_bytes(bytes(32))
    (folder / "key").chmod(0o644)


def spoil_by_kind(folder: Path) -> None:
    (folder / "key").mkdir(parents=True)


@pytest.mark.parametrize("spoil", [spoil_by_file, spoil_by_length, spoil_by_mode, spoil_by_kind])
def test_without_a_key_one_warning_says_what_to_do_and_this_process_goes_on(
    here: Path, tmp_path: Path, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "_WHOLE_WITHIN_SECONDS", 0.0)
    trust._key.cache_clear()
    (tmp_path / "mine").mkdir()
    spoil(tmp_path / "mine" / "benign")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        unfinished = declared(here)
        assert unfinished.resume(executor="here").state == "done"
    (warning,) = [str(one.message) for one in heard]
    assert str(tmp_path / "mine" / "benign") in warning
    assert "XDG_CONFIG_HOME" in warning
    trust._key.cache_clear()  # as another process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(benign.BenignError, match="--trust"):
            benign.open_run("theirs", here / "runs.db").resume()
    trust._key.cache_clear()


def answering(answer: str, place: Path) -> tuple[int, str]:
    """`benign resume theirs` on a terminal, where the first question is answered so."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "benign", "resume", "theirs", "--store", "runs.db", "--executor", "here"], cwd=place,
        env=environment_of(place, TERM="dumb"), stdin=end, stdout=end, stderr=end, start_new_session=True,
    )  # fmt: skip
    os.close(end)
    told = b""
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            more = os.read(terminal, 1000)
        except OSError:  # the other end is closed
            break
        told += more
        if b"[y/N]" in told and answer:
            os.write(terminal, answer.encode() + b"\n")
            answer = ""
    os.close(terminal)  # which ends it where it hangs
    return process.wait(timeout=SECONDS), told.decode()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), pytest.param("n", 2, marks=pytest.mark.long)])
def test_on_a_terminal_it_asks_once(here: Path, answer: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    declared(here)
    ended, told = answering(answer, here)
    assert ended == code, told
    assert "by an older benign): resuming it computes, with what comes with benign alone. Trust it? [y/N]" in told
    assert told.count("y/N") == 1
    monkeypatch.setenv("XDG_CONFIG_HOME", str(here / ".config"))
    assert benign.open_run("theirs", here / "runs.db").is_trusted == (answer == "y")


# ------------------------------------------------------------------------------------------------------ only reading


@pytest.mark.parametrize("store", ["runs.db", None])
def test_whatever_a_store_declares_nothing_of_it_is_used(
    here: Path, trace: Path, store: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection would raise: in these tests, all do."""
    monkeypatch.setenv("BENIGN_STORE", str(here / "runs.db"))
    prepared(here, declaration=hostile())
    place = () if store is None else ("--store", store)
    for words in (
        ("runs",), ("runs", "--json"), ("show", "theirs"), ("show", "theirs", "--json"), ("export", "theirs"),
        ("resume", "theirs"), ("resume", "theirs", "--json"),
    ):  # fmt: skip
        assert run(*words, *place).exit_code in {0, 2}
        assert not trace.exists(), words
    assert "127.0.0.1" not in run("show", "theirs", *place).output
    sentence(run("resume", "theirs", *place), "runs the module their_module of the distribution 'a-plug-in', joins Ray")
    assert "Deleted" in run("delete", "theirs", *place).stdout
    assert not trace.exists()


def test_trusted_it_is_named_before_it_is_used_and_goes_into_its_own_store(
    here: Path, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENIGN_STORE", str(here / "runs.db"))
    prepared(here, declaration=hostile())
    done = run("resume", "theirs", "--trust", "--executor", "here")
    assert done.stderr.startswith("theirs runs the module their_module of the distribution 'a-plug-in'.\n")
    assert "stored experiment: loggers: there is no such key" in done.stderr
    assert done.exit_code == 2
    assert trace.exists()
    kept = json.loads(hostile(executor="here"))
    del kept["modules"], kept["loggers"], kept["source"]
    experiment = Experiment.from_json(json.dumps({**kept, "source": "mml"}))
    mine = declared(here)
    assert replace(mine.record, declaration=experiment.to_json()).declaration != mine.record.declaration
    with Store.open(here / "runs.db") as store:
        store.add_run(replace(mine.record, declaration=experiment.to_json(), mark=None), [], {})
    done = run("resume", mine.id, "--trust")
    assert "2 of 2 blocks are done" in done.stdout, done.output


@pytest.mark.parametrize("declaration", ["[]", "{", "null", "1", "[" * 100_000, '{"source": [1], "execution": "x"}'])
def test_a_declaration_that_is_none_reaches_for_nothing_and_is_a_sentence(here: Path, declaration: str) -> None:
    assert stored_reach(declaration).words() == []
    prepared(here, declaration=declaration)
    sentence(run("resume", "theirs", "--store", "runs.db"), "declared elsewhere")
    sentence(run("resume", "theirs", "--store", "runs.db", "--trust"), "stored experiment")


# ------------------------------------------------------------------------------------------------------ names as files


@given(
    st.lists(
        st.text(max_size=150) | st.sampled_from(NAMES) | st.from_regex("[._a-zA-Z0-9-]*", fullmatch=True), max_size=9
    )
)
def test_file_names_are_harmless_and_different(names: list[str]) -> None:
    names = [*names, *NAMES]
    made = [file_name(name) for name in {*names, *map(file_name, names)}]
    assert len({name.casefold() for name in made}) == len({*names, *map(file_name, names)})
    for name in made:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name)
        assert name[-1] != "."
    assert not {"con", "nul.x", ".hidden", "-rf"} & set(made)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the same measured run under many names."""
    folder = tmp_path_factory.mktemp("named")
    store = folder / "runs.db"
    source = benign.sources.mml(test_samples=5)
    benign.measure(benign.Polynomial(), source, sizes=range(1, 8), samples=[5], replicates=2, store=store, name="own")
    (own,) = benign.list_runs(store)
    with Store.open(store) as opened:
        units = [(unit.cell, unit.part) for unit in opened.units_of_run(own.id)]
        for name in NAMES:
            opened.add_run(replace(own.record, id=name, name=f"{name} {TERMINAL}".replace("\0", "")), units, {})
    return folder


def test_whatever_a_run_is_called_its_files_stay_where_they_belong(
    here: Path, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = here / "a" / "b" / "c" / "d"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    for name in NAMES:
        assert run("export", "--to", "csv", "--store", named / "runs.db", "--", name).exit_code == 0
    assert len(list(place.iterdir())) == len(NAMES)
    shown = run("show", "--store", named / "runs.db", "--json", "--", NAMES[0])
    assert {Path(file).parts[0] for file in json.loads(shown.stdout)["files"]} == {"benign-report"}
    outside = [file for file in here.rglob("*") if file.is_file() and place not in file.parents]
    assert not outside
    (report,) = (place / "benign-report").iterdir()
    assert report.name == file_name(NAMES[0])
    for name in ("-rf", "a\nb"):
        command = shlex.split(benign.open_run(name, named / "runs.db").command("export"))
        assert run(*command[1:]).exit_code == 0


@pytest.mark.parametrize(
    "link", ["benign-report", "benign-report/own", "benign-report/own/test_loss_n5.png", "own.csv"]
)
def test_no_link_leads_what_nobody_named_elsewhere(here: Path, named: Path, tmp_path: Path, link: str) -> None:
    (own,) = [one.id for one in benign.list_runs(named / "runs.db") if one.id.startswith("own")]
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").write_text("theirs")
    place = here / link.replace("own", own)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(theirs / "file" if place.suffix else theirs)
    words = ("export", own, "--to", "csv") if link == "own.csv" else ("show", own)
    if link == "benign-report":
        sentence(run("figure", "mml_polynomial", "--scale", "smoke"), "is a link to another place", "--out")
        sentence(run("demo", "--scale", "smoke"), "is a link to another place", "--out")
    sentence(run(*words, "--store", named / "runs.db"), "is a link to another place", "--out")
    assert [file.name for file in theirs.iterdir()] == ["file"]
    assert (theirs / "file").read_text() == "theirs"


# ----------------------------------------------------------------------------------------------- control characters


def obeyed(text: str) -> list[str]:
    """What a terminal would obey in it."""
    return [letter for letter in text if not letter.isprintable() and letter != "\n"]


def test_no_command_prints_what_a_terminal_obeys(here: Path, named: Path) -> None:
    store = ("--store", named / "runs.db")
    for words in (
        ("runs",),
        ("runs", "--all"),
        ("show", "--", "a\nb"),
        ("show", "nope"),
        ("export", "nope" + TERMINAL),
    ):
        done = run(*words[:1], *store, *words[1:])
        assert not obeyed(done.output), words
    for words in (("runs",), ("show", "Upper")):
        assert json.loads(run(*words, *store, "--json").stdout)
    lines = run("runs", *store).stdout.splitlines()
    assert len(lines) == len(NAMES) + 2
    assert max(map(len, lines)) <= 100


def test_titles_failures_and_origins_are_text_alone(here: Path) -> None:
    theirs = declared(here)
    grid = json.loads(theirs.record.grid)
    grid["attributes"]["title"] = TERMINAL.replace("\0", "")  # with a NUL it would be damaged
    prepared(here, grid=json.dumps(grid, sort_keys=True, separators=(",", ":")), name="x" + TERMINAL.replace("\0", ""))
    with Store.open(here / "runs.db") as store:
        driver = store.enter_driver()
        (unit, *_) = store.units_of_run(theirs.id)
        store.claim(driver, [unit.id])
        store.fail(driver, [unit.id], f"Traceback\nValueError: {TERMINAL}", limit=1)
    assert "?[2J?]52;c;cm0gLXJm??31m" in run("show", "theirs", "--store", "runs.db").stdout
    for words in (("show", "theirs"), ("show", theirs.id), ("resume", theirs.id, "--executor", "here")):
        done = run(*words, "--store", "runs.db")
        assert done.stdout, done
        assert not obeyed(done.output), words


def test_nor_does_the_answer_of_a_process_of_its_own(here: Path) -> None:
    text = f'{SMALL}source = "mml"\n[execution]\nexecutor = "here"\nstore = "a\\u202eb.db"\n'
    (here / "theirs.toml").write_text(text, encoding="utf-8")
    done = in_a_process("run", "theirs.toml", place=here)
    assert done.returncode == 0, done
    assert "a?b.db" in done.stdout
    assert not obeyed(done.stdout + done.stderr)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_draws_and_what_is_printed_meanwhile_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with displayed("bar"):
        sys.stderr.write(f"{TERMINAL}\n")
    told = terminal.getvalue()
    assert "\x1b[" in told  # the bar's own
    assert not {"\x07", "\x9b", "\u202e", "\x00"} & set(told)
    assert "\x1b]52" not in told
    assert "?]52" in told


# ------------------------------------------------------------------------------------------------------ files of others

SMALL = 'samples = [5]\nsizes = [1, 2]\nreplicates = 2\nprocedure = "polynomial"\n'
TABLE = 'source = {{ name = "table", path = "{}", target = "y" }}\n'


@pytest.mark.parametrize(
    ("text", "named_first", "words"),
    [
        (f'{SMALL}source = "mml"\nmodules = ["os"]\n', "", "modules: there is no such key"),
        (f'{SMALL}source = "their_module:theirs"\n', "", "there is no source"),
        (f'{SMALL}source = "../x y"\n', "", "there is no source"),
        (SMALL + TABLE.format("/dev/zero"), "reads /dev/zero", "source.path: "),
        (SMALL + TABLE.format("/tmp"), "reads /tmp", "source.path: "),
        (SMALL + TABLE.format("fifo.csv"), "", "source.path: "),
        (SMALL + TABLE.format("\\u0000.csv"), "reads /", "source.path: "),
        (f'{SMALL}source = "mml"\n[execution]\nstore = "FOREIGN"\n', "keeps its results in FOREIGN", "a file"),
        (f'{SMALL}source = "mml"\n[execution]\nexecutor = "ray"\naddress = "h:9"\n', "joins Ray at h:9", "needs"),
        (f"{SMALL}x = {'[' * 5000}{']' * 5000}\n", "", "too deep"),
        (f'{SMALL}source = "mml"\n{".".join(["a"] * 5_000)} = 1\n', "", "too deep"),
        (f'{SMALL}source = "mml"\n' + r'"\"".' * 5_000 + "a = 1\n", "", "too deep"),
        (f'{SMALL}source = "mml"\n' + "".join(f"k{i} = 1\n" for i in range(50_000)), "", "more than 1,000 keys"),
        (f"{SMALL}[source]\n" + "".join(f"k{i} = 1\n" for i in range(50_000)), "", "source: holds more than"),
        (f'{SMALL}source = "mml"\nlabel_noise = {{ from = 0, to = 0.5, count = 1000000 }}\n', "", "at most 1,000"),
        (f'{SMALL}source = "mml"\nname = "\\u001b]52;c;x\\u0007"\n', "", "printable"),
        (f'{SMALL}source = "mml"\nseed = {"9" * 5000}\n', "", "digits"),
    ],
    ids=lambda value: value[-40:].split("\n")[-2] if value.count("\n") > 1 else None,
)  # fmt: skip
def test_an_intruders_file_is_a_sentence_and_what_it_names_is_named(
    here: Path, text: str, named_first: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, named_first = (part.replace("FOREIGN", str(tmp_path / "passwd")) for part in (text, named_first))
    os.mkfifo(here / "fifo.csv")
    (here / "theirs.toml").write_text(text, encoding="utf-8")
    monkeypatch.setitem(sys.modules, "ray", None)  # installed or not
    monkeypatch.setenv("BENIGN_STORE", str(here / "runs.db"))
    foreign = tmp_path / "passwd"  # not the machine's own: a fault would write it
    foreign.write_bytes(before := b"root:x:0:0\n" * 40)
    for verb in ("run", "plan"):
        if verb == "plan" and "Ray" in named_first:
            continue
        done = run(verb, "theirs.toml")
        assert re.search(words, done.stderr), done.stderr
        assert done.exit_code == 2
        assert (f"theirs.toml {named_first}" in done.stderr) == bool(named_first), done.stderr
        assert not obeyed(done.output)
    assert foreign.read_bytes() == before


def test_a_plug_in_is_named_before_it_is_imported(here: Path, trace: Path) -> None:
    (here / "theirs.toml").write_text(f'{SMALL}[source]\nname = "theirs"\n', encoding="utf-8")
    told: list[tuple[bool, list[str]]] = []
    Experiment.from_toml("theirs.toml", announce=lambda reach: told.append((trace.exists(), reach.words())))
    assert told == [(False, ["runs the module their_module of the distribution 'a-plug-in'"])]
    done = run("run", "theirs.toml", "--executor", "here", "--progress", "json", "--store", "runs.db")
    first = json.loads(done.stderr.splitlines()[0])
    assert first == {"event": "reaches", "what": told[0][1]}


def test_what_lies_beside_the_file_needs_no_word_and_a_password_gets_none(here: Path, tmp_path: Path) -> None:
    (here / "table.csv").write_text("x,y\n" + "".join(f"{i},{i % 3}\n" for i in range(60)))
    (here / "inner.csv").symlink_to(tmp_path / "outside.csv")

    def reach(path: str, store: str) -> list[str]:
        (here / "mine.toml").write_text(f'{SMALL}{TABLE.format(path)}[execution]\nstore = "{store}"\n')
        told: list[list[str]] = []
        Experiment.from_toml("mine.toml", announce=lambda reach: told.append(reach.words()))
        return told[0]

    assert reach("table.csv", "runs.db") == []
    assert reach("inner.csv", ":memory:") == [f"reads {here / 'inner.csv'}"]
    pytest.importorskip("psycopg")
    assert reach("table.csv", "postgresql://me:secret@host/db") == ["keeps its results in postgresql://me:***@host/db"]


@pytest.mark.long
def test_no_command_opens_a_connection(here: Path, trace: Path) -> None:
    """As above, in processes of their own, with somebody listening at the address."""
    listener = (
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\nprint(s.getsockname()[1], flush=True)\n"
        "s.settimeout(600)\ns.accept()\nprint('called', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", listener], stdout=subprocess.PIPE, text=True) as heard:
        assert heard.stdout is not None
        port = heard.stdout.readline().strip()
        prepared(here, declaration=hostile(address=f"127.0.0.1:{port}", store=f"postgresql://127.0.0.1:{port}/x"))
        for words in (("runs",), ("show", "theirs"), ("export", "theirs"), ("resume", "theirs"), ("delete", "theirs")):
            in_a_process(*words, "--store", "runs.db", place=here, PYTHONPATH=os.pathsep.join(sys.path))
            assert not trace.exists(), words
            assert heard.poll() is None, words
        heard.kill()
