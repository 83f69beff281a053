"""The machinery that turns a grid into jobs, runs them anywhere, keeps their blocks and joins them into a surface."""

from benign.experiments.executors import Executor
from benign.experiments.measurement import IN_MEMORY, MeasurementInterrupted, Place, measure

__all__ = ["IN_MEMORY", "Executor", "MeasurementInterrupted", "Place", "measure"]
