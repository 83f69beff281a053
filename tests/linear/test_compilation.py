"""The cache of compiled functions saves time and costs no run: not one place or file can break a call."""

from __future__ import annotations

import shutil
from pathlib import Path

import numba
import pytest

SOURCE = """
from numba import njit
from benign.linear.compilation import kept

@kept
@njit
def twice(number):
    return 2 * number
"""


@pytest.fixture
def compile_anew(tmp_path, monkeypatch):
    """A function that imports the compiled function as a process of its own would."""
    file = tmp_path / "source.py"
    file.write_text(SOURCE, encoding="utf-8")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    def load():
        names = {"__name__": "source"}
        exec(compile(SOURCE, file, "exec"), names)
        return names["twice"]

    return load


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.rglob(f"*{suffix}"))


def test_the_next_process_finds_what_this_one_compiled(compile_anew):
    first, second = compile_anew(), compile_anew()
    assert first(3) == second(3) == 6
    assert sum(first.stats.cache_misses.values()) == sum(second.stats.cache_hits.values()) == 1


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("content", [b"", b"no pickle", None], ids=["empty", "a stranger's", "truncated"])
def test_a_damaged_file_is_replaced(tmp_path, compile_anew, suffix, content):
    compile_anew()(3)
    [damaged] = files(tmp_path / "cache", suffix)
    damaged.write_bytes(damaged.read_bytes()[:-20] if content is None else content)
    assert compile_anew()(3) == 6
    healed = compile_anew()
    assert healed(3) == 6
    assert sum(healed.stats.cache_hits.values()) == 1


def test_a_folder_that_goes_costs_the_cache_alone(tmp_path, compile_anew):
    function = compile_anew()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    assert function(3) == 6


def test_no_folder_costs_the_cache_alone(tmp_path, compile_anew, monkeypatch):
    for name in ("cache", "__pycache__", "home"):
        (tmp_path / name).write_text("a file", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert compile_anew()(3) == 6


def test_without_a_home_no_folder_is_made_of_its_name(tmp_path, compile_anew, monkeypatch):
    (tmp_path / "__pycache__").write_text("a file", encoding="utf-8")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("HOME", "~")  # what a user id that no list knows has in its place
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert compile_anew()(3) == 6
    assert not (tmp_path / "~").exists()
