"""benign: why do over-parameterised models generalise, and is the overfitting of the model on your desk benign?

The public names are listed here and loaded on first use: ``import benign`` itself is light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign import curves as curves
    from benign import diagnosis as diagnosis
    from benign import histories as histories
    from benign import implicit as implicit
    from benign import linear as linear
    from benign import networks as networks
    from benign import plots as plots
    from benign import procedures as procedures
    from benign import sources as sources
    from benign import surface as surface
    from benign.diagnosis import Diagnosis as Diagnosis
    from benign.diagnosis import DiagnosisInterrupted as DiagnosisInterrupted
    from benign.diagnosis import EffectiveModelComplexity as EffectiveModelComplexity
    from benign.diagnosis import FittingThreshold as FittingThreshold
    from benign.diagnosis import diagnose as diagnose
    from benign.diagnosis import effective_model_complexity as effective_model_complexity
    from benign.diagnosis import locate_peak as locate_peak
    from benign.diagnosis import threshold_size as threshold_size
    from benign.diagnosis import threshold_time as threshold_time
    from benign.experiments import MeasurementInterrupted as MeasurementInterrupted
    from benign.experiments import measure as measure
    from benign.experiments.declaration import Experiment as Experiment
    from benign.experiments.executors import Processes as Processes
    from benign.experiments.executors import Ray as Ray
    from benign.experiments.loggers import MLflowLogger as MLflowLogger
    from benign.experiments.loggers import TensorBoardLogger as TensorBoardLogger
    from benign.experiments.store import Store as Store
    from benign.figures.reproduction import Reproduction as Reproduction
    from benign.figures.reproduction import figure as figure
    from benign.figures.table_of_models import against_threshold as against_threshold
    from benign.foundation.errors import BenignError as BenignError
    from benign.foundation.outcomes import Outcome as Outcome
    from benign.foundation.replicate import Replicate as Replicate
    from benign.foundation.split import Split as Split
    from benign.histories import Triage as Triage
    from benign.histories import triage as triage
    from benign.networks.training import Training as Training
    from benign.procedures import MLP as MLP
    from benign.procedures import OneHiddenLayer as OneHiddenLayer
    from benign.procedures import Polynomial as Polynomial
    from benign.procedures import Procedure as Procedure
    from benign.procedures import RandomFourier as RandomFourier
    from benign.procedures import from_callable as from_callable
    from benign.procedures import from_equinox as from_equinox
    from benign.procedures import from_estimator as from_estimator
    from benign.procedures import from_flax as from_flax
    from benign.procedures import from_torch as from_torch
    from benign.procedures import from_training_loop as from_training_loop
    from benign.runs import Run as Run
    from benign.runs import RunInterrupted as RunInterrupted
    from benign.runs import list_runs as list_runs
    from benign.runs import open_run as open_run
    from benign.runs import plan as plan
    from benign.runs import run as run
    from benign.surface import Curve as Curve
    from benign.surface import Surface as Surface

__all__ = list(load_on_first_use(globals()))
