"""Linear families of the bank: the closed form against the recursion, the exact risk against many samples."""

from __future__ import annotations

import numpy as np
import pytest
from triage.families.linear import Problem, Scales, Weights, descended, filtered

TIMES = np.array([1.0, 2.0, 5.0, 30.0])
DECAY = 0.9


def problem_of(samples: int, validation_samples: int = 50) -> Problem:
    """Fifteen features of two scales, noise on training and validation."""
    scales = Scales(
        samples=samples,
        fast=10,
        slow=5,
        ratio=0.1,
        fast_energy=1.0,
        slow_energy=0.5,
        noise=0.3,
        validation_noise=0.2,
        validation_samples=validation_samples,
    )
    return scales.problem(np.random.default_rng(5))


def stable_rate(problem: Problem) -> float:
    """Half of the learning rate at which gradient descent diverges."""
    return float(0.5 * len(problem.targets) / np.linalg.norm(problem.inputs, 2) ** 2)


def literal(problem: Problem, rate: float) -> tuple[Weights, Weights]:
    """Gradient descent on the mean squared error, step by step, and its moving average."""
    weights = np.zeros(len(problem.truth))
    average = np.zeros_like(weights)
    kept, averages = [], []
    for step in range(1, int(TIMES[-1]) + 1):
        gradient = 2 * problem.inputs.T @ (problem.inputs @ weights - problem.targets) / len(problem.targets)
        weights = weights - rate * gradient
        average = DECAY * average + (1 - DECAY) * weights
        if step in TIMES:
            kept.append(weights)
            averages.append(average)
    return np.array(kept), np.array(averages)


@pytest.mark.parametrize("samples", [8, 15, 40], ids=["fewer samples than features", "as many", "more"])
@pytest.mark.parametrize("factor", [1.0, 2.2], ids=["stable", "diverging"])
def test_filter_is_gradient_descent(samples: int, factor: float) -> None:
    problem = problem_of(samples)
    rate = factor * stable_rate(problem)
    for fast, slow in zip(filtered(problem, rate, TIMES, DECAY), literal(problem, rate), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-8, atol=1e-9)


def test_sgd_on_whole_batches_is_gradient_descent() -> None:
    problem = problem_of(40)
    rate = stable_rate(problem)
    rates = np.full(int(TIMES[-1]), rate)
    weights, averages, running = descended(problem, TIMES, rates, 40, DECAY, np.random.default_rng(0))
    expected, expected_averages = filtered(problem, rate, TIMES, DECAY)
    np.testing.assert_allclose(weights, expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(averages, expected_averages, rtol=1e-8, atol=1e-9)
    losses = problem.curves(weights, averages)["train_loss"]
    assert running[0] == pytest.approx((problem.targets**2).mean()), "before its first step every prediction is 0"
    assert running[1] == pytest.approx(losses[0]), "the running mean lags one step behind"


def test_risk_is_what_many_samples_measure() -> None:
    problem = problem_of(40, validation_samples=60_000)
    weights, averages = filtered(problem, stable_rate(problem), TIMES, DECAY)
    curves = problem.curves(weights, averages)
    squares = (weights @ problem.validation_inputs.T - problem.validation_targets) ** 2
    error = squares.std(1) / np.sqrt(squares.shape[1])
    assert (np.abs(curves["val_loss"] - curves["population_loss"]) < 4 * error).all()
    assert (curves["median_loss"] < curves["val_loss"]).all()
