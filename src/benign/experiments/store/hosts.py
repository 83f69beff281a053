"""Which machine this is, and whether a process on it still lives."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from pathlib import Path

import psutil


@cache
def host_identity() -> str:
    """A hash of the machine's name and, on Linux, of this boot and of the namespace of process numbers.

    Two containers that share a store have different namespaces, and so are two hosts: the process numbers of one mean
    nothing in the other.
    """
    seen = [platform.node(), _boot(), _namespace()]
    return hashlib.sha256("\n".join(seen).encode(errors="backslashreplace")).hexdigest()


def process_start(pid: int) -> float | None:
    """When the process was started, or None if no such process lives; it only means something within one boot.

    Linux counts it from the boot, so that setting the clock does not change it. A zombie does not live.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        ticks = _ticks(pid)
        return process.create_time() if ticks is None else ticks
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return None


def _ticks(pid: int) -> float | None:
    try:
        # Field 22 of proc(5); the second field, a name in parentheses, may hold spaces.
        return float(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except (OSError, IndexError):
        return None


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
