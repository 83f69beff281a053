"""Families of networks and their training as populations, on JAX, Equinox and Optax (the extra ``networks``).

The public names are loaded on first use, so that settings can be written down where JAX is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.networks.checkpoints import CheckpointUnusable as CheckpointUnusable
    from benign.networks.dense import MLPFamily as MLPFamily
    from benign.networks.dense import OneHiddenLayerFamily as OneHiddenLayerFamily
    from benign.networks.family import Family as Family
    from benign.networks.population import Member as Member
    from benign.networks.population import TrainedPopulation as TrainedPopulation
    from benign.networks.population import initial_network as initial_network
    from benign.networks.population import train_population as train_population
    from benign.networks.recording import Data as Data
    from benign.networks.recording import PredictionRecorder as PredictionRecorder
    from benign.networks.recording import Recorder as Recorder
    from benign.networks.recording import RiskRecorder as RiskRecorder
    from benign.networks.training import Training as Training


def _check(name: str, home: str) -> None:
    if home not in ("benign.networks.training", "benign.networks.checkpoints"):
        from benign.networks.devices import require_jax

        require_jax(f"`benign.networks.{name}`")


__all__ = list(load_on_first_use(globals(), check=_check))
