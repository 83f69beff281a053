"""What holds in every test: shapes are checked, one thread, no network, reproducible examples."""

from __future__ import annotations

import gc
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

# Before NumPy loads: one thread for each numerical library, so that numbers do not depend on the machine.
for _variable in (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
):
    os.environ[_variable] = "1"
os.environ.setdefault("MPLBACKEND", "agg")
# XLA compiles as little as it can: programs here run for milliseconds, and most of the time went to LLVM's passes over
# them. Figures and the pages of `make docs` run with the usual ones. What the user sets comes last and wins.
_QUICKLY = (
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)
os.environ["XLA_FLAGS"] = f"{_QUICKLY} {os.environ.get('XLA_FLAGS', '')}".strip()
# No test reads or writes the user's own store, key, checkpoints or compiled programs.
os.environ["BENIGN_STORE"] = ":memory:"
_folder = tempfile.TemporaryDirectory(prefix="benign-tests-")
os.environ["BENIGN_CHECKPOINTS"] = _folder.name
os.environ["XDG_CONFIG_HOME"] = str(Path(_folder.name) / "config")
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / "xla")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
# Processes that tests start, hundreds of them, find our modules compiled, whatever is set where tests are started.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import hypothesis
import jaxtyping
import pytest
import threadpoolctl

import tests.shapes

SRC = Path(__file__).parents[1] / "src"


def _checked_modules() -> list[str]:
    """Every module but those that Numba compiles: it cannot compile a function that beartype has wrapped."""
    paths = [path for path in (SRC / "benign").rglob("*.py") if path.stem != "__init__"]
    compiled = re.compile(r"^\s*(import|from) numba\b", re.MULTILINE)
    return [
        ".".join(path.relative_to(SRC).with_suffix("").parts)
        for path in paths
        if not compiled.search(path.read_text(encoding="utf-8"))
    ]


# Before benign loads: annotations, shapes included, are checked at every call, in the tests alone.
tests.shapes.check_modules(_checked_modules())

gc.set_threshold(20_000)  # of 700: each search of the many objects here costs more than what it finds

_threads = threadpoolctl.threadpool_limits(limits=1)

hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")


class NetworkBlocked(RuntimeError):
    """A test reached for the network. Not an OSError: code that handles a lost connection must not hide it."""


_open_socket = socket.socket.__init__


def _refuse_network(
    self: socket.socket,
    family: int = -1,
    type: int = -1,  # noqa: A002 (socket's own name)
    proto: int = -1,
    fileno: int | None = None,
) -> None:
    if fileno is None and family != socket.AF_UNIX:
        raise NetworkBlocked("tests may not open network sockets; give the code a local stand-in")
    _open_socket(self, family, type, proto, fileno)


def _refuse_lookup(*arguments: object, **_: object) -> NoReturn:
    raise NetworkBlocked(f"tests may not look up hosts: {arguments}")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What collection makes stays until the end: the garbage collector passes it over, then and in every test."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only sockets within the machine's file system; a test marked `ray` may open others."""
    if request.node.get_closest_marker("ray") is None:
        monkeypatch.setattr(socket.socket, "__init__", _refuse_network)
        monkeypatch.setattr(socket, "getaddrinfo", _refuse_lookup)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Annotations are not checked: for calls that a user gets wrong and that must answer with a sentence."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
