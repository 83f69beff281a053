"""How a block was made: versions, device, commit and memory, without names of hosts or users."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_info

_PROC = Path("/proc/self")
_GIT_SECONDS = 2.0


def provenance() -> str:
    """JSON: versions, device and commit; looked up once in each process."""
    return _described(_accelerator(), _tensor_libraries())


@functools.cache
def _described(accelerator: str | None, tensor_libraries: tuple[str, ...]) -> str:
    return json.dumps(
        {
            "benign": version("benign"),
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "numba", *tensor_libraries)},
            "blas": _blas(),
            "processor": _processor(),
            "system": f"{platform.system()} {platform.machine()}",
            "accelerator": accelerator,
            "commit": _commit(Path(__file__).parents[3]),
        },
        sort_keys=True,
    )


def _tensor_libraries() -> tuple[str, ...]:
    """Those that are in use."""
    return tuple(name for name in ("jax", "equinox", "optax") if name in sys.modules)


def _accelerator() -> str | None:
    """Name of the first device that JAX computes on, if JAX is in use and it is no processor."""
    jax = sys.modules.get("jax")
    if jax is None:
        return None
    try:
        device = jax.devices()[0]
        return None if device.platform == "cpu" else str(device.device_kind)
    except Exception:  # a GPU that cannot be asked for its name must not cost a measurement
        return None


def _blas() -> str | None:
    for library in threadpool_info():
        if library["user_api"] == "blas":
            return f"{library['internal_api']} {library['version']}"
    return None


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _commit(root: Path) -> str | None:
    """Commit of the checkout at ``root``, with ``+changes`` where tracked files differ; None where there is none."""
    git = shutil.which("git")
    # Not Git's own search upwards: benign may be installed in an environment inside somebody else's repository.
    if git is None or not (root / ".git").exists():
        return None
    describe = ["describe", "--always", "--dirty=+changes", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(  # noqa: S603 (a fixed command)
            [git, "--no-optional-locks", "-C", str(root), *describe],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        ).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return answer.strip()


class PeakMemory:
    """Peak resident memory of this process since this was made; since the process began, where that cannot be reset."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            (_PROC / "clear_refs").write_text("5", encoding="ascii")

    def read(self) -> int:
        """Bytes."""
        try:
            with (_PROC / "status").open(encoding="ascii", errors="replace") as lines:
                return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
        except (OSError, StopIteration, ValueError):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak if sys.platform == "darwin" else peak * 1024
