"""The machinery that runs a grid of jobs and joins their blocks into a surface."""

from benign.experiments.measurement import MeasurementInterrupted, measure

__all__ = ["MeasurementInterrupted", "measure"]
