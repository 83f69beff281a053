"""Flows theta' = field(theta), integrated by Diffrax with controlled error in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, get_args

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.arguments import checked_name
from benign.foundation.errors import BenignError, invalid
from benign.implicit.flows.modified_loss import Scalar

Field = Callable[[Float[Array, " m"], Any], Float[Array, " m"]]
"""From parameters and the flow's own arguments (such as a step size) to the velocity."""
Solver = Literal["dopri8", "kvaerno5"]

RELATIVE, ABSOLUTE = 1e-13, 1e-14  # of a step; the end point is then good to about 1e-12 of the parameters' scale
_MOST_STEPS = 20_000
_MOST_IMPLICIT = 500  # parameters: an implicit step solves with the m x m Jacobian


class FlowNotIntegrated(BenignError, ArithmeticError):
    """A flow whose end could not be computed to its tolerance."""


def flow_end(
    field: Field,
    start: Float[Array, " m"],
    time: float,
    *,
    arguments: Any = None,
    solver: Solver = "dopri8",
    relative: float = RELATIVE,
    absolute: float = ABSOLUTE,
) -> Float[Array, " m"]:
    """Where the flow theta' = field(theta) is after ``time``, by Dopri8 or Kvaerno5 of Diffrax (Kidger 2021).

    Args:
        field: the velocity; a function that is kept between calls is compiled once.
        start: parameters, float64.
        time: not negative.
        arguments: passed to the field; not part of the compiled program.
        solver: ``"dopri8"`` (explicit, order 8), or ``"kvaerno5"`` (implicit, order 5) for a stiff flow of at most 500
            parameters.
        relative: tolerance of a step.
        absolute: tolerance of a step where the parameters are near zero.

    Returns:
        Parameters (m).

    Raises:
        InvalidArgument: for a start, times or a solver that cannot be used.
        FlowNotIntegrated: if the solver gives up, or what it gives is no finite number.
    """
    return flow_path(field, start, [time], arguments=arguments, solver=solver, relative=relative, absolute=absolute)[0]


def flow_path(
    field: Field,
    start: Float[Array, " m"],
    times: Sequence[float] | Float[np.ndarray, " T"],
    *,
    arguments: Any = None,
    solver: Solver = "dopri8",
    relative: float = RELATIVE,
    absolute: float = ABSOLUTE,
) -> Float[Array, "T m"]:
    """As :func:`flow_end`, at each of the rising ``times``, by Diffrax (Kidger 2021).

    Returns:
        Parameters at each time, (T x m).

    Raises:
        InvalidArgument: as there.
        FlowNotIntegrated: as there.
    """
    moments = np.asarray(times, dtype=np.float64)
    _check(start, moments, solver)
    if moments[-1] == 0.0:
        return jnp.broadcast_to(start, (len(moments), *start.shape))
    with jax.enable_x64(True):
        path, result = _solved(field, solver, start, jnp.asarray(moments), arguments, relative, absolute)
    if result != diffrax.RESULTS.successful or not np.isfinite(np.asarray(path)).all():
        raise FlowNotIntegrated(_sentence(float(moments[-1]), solver, len(start)))
    return path


@partial(jax.jit, static_argnums=(0, 1))
def _solved(
    field: Field,
    solver: Solver,
    start: Float[Array, " m"],
    times: Float[Array, " T"],
    arguments: Any,
    relative: Scalar,
    absolute: Scalar,
) -> tuple[Float[Array, "T m"], Any]:
    method = diffrax.Dopri8() if solver == "dopri8" else diffrax.Kvaerno5()
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda _, theta, given: field(theta, given)),
        method,
        t0=0.0,
        t1=times[-1],
        dt0=None,
        y0=start,
        args=arguments,
        saveat=diffrax.SaveAt(ts=times),
        max_steps=_MOST_STEPS,
        throw=False,
        stepsize_controller=diffrax.PIDController(rtol=relative, atol=absolute),
        adjoint=diffrax.ForwardMode(),
    )
    assert solution.ys is not None
    return solution.ys, solution.result


def _check(start: Float[Array, " m"], times: Float[np.ndarray, " T"], solver: str) -> None:
    if start.dtype != jnp.float64:
        raise invalid("start", f"must be float64 to integrate a flow to its tolerance, got {start.dtype}.")
    if times.ndim != 1 or not len(times) or not np.isfinite(times).all() or times[0] < 0 or (np.diff(times) < 0).any():
        raise invalid("time", "must be finite and not negative, and several times must rise.")
    checked_name("solver", solver, get_args(Solver))
    if solver == "kvaerno5" and len(start) > _MOST_IMPLICIT:
        raise invalid(
            "solver",
            f'"kvaerno5" solves with an m x m matrix at each step and takes at most {_MOST_IMPLICIT} '
            f'parameters, got {len(start):,}; take "dopri8".',
        )


def _sentence(time: float, solver: Solver, parameters: int) -> str:
    advice = 'take a shorter `time`, or `solver="kvaerno5"` if the flow is stiff'
    if solver == "kvaerno5" or parameters > _MOST_IMPLICIT:
        advice = "take a shorter `time`"
    return (
        f"the flow could not be integrated up to time {time:g} within {_MOST_STEPS:,} steps of its tolerance: its "
        f"parameters leave all bounds or its field is not smooth; {advice}."
    )
