"""What a benchmark ran on, written beside its numbers."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
import scipy
from threadpoolctl import threadpool_info


def describe() -> dict[str, object]:
    """Processor, load and versions: enough to judge a ratio, without names of hosts or users."""
    blas: dict[str, object] = next((info for info in threadpool_info() if info["user_api"] == "blas"), {})
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(psutil.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas": f"{blas.get('internal_api', '?')} {blas.get('version', '?')} {blas.get('architecture', '?')}",
        "benign": version("benign"),
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
