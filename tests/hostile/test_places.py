"""Wherever a command is put, it answers, or says in one sentence what to set: users, homes, limits, streams, signals.

A place is the lines of shell before the command. The quick form asks one command of each place, the long form all.
"""

from __future__ import annotations

import functools
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import benign as package
from tests.hostile.commands import SECONDS, benign, check_sentence, environment_of
from tests.optional import needs

EXPERIMENT = """
name = "tiny"
samples = [10]
sizes = [2, 5, 10, 20]
replicates = 2
[source]
name = "digits"
test_samples = 20
[procedure]
name = "random_fourier"
[execution]
executor = "here"
"""
COMMANDS = {
    "help": (("--help",), "Usage: "),
    "version": (("--version",), "benign 0."),
    "figures": (("figures", "--json"), "belkin2019_fourier"),
    "runs": (("runs",), "tiny-"),
    "run": (("run", "tiny.toml", "seed=1"), "2 of 2 blocks are done"),
    "workers": (("run", "tiny.toml", "seed=2", "--workers", "1", "--executor", "processes"), "2 of 2 blocks are done"),
    "memory": (("plan", "tiny.toml", "--store", ":memory:"), ""),
    "show": (("show", "tiny"), "2 of 2 blocks are done"),
    "export": (("export", "tiny", "--to", "csv"), "tiny-"),
    "figure": (("figure", "mml_polynomial", "--scale", "smoke"), "report.html"),
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a command is started.

    Attributes:
        shell: lines before it; ``$PACKAGE`` is the folder of our code.
        ask: the quick form's command.
        root: whether only root can make it.
        says: words of the one sentence, where the command cannot do its work there.
        code: the exit code.
        mute: whether nobody can hear its answer.
        terminal: whether it is started on a terminal of its own.
    """

    shell: str
    ask: str = "runs"
    root: bool = False
    says: str = ""
    code: int = 0
    mute: bool = False
    terminal: bool = False


# Whoever has no entry among the users may still read the interpreter, wherever it is installed. `access` forgets that
# right: the folder is brought to where anybody may go.
OWN = 'chown -R 12345 .; mount --bind "$PWD" /mnt; cd /mnt; export BENIGN_STORE=/mnt/runs.db; '
SOMEBODY = (
    "exec setpriv --reuid=12345 --regid=12345 --clear-groups --inh-caps=-all,+dac_read_search "
    '--ambient-caps=-all,+dac_read_search "$@"'
)
READ_ONLY = 'mount --bind {0} {0}; mount -o remount,ro,bind {0}; cd "$PWD"; '
FULL = "mkdir {0}; mount -t tmpfs -o size=4k none {0}; head -c 9999 /dev/zero > {0}/fill 2>&-; "
EMPTY = "mount -t tmpfs -o size=4k,ro none {0}; "
NO_TEMPORARY = "".join(READ_ONLY.format(folder) for folder in ("/tmp", "/var/tmp", '"$PWD"'))
NOWHERE = "export HOME=/proc/nonexistent; "
FILE = "touch file; export HOME=$PWD/file; unset BENIGN_STORE"

HOMES = {
    "HOME unset": Place("unset HOME"),
    "HOME empty": Place("export HOME="),
    "HOME relative": Place("export HOME=home"),
    "HOME a file, no store": Place(FILE, "run", says="BENIGN_STORE", code=2),
    "HOME nowhere": Place(NOWHERE),
    "HOME read-only": Place("mkdir home; " + READ_ONLY.format("home") + "export HOME=$PWD/home", root=True),
    "somebody": Place(OWN + "export HOME=/mnt; " + SOMEBODY, "help", root=True),
    "somebody at /": Place(OWN + "export HOME=/; " + SOMEBODY, root=True),
    "somebody without HOME": Place(OWN + "unset HOME; " + SOMEBODY, root=True),
    "somebody without a store": Place("unset HOME BENIGN_STORE; " + SOMEBODY, root=True, says="BENIGN_STORE", code=2),
}
FOLDERS = {
    "install read-only": Place(READ_ONLY.format('"$PACKAGE"'), root=True),
    "install read-only, no cache": Place(NOWHERE + EMPTY.format('"$PACKAGE/linear/__pycache__"'), "run", root=True),
    "no bytecode": Place("export PYTHONDONTWRITEBYTECODE=1", "help"),
    "isolated": Place('set -- "$1" -I "${@:2}"', "help"),
    "TMPDIR nowhere": Place("export TMPDIR=/proc/nonexistent"),
    "TMPDIR full": Place(FULL.format("t") + "export TMPDIR=$PWD/t", root=True),
    "no temporary folder": Place(NO_TEMPORARY, "memory", root=True, says="TMPDIR", code=2),
    "nothing can be written": Place(NO_TEMPORARY + NOWHERE, root=True),
    "caches are a file": Place("touch f; export {XDG_CACHE_HOME,NUMBA_CACHE_DIR,MPLCONFIGDIR}=$PWD/f", "run"),
    "folder deleted": Place("mkdir gone; cd gone; rmdir ../gone"),
    "folder of another": Place("chmod 755 .; export HOME=/; " + SOMEBODY, root=True),
}  # fmt: skip
TERMINALS = {
    "dumb": Place("export TERM=dumb", "help", terminal=True),
    "without TERM": Place("unset TERM", "help", terminal=True),
    "of an unknown kind": Place("export TERM=vt9000", "help", terminal=True),
    "0 columns": Place("export COLUMNS=0", "help", terminal=True),
    "1 column": Place("export COLUMNS=1", "run", terminal=True),
    "100000 columns": Place("export COLUMNS=100000", "help", terminal=True),
    "columns in words": Place("export COLUMNS=wide", "help", terminal=True),
    "LANG=C": Place("export LC_ALL=C LANG=C", "help"),
    "ASCII streams": Place("export PYTHONIOENCODING=ascii", "help"),
    "ASCII locale": Place("export LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "help"),
}
LIMITS = {
    "32 descriptors": Place("ulimit -n 32"),
    "a small stack": Place("ulimit -s 256"),
    "2 GB of addresses": Place("ulimit -v 2000000"),
    "files of no size": Place("ulimit -f 0", says="ulimit -f", code=2),
    "no /dev/shm": Place("mount -t tmpfs -o ro none /dev/shm", "workers", root=True),
    "no /proc": Place("mount -t tmpfs none /proc", "run", root=True),
}
STREAMS = {
    "stdin closed": Place("exec <&-", "help"),
    "stdout closed": Place("exec >&-", "help", mute=True),
    "stderr closed": Place("exec 2>&-", "run"),
    "all closed": Place("exec <&- >&- 2>&-", mute=True),
    "stdout full": Place("exec >/dev/full", says="Standard output", code=1),
    "stdout full, help": Place("exec >/dev/full", "help", says="Standard output", code=1),
    "stdout full, version": Place("exec >/dev/full", "version", says="Standard output", code=1),
    "stderr full": Place("exec 2>/dev/full", "help"),
    "both full": Place("exec >/dev/full 2>&1", "help", code=1, mute=True),
    "reader gone": Place("exec > >(true); wait $!", code=141, mute=True),
    "reader gone, help": Place("exec > >(true); wait $!", "help", code=141, mute=True),
}
PLACES = {**HOMES, **FOLDERS, **TERMINALS, **LIMITS, **STREAMS}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with an experiment and a store that holds its run."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "tiny.toml").write_text(EXPERIMENT, encoding="utf-8")
    done = benign("run", "tiny.toml", "--store", "runs.db", place=folder)
    assert done.returncode == 0, done.stderr
    return folder


@functools.cache
def may_mount() -> bool:
    """Whether this process may mount what no other sees, and become somebody else."""
    try:
        return subprocess.run(["unshare", "-m", "setpriv", "--reuid=12345", "true"], check=False).returncode == 0
    except FileNotFoundError:
        return False


def ask(place: Place, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start the command in the place, whose current folder is ``folder``."""
    if place.root:
        needs("root", may_mount(), "only root, with unshare and setpriv of util-linux, can make this place")
    environment = environment_of(
        folder, BENIGN_STORE=str(folder / "runs.db"), PACKAGE=str(Path(package.__file__).parent)
    )
    call = [
        *(["unshare", "-m"] if place.root else []), "bash", "-c", f'{place.shell}\nexec "$@"', "bash",
        sys.executable, "-m", "benign", *COMMANDS[command][0],
    ]  # fmt: skip
    if place.terminal:
        return _on_a_terminal(call, folder, environment)
    return subprocess.run(
        call, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        timeout=3 * SECONDS, check=False,
    )  # fmt: skip


def _on_a_terminal(call: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    ours, theirs = pty.openpty()
    with subprocess.Popen(call, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        try:
            while more := os.read(ours, 65536):
                seen += more
        except OSError:  # the last process that had it has gone
            pass
        os.close(ours)
    return subprocess.CompletedProcess(call, process.returncode, seen.decode(errors="replace"), "")


def check(place: Place, command: str, result: subprocess.CompletedProcess[str]) -> None:
    told = f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
    assert "Exception ignored" not in told, told
    if place.says:
        check_sentence(result, place.says, code=place.code)
        return
    assert "Traceback" not in told, told
    assert result.returncode == place.code, told
    assert place.mute or COMMANDS[command][1] in result.stdout, told


def made(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", PLACES)
def test_a_command_works_where_it_is_put_or_says_what_to_set(name, measured, tmp_path):
    place = PLACES[name]
    folder = shutil.copytree(measured, tmp_path / "here")
    check(place, place.ask, ask(place, place.ask, folder))
    assert not made(folder) & {"~", "home"} or "home" in place.shell


@pytest.mark.long
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "memory"])
@pytest.mark.parametrize("name", PLACES)
def test_every_command_works_or_says_why(name, command, measured, tmp_path):
    """The long form asks for a sensible end alone: which commands a place stops is not written down."""
    result = ask(PLACES[name], command, shutil.copytree(measured, tmp_path / "here"))
    told = f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
    assert "Traceback" not in told, told
    assert "Exception ignored" not in told, told
    assert result.returncode in {0, 1, 2, 141}, told
    assert result.returncode in {0, 141} or PLACES[name].mute or "benign: " in told or "Error: " in told, told


SIGNALS = [
    *((signal.SIGINT, "runs", module) for module in ("typer.core", "typer", "numpy", "sqlalchemy", "benign.runs")),
    (signal.SIGINT, "show", "pandas"),
    (signal.SIGTERM, "runs", "numpy"),
    (signal.SIGHUP, "runs", "numpy"),
]


@pytest.mark.parametrize(("number", "command", "module"), SIGNALS, ids=lambda part: getattr(part, "name", part))
def test_a_signal_ends_a_command_without_a_traceback_as_soon_as_its_library_loads(number, command, module, measured):
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("what started these tests has them ignore the signal, as nohup does")
    call = [sys.executable, "-X", "importtime", "-m", "benign", *COMMANDS[command][0]]
    environment = environment_of(measured, BENIGN_STORE=str(measured / "runs.db"))
    # It cannot run far ahead of what is read here: a small pipe is full soon.
    with subprocess.Popen(
        call, cwd=measured, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pipesize=4096
    ) as process:
        assert process.stderr is not None
        assert any(line.split("|")[-1].strip() == module for line in process.stderr)
        process.send_signal(number)
        told = "".join(process.communicate(timeout=SECONDS))
    assert "Traceback" not in told, told
    assert "Exception ignored" not in told, told
    assert process.returncode in {-number, 128 + number}


@pytest.mark.long
@pytest.mark.parametrize("command", ["help", "figures", "runs", "run", "show"])
def test_ctrl_c_never_shows_a_traceback(command, measured, tmp_path):
    """After every fiftieth of a second of a second and a half, beginning where Python has started."""
    folder = shutil.copytree(measured, tmp_path / "here")
    environment = environment_of(folder, BENIGN_STORE=str(folder / "runs.db"))
    call = [sys.executable, "-X", "importtime", "-m", "benign", *COMMANDS[command][0]]
    for fiftieths in range(75):
        with subprocess.Popen(
            call, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert any("typer.core" in line for line in process.stderr)
            time.sleep(fiftieths / 50)
            process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=SECONDS)[1]
        assert "Traceback" not in told, f"after {fiftieths} fiftieths\n{told}"
        assert "Exception ignored" not in told, f"after {fiftieths} fiftieths\n{told}"
        assert process.returncode in {0, -signal.SIGINT, 130}, told
