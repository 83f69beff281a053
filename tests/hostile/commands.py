"""A command as a user runs it: a process of its own, in a folder of its own, with nothing of ours around it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 120.0  # longer than any of them takes; a hang fails and does not hang the suite


def environment_of(home: Path, **more: str | None) -> dict[str, str]:
    """This process's environment with another home, and no setting of ours; None takes a variable away."""
    ours = ("BENIGN_", "XDG_", "JAX_", "NUMBA_CACHE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept["HOME"] = str(home)
    for name, value in more.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value
    return kept


def benign(*arguments: str | Path, place: Path, **more: str | None) -> subprocess.CompletedProcess[str]:
    """Run ``benign`` with the arguments in the folder ``place``, which is its home too."""
    return subprocess.run(
        [sys.executable, "-m", "benign", *map(str, arguments)], cwd=place, env=environment_of(place, **more),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False,
    )  # fmt: skip


def check_sentence(result: subprocess.CompletedProcess[str], *words: str, code: int = 2) -> None:
    """The command ended with this code and one sentence on standard error that holds the words; no traceback."""
    told = f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
    assert "Traceback" not in result.stdout + result.stderr, told
    assert result.returncode == code, told
    sentences = [line for line in result.stderr.splitlines() if line.startswith("benign: ")]
    assert len(sentences) == 1, told
    for word in words:
        assert word in sentences[0], told
