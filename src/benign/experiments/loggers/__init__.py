"""Adapters that pass a run on to other people's trackers. None is required."""

from benign.experiments.loggers.mlflow import MLflowLogger
from benign.experiments.loggers.tensorboard import TensorBoardLogger

__all__ = ["MLflowLogger", "TensorBoardLogger"]
