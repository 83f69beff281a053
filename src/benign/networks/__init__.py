"""Families of networks and their training as populations, on JAX, Equinox and Optax (the extra ``networks``).

The public names are loaded on first use, so that settings can be written down where JAX is not installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benign.networks.checkpoints import CheckpointUnusable
    from benign.networks.dense import MLPFamily, OneHiddenLayerFamily
    from benign.networks.family import Family
    from benign.networks.population import Member, TrainedPopulation, initial_network, train_population
    from benign.networks.recording import Data, PredictionRecorder, Recorder, RiskRecorder
    from benign.networks.training import Training

_HOMES = {
    # how networks are trained
    "Training": "training",
    **dict.fromkeys(("Member", "TrainedPopulation", "initial_network", "train_population"), "population"),
    "CheckpointUnusable": "checkpoints",
    # what a network is
    "Family": "family",
    **dict.fromkeys(("MLPFamily", "OneHiddenLayerFamily"), "dense"),
    # what is recorded
    **dict.fromkeys(("Data", "PredictionRecorder", "Recorder", "RiskRecorder"), "recording"),
}

__all__ = [
    "CheckpointUnusable",
    "Data",
    "Family",
    "MLPFamily",
    "Member",
    "OneHiddenLayerFamily",
    "PredictionRecorder",
    "Recorder",
    "RiskRecorder",
    "TrainedPopulation",
    "Training",
    "initial_network",
    "train_population",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'benign.networks' has no attribute {name!r}")
    if _HOMES[name] not in ("training", "checkpoints"):
        from benign.networks.devices import require_jax

        require_jax(f"`benign.networks.{name}`")
    value = getattr(importlib.import_module(f"benign.networks.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
