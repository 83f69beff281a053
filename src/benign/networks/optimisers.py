"""Optax transformations without their learning rate, which belongs to a member, and the schedules that scale it."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from benign.networks.training import Training

_DECAY_EPOCHS, _DECAY = 500, 0.9
_PLATEAU_STEPS = 512


def direction(training: Training) -> optax.GradientTransformation:
    """From a gradient to the step for learning rate 1, sign aside; equal to PyTorch's optimiser of the same name."""
    decay = [optax.add_decayed_weights(training.weight_decay)] if training.weight_decay else []
    rule = {
        "adam": lambda: optax.scale_by_adam(b1=0.9, b2=0.999, eps=1e-8),
        "momentum": lambda: optax.trace(decay=training.momentum),
        "sgd": optax.identity,
    }[training.optimizer]
    return optax.chain(*decay, rule())


def schedule(training: Training, step: Int[Array, ""], total: int, steps_per_epoch: int) -> Float[Array, ""] | float:
    """What the learning rate is multiplied by at a step, counted from 0."""
    if training.schedule == "cosine":
        return 0.5 * (1.0 + jnp.cos(jnp.pi * step / total))
    if training.schedule == "inverse_square_root":
        return 1.0 / jnp.sqrt(1.0 + step // _PLATEAU_STEPS)
    if training.schedule == "step_decay":
        return _DECAY ** (step // (_DECAY_EPOCHS * steps_per_epoch))
    return 1.0
