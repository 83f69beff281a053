"""A user's loss and start, made ready for measuring orders: one flat float64 vector, checked, with its curvature."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.errors import InvalidArgument, invalid
from benign.implicit.flows.modified_loss import Loss

MOST_PARAMETERS = 10_000
_ITERATIONS, _SETTLED = 500, 1e-4
_TINY = 1e-300


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Losses of one flat vector, and where to start; ``notes`` are sentences on what was changed."""

    losses: tuple[Loss, ...]
    start: Float[Array, " m"]
    notes: tuple[str, ...]

    @property
    def loss(self) -> Loss:
        """The mean of the losses."""
        return self.losses[0] if len(self.losses) == 1 else self._mean

    def _mean(self, theta: Float[Array, " m"]) -> Float[Array, ""]:
        return sum((loss(theta) for loss in self.losses), jnp.zeros((), theta.dtype)) / len(self.losses)


def prepare(losses: Sequence[Callable[[Any], Any]], start: Any) -> Problem:
    """The losses as functions of one flat float64 vector.

    Call it with float64 enabled (``jax.enable_x64``).

    Raises:
        InvalidArgument: for parameters that are no floating-point arrays, too many of them, a loss that gives no
            scalar, is not written in JAX or computes in less than float64.
    """
    leaves = jax.tree.leaves(start)
    kinds = [getattr(leaf, "dtype", np.asarray(leaf).dtype) for leaf in leaves]
    odd = next((kind for kind in kinds if not jnp.issubdtype(kind, jnp.floating)), None)
    if not leaves or odd is not None:
        raise invalid(
            "start",
            f"must hold floating-point arrays alone, got {odd if leaves else 'none'}; convert whole numbers "
            "with `.astype(float)`, and close over what is not trained.",
        )
    parameters = sum(int(np.size(leaf)) for leaf in leaves)
    if not 1 <= parameters <= MOST_PARAMETERS:
        raise invalid(
            "start",
            f"must hold 1 to {MOST_PARAMETERS:,} parameters, got {parameters:,}; the flow takes thousands of "
            "gradients in float64: analyse a narrower network.",
        )
    low = sorted({str(kind) for kind in kinds if kind != jnp.float64})
    wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=jnp.float64), start)
    flat, unravel = jax.flatten_util.ravel_pytree(wide)
    flattened = tuple(partial(_on_flat, loss, unravel) for loss in losses)
    for loss in flattened:
        _check_loss(loss, flat)
    notes: tuple[str, ...] = ()
    if low:
        notes = (f"Parameters were converted from {', '.join(low)} to float64: in less, orders drown in rounding.",)
    return Problem(losses=flattened, start=flat, notes=notes)


def _on_flat(loss: Callable[[Any], Any], unravel: Callable[[Any], Any], theta: Float[Array, " m"]) -> Any:
    return loss(unravel(theta))


def _check_loss(loss: Loss, start: Float[Array, " m"]) -> None:
    try:
        traced = jax.make_jaxpr(loss)(start)
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
        first = str(error).splitlines()[0]
        raise invalid(
            "loss", f"must be written in JAX operations that can be differentiated and compiled; JAX says: {first}"
        ) from error
    except TypeError as error:
        if "is not a valid JAX type" not in str(error):
            raise
        raise invalid("loss", "must return one number as a JAX scalar, got something else.") from error
    shapes = [(one.shape, one.dtype) for one in traced.out_avals]
    if len(shapes) != 1 or shapes[0][0] != ():
        raise invalid(
            "loss",
            f"must return a scalar, got {'shape ' + str(shapes[0][0]) if len(shapes) == 1 else 'several values'}"
            "; take the mean over samples, and leave out auxiliary outputs.",
        )
    narrowed = next(_narrowed(traced.jaxpr), None)
    if narrowed is not None or shapes[0][1] != jnp.float64:
        raise invalid(
            "loss",
            f"computes in {narrowed or shapes[0][1]}, in which orders drown in rounding; leave out conversions "
            "such as `.astype(jnp.float32)`: parameters arrive in float64.",
        )


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
    """The largest |eigenvalue| of the loss's Hessian at the start.

    Raises:
        InvalidArgument: if loss, gradient or curvature is not finite there, or gradient or curvature is zero.
    """
    value, slope, curvature = (float(number) for number in _look_around(problem.loss, problem.start))
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


@partial(jax.jit, static_argnums=0)
def _look_around(loss: Loss, theta: Float[Array, " m"]) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """Loss, norm of the gradient, and curvature by power iteration through Hessian-vector products.

    To 1e-4 or after 500 products: it sets step sizes, for which a percent would do.
    """

    def iterate(carry: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
        direction, curvature, _, count = carry
        image = jax.jvp(jax.grad(loss), (theta,), (direction,))[1]
        size = jnp.linalg.norm(image)
        return image / jnp.maximum(size, _TINY), size, curvature, count + 1

    def goes_on(carry: tuple[Any, Any, Any, Any]) -> Any:
        _, curvature, before, count = carry
        return (count < 3) | ((jnp.abs(curvature - before) > _SETTLED * curvature) & (count < _ITERATIONS))

    value, gradient = jax.value_and_grad(loss)(theta)
    first = jax.random.normal(jax.random.key(0), theta.shape, theta.dtype)
    begun = (first / jnp.linalg.norm(first), jnp.zeros((), theta.dtype), jnp.zeros((), theta.dtype), 0)
    return value, jnp.linalg.norm(gradient), jax.lax.while_loop(goes_on, iterate, begun)[1]
