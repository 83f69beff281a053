"""Simulated risk curves: shapes without a peak, noise as real curves have it, and peaks of known height."""

from __future__ import annotations

from collections.abc import Callable

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
    random: np.random.Generator, R: int, K: int, *, kind: str, tails: str, errors: float, sharp: bool
) -> Float[np.ndarray, "R K"]:
    """A U, a peak and a second descent whose rise and fall are ``errors`` standard errors of the paired difference
    over R replicates each; the spread is measured on 1,000 other replicates.
    """
    population = noise(random, 1000 + R, K, kind, tails)
    j = min(max(1, int(random.uniform(0.35, 0.6) * (K - 1))), K - 2)
    i, k = int(j * random.uniform(0.2, 0.8)), j + max(1, int((K - 1 - j) * random.uniform(0.3, 1.0)))
    others = population[R:]
    rise = errors * np.std(others[:, j] - others[:, i]) / np.sqrt(R)
    fall = errors * np.std(others[:, j] - others[:, k]) / np.sqrt(R)
    columns, power = np.arange(K), 6.0 if sharp else 1.0
    up = np.clip((columns - i) / (j - i), 0.0, 1.0) ** power
    down = np.clip((columns - j) / (k - j), 0.0, 1.0)
    left = rise * (np.maximum(i - columns, 0) / max(i, 1)) ** 2
    curve = left - rise * (1.0 - up) - fall * (1.0 - (1.0 - down) ** power)
    return np.exp(curve + population[:R] + random.normal(size=(R, 1)))
