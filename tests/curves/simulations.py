"""Simulated risk curves: shapes without a peak, noise as real curves have it, and peaks of known height."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special

PATHS = ("smooth", "autoregressive", "walk", "shared", "white")
TAILS = ("normal", "replicate t3", "pointwise t3", "right skew", "left skew")


def path(random: np.random.Generator, R: int, K: int, kind: str) -> Float[np.ndarray, "R K"]:
    """Noise along the axis with unit scale before tails."""
    axis = np.linspace(0.0, 1.0, K)
    if kind == "smooth":  # a Gaussian process by 32 random Fourier features for each replicate
        frequency = random.normal(size=(R, 1, 32)) / random.choice([0.02, 0.05, 0.15, 0.4])
        phase = random.uniform(0.0, 2.0 * np.pi, size=(R, 1, 32))
        return 0.25 * np.cos(axis[:, None] * frequency + phase).sum(axis=2)
    white = random.normal(size=(R, K))
    if kind == "autoregressive":
        rho = np.exp(-1.0 / (1.0 + K * random.choice([0.02, 0.1, 0.3])))
        for column in range(1, K):
            white[:, column] = rho * white[:, column - 1] + np.sqrt(1.0 - rho**2) * white[:, column]
        return white
    if kind == "walk":
        return np.cumsum(white, axis=1) / np.sqrt(K)
    if kind == "shared":
        return random.normal(size=(R, 1)) + 0.05 * white
    return white


def with_tails(random: np.random.Generator, noise: Float[np.ndarray, "R K"], kind: str) -> Float[np.ndarray, "R K"]:
    """The noise (of the log risk, so even the normal one is log-normal) with another marginal distribution."""
    if kind == "normal":
        return noise
    if kind == "replicate t3":
        return noise * np.sqrt(3.0 / random.chisquare(3, size=(len(noise), 1)))
    uniform = np.clip(special.ndtr(noise / noise.std()), 1e-9, 1.0 - 1e-9)
    if kind == "pointwise t3":
        return special.stdtrit(3, uniform)
    return -np.log(-np.log(uniform)) if kind == "right skew" else np.log(-np.log1p(-uniform))


def scale(random: np.random.Generator, K: int) -> Float[np.ndarray, "K"]:
    """Spread along the axis: constant, eleven times larger around one place, or growing or falling."""
    axis = np.linspace(0.0, 1.0, K)
    kind = random.integers(3)
    if kind == 0:
        return np.ones(K)
    if kind == 1:
        return 0.3 + 3.0 * np.exp(-(((axis - random.uniform()) / 0.08) ** 2))
    return np.exp(2.0 * random.normal() * (axis - 0.5))


Shape = Callable[[np.random.Generator, Float[np.ndarray, "K"]], Float[np.ndarray, "K"]]
NO_PEAK: dict[str, Shape] = {
    "decreasing": lambda random, x: -4.0 * x ** random.choice([0.3, 1.0, 3.0]),
    "increasing": lambda random, x: 4.0 * x ** random.choice([0.3, 1.0, 3.0]),
    "flat": lambda _, x: 0.0 * x,
    "plateau, then fall": lambda random, x: -12.0 * np.maximum(x - random.uniform(0.3, 0.9), 0.0),
    "fall, then plateau": lambda random, x: -12.0 * np.minimum(x, random.uniform(0.1, 0.7)),
    "rise, then plateau": lambda random, x: 12.0 * np.minimum(x, random.uniform(0.1, 0.7)),
    "plateau, then rise": lambda random, x: 12.0 * np.maximum(x - random.uniform(0.3, 0.9), 0.0),
    "cliff": lambda random, x: -6.0 * (x > random.uniform(0.1, 0.9)),
    "two cliffs": lambda _, x: -6.0 * ((x > 0.33) * 1.0 + (x > 0.66)),
    "U": lambda random, x: 12.0 * (x - random.uniform(0.2, 0.8)) ** 2,
}  # fmt: skip


def noise(random: np.random.Generator, R: int, K: int, kind: str, tails: str) -> Float[np.ndarray, "R K"]:
    return with_tails(random, path(random, R, K, kind), tails) * scale(random, K)


def risk_without_peak(
    random: np.random.Generator, R: int, K: int, *, shape: str, kind: str, tails: str
) -> Float[np.ndarray, "R K"]:
    """Risks (positive), with an offset for each replicate."""
    size = random.choice([0.1, 0.3, 1.0])
    curve = np.exp(random.uniform(-1.5, 0.5)) * NO_PEAK[shape](random, np.linspace(0.0, 1.0, K))
    return np.exp(curve + size * noise(random, R, K, kind, tails) + random.normal(size=(R, 1)))


def risk_with_peak(
    random: np.random.Generator,
    R: int,
    K: int,
    *,
    kind: str,
    tails: str,
    errors: float,
    sharp: bool,
    others: int = 1000,
) -> Float[np.ndarray, "R K"]:
    """A U, a peak and a second descent whose rise and fall are ``errors`` standard errors of the paired difference
    over R replicates each; the spread is measured on ``others`` more replicates.
    """
    population = noise(random, others + R, K, kind, tails)
    j = min(max(1, int(random.uniform(0.35, 0.6) * (K - 1))), K - 2)
    i, k = int(j * random.uniform(0.2, 0.8)), j + max(1, int((K - 1 - j) * random.uniform(0.3, 1.0)))
    further = population[R:]
    rise = errors * np.std(further[:, j] - further[:, i]) / np.sqrt(R)
    fall = errors * np.std(further[:, j] - further[:, k]) / np.sqrt(R)
    columns, power = np.arange(K), 6.0 if sharp else 1.0
    up = np.clip((columns - i) / (j - i), 0.0, 1.0) ** power
    down = np.clip((columns - j) / (k - j), 0.0, 1.0)
    left = rise * (np.maximum(i - columns, 0) / max(i, 1)) ** 2
    curve = left - rise * (1.0 - up) - fall * (1.0 - (1.0 - down) ** power)
    return np.exp(curve + population[:R] + random.normal(size=(R, 1)))


# Differences of paired replicates, with mean zero and their long tail to the left: the adverse side of "above zero".
DIFFERENCES: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "t3": lambda random, shape: random.standard_t(3, size=shape),
    "log-normal .5": lambda random, shape: np.exp(0.125) - np.exp(0.5 * random.standard_normal(shape)),
    "exponential": lambda random, shape: 1.0 - random.exponential(size=shape),
    "log-normal 1": lambda random, shape: np.exp(0.5) - np.exp(random.standard_normal(shape)),
}

# Curves over 25 columns whose training set is first fitted at one of them.
COLUMNS, THRESHOLD = 25, 12
_AXIS = np.arange(COLUMNS)
MONOTONE = {
    "flat": 0.0 * _AXIS,
    "falling": -0.3 * _AXIS,
    "rising": 0.3 * _AXIS,
    "plateau, then cliff": -50.0 * (_AXIS > THRESHOLD + 1),
    "cliff, then plateau": -50.0 * (_AXIS >= THRESHOLD - 1),
    "step up, then plateau": -50.0 * (_AXIS < THRESHOLD - 1),
}
SPREAD = 0.3
COLUMN_NOISE = (
    "normal", "t3", "log-normal", "correlated", "shared offset", "three times wider near the threshold",
    *(f"{tail} at {place}" for tail in ("right .3", "right 1", "right 3", "left .3")
      for place in ("the threshold", "another column")),
)  # fmt: skip


def training_risk(R: int) -> Float[np.ndarray, "R 25"]:
    """Relative training risk of least squares on pure noise, fitted exactly from the threshold on."""
    return np.tile(np.maximum(0.0, 1.0 - (_AXIS + 1.0) / (THRESHOLD + 1.0)), (R, 1))


def column_noise(random: np.random.Generator, R: int, kind: str) -> Float[np.ndarray, "R 25"]:
    """Noise of the log risk; a tail is s (chi-squared - 1) at one column, the others differ little."""
    white = random.standard_normal((R, COLUMNS))
    if " at " in kind:
        return _one_skewed_column(random, 0.02 * white, kind)
    near = np.abs(_AXIS - THRESHOLD) <= 2
    return {
        "normal": SPREAD * white,
        "t3": SPREAD * random.standard_t(3, size=(R, COLUMNS)),
        "log-normal": SPREAD * (np.exp(white) - np.exp(0.5)),
        "correlated": SPREAD * path(random, R, COLUMNS, "autoregressive"),
        "shared offset": random.standard_normal((R, 1)) + 0.05 * white,
        "three times wider near the threshold": 0.2 * white * np.where(near, 3.0, 1.0),
    }[kind]


def _one_skewed_column(
    random: np.random.Generator, noise: Float[np.ndarray, "R 25"], kind: str
) -> Float[np.ndarray, "R 25"]:
    tail, place = kind.split(" at ")
    side, size = tail.split()
    column = THRESHOLD if place == "the threshold" else int(random.choice(np.delete(_AXIS, THRESHOLD)))
    noise[:, column] += (1.0 if side == "right" else -1.0) * float(size) * (random.chisquare(1, len(noise)) - 1.0)
    return noise


def curve_with_spike(
    random: np.random.Generator, R: int, *, factor: float, spread: float, apart: tuple[int, ...], is_u: bool
) -> Float[np.ndarray, "R 25"]:
    """Risks with a spike of one column, in each replicate at one of the columns ``apart`` from the threshold; flat
    beside it, or a U whose bottom lies halfway to the threshold, with a second descent beyond.
    """
    half = THRESHOLD / 2.0
    u = np.where(_AXIS <= THRESHOLD, 0.7 * ((_AXIS - half) / half) ** 2, 0.7 * (COLUMNS - 1 - _AXIS) / half / 2.0)
    at = THRESHOLD + random.choice(apart, size=R)
    spike = np.log(factor) * (at[:, None] == _AXIS)
    return np.exp((u if is_u else 0.0) + spike + spread * random.standard_normal((R, COLUMNS)))


@dataclass(frozen=True)
class CurveBank:
    """Double-descent curves over an axis from 0 to 1 with the true landmarks of their median.

    The log risk of a replicate is the curve, shifted along the axis by ``jitter`` times a standard normal number, plus
    an offset and a smooth path; the log of the training risk falls in a line through the tolerance at the shifted 0.5.
    """

    jitter: float
    smooth: float
    white: float
    offset: float = 0.3

    def draw(
        self, random: np.random.Generator, R: int, K: int
    ) -> tuple[Float[np.ndarray, "K"], Float[np.ndarray, "R K"], Float[np.ndarray, "R K"]]:
        """Positions, test risks and relative training risks, the grid laid at random."""
        x = (np.arange(K) + random.uniform(0.0, 1.0)) / K
        shift = self.jitter * random.standard_normal((R, 1))
        frequency = random.normal(size=(R, 1, 32)) / 0.15
        phase = random.uniform(0.0, 2.0 * np.pi, size=(R, 1, 32))
        noise = self.smooth * 0.25 * np.cos(x[:, None] * frequency + phase).sum(axis=2)
        noise += self.offset * random.standard_normal((R, 1)) + self.white * random.standard_normal((R, K))
        training = np.log(0.02) - 20.0 * (x - shift - 0.5) + 0.3 * noise
        return x, np.exp(_descent(x - shift) + noise), np.exp(np.minimum(training, 0.0))

    def truth(self) -> dict[str, float]:
        """Landmarks of the median curve, on a fine axis; the median over shifts and noise by bisection."""
        x = np.linspace(0.0, 1.0, 4001)
        nodes, weights = np.polynomial.hermite_e.hermegauss(61)
        curves = _descent(x[:, None] - self.jitter * nodes)
        spread = np.sqrt(self.offset**2 + 0.5 * 2.0 * self.smooth**2 + self.white**2)
        low, high = np.full(len(x), -10.0), np.full(len(x), 10.0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            share = special.ndtr((middle[:, None] - curves) / spread) @ (weights / weights.sum())
            low, high = np.where(share < 0.5, middle, low), np.where(share < 0.5, high, middle)
        peak = int(np.argmax(np.where((x > 0.4) & (x < 0.6), low, -np.inf)))
        minimum = int(np.argmin(np.where(x < x[peak], low, np.inf)))
        better = int(np.argmax((x > x[peak]) & (low < low[minimum])))
        names = ("classical_minimum", "peak", "first_better")
        return dict(zip(names, x[[minimum, peak, better]].tolist(), strict=True)) | {"threshold": 0.5}


def _descent(x: np.ndarray) -> np.ndarray:
    """A U with its bottom at 0.2, a peak at 0.5 and a fall to the second minimum."""
    left = 2.0 * (np.minimum(x, 0.5) - 0.2) ** 2 / 0.09
    beyond = np.where(x > 0.5, -4.0 * np.tanh((x - 0.5) / 0.3), 0.0)
    return 0.5 * left + beyond + 1.5 * np.exp(-np.abs(x - 0.5) / 0.06)
