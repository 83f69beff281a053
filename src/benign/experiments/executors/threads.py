"""One thread for each numerical library: jobs side by side do not fight, and every executor gives the same bits."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from types import MappingProxyType

from threadpoolctl import ThreadpoolController

# What the libraries read when they load.
ONE_THREAD = MappingProxyType(
    dict.fromkeys(
        (
            "BLIS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NPROC",  # XLA: the size of its pool
            "NUMBA_NUM_THREADS",
            "NUMEXPR_NUM_THREADS",
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS",
        ),
        "1",
    )
)


def worker_environment() -> dict[str, str]:
    """The environment variables of a worker that differ from this process's."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"
    return {**ONE_THREAD, "XLA_FLAGS": flags.strip()}


def one_thread() -> AbstractContextManager[object]:
    """Within it, the numerical libraries that are loaded by now use one thread."""
    return _controller(len(sys.modules)).limit(limits=1)


@lru_cache(maxsize=1)
def _controller(modules: int) -> ThreadpoolController:  # noqa: ARG001
    """The loaded libraries. Looking them up takes milliseconds: it is done again only when modules were imported."""
    return ThreadpoolController()
