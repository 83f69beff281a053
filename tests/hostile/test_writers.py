"""Whatever lies where we write: regular files are whole or as before, links and devices stay, strangers' files too."""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.foundation.errors import OutputFailed
from benign.foundation.output import write_whole
from tests.optional import needs

NOBODY = 65_534
OLD, NEW = b"somebody's\n", b"ours\n"
Writer = Callable[[Path], object]


def plainly(path: str | os.PathLike[str], content: bytes = NEW) -> Path:
    return write_whole(path, lambda temporary: temporary.write_bytes(content))


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture(scope="module")
def surface() -> benign.Surface:
    source = benign.sources.digits(test_samples=40)
    return benign.measure(benign.RandomFourier(), source, sizes=range(1, 60), samples=[20, 30, 40], replicates=6)


@pytest.fixture(params=["csv", "parquet", "netcdf"])
def writer(request: pytest.FixtureRequest, surface: benign.Surface) -> Writer:
    """Those of the product's writers that leave the writing to a library."""
    writer: Writer = getattr(surface, f"to_{request.param}")
    return writer


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of two pages."""
    needs("root", os.geteuid() == 0, "only root mounts a file system")
    place = tmp_path / "tiny"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@contextlib.contextmanager
def as_nobody() -> Iterator[Path]:
    """A folder, and no right but that of a user to whom it does not matter who asks."""
    place = Path(tempfile.mkdtemp())
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(place, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield place
    finally:
        if is_root:
            os.seteuid(0)
        place.chmod(0o700)
        shutil.rmtree(place)


def test_a_full_disk_leaves_the_old_file_and_no_litter(writer: Writer, tiny: Path) -> None:
    (tiny / "x").write_bytes(OLD)
    with pytest.raises(OutputFailed, match="x cannot be written: No space left on device; choose another place"):
        writer(tiny / "x")
    assert names(tiny) == ["x"]
    assert (tiny / "x").read_bytes() == OLD


def device(name: str, folder: Path) -> Path:
    """A device of our own like that in /dev, where it can be made: a fault must not replace the machine's own."""
    machines, own = Path("/dev", name), folder / name
    try:
        os.mknod(own, 0o666 | stat.S_IFCHR, machines.stat().st_rdev)
        own.open("wb").close()  # a file system may have no devices
    except OSError:
        return machines
    return own


def test_a_device_stays_one(writer: Writer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    devices = tmp_path_factory.mktemp("dev")
    full = device("full", devices)
    (tmp_path / "x").symlink_to(full)
    with pytest.raises(OutputFailed, match=r"x cannot be written: No space left on device"):
        writer(tmp_path / "x")
    (tmp_path / "null").symlink_to(device("null", devices))
    writer(tmp_path / "null")
    assert stat.S_ISCHR(full.stat().st_mode)
    assert (tmp_path / "x").is_symlink()
    assert names(tmp_path) == ["null", "x"]


def test_a_file_is_written_through_a_link(writer: Writer, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(OLD)
    (tmp_path / "x").symlink_to(Path("real", "file"))
    writer(tmp_path / "x")
    assert (tmp_path / "x").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() not in (OLD, b"")
    assert names(tmp_path / "real") == ["file"]


def test_a_fifo_is_written_into(writer: Writer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "x").read_bytes()), daemon=True)
    reader.start()
    writer(tmp_path / "x")
    reader.join(timeout=60.0)
    assert len(read[0]) > 1000
    assert (tmp_path / "x").is_fifo()


def test_names_that_are_no_text(writer: Writer, tmp_path: Path) -> None:
    writer(tmp_path / "\udcff")  # a byte that is not UTF-8
    assert [os.fsencode(one.name) for one in tmp_path.iterdir()] == [b"\xff"]
    for name, reason in (
        ("a\0b", "cannot be the name of a file: it holds a NUL character"),
        ("\ud800", "cannot be the name of a file: surrogates not allowed"),
        ("n" * 300 + "", "cannot be written: File name too long"),
        (f"/dev/fd/{10**30}", "cannot be written: "),
    ):
        with pytest.raises(OutputFailed, match=reason):
            writer(tmp_path / name)


def test_a_dangling_link_makes_its_target_but_no_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    plainly(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == NEW
    (tmp_path / "far").symlink_to(tmp_path / "not mounted" / "target")
    with pytest.raises(OutputFailed, match="far cannot be written: No such file or directory"):
        plainly(tmp_path / "far")
    assert names(tmp_path) == ["far", "link", "target"]


def test_a_loop_of_links_and_a_folder_get_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to folder").symlink_to("folder")
    for name, reason in (("a", "Too many levels"), ("folder", "it is a folder"), ("to folder", "it is a folder")):
        with pytest.raises(OutputFailed, match=f"{name} cannot be written: {reason}"):
            plainly(tmp_path / name)
    assert names(tmp_path) == ["a", "b", "folder", "to folder"]


def test_the_other_names_of_a_file_keep_what_they_had(tmp_path: Path) -> None:
    (tmp_path / "backup").write_bytes(OLD)
    (tmp_path / "file").hardlink_to(tmp_path / "backup")
    plainly(tmp_path / "file")
    assert ((tmp_path / "backup").read_bytes(), (tmp_path / "file").read_bytes()) == (OLD, NEW)


def test_mode_and_owner_stay_and_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(OLD)
    (tmp_path / "secret").chmod(0o600)
    if os.geteuid() == 0:
        os.chown(tmp_path / "secret", NOBODY, NOBODY)
    before = (tmp_path / "secret").stat()
    mask = os.umask(0o027)
    try:
        plainly(tmp_path / "secret")
        plainly(tmp_path / "new")
    finally:
        os.umask(mask)
    after = (tmp_path / "secret").stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_what_is_read_only_gets_a_sentence() -> None:
    with as_nobody() as place:
        (place / "file").write_bytes(OLD)
        (place / "file").chmod(0o444)
        with pytest.raises(OutputFailed, match="file cannot be written: it is read-only; choose another place"):
            plainly(place / "file")
        place.chmod(0o555)
        with pytest.raises(OutputFailed, match="new cannot be written: Permission denied"):
            plainly(place / "new")
        assert names(place) == ["file"]


def test_a_read_only_file_system_gets_a_sentence(tiny: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    with pytest.raises(OutputFailed, match="x cannot be written: Read-only file system"):
        plainly(tiny / "x")


@pytest.mark.parametrize("redirected", [True, False], ids=["to a file", "to a pipe"])
def test_standard_output_is_written_in_its_turn(redirected: bool, tmp_path: Path) -> None:
    link = tmp_path / "as in dev"  # a fault must not replace the machine's own
    link.symlink_to("/proc/self/fd/1")
    script = f"""
from benign.foundation.output import write_whole
print("first")
write_whole({str(link)!r}, lambda path: path.write_text("second\\n"))
print("third")
"""
    with (tmp_path / "out").open("w+b") as file:
        out = file if redirected else subprocess.PIPE
        result = subprocess.run([sys.executable, "-c", script], stdout=out, check=True)
        file.seek(0)
        assert (file.read() or result.stdout).decode().split() == ["first", "second", "third"]


def test_ctrl_c_in_mid_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    def interrupted(temporary: Path) -> None:
        temporary.write_bytes(NEW)
        raise KeyboardInterrupt

    (tmp_path / "x").write_bytes(OLD)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "x", interrupted)
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == OLD


def test_what_a_killed_writer_left_goes_a_day_later_and_nothing_else(tmp_path: Path) -> None:
    script = f"""
import os, signal
from benign.foundation.output import write_whole
write_whole({str(tmp_path / "x")!r}, lambda path: (path.write_text("half"), os.kill(os.getpid(), signal.SIGKILL)))
"""
    (tmp_path / "x").write_bytes(OLD)
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    old, young = (place for place in tmp_path.iterdir() if place.is_dir())
    others = tmp_path / "others"
    shutil.copytree(old, others)  # our mark, but no name of ours
    (tmp_path / ".benign-mine").mkdir()
    (tmp_path / ".benign-mine" / "note").write_bytes(OLD)
    (tmp_path / ".benign-link").symlink_to("others")
    for place in (old, others, tmp_path / ".benign-mine"):
        os.utime(place, (time.time() - 90_000,) * 2)
    plainly(tmp_path / "y")
    assert (tmp_path / "x").read_bytes() == OLD
    assert names(tmp_path) == sorted([".benign-link", ".benign-mine", "others", young.name, "x", "y"])
    assert names(others) == ["note", "x"]


def test_two_writers_of_one_file_never_show_half_of_it(tmp_path: Path) -> None:
    contents = [bytes([letter]) * 300_000 for letter in b"ab"]
    plainly(tmp_path / "x", contents[0])
    writers = [threading.Thread(target=lambda c=c: [plainly(tmp_path / "x", c) for _ in range(20)]) for c in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert (tmp_path / "x").read_bytes() in contents
    assert names(tmp_path) == ["x"]


FIGURE = ("figure", "mml_polynomial", "--scale", "paper")
EMC = ("emc", "no:model", "--data", "no.csv", "--target", "none", "--size", "1")


@pytest.mark.parametrize(
    ("command", "name"),
    [(FIGURE, "findings.json"), (FIGURE, "report.html"), (EMC, "emc.pdf")],
    ids=["figure, findings", "figure, page", "emc"],
)
def test_a_command_measures_nothing_for_a_folder_that_somebody_else_filled(
    command: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(OLD)
    result = CliRunner().invoke(app, [*command, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert f"{name} was not written by benign and stays as it is; move it away or choose" in result.output
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == OLD


CHANGING = {"unlink", "rmtree", "rmdir", "removedirs", "renames", "truncate", "write_text", "write_bytes"}
# Every function that removes, replaces or overwrites, and why what it touches is ours, or named by the user.
OURS = {
    "foundation/output.py:_replace": "the file that the user named, whole; the rest in a temporary folder of its own",
    "foundation/output.py:_pour": "the device or FIFO that the user named",
    "foundation/output.py:_forget_killed": "temporary folders by name, mark and age",
    "networks/checkpoints.py:_remove": "checkpoints by name and mark",
    "figures/reproduction.py:save": "partial.nc beside findings of ours",
    "surface/tables.py:write_parquet": "through write_whole",
    "surface/tables.py:write_csv": "through write_whole",
    "experiments/executors/processes.py:share": "a new file in a private temporary folder",
    "experiments/executors/processes.py:_release": "that folder",
    "experiments/executors/worker.py:_die_first": "no file: the kernel's setting of this process",
    "histories/readers/sqlite_file.py:_with_its_log": "a copy of a log in a temporary folder of its own",
    "histories/recorders/log_file.py:_append": "a line more to the log that the user named",
    "histories/recorders/log_file.py:_go_on": "of that log, known by its first line, the half line of a kill",
    "experiments/trust.py:_read": "the key that it has made just before",
    "experiments/provenance.py:__init__": "no file: the kernel's counter of this process",
}


def changes_a_file(call: ast.Call) -> bool:
    """Whether it is a call that removes, replaces or overwrites a file."""
    if not isinstance(call.func, ast.Attribute):
        return False
    name = call.func.attr
    words = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    opens = name in {"open", "fdopen"} and any(set(word) & set("wax+") and set(word) <= set("wax+bt") for word in words)
    return name in CHANGING or opens or (name == "replace" and len(call.args) == 1 and not call.keywords)


def test_no_place_removes_or_replaces_files_that_is_not_known_here() -> None:
    package, found = Path(benign.__file__).parent, set()
    for path in package.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
                whole = [one for one in calls if isinstance(one.func, ast.Name) and one.func.id == "write_whole"]
                through = {id(node) for one in whole for node in ast.walk(one)}
                if any(changes_a_file(call) and id(call) not in through for call in calls):
                    found.add(f"{path.relative_to(package).as_posix()}:{function.name}")
    assert found == OURS.keys()
