"""Backward error analysis made visible: which flow a method follows, and to which order in its step size.

Gradient descent with step h follows the flow of E to one order in h and that of E + (h/4) |grad E|^2 to one order more
(Barrett & Dherin 2021, Theorem 3.1). Here that is measured for a loss of the user's own, and for momentum, Adam and
mini-batches: the slopes of log distance on log step size, each beside the slope for a wrong coefficient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number
from benign.foundation.numbers import checked_positive
from benign.implicit.flows.discrete import trajectory
from benign.implicit.flows.integration import ABSOLUTE, flow_end
from benign.implicit.flows.methods import GradientDescent, Method, MiniBatch, find_method
from benign.implicit.flows.orders import LEAST_POINTS, Comparison, fitted_order
from benign.implicit.flows.problem import Problem, checked_curvature, prepare
from benign.implicit.flows.smoothness import is_smooth_along
from benign.plots import CurveDisplay, Role, Series, StackedDisplay

_HALVINGS = 6
_MOST_BATCHES = 5  # 120 orders
_CHORDS = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class BackwardErrorAnalysis:
    """What was measured.

    Attributes:
        method: the method.
        parameters: how many.
        curvature: the largest absolute eigenvalue of the Hessian at the start.
        time: up to where it was followed, in step size times steps; for mini-batches the longest epoch.
        comparisons: after one step (or epoch) and at ``time``, where the theory speaks of them.
        notes: sentences on what was changed before measuring.
    """

    method: Method
    parameters: int
    curvature: float
    time: float
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()

    @property
    def local(self) -> Comparison | None:
        """After one step, or one epoch in the mean over all orders of the batches: orders 2 and 3."""
        return next((one for one in self.comparisons if one.expected == _AFTER_A_STEP.expected), None)

    @property
    def at_time(self) -> Comparison | None:
        """At a fixed time: orders 1 and 2."""
        return next((one for one in self.comparisons if one.expected == _AT_A_TIME.expected), None)

    @property
    def is_confirmed(self) -> bool:
        """Whether everything is as theory says.

        After one step: orders within 0.1 of 2 and 0.15 of 3. At a fixed time: within 0.1 of 1 and 2. In both, the
        modified flow more than ten times nearer at the smallest step size, and for the doubled coefficient an order
        that is less than half above the plain flow's.
        """
        return not any(one.failures for one in self.comparisons)

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence

    @property
    def sentence(self) -> str:
        """The answer, the orders and what speaks against it."""
        reasons = [failure for one in self.comparisons for failure in one.failures]
        orders = "; ".join(one.sentence for one in self.comparisons)
        start = f"{self.method.name.capitalize()} on {self.parameters:,} parameters"
        if self.is_confirmed:
            text = f"{start} follows its modified flow: {orders}."
        else:
            text = (
                f"{start} was not shown to follow its modified flow, because {'; '.join(reasons)}. Measured: {orders}."
            )
        return " ".join([text, *self.notes])

    @property
    def display(self) -> CurveDisplay | StackedDisplay:
        """Distance to each flow by step size, on log axes, with the fitted orders."""
        title = f"How closely {self.method.name} follows its flows"
        panels = tuple(_panel(one, title) for one in self.comparisons)
        if len(panels) == 1:
            return panels[0]
        return StackedDisplay(title=title, panels=panels, caption=_caption(self.comparisons))

    def plot(self, ax: object = None) -> CurveDisplay | StackedDisplay:
        """Draw ``display`` on matplotlib axes, one for each comparison, or on a new figure."""
        return self.display.plot(ax)


def backward_error_analysis(
    loss: Callable[[Any], Any] | Sequence[Callable[[Any], Any]],
    start: Any,
    *,
    step_sizes: Sequence[float] | Float[np.ndarray, " K"] | None = None,
    method: str | Method = "gradient descent",
    time: float | None = None,
) -> BackwardErrorAnalysis:
    """Measure which flow a method follows on a smooth loss, and to which order (Barrett & Dherin 2021, Theorem 3.1).

    Args:
        loss: from parameters to a scalar, in JAX operations; for ``"mini-batch"`` a list of 2 to 5 such functions, the
            batches' losses.
        start: the parameters to start from: an array, or a pytree of arrays, of at most 10,000 numbers. They are taken
            as float64, whatever JAX's own setting.
        step_sizes: at least four; each is changed a little so that ``time`` is a whole number of steps. None: six
            halvings down from 1/32 of the flow's shortest time scale, 1 / curvature (for momentum and Adam from steps
            so short that their averages follow).
        method: ``"gradient descent"``, ``"heavy ball"``, ``"Nesterov"``, ``"Adam"``, ``"mini-batch"``, or one with
            settings of its own, such as ``Momentum(momentum=0.5)``.
        time: where the distance at a fixed time is measured, in step size times steps; None for 1 / curvature.

    Returns:
        The orders with their intervals, whether they confirm the theory, a sentence and a picture.

    Raises:
        InvalidArgument: for a loss, start, method or step sizes that cannot be used, among them a loss with kinks and a
            step that diverges.
        FlowNotIntegrated: if a flow cannot be integrated to its tolerance.

    >>> result = backward_error_analysis(lambda t: 0.5 * (0.6 - t[0] * t[1]) ** 2, np.array([1.4, 1.6]))
    >>> [round(order, 1) for order in (result.at_time.flow.value, result.at_time.modified.value)]
    [1.0, 2.0]
    """
    chosen = find_method(method)
    with jax.enable_x64(True):
        problem = prepare(_losses(loss, chosen), start)
        velocity = partial(_velocity, chosen, problem.losses)
        curvature = checked_curvature(problem)
        plan = _plan(chosen, len(problem.losses), chosen.rate(curvature), step_sizes, time)
        _check_smooth(chosen, problem, plan[-1])
        comparisons = tuple(_compared(chosen, problem, velocity, one) for one in plan)
    return BackwardErrorAnalysis(
        method=chosen,
        parameters=len(problem.start),
        curvature=curvature,
        time=plan[-1].times[0],
        comparisons=comparisons,
        notes=problem.notes,
    )


class _Theory(NamedTuple):
    """What theory says: the orders of plain and modified flow, and how far a fitted one may be from them.

    Below the floor, a share of the parameters' scale, distances are rounding: of one step, or of an integration over
    the whole time.
    """

    expected: tuple[int, int]
    allowed: tuple[float, float]
    floor: float


_AFTER_A_STEP = _Theory((2, 3), (0.1, 0.15), 1e-12)
_AT_A_TIME = _Theory((1, 2), (0.1, 0.1), 1e-11)


class _Plan(NamedTuple):
    """One comparison to make: for each step size the number of steps."""

    scope: str
    step_sizes: Float[np.ndarray, " K"]
    steps: tuple[int, ...]
    theory: _Theory

    @property
    def times(self) -> tuple[float, ...]:
        """How long the flows run."""
        return tuple(float(h) * steps for h, steps in zip(self.step_sizes, self.steps, strict=True))


def _losses(loss: Any, method: Method) -> tuple[Callable[[Any], Any], ...]:
    is_batched = isinstance(method, MiniBatch)
    losses = tuple(loss) if isinstance(loss, Sequence) else (loss,)
    if not all(callable(one) for one in losses):
        raise invalid("loss", "must be a function of the parameters, or for mini-batches a list of functions.")
    if is_batched and not 2 <= len(losses) <= _MOST_BATCHES:
        raise invalid(
            "loss",
            f"must be a list of 2 to {_MOST_BATCHES} functions for mini-batches, one a batch, since all orders "
            f"of the batches are run; got {len(losses)}.",
        )
    if not is_batched and len(losses) != 1:
        raise invalid("loss", f'must be one function for {method.name}; for a list take `method="mini-batch"`.')
    return losses


def _velocity(
    method: Method, losses: tuple[Any, ...], theta: Float[Array, " m"], arguments: tuple[Any, Any]
) -> Float[Array, " m"]:
    """The field with its correction times a factor: 0 is the plain flow, 1 the modified one, 2 the control."""
    step_size, factor = arguments
    plain, correction = method.field(losses, theta, step_size)
    return plain + factor * correction


def _plan(
    method: Method, batches: int, rate: float, step_sizes: Sequence[float] | np.ndarray | None, time: float | None
) -> tuple[_Plan, ...]:
    """What is compared, from the fastest time scale 1 / rate."""
    length = 1.0 / rate if time is None else checked_positive("time", time)
    if step_sizes is None:
        wanted = 1.0 / rate / method.shortest / batches / 2.0 ** np.arange(_HALVINGS)
    else:
        wanted = _checked_steps(step_sizes, rate)
    if isinstance(method, MiniBatch):
        scope = "after one epoch, in the mean over all orders of its batches,"
        return (_Plan(scope, wanted, (batches,) * len(wanted), _AFTER_A_STEP),)
    steps = tuple(max(1, round(length / h)) for h in wanted)
    if len(set(steps)) < LEAST_POINTS:
        raise invalid(
            "step_sizes",
            f"must give at least {LEAST_POINTS} different numbers of steps in the time {length:g}, got "
            f"{sorted(set(steps))}; take smaller ones, or a longer `time`.",
        )
    fitted = length / np.array(steps)
    later = _Plan(f"at time {length:.3g}", fitted, steps, _AT_A_TIME)
    if not isinstance(method, GradientDescent):
        return (later,)
    return _Plan("after one step", fitted, (1,) * len(fitted), _AFTER_A_STEP), later


def _checked_steps(step_sizes: Sequence[float] | np.ndarray, rate: float) -> Float[np.ndarray, " K"]:
    wanted = np.unique(np.asarray(step_sizes, dtype=np.float64))[::-1]
    if len(wanted) < LEAST_POINTS or not np.isfinite(wanted).all() or wanted[-1] <= 0.0:
        raise invalid(
            "step_sizes", f"must hold at least {LEAST_POINTS} different positive numbers, got {list(step_sizes)!r}."
        )
    if wanted[0] * rate >= 2.0:
        raise invalid(
            "step_sizes",
            f"must lie below {2.0 / rate:.3g}, twice the flow's shortest time scale at the start (for "
            f"gradient descent 2 / curvature), got {wanted[0]:.3g}: beyond, steps diverge and no flow is followed.",
        )
    return wanted


def _check_smooth(method: Method, problem: Problem, plan: _Plan) -> None:
    """Look for kinks along the path of the largest step size, in at most 32 chords."""
    rule = GradientDescent() if isinstance(method, MiniBatch) else method
    steps, step_size = max(method.shortest, plan.steps[0]), float(plan.step_sizes[0])
    path = np.asarray(trajectory(rule, problem.loss, problem.start, step_size, steps))
    if not np.isfinite(path).all():
        raise _diverged(step_size)
    places = np.unique(np.linspace(0, steps, _CHORDS + 1).round().astype(int))
    if not is_smooth_along(problem.loss, path[places]):
        raise invalid(
            "loss",
            "has kinks along the path, as networks of ReLU units do: its gradient or curvature jumps, so that "
            "no order is predicted and none is seen; take a smooth activation such as tanh, softplus or GELU.",
        )


def _compared(method: Method, problem: Problem, velocity: Any, plan: _Plan) -> Comparison:
    """Distances to the three flows for each step size, and their orders."""
    distances = np.empty((3, len(plan.steps)))
    scale = float(jnp.linalg.norm(problem.start))
    for column, (step_size, steps, time) in enumerate(zip(plan.step_sizes, plan.steps, plan.times, strict=True)):
        h = float(step_size)
        plain, modified, end = method.ends(problem.losses, problem.start, h, steps)
        if not np.isfinite(np.asarray(end)).all():
            raise _diverged(h)
        scale = scale or float(jnp.linalg.norm(end))
        for row, (begin, factor) in enumerate(((plain, 0.0), (modified, 1.0), (modified, 2.0))):
            reached = flow_end(velocity, begin, time, arguments=(h, factor), absolute=ABSOLUTE * scale)
            distances[row, column] = float(jnp.linalg.norm(end - reached))
    expected, allowed, floor = plan.theory
    orders = [fitted_order(plan.step_sizes, row, floor=floor * scale) for row in distances]
    return Comparison(
        scope=plan.scope,
        step_sizes=plan.step_sizes,
        expected=expected,
        allowed=allowed,
        flow=orders[0],
        modified=orders[1],
        control=orders[2],
    )


def _diverged(step_size: float) -> InvalidArgument:
    return InvalidArgument(
        f"`step_sizes`: with the step size {step_size:.3g} the method diverges, so that there is nothing to compare; "
        "take smaller ones or a shorter `time`."
    )


def _panel(comparison: Comparison, title: str) -> CurveDisplay:
    """Distances by rising step size; those below the rounding floor are left out."""
    names = (("gradient flow", Role.TRAIN), ("modified flow", Role.TEST), ("coefficient doubled", Role.REFERENCE))
    orders = (comparison.flow, comparison.modified, comparison.control)
    positions = comparison.step_sizes[::-1]
    series = []
    for (name, role), order in zip(names, orders, strict=True):
        errors = np.where(order.is_used, order.errors, np.nan)[::-1]
        label = f"{name}: order {order.value:.2f}" if math.isfinite(order.value) else f"{name}: no order"
        series.append(Series(name=label, positions=positions, median=errors, low=errors, high=errors, role=role))
    return CurveDisplay(
        title=title,
        series=tuple(series),
        x_label="step size h",
        y_label=f"distance {comparison.scope.split(',')[0]}",
        caption=_caption((comparison,)),
        position_name="step sizes",
    )


def _caption(comparisons: Sequence[Comparison]) -> str:
    orders = [order for one in comparisons for order in (one.flow, one.modified, one.control)]
    half = max((order.interval[1] - order.interval[0]) / 2 for order in orders)
    spread = f" (95 % intervals within ±{format_number(half, digits=2)})" if math.isfinite(half) else ""
    coincide = all(np.allclose(one.control.errors, one.flow.errors, rtol=0.25) for one in comparisons)
    why = " Twice the coefficient errs as far to the other side: its line lies on the gradient flow's." * coincide
    return f"Points: |θ − flow|; orders by least squares on log axes{spread}.{why}"
