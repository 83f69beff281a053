"""benign: why do over-parameterised models generalise, and is the overfitting of the model on your desk benign?

The public names are listed here and loaded on first use: ``import benign`` itself is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benign import implicit, linear, networks, sources
    from benign.diagnosis import (
        EffectiveModelComplexity,
        FittingThreshold,
        effective_model_complexity,
        locate_peak,
        threshold_size,
        threshold_time,
    )
    from benign.experiments import MeasurementInterrupted, measure
    from benign.experiments.declaration import Experiment
    from benign.experiments.executors import Processes, Ray
    from benign.experiments.loggers import MLflowLogger, TensorBoardLogger
    from benign.experiments.store import Store
    from benign.figures.published_models import against_threshold
    from benign.foundation.errors import BenignError
    from benign.foundation.outcomes import Outcome
    from benign.foundation.replicate import Replicate
    from benign.foundation.split import Split
    from benign.networks.training import Training
    from benign.procedures import (
        MLP,
        OneHiddenLayer,
        Polynomial,
        Procedure,
        RandomFourier,
        from_callable,
        from_estimator,
    )
    from benign.reproduction import Reproduction, figure
    from benign.runs import Run, RunInterrupted, list_runs, open_run, plan, run
    from benign.surface import Curve, Surface

# Where each public name lives: None for a module of that name.
_HOMES: dict[str, str | None] = {
    # measure and reproduce
    "measure": "benign.experiments",
    "figure": "benign.reproduction",
    "against_threshold": "benign.figures.published_models",
    # diagnose
    "effective_model_complexity": "benign.diagnosis",
    "locate_peak": "benign.diagnosis",
    "threshold_size": "benign.diagnosis",
    "threshold_time": "benign.diagnosis",
    # experiments: declare, forecast, run, come back to
    "Experiment": "benign.experiments.declaration",
    "plan": "benign.runs",
    "run": "benign.runs",
    "open_run": "benign.runs",
    "list_runs": "benign.runs",
    # where they run, where they are kept
    "Processes": "benign.experiments.executors",
    "Ray": "benign.experiments.executors",
    "Store": "benign.experiments.store",
    # who is told
    "MLflowLogger": "benign.experiments.loggers",
    "TensorBoardLogger": "benign.experiments.loggers",
    # what they return
    "Run": "benign.runs",
    "RunInterrupted": "benign.runs",
    "Surface": "benign.surface",
    "Curve": "benign.surface",
    "Reproduction": "benign.reproduction",
    "EffectiveModelComplexity": "benign.diagnosis",
    "FittingThreshold": "benign.diagnosis",
    "MeasurementInterrupted": "benign.experiments",
    # procedures
    "Procedure": "benign.procedures",
    "RandomFourier": "benign.procedures",
    "Polynomial": "benign.procedures",
    "MLP": "benign.procedures",
    "OneHiddenLayer": "benign.procedures",
    "from_estimator": "benign.procedures",
    "from_callable": "benign.procedures",
    "Training": "benign.networks.training",
    # where samples come from
    "sources": None,
    "Split": "benign.foundation.split",
    "Replicate": "benign.foundation.replicate",
    # networks, trained as populations
    "networks": None,
    # which solutions training picks, and why
    "implicit": None,
    # the linear laboratory
    "linear": None,
    "Outcome": "benign.foundation.outcomes",
    # errors
    "BenignError": "benign.foundation.errors",
}

__all__ = [
    "MLP",
    "BenignError",
    "Curve",
    "EffectiveModelComplexity",
    "Experiment",
    "FittingThreshold",
    "MLflowLogger",
    "MeasurementInterrupted",
    "OneHiddenLayer",
    "Outcome",
    "Polynomial",
    "Procedure",
    "Processes",
    "RandomFourier",
    "Ray",
    "Replicate",
    "Reproduction",
    "Run",
    "RunInterrupted",
    "Split",
    "Store",
    "Surface",
    "TensorBoardLogger",
    "Training",
    "against_threshold",
    "effective_model_complexity",
    "figure",
    "from_callable",
    "from_estimator",
    "implicit",
    "linear",
    "list_runs",
    "locate_peak",
    "measure",
    "networks",
    "open_run",
    "plan",
    "run",
    "sources",
    "threshold_size",
    "threshold_time",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'benign' has no attribute {name!r}")
    home = _HOMES[name]
    value = importlib.import_module(f"benign.{name}") if home is None else getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
