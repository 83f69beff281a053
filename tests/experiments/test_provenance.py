"""What is written beside each block: versions, device, commit, peak memory; nothing that names a host or a user."""

import getpass
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benign.experiments import provenance as module
from benign.experiments.provenance import PeakMemory, provenance

GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    module._described.cache_clear()
    yield
    module._described.cache_clear()


def test_it_says_what_computed():
    said = json.loads(provenance())
    assert said["numpy"] == np.__version__
    assert said["python"] == platform.python_version()
    assert said["system"] == f"{platform.system()} {platform.machine()}"
    assert said["processor"]
    assert {"benign", "scipy", "numba", "blas", "accelerator", "commit"} < set(said)


def test_it_names_no_host_and_no_user():
    words = provenance().replace('"', " ").split()
    assert platform.node() not in words
    assert getpass.getuser() not in words
    assert str(Path.home()) not in provenance()


def test_it_is_looked_up_once(monkeypatch):
    first = provenance()
    monkeypatch.setattr(module, "_commit", lambda _: pytest.fail("looked up again"))
    assert provenance() == first


def _with_jax(monkeypatch: pytest.MonkeyPatch, devices: Callable[[], list[SimpleNamespace]]) -> None:
    loaded = {"jax": SimpleNamespace(devices=devices)}
    monkeypatch.setattr(module, "sys", SimpleNamespace(modules=loaded, platform=sys.platform))


def test_an_accelerator_is_named(monkeypatch):
    _with_jax(monkeypatch, lambda: [SimpleNamespace(platform="gpu", device_kind="Some GPU")])
    assert json.loads(provenance())["accelerator"] == "Some GPU"


def test_a_processor_is_no_accelerator(monkeypatch):
    _with_jax(monkeypatch, lambda: [SimpleNamespace(platform="cpu", device_kind="cpu")])
    assert json.loads(provenance())["accelerator"] is None


def test_an_accelerator_that_cannot_be_asked_costs_nothing(monkeypatch):
    def fail() -> list[SimpleNamespace]:
        raise RuntimeError("no driver")

    _with_jax(monkeypatch, fail)
    assert json.loads(provenance())["accelerator"] is None


def _git(folder: Path, *arguments: str) -> str:
    assert GIT is not None
    command = [GIT, "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    folder = tmp_path / "checkout"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    (folder / "file").write_text("one")
    _git(folder, "add", "file")
    _git(folder, "commit", "--quiet", "--no-verify", "--message", "one")
    return folder


@needs_git
def test_the_commit_is_that_of_the_checkout(checkout):
    assert module._commit(checkout) == _git(checkout, "rev-parse", "HEAD")


@needs_git
def test_a_checkout_without_a_commit_has_none(tmp_path):
    _git(tmp_path, "init", "--quiet")
    assert module._commit(tmp_path) is None


@needs_git
def test_changes_are_marked(checkout):
    (checkout / "file").write_text("two")
    assert module._commit(checkout) == _git(checkout, "rev-parse", "HEAD") + "+changes"


@needs_git
def test_untracked_files_are_no_changes(checkout):
    (checkout / "notes").write_text("of no account")
    assert module._commit(checkout) == _git(checkout, "rev-parse", "HEAD")


@needs_git
def test_a_git_hook_does_not_mislead(checkout, monkeypatch, tmp_path):
    commit = _git(checkout, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert module._commit(checkout) == commit


@needs_git
def test_a_folder_within_a_checkout_is_none(checkout):
    (checkout / "site-packages").mkdir()
    assert module._commit(checkout / "site-packages") is None


@needs_git
@pytest.mark.parametrize(
    "fault",
    [subprocess.TimeoutExpired("git", 2.0), FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")],
)
def test_git_in_trouble_is_no_error(checkout, monkeypatch, fault):
    def fail(*arguments, **options):
        raise fault

    monkeypatch.setattr("subprocess.run", fail)
    assert module._commit(checkout) is None


def test_a_missing_git_is_no_error(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert module._commit(tmp_path) is None


def test_peak_memory_counts_what_was_used_since():
    peak = PeakMemory()
    held = np.ones(2**23)
    assert peak.read() > held.nbytes


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux resets the peak")
def test_peak_memory_forgets_what_was_before():
    before = PeakMemory()
    held = np.ones(2**24)
    with_it = before.read()
    del held
    assert PeakMemory().read() < with_it - 2**26


@pytest.mark.parametrize(("system", "unit"), [("linux", 1024), ("darwin", 1)])
def test_without_proc_it_is_the_peak_of_the_process(monkeypatch, tmp_path, system, unit):
    monkeypatch.setattr(module, "_PROC", tmp_path / "nowhere")
    monkeypatch.setattr(module, "sys", SimpleNamespace(platform=system))
    monkeypatch.setattr("resource.getrusage", lambda _: SimpleNamespace(ru_maxrss=5))
    assert PeakMemory().read() == 5 * unit
