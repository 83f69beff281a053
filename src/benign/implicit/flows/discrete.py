"""The discrete methods as compiled loops over a flat vector of parameters, in the precision of the start."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from benign.implicit.flows.modified_loss import Loss, Scalar

State = Any
Begun = tuple[Float[Array, " m"], State]
"""Parameters and the method's state."""
GradientOf = Callable[[Float[Array, " m"]], Float[Array, " m"]]


@runtime_checkable
class Rule(Protocol):
    """One step of a method; a rule is hashable and holds no state: the state is passed."""

    def begin(self, theta: Float[Array, " m"]) -> State:
        """The state before the first step."""
        ...

    def step(self, gradient_of: GradientOf, theta: Float[Array, " m"], state: State, step_size: Scalar) -> Begun:
        """Parameters and state after one step."""
        ...


@partial(jax.jit, static_argnums=(0, 1))
def run(rule: Rule, loss: Loss, begun: Begun, step_size: Scalar, steps: int | Int[Array, ""]) -> Begun:
    """Parameters and state after ``steps`` steps; step size and steps are arguments of one compiled program."""
    gradient_of = jax.grad(loss)

    def body(_: Int[Array, ""], reached: Begun) -> Begun:
        return rule.step(gradient_of, reached[0], reached[1], step_size)

    return jax.lax.fori_loop(0, steps, body, begun)


@partial(jax.jit, static_argnums=(0, 1, 4))
def trajectory(
    rule: Rule, loss: Loss, start: Float[Array, " m"], step_size: Scalar, steps: int
) -> Float[Array, "iterates m"]:
    """Every iterate, the start first."""
    gradient_of = jax.grad(loss)

    def body(carry: Begun, _: None) -> tuple[Begun, Float[Array, " m"]]:
        carry = rule.step(gradient_of, *carry, step_size)
        return carry, carry[0]

    _, path = jax.lax.scan(body, (start, rule.begin(start)), None, length=steps)
    return jnp.concatenate([start[None], path])


@partial(jax.jit, static_argnums=(0,))
def epoch_in_every_order(
    losses: Sequence[Loss], start: Float[Array, " m"], step_size: Scalar
) -> Float[Array, "orders m"]:
    """Where one epoch of mini-batch gradient descent ends, for every order of the batches.

    ``losses`` are the batches' losses, a tuple. All orders run side by side, one batch's gradient after the other.
    """
    orders = jnp.array(list(itertools.permutations(range(len(losses)))))
    gradients = [jax.grad(loss) for loss in losses]

    def one_order(order: Int[Array, " batches"]) -> Float[Array, " m"]:
        def body(theta: Float[Array, " m"], batch: Int[Array, ""]) -> tuple[Float[Array, " m"], None]:
            return theta - step_size * jax.lax.switch(batch, gradients, theta), None

        return jax.lax.scan(body, start, order)[0]

    return jax.lax.map(one_order, orders)
