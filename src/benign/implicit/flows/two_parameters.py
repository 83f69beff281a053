r"""The two-parameter example of Barrett & Dherin 2021 (section 3, Figure 1): E(a, b) = (y - a b x)^2 / 2.

One sample, one weight more than it needs: every point of the hyperbola a b = y / x fits it exactly. Gradient flow keeps
a^2 - b^2, which picks one point of the hyperbola; gradient descent drifts off towards the flattest one, where a = b and
the norm is smallest. Plain NumPy and SciPy, with the gradient and Hessian written out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count, checked_number

PAPER_START = (2.8, 3.5)
PARAMETERS = 2
Numbers = float | Float[np.ndarray, "..."]
Starts = Float[np.ndarray, "... 2"]


@dataclass(frozen=True, kw_only=True)
class TwoParameters:
    """The example for a sample (x, y); x = 1 and y = 0.6 are ours, for the paper's are not known to us.

    >>> float(TwoParameters().flattest_minimum[0].round(4))
    0.7746
    """

    x: float = 1.0
    y: float = 0.6

    def __post_init__(self) -> None:
        if checked_number("x", self.x) == 0.0 or checked_number("y", self.y) == 0.0:
            raise InvalidArgument(f"`x` and `y` must not be zero, got {self.x} and {self.y}: the minima would cross.")

    def loss(self, a: Numbers, b: Numbers) -> Numbers:
        """E at each pair."""
        return 0.5 * (self.y - a * b * self.x) ** 2

    def gradient(self, theta: Starts) -> Starts:
        """(b, a) x (a b x - y)."""
        return self._regularised(theta, 0.0)

    def hessian(self, theta: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2 2"]:
        """x^2 (b, a) (b, a)^T, plus x (a b x - y) beside the diagonal."""
        swapped, slope = theta[::-1], self.x * (theta[0] * theta[1] * self.x - self.y)
        return self.x**2 * np.outer(swapped, swapped) + slope * np.eye(2)[::-1]

    @property
    def flattest_minimum(self) -> Float[np.ndarray, "2"]:
        """The minimum of smallest norm and curvature, ``x^2 |theta|^2``: there ``|a| = |b| = sqrt(|y / x|)``."""
        root = math.sqrt(abs(self.y / self.x))
        return np.array([root, math.copysign(root, self.y / self.x)])

    def minimum_of_flow(self, start: tuple[float, float]) -> Float[np.ndarray, "2"]:
        """Where gradient flow ends: a b = y / x and a^2 - b^2 as at the start, on the branch that it reaches.

        With c = a^2 - b^2, a^2 = (c + sqrt(c^2 + 4 (y / x)^2)) / 2. The flow keeps the sign of a + b (or of a - b, if
        y / x is negative), since it cannot cross its own invariant line a = -b, where c = 0.
        """
        product, sign = self.y / self.x, math.copysign(1.0, self.y / self.x)
        kept = start[0] + sign * start[1]
        if kept == 0.0:
            raise invalid("start", f"{start} lies on the line from which gradient flow ends in the saddle at 0.")
        c = start[0] ** 2 - start[1] ** 2
        root = math.hypot(c, 2.0 * product)
        larger = math.sqrt((abs(c) + root) / 2.0)
        smaller = abs(product) / larger  # without the cancellation of root - |c|
        a, b = (larger, smaller) if c >= 0.0 else (smaller, larger)
        return math.copysign(1.0, kept) * np.array([a, sign * b])

    def descend(
        self,
        start: tuple[float, float] | Starts,
        *,
        step_size: float,
        steps: int,
        momentum: float = 0.0,
        penalty: float = 0.0,
    ) -> Float[np.ndarray, "..."]:
        """Iterates x (starts x) 2 of gradient descent, or of heavy ball with ``momentum``, from one start or several.

        With ``penalty`` = mu on E + mu R_IG, R_IG the *mean* square of the gradient's m = 2 entries (explicit
        regularisation). An iterate beyond all bounds ends the path.

        Raises:
            InvalidArgument: for a step size that is not positive.
        """
        if checked_number("step_size", step_size) <= 0.0:
            raise invalid("step_size", f"must be positive, got {step_size!r}.")
        path = [np.array(start, dtype=np.float64)]
        velocity = np.zeros_like(path[0])
        for _ in range(checked_count("steps", steps)):
            velocity = momentum * velocity + self._regularised(path[-1], penalty)
            path.append(path[-1] - step_size * velocity)
            if not np.abs(path[-1]).max() < 1e50:
                break
        return np.array(path)

    def flow(
        self, start: tuple[float, float], times: Float[np.ndarray, " T"], *, rate: float = 0.0
    ) -> Float[np.ndarray, "T 2"]:
        """The flow of E + ``rate`` R_IG at rising times: ``rate`` = h m / 4 = h / 2 is the modified flow of step h."""
        from scipy.integrate import solve_ivp

        solved = solve_ivp(
            lambda _, theta: -self._regularised(theta, rate),
            (0.0, float(times[-1])),
            np.array(start, dtype=float),
            t_eval=times,
            method="DOP853",
            rtol=1e-12,
            atol=1e-13,
        )
        return solved.y.T

    def _regularised(self, theta: Starts, rate: float) -> Starts:
        """The gradient of E + rate R_IG: g + (2 rate / m) H g. One call a step: paths are long."""
        swapped = theta[..., ::-1]
        slope = self.x * (theta[..., :1] * theta[..., 1:] * self.x - self.y)
        gradient = slope * swapped
        if not rate:
            return gradient
        along = self.x**2 * np.sum(swapped * gradient, axis=-1, keepdims=True) * swapped
        return gradient + 2.0 * rate / PARAMETERS * (along + slope * gradient[..., ::-1])
