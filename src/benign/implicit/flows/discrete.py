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
GradientOf = Callable[[Float[Array, " m"]], Float[Array, " m"]]


@runtime_checkable
class Rule(Protocol):
    """One step of a method; a rule is hashable and holds no state: the state is passed."""

    def begin(self, theta: Float[Array, " m"]) -> State:
        """The state before the first step."""
        ...

    def step(
        self, gradient_of: GradientOf, theta: Float[Array, " m"], state: State, step_size: Scalar
    ) -> tuple[Float[Array, " m"], State]:
        """Parameters and state after one step."""
        ...


@partial(jax.jit, static_argnums=(0, 1))
def run(
    rule: Rule, loss: Loss, start: Float[Array, " m"], step_size: Scalar, steps: int | Int[Array, ""]
) -> Float[Array, " m"]:
    """Where ``steps`` steps end. Step size and number of steps are arguments of one compiled program."""
    return _after(rule, loss, (start, rule.begin(start)), step_size, steps)[0]


@partial(jax.jit, static_argnums=(0, 1))
def run_after_warm_up(
    rule: Rule,
    loss: Loss,
    start: Float[Array, " m"],
    step_size: Scalar,
    warm_up: int | Int[Array, ""],
    steps: int | Int[Array, ""],
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Where ``warm_up`` steps end, and ``steps`` further ones."""
    warm = _after(rule, loss, (start, rule.begin(start)), step_size, warm_up)
    return warm[0], _after(rule, loss, warm, step_size, steps)[0]


def _after(
    rule: Rule, loss: Loss, begun: tuple[Float[Array, " m"], State], step_size: Scalar, steps: int | Int[Array, ""]
) -> tuple[Float[Array, " m"], State]:
    gradient_of = jax.grad(loss)

    def body(_: Int[Array, ""], carry: tuple[Float[Array, " m"], State]) -> tuple[Float[Array, " m"], State]:
        return rule.step(gradient_of, *carry, step_size)

    return jax.lax.fori_loop(0, steps, body, begun)


@partial(jax.jit, static_argnums=(0, 1, 4))
def trajectory(
    rule: Rule, loss: Loss, start: Float[Array, " m"], step_size: Scalar, steps: int
) -> Float[Array, "iterates m"]:
    """Every iterate, the start first."""
    gradient_of = jax.grad(loss)

    def body(carry: tuple[Float[Array, " m"], State], _: None) -> tuple[Any, Float[Array, " m"]]:
        theta, state = rule.step(gradient_of, *carry, step_size)
        return (theta, state), theta

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
