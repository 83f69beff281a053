"""The two training objectives, and how wrong a network is, on real-valued target rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def losses_of(loss: str, outputs: Float[Array, "n K"], targets: Float[Array, "n K"]) -> Float[Array, " n"]:
    """Cross-entropy in nats, or squared error summed over outputs, of each sample."""
    if loss == "cross-entropy":
        return jax.nn.logsumexp(outputs, axis=-1) - jnp.sum(outputs * targets, axis=-1)
    return jnp.sum((outputs - targets) ** 2, axis=-1)


def mean_loss(
    loss: str, outputs: Float[Array, "n K"], targets: Float[Array, "n K"], counted: Bool[Array, " n"] | None
) -> Float[Array, ""]:
    """The objective: mean loss of the samples that count, all unless said; the rest fills up a short batch."""
    losses = losses_of(loss, outputs, targets)
    if counted is None:
        return jnp.mean(losses)
    weights = counted.astype(outputs.dtype)
    return jnp.sum(losses * weights) / jnp.sum(weights)


def wrong(outputs: Float[Array, "n K"], targets: Float[Array, "n K"]) -> Bool[Array, " n"]:
    """Whether the largest output is another than the largest target, sample by sample."""
    return jnp.argmax(outputs, axis=-1) != jnp.argmax(targets, axis=-1)
