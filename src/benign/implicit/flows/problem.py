"""A user's loss and start, made ready for measuring orders: one flat float64 vector, checked, with its curvature."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.errors import InvalidArgument, invalid
from benign.implicit.curvature.hessian import FlatLoss, gradient_at, hessian_product, parameter_loss, traced, value_at
from benign.implicit.flows.modified_loss import Loss
from benign.implicit.precision import checked_parameters

MOST_PARAMETERS = 10_000
_ITERATIONS, _SETTLED = 500, 1e-4
_TINY = 1e-300


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Losses of one flat vector, and where to start; ``notes`` are sentences on what was changed."""

    losses: tuple[Loss, ...]
    start: Float[Array, " m"]
    notes: tuple[str, ...]

    def loss(self, theta: Float[Array, " m"]) -> Float[Array, ""]:
        """The mean of the losses."""
        return sum((loss(theta) for loss in self.losses), jnp.zeros((), theta.dtype)) / len(self.losses)


def prepare(losses: Sequence[Callable[[Any], Any]], start: Any) -> Problem:
    """The losses as functions of one flat float64 vector.

    Call it with float64 enabled (``jax.enable_x64``).

    Raises:
        InvalidArgument: for parameters that are no floating-point arrays, too many of them, a loss that gives no
            scalar, is not written in JAX or computes in less than float64.
    """
    kinds = {np.asarray(leaf).dtype for leaf in jax.tree.leaves(start)}
    low = sorted(str(kind) for kind in kinds if jnp.issubdtype(kind, jnp.floating) and kind != np.float64)
    wide = jax.tree.map(_widened, start)
    checked_parameters("start", wide)
    parameters = sum(np.size(leaf) for leaf in jax.tree.leaves(wide))
    if parameters > MOST_PARAMETERS:
        raise invalid(
            "start",
            f"must hold 1 to {MOST_PARAMETERS:,} parameters, got {parameters:,}; the flow takes thousands of gradients "
            "in float64: analyse a narrower network.",
        )
    flat = [parameter_loss(loss, wide) for loss in losses]
    for loss in flat:
        program = traced(loss)
        narrowed = next(_narrowed(program.jaxpr), None)
        if narrowed is not None or program.out_avals[0].dtype != jnp.float64:
            raise invalid(
                "loss",
                f"computes in {narrowed or program.out_avals[0].dtype}, in which orders drown in rounding; leave out "
                "conversions such as `.astype(jnp.float32)`: parameters arrive in float64.",
            )
    notes: tuple[str, ...] = ()
    if low:
        notes = (f"Parameters were converted from {', '.join(low)} to float64: in less, orders drown in rounding.",)
    return Problem(losses=tuple(partial(value_at, loss) for loss in flat), start=flat[0].parameters, notes=notes)


def _widened(leaf: Any) -> Any:
    return jnp.asarray(leaf, jnp.float64) if jnp.issubdtype(np.asarray(leaf).dtype, jnp.floating) else np.asarray(leaf)


def _narrowed(jaxpr: Any) -> Iterator[str]:
    """Kinds of numbers to which float64 is narrowed on the way, in nested programs too."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "convert_element_type":
            kind = equation.params["new_dtype"]
            is_wide = equation.invars[0].aval.dtype == jnp.float64
            if is_wide and jnp.issubdtype(kind, jnp.floating) and kind != jnp.float64:
                yield str(kind)
        for value in equation.params.values():
            for inner in value if isinstance(value, (tuple, list)) else (value,):
                program = getattr(inner, "jaxpr", inner)
                if hasattr(program, "eqns"):
                    yield from _narrowed(program)


def checked_curvature(problem: Problem) -> float:
    """The largest absolute eigenvalue of the loss's Hessian at the start.

    Raises:
        InvalidArgument: if loss, gradient or curvature is not finite there, or gradient or curvature is zero.
    """
    numbers = _look_around(parameter_loss(problem.loss, problem.start))
    value, slope, curvature = (float(number) for number in numbers)
    if not all(math.isfinite(number) for number in (value, slope, curvature)):
        raise InvalidArgument(
            f"`loss`, its gradient and its curvature must be finite at `start`, got {value:.3g}, {slope:.3g} and "
            f"{curvature:.3g}; start elsewhere."
        )
    if slope == 0.0:
        raise invalid("start", "is a stationary point of the loss, where nothing moves; start elsewhere.")
    if curvature == 0.0:
        raise invalid(
            "loss",
            "has no curvature at `start`: step sizes are measured in it, and on a linear loss method and flow "
            "agree exactly; start elsewhere.",
        )
    return curvature


@eqx.filter_jit
def _look_around(loss: FlatLoss) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """Loss, norm of the gradient, and curvature by power iteration.

    To 1e-4 or after 500 products: it sets step sizes, for which a percent would do, and compiles in a third of the time
    that Lanczos takes.
    """
    theta = loss.parameters

    def iterate(carry: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
        direction, curvature, _, count = carry
        image = hessian_product(loss, direction)
        size = jnp.linalg.norm(image)
        return image / jnp.maximum(size, _TINY), size, curvature, count + 1

    def goes_on(carry: tuple[Any, Any, Any, Any]) -> Any:
        _, curvature, before, count = carry
        return (count < 3) | ((jnp.abs(curvature - before) > _SETTLED * curvature) & (count < _ITERATIONS))

    first = jax.random.normal(jax.random.key(0), theta.shape, theta.dtype)
    begun = (first / jnp.linalg.norm(first), jnp.zeros((), theta.dtype), jnp.zeros((), theta.dtype), 0)
    curvature = jax.lax.while_loop(goes_on, iterate, begun)[1]
    return value_at(loss, theta), jnp.linalg.norm(gradient_at(loss, theta)), curvature
