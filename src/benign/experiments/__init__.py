"""The machinery that turns a grid into jobs, runs them anywhere, keeps their blocks and joins them into a surface.

The public names are loaded on first use: a worker process can be started before NumPy and xarray are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.experiments.environment import Environment as Environment
    from benign.experiments.executors import Executor as Executor
    from benign.experiments.keeping import IN_MEMORY as IN_MEMORY
    from benign.experiments.keeping import Place as Place
    from benign.experiments.measurement import measure as measure
    from benign.experiments.running import MeasurementInterrupted as MeasurementInterrupted

__all__ = list(load_on_first_use(globals()))
