r"""How much a loss rises near its parameters: at worst within a ball, and on average under noise.

With a scale c of one number for each parameter and the ball :math:`\{\epsilon = c \odot u : \|u\|_2 \le \rho\}`,

.. math:: S_\rho = \max_{\|u\| \le \rho} E(\theta + c \odot u) - E(\theta).

* c = 1: sharpness-aware minimisation (Foret, Kleiner, Mobahi, Neyshabur 2021, equations 1 and 2). One ascent step is
  :math:`\epsilon = \rho\, g / \|g\|`.
* c = |theta|: adaptive (elementwise) sharpness (Kwon, Kim, Park, Choi 2021, equation 4; Andriushchenko et al. 2023,
  section 3). One step is :math:`\epsilon = \rho\, \theta^2 g / \|\theta g\|`. Rescalings of weights and biases that
  leave a ReLU network's function unchanged leave it unchanged too.

Both are lower bounds of the maximum, which no method computes exactly; more steps raise them.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.implicit.curvature.hessian import FlatLoss, by_itself, error_at, gradient_at, measuring_outside, value_at


class NoiseMoments(NamedTuple):
    """Means over draws of noise, with standard errors; the loss is its rise over that at the parameters."""

    rise: Float[Array, ""]
    rise_error: Float[Array, ""]
    accuracy: Float[Array, ""]
    accuracy_error: Float[Array, ""]


def worst_rise(loss: FlatLoss, *, radius: float, steps: int = 1, adaptive: bool = False) -> Float[Array, ""]:
    """The largest rise of the loss found in the ball by normalised gradient ascent.

    Source: Foret, Kleiner, Mobahi, Neyshabur 2021, equations 1 and 2.

    The first step goes to the ball's surface along the gradient at its centre, as in sharpness-aware minimisation. Each
    further one moves by a part of the radius that falls as 1 / sqrt(step) and is projected back; the largest rise of
    all points is kept, so that more steps never find less.

    Args:
        loss: at the ball's centre.
        radius: rho, in units of the scale c.
        steps: of ascent; costs one gradient and one evaluation each.
        adaptive: whether c is the parameters' absolute values instead of 1 (Kwon et al. 2021, equation 4).

    Returns:
        A scalar, NaN where the loss is not finite.
    """
    with measuring_outside(loss):
        return _worst_rise(loss, radius, steps, adaptive)


def _worst_rise(loss: FlatLoss, radius: float, steps: int, adaptive: bool) -> Float[Array, ""]:
    centre = loss.parameters
    scale = jnp.abs(centre) if adaptive else jnp.ones_like(centre)
    start = value_at(loss, centre)

    def climb(number: Array | int, reached: tuple[Array, Array]) -> tuple[Array, Array]:
        u, best = reached
        slope = scale * gradient_at(loss, centre + scale * u)
        u = u + radius / jnp.sqrt(number + 1.0) * _unit(slope)
        u = u * jnp.minimum(1.0, radius / jnp.maximum(jnp.linalg.norm(u), np.finfo(u.dtype).tiny))
        return u, jnp.maximum(best, value_at(loss, centre + scale * u) - start)

    # Of a non-finite loss the rise is NaN, as jnp.maximum passes on.
    lowest = jnp.where(jnp.isfinite(start), -jnp.inf, jnp.nan).astype(centre.dtype)
    return jax.lax.fori_loop(0, steps, climb, (jnp.zeros_like(centre), lowest))[1]


@by_itself
def _unit(vector: Float[Array, " m"]) -> Float[Array, " m"]:
    """The vector over its length; zero, where it is, so that a stationary point has no ascent direction."""
    largest = jnp.max(jnp.abs(vector))
    scaled = vector / jnp.where(largest > 0.0, largest, 1.0)  # squares of small gradients would underflow
    return scaled / jnp.where(largest > 0.0, jnp.linalg.norm(scaled), 1.0)


def under_noise(loss: FlatLoss, *, deviation: float, multiplicative: bool, draws: int, key: Array) -> NoiseMoments:
    r"""Loss and accuracy when every parameter gets noise of its own, averaged over draws.

    Multiplicative: :math:`\theta_i (1 + \eta_i)` (Barrett & Dherin 2021); additive: :math:`\theta_i + \eta_i`; in both
    :math:`\eta_i \sim N(0, \sigma^2)`.

    Args:
        loss: at the parameters; of a user's own loss the accuracy is NaN.
        deviation: sigma.
        multiplicative: whether the noise is in units of each parameter.
        draws: at least two.
        key: of the noise.
    """
    with measuring_outside(loss):
        return _under_noise(loss, deviation, multiplicative, draws, key)


def _under_noise(loss: FlatLoss, deviation: float, multiplicative: bool, draws: int, key: Array) -> NoiseMoments:
    centre = loss.parameters
    scale = centre if multiplicative else jnp.ones_like(centre)
    if loss.free is not None:
        scale = jnp.where(loss.free, scale, 0.0)
    start = value_at(loss, centre)

    def of_draw(one: Array) -> tuple[Array, Array]:
        point = _moved(centre, deviation * scale, one)
        return value_at(loss, point) - start, 1.0 - error_at(loss, point)

    rises, accuracies = jax.lax.map(of_draw, jax.random.split(key, draws))
    return NoiseMoments(*_mean_and_error(rises), *_mean_and_error(accuracies))


@by_itself
def _moved(centre: Float[Array, " m"], deviation: Float[Array, " m"], key: Array) -> Float[Array, " m"]:
    return centre + deviation * jax.random.normal(key, centre.shape, centre.dtype)


def _mean_and_error(values: Float[Array, " draw"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    return jnp.mean(values), jnp.std(values, ddof=1) / jnp.sqrt(jnp.asarray(len(values), values.dtype))
