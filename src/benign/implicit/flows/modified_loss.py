r"""Modified losses: what a discrete method follows in the place of the loss that it was given.

A method with step size h takes steps that its modified flow, theta' = field(theta), meets to one order in h more than
the flow of the loss does (backward error analysis). Each function here gives the plain field and the correction of
order h, so that the modified field is their sum. E is the loss, g its gradient and H its Hessian; H times a vector
comes from automatic differentiation, so nothing is ever m x m.

Papers: Barrett & Dherin 2021 (gradient descent), Smith et al. 2021 (random shuffling), Ghosh et al. 2023 and Kovachki &
Stuart 2021 (heavy ball and Nesterov), Cattaneo et al. 2024 (Adam).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Loss = Callable[[Float[Array, " m"]], Float[Array, ""]]
"""A smooth function of a flat vector of m parameters."""

Scalar = float | Float[Array, ""]
Corrected = tuple[Float[Array, " m"], Float[Array, " m"]]
"""The plain field, and the correction of order h that is added to it."""


def implicit_gradient_regularizer(gradient: Float[Array, " m"]) -> Float[Array, ""]:
    r"""R_IG = (1/m) sum_i (d_i E)^2, the mean squared entry of the gradient (Barrett & Dherin 2021, eq. 3).

    >>> float(implicit_gradient_regularizer(jnp.array([3.0, 4.0])))
    12.5
    """
    return jnp.mean(gradient**2)


def regularization_rate(step_size: Scalar, parameters: int) -> Scalar:
    r"""Lambda = h m / 4, by which gradient descent adds R_IG to the loss (Barrett & Dherin 2021, eq. 2).

    ``lambda R_IG = (h/4) |g|^2``: m cancels, and lambda grows with the network only because R_IG is a mean.

    >>> regularization_rate(0.1, 2)
    0.05
    """
    return step_size * parameters / 4.0


def heavy_ball_penalty(step_size: Scalar, momentum: float) -> Scalar:
    r"""H (1 + beta) / (4 (1 - beta)^2), the coefficient of |g|^2 for heavy-ball momentum (Ghosh et al. 2023).

    That is (1 + beta) / (1 - beta) times that of gradient descent at the same effective step h / (1 - beta).
    """
    return step_size * (1.0 + momentum) / (4.0 * (1.0 - momentum) ** 2)


def nesterov_penalty(step_size: Scalar, momentum: float) -> Scalar:
    r"""H (1 - beta + 2 beta^2) / (4 (1 - beta)^2), for Nesterov's (Kovachki & Stuart 2021, Proposition 1)."""
    return step_size * (1.0 - momentum + 2.0 * momentum**2) / (4.0 * (1.0 - momentum) ** 2)


def gradient_and_curvature(loss: Loss, theta: Float[Array, " m"]) -> Corrected:
    """The gradient g and H g, half the gradient of |g|^2."""
    gradient_of = jax.grad(loss)
    gradient = gradient_of(theta)
    return gradient, jax.jvp(gradient_of, (theta,), (gradient,))[1]


def penalised_field(
    losses: Sequence[Loss], theta: Float[Array, " m"], *, penalty: Scalar, velocity: float = 1.0
) -> Corrected:
    r"""-c g and -2 c kappa times the mean of H_k g_k, for the coefficient kappa and the velocity c.

    The flow of C + (kappa / m) sum_k |grad C_k|^2, C the mean of the m losses C_k: with kappa = h / 4 that of gradient
    descent for one loss (Barrett & Dherin 2021, Theorem 3.1), and for the losses of m batches the one that the mean
    over all orders of the end of an epoch follows, over the time m h (Smith et al. 2021, eq. 1).
    """
    parts = zip(*(gradient_and_curvature(loss, theta) for loss in losses), strict=True)
    gradient, curvature = (sum(part, jnp.zeros_like(theta)) / len(losses) for part in parts)
    return -velocity * gradient, -2.0 * velocity * penalty * curvature


def adam_field(
    loss: Loss,
    theta: Float[Array, " m"],
    step_size: Scalar,
    *,
    momentum: float,
    square_momentum: float,
    epsilon: float,
) -> Corrected:
    r"""-g / s with s = sqrt(g^2 + eps), and its correction for Adam after the warm-up (Cattaneo et al. 2024, eq. 1).

    The correction is -(h/2) [a(beta) - a(rho) (1 - eps / s^2)] H (g / s) / s with a(x) = (1 + x) / (1 - x): H (g / s)
    is the gradient of the perturbed 1-norm sum_i s_i, which rho > beta and a small eps *anti*-penalise.
    """
    gradient_of = jax.grad(loss)
    gradient = gradient_of(theta)
    scale = jnp.sqrt(gradient**2 + epsilon)
    norm_gradient = jax.jvp(gradient_of, (theta,), (gradient / scale,))[1]
    beta, rho = (1.0 + momentum) / (1.0 - momentum), (1.0 + square_momentum) / (1.0 - square_momentum)
    bias = 0.5 * step_size * (beta - rho + rho * epsilon / scale**2) * norm_gradient
    return -gradient / scale, -bias / scale
