r"""The gradient penalty R_IG of Barrett & Dherin (2021), recorded along training and as an explicit regulariser.

:math:`R_{IG} = \frac{1}{m} \sum_i (\partial E / \partial \theta_i)^2` for m parameters. Here stands the sum,
:math:`|\nabla E|^2`; a program that is padded to a larger width does not know m, so the division is left to who does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from benign.networks.objective import losses_of, mean_loss
from benign.networks.training import PENALTY_BATCHES, Training

Tree = Any

# Rows of one pass for the full batch. A recording costs less than one and a quarter epochs, and less the forward pass
# that it makes anyway.
_ROWS = 512


def squared_norm(gradient: Tree) -> Float[Array, ""]:
    """Sum of the squares of all numbers of a tree."""
    leaves = jax.tree.leaves(gradient)
    return jnp.sum(jnp.stack([jnp.sum(leaf**2) for leaf in leaves]))


def outputs_and_square(
    network: eqx.Module, loss: str, inputs: Float[Array, "n d"], targets: Float[Array, "n K"]
) -> tuple[Float[Array, "n K"], Float[Array, ""]]:
    r"""Outputs, and :math:`|\nabla E|^2` of the mean loss E over all samples: one pass, some rows at a time."""
    parameters, structure = eqx.partition(network, eqx.is_array)
    n = len(inputs)
    parts = -(-n // _ROWS)
    rows = -(-n // parts)
    # The last part is filled up with copies of the last sample, which do not count.
    order = jnp.minimum(jnp.arange(parts * rows), n - 1).reshape(parts, rows)
    counted = (jnp.arange(parts * rows) < n).reshape(parts, rows)

    def add(total: Tree, part: tuple[Array, Array]) -> tuple[Tree, Array]:
        chosen, is_counted = part

        def share(weights: Tree) -> tuple[Float[Array, ""], Float[Array, "rows K"]]:
            outputs = jax.vmap(eqx.combine(weights, structure))(inputs[chosen])
            return jnp.sum(losses_of(loss, outputs, targets[chosen]) * is_counted) / n, outputs

        gradient, outputs = jax.grad(share, has_aux=True)(parameters)
        return jax.tree.map(jnp.add, total, gradient), outputs

    gradient, outputs = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, parameters), (order, counted))
    return outputs.reshape(parts * rows, -1)[:n], squared_norm(gradient)


def minibatch_square(
    network: eqx.Module, loss: str, inputs: Float[Array, "n d"], targets: Float[Array, "n K"], batch: int
) -> Float[Array, ""]:
    r"""Mean over mini-batches of :math:`|\nabla E_k|^2`, the penalty of Smith et al. (2021).

    Over at most eight batches of consecutive samples: samples are in random order, so that these are what an epoch's
    random batches are, and the mean over eight is one without bias.
    """
    parameters, structure = eqx.partition(network, eqx.is_array)
    count = min(PENALTY_BATCHES, len(inputs) // batch)

    def square(start: Array) -> Float[Array, ""]:
        x, y = (jax.lax.dynamic_slice_in_dim(part, start, batch) for part in (inputs, targets))
        gradient = jax.grad(lambda p: mean_loss(loss, jax.vmap(eqx.combine(p, structure))(x), y, None))(parameters)
        return squared_norm(gradient)

    return jnp.mean(jax.lax.map(square, batch * jnp.arange(count)))


def penalised_gradient(
    objective: Callable[[Tree], Float[Array, ""]], parameters: Tree, strength: Float[Array, ""], training: Training
) -> Tree:
    r"""Gradient of :math:`E + c |\nabla E|^2`, where ``strength`` c is mu / m (Barrett & Dherin 2021, section 4).

    By double backpropagation it is exact. By finite difference it is
    :math:`\nabla E + 2 c (\nabla E(\theta + \epsilon \nabla E) - \nabla E) / \epsilon`, the forward difference of
    Karakida et al. (2023), which costs one gradient more than none.
    """
    plain = jax.grad(objective)
    if training.gradient_penalty_by == "double_backpropagation":
        return jax.grad(lambda p: objective(p) + strength * squared_norm(plain(p)))(parameters)
    step = training.gradient_penalty_step
    gradient = plain(parameters)
    ahead = plain(jax.tree.map(lambda p, g: p + step * g, parameters, gradient))
    return jax.tree.map(lambda g, a: g + (2.0 / step) * strength * (a - g), gradient, ahead)
