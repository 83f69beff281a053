"""What decides the numbers of a training, as JSON values: checkpoints of anything else are refused."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Int

from benign.foundation.split import Split
from benign.networks.digests import sha256_of
from benign.networks.family import Family
from benign.networks.recording import Data, Recorder
from benign.networks.training import Training


def configuration(
    family: Family,
    training: Training,
    program_width: int,
    members: Sequence[tuple[int, float | None, float | None, str]],
    data: Sequence[Split],
    networks: Sequence[eqx.Module],
    steps: Int[np.ndarray, " time"],
    recorder: Recorder,
    averaged: bool,
) -> dict[str, object]:
    """Settings in words, data and initial weights by their SHA-256; of a member width, rate, penalty, replicate."""
    return {
        "family": repr(family),
        "training": training.spec(),
        # Members may have penalties of their own where the training has none.
        "gradient_penalty": [training.gradient_penalty_by, training.gradient_penalty_step],
        "program_width": program_width,
        "members": [list(member) for member in members],
        "data": sha256_of([getattr(split, name) for split in data for name in Data._fields]),
        "initial_weights": sha256_of([leaf for network in networks for leaf in jax.tree.leaves(network)]),
        "steps": steps.tolist(),
        "recorder": recorder_name(recorder),
        "averaged": averaged,
    }


def recorder_name(recorder: Recorder) -> str:
    """Type and settings; sets in a fixed order, arrays by their content."""
    settings = {
        name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(recorder).items()
    }
    words = {
        name: sha256_of([np.asarray(value)]) if eqx.is_array(value) else repr(value) for name, value in settings.items()
    }
    return f"{type(recorder).__name__}({', '.join(f'{name}={words[name]}' for name in sorted(words))})"
