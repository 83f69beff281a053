"""Ask for memory before using it: a refusal that says how much is needed beats a killed process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from benign.foundation.errors import NotEnoughMemory

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_FILES = {True: ("memory.max", "memory.current"), False: ("memory.limit_in_bytes", "memory.usage_in_bytes")}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_LARGEST_IN_WORDS = 10**6 * 2**50


def available_bytes() -> int:
    """Bytes that can be allocated without swapping: of the machine, or of the container that this process is in."""
    try:
        machine = int(psutil.virtual_memory().available)
    except (OSError, psutil.Error):  # no /proc: nothing says, so nothing is refused
        machine = sys.maxsize
    return max(0, min([machine, *_left_in_groups(machine)]))


def require_memory(needed: float, *, purpose: str, advice: str) -> None:
    """Refuse a computation that needs more than nine tenths of the free memory.

    Args:
        needed: bytes.
        purpose: what needs them, the subject of the sentence.
        advice: what the user can lower.

    Raises:
        NotEnoughMemory: if they are not there.
    """
    free = available_bytes()
    if needed > 0.9 * free:
        raise NotEnoughMemory(
            f"{purpose} needs about {bytes_in_words(needed)} of memory and {bytes_in_words(free)} are free; {advice}."
        )


def bytes_in_words(count: float) -> str:
    """Three digits and a unit.

    >>> bytes_in_words(8e12)
    '7.28 TiB'
    """
    if count > _LARGEST_IN_WORDS:
        return "a million PiB or more"
    power = 0
    while count >= 1000.0 * 1024.0**power and power < len(_UNITS) - 1:
        power += 1
    return f"{count / 1024.0**power:.3g} {_UNITS[power]}" if count < 1e18 else f"{count / 2**50:,.0f} PiB"


def _left_in_groups(machine: int) -> Iterator[int]:
    """What the limits of this process's control groups leave of each; nothing where there are none (Linux has them)."""
    for folder, (limit, used) in _own_groups():
        try:
            left = int((folder / limit).read_text()) - int((folder / used).read_text())
            if left < machine:  # pages of files that nobody uses are given back as soon as they are wanted
                statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                left += int(statistics.get("inactive_file", 0))
        except (OSError, ValueError):  # no such file; "max" is no number
            continue
        yield left


def _own_groups() -> Iterator[tuple[Path, tuple[str, str]]]:
    """The folders of this process's groups for memory and of those around them, with the names of their files."""
    try:
        lines = _OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for number, controllers, path in (line.split(":", 2) for line in lines):
        is_second = number == "0"  # version of control groups
        if not is_second and "memory" not in controllers.split(","):
            continue
        root = _GROUPS if is_second else _GROUPS / "memory"
        own = root / path.lstrip("/")
        yield from ((folder, _FILES[is_second]) for folder in (own, *own.parents) if folder.is_relative_to(root))
