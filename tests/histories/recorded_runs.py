"""Runs whose truth is known: the constructed curve of the founding question, and linear gradient descent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from benign.histories.history import History

Value = TypeVar("Value")

KNOTS = (1, 3, 8, 20, 40, 72, 120, 180, 260, 400)
LEVELS = (2.2, 1.3, 0.72, 0.554, 0.86, 1.33, 0.95, 0.60, 0.42, 0.327)


def there(value: Value | None) -> Value:
    """The value, which must be there."""
    assert value is not None
    return value


def founding_curve(epochs: int, *, sd: float = 0.012, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Times and losses: minimum .554 at epoch 20, peak at 72, .327 at 400; neighbours correlate by a third."""
    times = np.arange(1.0, 401.0)
    log_loss = _cosine_between(np.log(times), np.log(KNOTS), np.log(LEVELS))
    shocks = np.random.default_rng(seed).standard_normal(times.size)
    jitter = np.zeros(times.size)
    for i in range(1, times.size):
        jitter[i] = jitter[i - 1] / 3 + shocks[i] * (8 / 9) ** 0.5
    return times[:epochs], np.exp(log_loss + sd * jitter)[:epochs]


def _cosine_between(at: np.ndarray, knots: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Monotone between the knots, rounded at the turns."""
    place = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, knots.size - 2)
    share = (at - knots[place]) / (knots[place + 1] - knots[place])
    bend = np.where(_is_turn(levels)[place] | _is_turn(levels)[place + 1], 1.0, 0.0)
    rounded = (1 - bend / 2) * share + bend / 2 * (1 - np.cos(np.pi * share)) / 2
    return levels[place] + rounded * (levels[place + 1] - levels[place])


def _is_turn(levels: np.ndarray) -> np.ndarray:
    steps = np.diff(levels)
    return np.concatenate([[False], steps[1:] * steps[:-1] < 0, [False]])


@dataclass(frozen=True, kw_only=True)
class LinearRun:
    """Gradient descent on a linear model with features of two scales, with its exact risk.

    Heckel and Yilmaz (2021): the large features overfit early, the small ones are learned late.
    """

    times: Float[np.ndarray, " points"]
    risk: Float[np.ndarray, " points"]
    validation_loss: Float[np.ndarray, " points"]
    train_loss: Float[np.ndarray, " points"]

    def history(self, points: int, samples: int) -> History:
        """What a log of its first evaluations says."""
        return History(
            times=self.times[:points],
            validation_loss=self.validation_loss[:points],
            train_loss=self.train_loss[:points],
            validation_samples=samples,
        )


def linear_run(
    seed: int, *, train_samples: int, small: float, noise: float, weight: float, samples: int, jitter: float
) -> LinearRun:
    """300 evaluations, every 10 steps, on ``samples`` validation samples; the iterates jitter by ``jitter``."""
    rng = np.random.default_rng(seed)
    large, little, points = 60, 30, 300
    scale = np.r_[np.ones(large), np.full(little, small)]
    truth = np.r_[rng.standard_normal(large) / large**0.5, weight * rng.standard_normal(little) / little**0.5 / small]
    inputs = rng.standard_normal((train_samples, large + little)) * scale
    targets = inputs @ truth + noise * rng.standard_normal(train_samples)
    spectrum, basis = np.linalg.eigh(inputs.T @ inputs / train_samples)
    spectrum = np.maximum(spectrum, 1e-12)
    times = np.arange(1.0, points + 1)
    shrunk = 1 - (1 - 0.5 * spectrum[:, None] / spectrum.max()) ** (10 * times)
    weights = basis @ (shrunk / spectrum[:, None] * (basis.T @ (inputs.T @ targets / train_samples))[:, None])
    fresh = rng.standard_normal((samples, large + little)) * scale
    residuals = fresh @ (weights - truth[:, None]) - noise * rng.standard_normal((samples, 1))
    return LinearRun(
        times=times,
        risk=noise**2 + (((weights - truth[:, None]) * scale[:, None]) ** 2).sum(axis=0),
        validation_loss=(residuals**2).mean(axis=0) * np.exp(jitter * rng.standard_normal(points)),
        train_loss=((inputs @ weights - targets[:, None]) ** 2).mean(axis=0),
    )


def counted_moments(k: int) -> list[tuple[str, list[int]]]:
    """Of both halves of the bank, by kind: moments of risen runs, and at how many a new best came within k times."""
    path = Path(__file__).parents[2] / "benchmarks" / "triage" / "open_problem.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    return [pair for half in ("development", "untouched") for pair in found[half]["chosen"]["counted"][str(k)].items()]
