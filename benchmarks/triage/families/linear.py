"""Linear least squares on Gaussian features of two scales: exact risk, and true epoch-wise double descent.

A fast block of features learns its signal, then fits the noise; a slow one learns what is left of the signal only then
(Heckel and Yilmaz 2021; Stephenson and Lee 2021). By gradient descent, where every time has a closed form, and by SGD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float
from triage.family import Family
from triage.training import Curve, Half, Training

if TYPE_CHECKING:
    from collections.abc import Mapping

Weights = Float[np.ndarray, "times features"]
Kind = Literal["descent", "rise", "monotone", "unfinished", "diverging"]

_KINDS: tuple[Kind, ...] = (
    "descent", "rise", "monotone", "descent", "unfinished", "descent", "diverging", "monotone", "rise", "unfinished",
)  # fmt: skip
_DESCENT_ENERGIES = (0.3, 3.0)
_VALIDATION_SAMPLES = (50, 100, 200, 300, 500, 1_000, 2_000, 5_000, 20_000)
_MOST_STEPS = 15_000  # of SGD


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Targets are linear in the features; the risk of weights is exact.

    Attributes:
        variances: of the features.
        truth: the weights behind the targets.
        inputs, targets: of training; targets with noise.
        validation_inputs, validation_targets: a real validation set.
        validation_noise: variance of the noise in validation targets, and in the population's.
    """

    variances: Float[np.ndarray, " features"]
    truth: Float[np.ndarray, " features"]
    inputs: Float[np.ndarray, "n features"]
    targets: Float[np.ndarray, " n"]
    validation_inputs: Float[np.ndarray, "m features"]
    validation_targets: Float[np.ndarray, " m"]
    validation_noise: float

    def risk(self, weights: Weights) -> Curve:
        """Mean squared error on the population."""
        return (weights - self.truth) ** 2 @ self.variances + self.validation_noise

    def curves(self, weights: Weights, averaged: Weights) -> dict[str, Curve]:
        """All that is measured of the weights at each time, and of their averages."""
        residuals = weights @ self.inputs.T - self.targets
        losses = np.sort((weights @ self.validation_inputs.T - self.validation_targets) ** 2, axis=1)
        worst = losses[:, -max(1, losses.shape[1] // 20) :]
        averaged_residuals = averaged @ self.validation_inputs.T - self.validation_targets
        return {
            "train_loss": (residuals**2).mean(1),
            "averaged_train_loss": ((averaged @ self.inputs.T - self.targets) ** 2).mean(1),
            "val_loss": losses.mean(1),
            "averaged_val_loss": (averaged_residuals**2).mean(1),
            "population_loss": self.risk(weights),
            "averaged_population_loss": self.risk(averaged),
            "worst_share": worst.sum(1) / losses.sum(1),
            "median_loss": np.median(losses, axis=1),
            "weight_norm": np.linalg.norm(weights, axis=1),
            "gradient_norm": 2 * np.linalg.norm(residuals @ self.inputs, axis=1) / len(self.targets),
        }


@dataclass(frozen=True, kw_only=True)
class Scales:
    """What makes a problem: the two blocks, their signal, the noise."""

    samples: int
    fast: int
    slow: int
    ratio: float  # of the slow block's variance to the fast one's
    fast_energy: float
    slow_energy: float
    noise: float
    validation_noise: float
    validation_samples: int

    def settings(self) -> dict[str, float | str]:
        """As the bank's settings name them; noise is a variance of targets here, no share of labels."""
        return {
            "train_samples": self.samples, "validation_samples": self.validation_samples, "population_samples": 0,
            "classes": 0, "label_noise": 0.0, "validation_label_noise": 0.0, "loss": "squared",
            "noise_variance": self.noise, "validation_noise_variance": self.validation_noise, "fast": self.fast,
            "slow": self.slow, "ratio": self.ratio, "slow_energy": self.slow_energy, "weight_decay": 0.0,
        }  # fmt: skip

    def problem(self, random: np.random.Generator) -> Problem:
        """Draw the truth, a training set and a validation set."""
        variances = np.concatenate([np.ones(self.fast), np.full(self.slow, self.ratio)])
        truth = np.concatenate(
            [_direction(self.fast, self.fast_energy, random), _direction(self.slow, self.slow_energy, random)]
        ) / np.sqrt(variances)

        def drawn(count: int, noise: float) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, " n"]]:
            inputs = random.standard_normal((count, len(truth)), dtype=np.float32) * np.sqrt(variances)
            return inputs, inputs @ truth + np.sqrt(noise) * random.standard_normal(count)

        inputs, targets = drawn(self.samples, self.noise)
        validation_inputs, validation_targets = drawn(self.validation_samples, self.validation_noise)
        return Problem(
            variances=variances,
            truth=truth,
            inputs=inputs,
            targets=targets,
            validation_inputs=validation_inputs,
            validation_targets=validation_targets,
            validation_noise=self.validation_noise,
        )


def _direction(features: int, energy: float, random: np.random.Generator) -> Float[np.ndarray, " features"]:
    drawn = random.standard_normal(features)
    return drawn * np.sqrt(energy) / np.linalg.norm(drawn)


def _scales(kind: Kind, samples: int, ratio: float, random: np.random.Generator) -> Scales:
    """Scales at which a kind of curve is to be expected; what it became, the curve itself says."""
    fast = random.uniform(0.15, 0.6)
    slow_energy = np.exp(random.uniform(*np.log(_DESCENT_ENERGIES)))
    noise = slow_energy * np.exp(random.uniform(np.log(0.3), np.log(2.0))) / fast
    slow = random.uniform(0.02, 0.15)
    if kind in {"rise", "diverging"}:
        slow_energy, slow = slow_energy * random.uniform(0, 0.05), random.uniform(0.1, 1.5)
    elif kind != "descent":
        noise, slow = slow_energy * random.uniform(0, 0.03), random.uniform(0.02, 0.5)
    return Scales(
        samples=samples,
        fast=round(fast * samples),
        slow=max(2, round(slow * samples)),
        ratio=ratio,
        fast_energy=random.uniform(0.5, 2),
        slow_energy=float(slow_energy),
        noise=float(noise),
        validation_noise=float(noise) * int(random.choice([0, 0, 1])),
        validation_samples=int(random.choice(_VALIDATION_SAMPLES)),
    )


def _horizon(kind: Kind, slow_rate: float, random: np.random.Generator) -> float:
    """Steps until the slow block is learned, or not."""
    shares = {"unfinished": (0.02, 0.5), "diverging": (0.01, 0.1)}
    low, high = shares.get(kind, (0.7, 8.0))
    return float(np.exp(random.uniform(np.log(low), np.log(high))) / (2 * slow_rate))


def _times(horizon: float, logarithmic: bool, random: np.random.Generator) -> Curve:
    """40 to 200 whole times up to the horizon, equally spaced or by their logarithm."""
    points = int(random.integers(40, 201))
    last = max(int(horizon), points)
    if logarithmic:
        return np.unique(np.rint(np.geomspace(1, last, points)))
    return np.arange(1, points + 1) * float(last // points)


def filtered(problem: Problem, rate: float, times: Curve, decay: float) -> tuple[Weights, Weights]:
    """Weights of gradient descent from zero, and their moving average: a filter of each singular direction."""
    left, singular, right = np.linalg.svd(problem.inputs, full_matrices=False)
    solution = (left.T @ problem.targets) / singular
    kept = 1 - 2 * rate * singular**2 / len(problem.targets)
    with np.errstate(all="ignore"):
        remaining = kept ** times[:, None]
        fading = decay ** times[:, None]
        averaged = fading + (1 - decay) * kept * (remaining - fading) / (kept - decay)
        return ((1 - remaining) * solution) @ right, ((1 - averaged) * solution) @ right


def _training(
    family: str,
    half: Half,
    number: int,
    scales: Scales,
    settings: Mapping[str, float | str],
    times: Curve,
    curves: Mapping[str, Curve],
) -> Training:
    return Training(
        name=f"{family}-{half}-{number}",
        family=family,
        half=half,
        linear=True,
        settings={**scales.settings(), **settings},
        times=times,
        curves={name: _in_file(curve) for name, curve in curves.items()},
    )


def _in_file(curve: Curve) -> Curve:
    """Infinite where the file's single precision ends."""
    return np.where(curve > np.finfo(np.float32).max, np.inf, curve)


def _gradient_descent(group: int, half: Half, seed: int) -> list[Training]:
    trainings = []
    for member, kind in enumerate(_KINDS):
        random = np.random.default_rng((seed, 1, group, member))
        scales = _scales(kind, int(random.choice([100, 200, 300, 500])), 10 ** random.uniform(-3, -0.7), random)
        problem = scales.problem(random)
        limit = scales.samples / np.linalg.norm(problem.inputs, 2) ** 2
        rate = float(limit * (random.uniform(1.003, 1.1) if kind == "diverging" else random.uniform(0.1, 0.95)))
        times = _times(_horizon(kind, rate * scales.ratio, random), bool(random.random() < 0.5), random)
        decay = float(1 - 1 / max(2, random.uniform(0.02, 0.1) * times[-1]))
        with np.errstate(all="ignore"):  # what diverges overflows
            curves = problem.curves(*filtered(problem, rate, times, decay))
        settings: dict[str, float | str] = {
            "axis": "step", "optimizer": "gradient descent", "schedule": "constant", "learning_rate": rate,
            "batch_size": scales.samples, "averaging_decay": decay, "running_mean": 0, "seed": seed, "kind": kind,
        }  # fmt: skip
        curves["learning_rate"] = np.full(len(times), rate)
        trainings.append(_training("linear_gd", half, group * len(_KINDS) + member, scales, settings, times, curves))
    return trainings


def descended(
    problem: Problem, times: Curve, rates: Curve, batch: int, decay: float, random: np.random.Generator
) -> tuple[Weights, Weights, Curve]:
    """Weights by SGD after the epochs of `times`, their moving average, and the running mean of the training loss."""
    weights = np.zeros(len(problem.truth))
    average = np.zeros_like(weights)
    kept, averages, running = [], [], []
    recorded = set(times.tolist())
    count = len(problem.targets) // batch
    for epoch, rate in enumerate(rates, start=1):
        order = random.permutation(len(problem.targets))[: count * batch].reshape(count, batch)
        total = 0.0
        for chosen in order:
            inputs = problem.inputs[chosen]
            residuals = inputs @ weights - problem.targets[chosen]
            total += float(residuals @ residuals)
            weights -= 2 * rate / batch * (residuals @ inputs)
            average += (1 - decay) * (weights - average)
        if epoch in recorded:
            kept.append(weights.copy())
            averages.append(average.copy())
            running.append(total / (count * batch))
    return np.array(kept), np.array(averages), np.array(running)


def _sgd(group: int, half: Half, seed: int) -> list[Training]:
    trainings = []
    for member, kind in enumerate(_KINDS):
        random = np.random.default_rng((seed, 2, group, member))
        scales = _scales(kind, int(random.choice([60, 100, 200])), 10 ** random.uniform(-1.7, -0.5), random)
        problem = scales.problem(random)
        batch = int(random.choice([2, 5, 10, 20]))
        # Of a batch, the trace of its second moments stands beside the largest eigenvalue.
        limit = 1 / (np.linalg.norm(problem.inputs, 2) ** 2 / scales.samples + scales.fast / batch)
        rate = float(limit * (random.uniform(0.9, 1.4) if kind == "diverging" else random.uniform(0.05, 0.4)))
        epochs = min(_horizon(kind, rate * scales.ratio, random), _MOST_STEPS) * batch / scales.samples
        times = _times(epochs, bool(random.random() < 0.3), random)
        schedule = str(random.choice(["constant", "constant", "cosine"]))
        rates = np.full(int(times[-1]), rate)
        if schedule == "cosine":
            rates *= 0.5 + 0.5 * np.cos(np.pi * np.arange(len(rates)) / len(rates))
        decay = float(random.choice([0.98, 0.99, 0.998]))
        with np.errstate(all="ignore"):
            weights, averaged, running = descended(problem, times, rates, batch, decay, random)
            curves = problem.curves(weights, averaged)
        curves |= {"learning_rate": rates[times.astype(int) - 1], "running_train_loss": running}
        settings: dict[str, float | str] = {
            "axis": "epoch", "optimizer": "SGD", "schedule": schedule, "learning_rate": rate, "batch_size": batch,
            "averaging_decay": decay, "running_mean": int(random.integers(2)), "seed": seed, "kind": kind,
        }  # fmt: skip
        trainings.append(_training("linear_sgd", half, group * len(_KINDS) + member, scales, settings, times, curves))
    return trainings


FAMILIES = (
    Family(name="linear_gd", groups=10, make=_gradient_descent),
    Family(name="linear_sgd", groups=6, make=_sgd),
)
