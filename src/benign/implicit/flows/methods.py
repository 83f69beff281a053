"""The methods whose backward error is known: how each steps, what it follows, and from where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_number, checked_positive
from benign.implicit.flows.discrete import GradientOf, epoch_in_every_order, run
from benign.implicit.flows.modified_loss import (
    Corrected,
    Loss,
    Scalar,
    adam_field,
    heavy_ball_penalty,
    nesterov_penalty,
    penalised_field,
)

Average = Float[Array, " m"]
Averages = tuple[Average, Average, Int[Array, ""]]
"""Of the gradient and of its square, and the number of steps."""
Ends = tuple[Float[Array, " m"], Float[Array, " m"], Float[Array, " m"]]
"""Where the plain flow starts, where the modified flow starts, and where the method ends."""


@dataclass(frozen=True, kw_only=True)
class GradientDescent:
    """theta <- theta - h g."""

    name: ClassVar[str] = "gradient descent"
    shortest: ClassVar[int] = 32

    def begin(self, theta: Float[Array, " m"]) -> tuple[()]:
        """It has no state."""
        del theta
        return ()

    def step(
        self, gradient_of: GradientOf, theta: Float[Array, " m"], state: tuple[()], step_size: Scalar
    ) -> tuple[Float[Array, " m"], tuple[()]]:
        """One step."""
        return theta - step_size * gradient_of(theta), state

    def rate(self, curvature: float) -> float:
        """One over the shortest time scale of its flow."""
        return curvature

    def field(self, losses: Sequence[Loss], theta: Float[Array, " m"], step_size: Scalar) -> Corrected:
        """Plain field and correction."""
        return penalised_field(losses, theta, penalty=step_size / 4.0)

    def ends(self, losses: Sequence[Loss], start: Float[Array, " m"], step_size: float, steps: int) -> Ends:
        """Both flows start where it does."""
        return start, start, run(self, losses[0], (start, self.begin(start)), step_size, steps)[0]


@dataclass(frozen=True, kw_only=True)
class Momentum:
    """Velocity <- beta velocity + g; theta <- theta - h velocity, from rest: Polyak's heavy ball (1964).

    With ``nesterov`` the gradient is taken where the velocity leads, at theta - h beta velocity (Nesterov 1983). From
    rest either lags behind its modified flow, which starts at theta_0 + h beta / (1 - beta)^2 g instead.
    """

    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        _check_share("momentum", self.momentum)

    @property
    def name(self) -> str:
        """What it is called."""
        return "Nesterov" if self.nesterov else "heavy ball"

    @property
    def shortest(self) -> int:
        """Steps after which the start from rest is forgotten, to e^-32."""
        return math.ceil(32.0 / (1.0 - self.momentum))

    def begin(self, theta: Float[Array, " m"]) -> Average:
        """At rest."""
        return jnp.zeros_like(theta)

    def step(
        self, gradient_of: GradientOf, theta: Float[Array, " m"], state: Average, step_size: Scalar
    ) -> tuple[Float[Array, " m"], Average]:
        """One step."""
        ahead = theta - step_size * self.momentum * state if self.nesterov else theta
        velocity = self.momentum * state + gradient_of(ahead)
        return theta - step_size * velocity, velocity

    def rate(self, curvature: float) -> float:
        """One over the shortest time scale of its flow, whose velocity is 1 / (1 - beta)."""
        return curvature / (1.0 - self.momentum)

    def field(self, losses: Sequence[Loss], theta: Float[Array, " m"], step_size: Scalar) -> Corrected:
        """Plain field and correction."""
        penalty = nesterov_penalty if self.nesterov else heavy_ball_penalty
        velocity = 1.0 / (1.0 - self.momentum)
        return penalised_field(losses, theta, penalty=penalty(step_size, self.momentum), velocity=velocity)

    def ends(self, losses: Sequence[Loss], start: Float[Array, " m"], step_size: float, steps: int) -> Ends:
        """The modified flow starts at theta_0 + h beta / (1 - beta)^2 g, where one that has always run would have been.

        The first velocities are smaller than those that the flow assumes; for a constant gradient what is missing sums
        to exactly this. Without it the comparison is of order 1 whatever the coefficient.
        """
        late = step_size * self.momentum / (1.0 - self.momentum) ** 2
        end = run(self, losses[0], (start, self.begin(start)), step_size, steps)[0]
        return start, start + late * jax.grad(losses[0])(start), end


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam (Kingma & Ba 2015) with bias correction and epsilon *inside* the root: step h m / sqrt(v + eps).

    The theory holds after the warm-up, when both averages have forgotten their start: there the comparison begins. It
    is an expansion in h / (1 - rho), and its field is smooth on the scale of sqrt(eps): with rho = 0.999 or eps = 1e-8
    it needs far smaller steps than anyone trains with.
    """

    momentum: float = 0.9
    square_momentum: float = 0.95
    epsilon: float = 0.1
    name: ClassVar[str] = "Adam"

    def __post_init__(self) -> None:
        _check_share("momentum", self.momentum)
        _check_share("square_momentum", self.square_momentum)
        checked_positive("epsilon", self.epsilon, kind="a positive number (0.1 is usual here)")

    @property
    def shortest(self) -> int:
        """Steps in which both averages follow the path."""
        return math.ceil(64.0 / (1.0 - max(self.momentum, self.square_momentum)))

    def begin(self, theta: Float[Array, " m"]) -> Averages:
        """Both averages zero, no step taken."""
        return jnp.zeros_like(theta), jnp.zeros_like(theta), jnp.zeros((), dtype=int)

    def step(
        self, gradient_of: GradientOf, theta: Float[Array, " m"], state: Averages, step_size: Scalar
    ) -> tuple[Float[Array, " m"], Averages]:
        """One step."""
        gradient = gradient_of(theta)
        first = self.momentum * state[0] + (1.0 - self.momentum) * gradient
        second = self.square_momentum * state[1] + (1.0 - self.square_momentum) * gradient**2
        count = state[2] + 1
        mean = first / (1.0 - self.momentum**count)
        square = second / (1.0 - self.square_momentum**count)
        return theta - step_size * mean / jnp.sqrt(square + self.epsilon), (first, second, count)

    def rate(self, curvature: float) -> float:
        """One over the shortest time scale of its flow: g / sqrt(g^2 + eps) has slope 1 / sqrt(eps) at most."""
        return curvature / math.sqrt(self.epsilon)

    def field(self, losses: Sequence[Loss], theta: Float[Array, " m"], step_size: Scalar) -> Corrected:
        """Plain field and correction."""
        return adam_field(
            losses[0],
            theta,
            step_size,
            momentum=self.momentum,
            square_momentum=self.square_momentum,
            epsilon=self.epsilon,
        )

    def ends(self, losses: Sequence[Loss], start: Float[Array, " m"], step_size: float, steps: int) -> Ends:
        """Both flows start where the warm-up ends."""
        warm = run(self, losses[0], (start, self.begin(start)), step_size, self.shortest)
        return warm[0], warm[0], run(self, losses[0], warm, step_size, steps)[0]


@dataclass(frozen=True, kw_only=True)
class MiniBatch:
    """One epoch of mini-batch gradient descent, the mean over all orders of its batches (random shuffling)."""

    name: ClassVar[str] = "mini-batch"
    shortest: ClassVar[int] = 32

    def rate(self, curvature: float) -> float:
        """One over the shortest time scale of its flow."""
        return curvature

    def field(self, losses: Sequence[Loss], theta: Float[Array, " m"], step_size: Scalar) -> Corrected:
        """Plain field and correction."""
        return penalised_field(losses, theta, penalty=step_size / 4.0)

    def ends(self, losses: Sequence[Loss], start: Float[Array, " m"], step_size: float, steps: int) -> Ends:
        """Both flows start where the epoch does; ``steps`` is the number of batches."""
        assert steps == len(losses)
        return start, start, jnp.mean(epoch_in_every_order(tuple(losses), start, step_size), axis=0)


Method = GradientDescent | Momentum | Adam | MiniBatch


def find_method(method: str | Method) -> Method:
    """The method of this name, with its usual settings, or the one given.

    Raises:
        UnknownName: if there is none, with the nearest.
    """
    if isinstance(method, GradientDescent | Momentum | Adam | MiniBatch):
        return method
    usual = (GradientDescent(), Momentum(), Momentum(nesterov=True), Adam(), MiniBatch())
    known: dict[str, Method] = {one.name: one for one in usual}
    if not isinstance(method, str):
        raise invalid("method", f"must be a name or a method such as Momentum(momentum=0.5), got {method!r}.")
    checked_name("method", method, known)
    return known[method]


def _check_share(argument: str, value: object) -> None:
    checked_number(argument, value, kind="at least 0 and below 1", fits=lambda share: 0.0 <= share < 1.0)
