"""The machinery that turns a grid into jobs, runs them anywhere, keeps their blocks and joins them into a surface.

The public names are loaded on first use: a worker process can be started before NumPy and xarray are there.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benign.experiments.environment import Environment
    from benign.experiments.executors import Executor
    from benign.experiments.keeping import IN_MEMORY, Place
    from benign.experiments.measurement import measure
    from benign.experiments.running import MeasurementInterrupted

_HOMES = {
    "Environment": "environment",
    "Executor": "executors",
    "IN_MEMORY": "keeping",
    "MeasurementInterrupted": "running",
    "Place": "keeping",
    "measure": "measurement",
}

__all__ = ["IN_MEMORY", "Environment", "Executor", "MeasurementInterrupted", "Place", "measure"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'benign.experiments' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"benign.experiments.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
