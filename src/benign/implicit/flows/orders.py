"""Orders: the slope of log error on log step size, with its interval, and what it is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from benign.curves.intervals import student_quantile

LEAST_POINTS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Order:
    """A fitted order: errors by step size, those used, the slope and its interval at level 0.95.

    Slope and interval are NaN where fewer than four errors stand above the rounding floor.
    """

    errors: Float[np.ndarray, " K"] = field(repr=False)
    is_used: Bool[np.ndarray, " K"] = field(repr=False)
    value: float
    interval: tuple[float, float]


def fitted_order(step_sizes: Float[np.ndarray, " K"], errors: Float[np.ndarray, " K"], *, floor: float) -> Order:
    """Least squares of log error on log step size, over the errors of at least ``floor``; below it is rounding.

    >>> h = np.array([0.1, 0.2, 0.4, 0.8])
    >>> round(fitted_order(h, 3 * h**2, floor=1e-12).value, 6)
    2.0
    """
    used = np.isfinite(errors) & (errors >= floor)
    count = int(used.sum())
    if count < LEAST_POINTS:
        return Order(errors=errors, is_used=used, value=math.nan, interval=(math.nan, math.nan))
    x, y = np.log(step_sizes[used]), np.log(errors[used])
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    residual = y - y.mean() - slope * x
    half = student_quantile(0.95, count - 2) * math.sqrt(residual @ residual / (count - 2) / (x @ x))
    return Order(errors=errors, is_used=used, value=slope, interval=(slope - half, slope + half))


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """One comparison with three flows: the plain one, the modified one, and one whose coefficient is doubled.

    Attributes:
        scope: what is compared, such as "after one step".
        step_sizes: falling.
        expected: the orders that theory gives plain and modified flow.
        allowed: how far a fitted order may be from them.
        flow: against the plain flow.
        modified: against the modified flow.
        control: against the doubled coefficient, whose order must stay with the plain flow's.
    """

    scope: str
    step_sizes: Float[np.ndarray, " K"] = field(repr=False)
    expected: tuple[int, int]
    allowed: tuple[float, float]
    flow: Order
    modified: Order
    control: Order

    @property
    def error_ratio(self) -> float:
        """Error against the flow over error against the modified flow, at the smallest step size used by both."""
        both = np.flatnonzero(self.flow.is_used & self.modified.is_used)
        return float(self.flow.errors[both[-1]] / self.modified.errors[both[-1]]) if len(both) else math.nan

    @property
    def failures(self) -> tuple[str, ...]:
        """What is not as theory says, one phrase each."""
        found = []
        for name, order, expected, allowed in (
            ("flow", self.flow, self.expected[0], self.allowed[0]),
            ("modified flow", self.modified, self.expected[1], self.allowed[1]),
        ):
            if math.isnan(order.value):
                count = int(order.is_used.sum())
                found.append(
                    f"only {count} distances to the {name} stand above the rounding floor (give larger `step_sizes`)"
                )
            elif not abs(order.value - expected) < allowed:
                found.append(f"the order against the {name} is {order.value:.2f}, not {expected} within {allowed:g}")
        if not math.isnan(self.modified.value) and not self.error_ratio > 10.0:
            found.append(f"the modified flow is only {self.error_ratio:.2g} times nearer than the flow")
        if not self.control.value < self.expected[0] + 0.5:
            found.append(f"doubling the coefficient does not spoil the order ({self.control.value:.2f})")
        return tuple(f"{self.scope} {failure}" for failure in found)

    @property
    def sentence(self) -> str:
        """The three orders in words."""
        return (
            f"{self.scope} it is off the gradient flow at order {self.flow.value:.2f} ({self.expected[0]} by theory), "
            f"off the modified flow at order {self.modified.value:.2f} ({self.expected[1]}), and with the coefficient "
            f"doubled at order {self.control.value:.2f}"
        )
