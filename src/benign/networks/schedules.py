"""The schedules that scale a learning rate, for compiled and for plain numbers alike."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from benign.networks.training import Training

_DECAY_EPOCHS, _DECAY = 500, 0.9
_PLATEAU_STEPS = 512


def schedule(training: Training, step: Any, total: int, steps_per_epoch: int, of: ModuleType = math) -> Any:
    """What the learning rate is multiplied by at a step, counted from 0.

    Args:
        training: whose schedule it is.
        step: a number, or a traced one.
        total: steps of the whole training.
        steps_per_epoch: steps of an epoch.
        of: where the cosine and the root of such numbers are: :mod:`math`, or ``jax.numpy``.
    """
    if training.schedule == "cosine":
        return 0.5 * (1.0 + of.cos(math.pi * step / total))
    if training.schedule == "inverse_square_root":
        return 1.0 / of.sqrt(1.0 + step // _PLATEAU_STEPS)
    if training.schedule == "step_decay":
        return _DECAY ** (step // (_DECAY_EPOCHS * steps_per_epoch))
    return 1.0
