"""What workers of Ray run: a module of its own, so that they import nothing of what the tests need."""

from __future__ import annotations

import os
import time
from pathlib import Path

import threadpoolctl


def node_of(shared: Path, name: str, seconds: float) -> str:
    """The node that runs this, written to a file as soon as it runs; it runs for so long, or until it is enough."""
    import ray

    node = str(ray.get_runtime_context().get_node_id())
    (shared / name).write_text(node)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not (shared / "enough").exists():
        time.sleep(0.05)
    return node


def threads_of(_: object) -> tuple[set[int], str]:
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}, os.environ["OMP_NUM_THREADS"]
