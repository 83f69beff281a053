"""Every kind of procedure, as the contract is held against: what it is measured on, and how exact its numbers are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from jaxtyping import Float, Int
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import benign
from benign import sources
from benign.figures.averaged_boosting import AveragedBoosting
from benign.figures.stopped_polynomial import StoppedPolynomial
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.procedures import (
    MLP,
    OneHiddenLayer,
    Polynomial,
    Procedure,
    RandomFourier,
    from_callable,
    from_estimator,
    from_training_loop,
)
from benign.procedures.prediction_risks import PREDICTION_RISKS
from tests.networks.extra import HAS_JAX, HAS_TORCH

_PARTS = ("train_loss", "train_error", "test_loss", "test_error")
SOLVED = frozenset({*_PARTS, "train_loss_clean", "train_error_clean", "test_loss_noisy", "test_error_noisy"})
SQUARED = benign.Training(loss="squared", batch_size=10, epochs=6, precision="float64", learning_rate=5e-3)
ENTROPY = replace(SQUARED, loss="cross-entropy")
DESCENT = benign.Training(
    optimizer="sgd", loss="squared", batch_size=None, learning_rate=0.25, steps=16, precision="float64"
)
WIDTHS, EPOCHS = np.array([3, 5, 8]), np.array([0.0, 2.0, 6.0])


def digits(replicate: Replicate | None = None, samples: int = 40, noise: float = 0.2) -> Split:
    return sources.digits(label_noise=noise, test_samples=30).draw(samples, replicate or Replicate())


def curve(replicate: Replicate | None = None, samples: int = 20) -> Split:
    return sources.mml(test_samples=30).draw(samples, replicate or Replicate())


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A procedure and what it is measured on.

    Attributes:
        make: makes it.
        draw: a split of a replicate.
        sizes: three or more.
        times: strictly increasing, or None.
        apart: how much (relative) a size may differ that is measured without the others.
        alone: the same of a split.
        predicted: how much a measured risk may differ from that of the predictions.
        risks: what predictions give; nothing where it predicts by another model than it measures.
        also: further metrics.
        is_random: whether another initialisation is another model.
    """

    make: Callable[[], Procedure]
    draw: Callable[..., Split] = digits
    sizes: Int[np.ndarray, " size"]
    times: Float[np.ndarray, " time"] | None = None
    apart: float = 0.0
    alone: float = 0.0
    predicted: float = 1e-12
    risks: frozenset[str] = PREDICTION_RISKS
    also: frozenset[str] = frozenset({"norm"})
    is_random: bool = True


def random_features(X, y, size, time, seed):
    """Scores of ten classes by gradient flow on random features, or a value."""
    weights = np.random.default_rng(seed).normal(size=(X.shape[1], size)) / np.sqrt(X.shape[1])
    targets = np.eye(10)[y] if y.dtype == np.int64 else y[:, None]
    features = np.tanh(X @ weights)
    u, s, vt = np.linalg.svd(features, full_matrices=False)
    reached = 1.0 if time is None else -np.expm1(-time * s[:, None] ** 2)
    theta = vt.T @ (reached / s[:, None] * (u.T @ targets))
    return lambda inputs: (np.tanh(inputs @ weights) @ theta).squeeze()


def descent(split, size, seed):
    """Gradient steps on the squared error of random features, looked at before each and at the end."""
    columns = split.train_inputs[0].size
    weights = np.random.default_rng(seed).normal(size=(columns, size)) / np.sqrt(columns)
    features = np.tanh(split.train_inputs.reshape(-1, columns) @ weights)
    theta, rate = np.zeros((size, split.train_targets.shape[1])), 1.0 / np.sum(features**2)
    for step in range(9):
        yield step, lambda inputs, theta=theta: np.tanh(inputs.reshape(-1, columns) @ weights) @ theta
        theta = theta - rate * features.T @ (features @ theta - split.train_targets)


def equinox_module(size, key):
    """Two linear maps with a rectifier between them, of samples of any shape."""
    import equinox as eqx
    import jax

    first, second = jax.random.split(key)
    rows, rectified = eqx.nn.Lambda(lambda x: x.ravel()), eqx.nn.Lambda(jax.nn.relu)
    return eqx.nn.Sequential((rows, eqx.nn.Linear(64, size, key=first), rectified, eqx.nn.Linear(size, 10, key=second)))


def torch_module(size):
    """The same two linear maps in PyTorch."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(64, size), nn.ReLU(), nn.Linear(size, 10))


def from_torch_module():
    return benign.from_torch(torch_module, batch_size=10, epochs=6, precision="float64", learning_rate=5e-3)


# Around n, and far beyond.
_least_squares = partial(
    Case,
    sizes=np.array([2, 9, 39, 40, 100]),
    alone=1e-9,
    predicted=1e-6,
    risks=SOLVED,
    also=frozenset({"norm", "scaled_norm"}),
)
_network = partial(
    Case,
    sizes=WIDTHS,
    times=EPOCHS,
    apart=1e-10,
    alone=1e-10,
    predicted=1e-9,
    also=frozenset({"norm", *(f"{name}_averaged" for name in PREDICTION_RISKS)}),
)


def _estimator(estimator, size, time=None, *, draw=digits, is_random=True, inverse=False) -> Case:
    return Case(
        make=partial(from_estimator, estimator, size=size, time=time, inverse=inverse),
        draw=draw,
        sizes=np.array([2, 5, 9]),
        times=None if time is None else np.array([1.0, 3.0, 6.0]),
        is_random=is_random,
    )


def _function(draw, times, **settings) -> Case:
    make = partial(from_callable, random_features, name="own features", **settings)
    return Case(make=make, draw=draw, sizes=np.array([2, 5, 9]), times=times)


def _loop(draw, times, **settings) -> Case:
    return Case(
        make=partial(from_training_loop, descent, **settings), draw=draw, sizes=np.array([2, 5, 9]), times=times
    )


_twelve = partial(curve, samples=12)
_penalised = replace(SQUARED, gradient_penalty=0.1)
_forest, _leaves, _trees = RandomForestClassifier(), "max_leaf_nodes", "n_estimators"
_pipeline = make_pipeline(PCA(8, svd_solver="randomized"), RandomForestClassifier())
_seconds = np.array([0.0, 0.5, 4.0])

LEAST_SQUARES = {
    "fourier": _least_squares(make=RandomFourier),
    "fourier ridge": _least_squares(make=lambda: RandomFourier(bandwidth=30.0, ridge=0.5)),
    "fourier complex": _least_squares(make=lambda: RandomFourier(form="complex")),
    "legendre": _least_squares(make=Polynomial, draw=_twelve, is_random=False),
    "chebyshev ridge": _least_squares(
        make=partial(Polynomial, basis="chebyshev", ridge=1e-3), draw=_twelve, is_random=False
    ),
    "stopped polynomial": _least_squares(
        make=StoppedPolynomial,
        draw=curve,
        times=np.array([1.0, 8.0, 64.0]),
        risks=frozenset({"train_loss", "test_loss"}),
        is_random=False,
    ),
}
FOREIGN = {
    "plain": _estimator(RandomForestClassifier(3), _leaves),
    "inverse size": _estimator(KNeighborsClassifier(), "n_neighbors", inverse=True, is_random=False),
    "averaged boosting": _estimator(AveragedBoosting(), "n_estimators"),
    "warm start": _estimator(_forest, _leaves, _trees),
    # It has no randomness where samples are so few.
    "stages": _estimator(HistGradientBoostingClassifier(), _leaves, "max_iter", is_random=False),
    "passes": _estimator(SGDClassifier(), "n_iter_no_change", "max_iter"),
    "pipeline": _estimator(_pipeline, "pca__n_components", "randomforestclassifier__n_estimators"),
    "regression": _estimator(RandomForestRegressor(), _leaves, _trees, draw=curve),
    "regression of one-hot rows": _estimator(RandomForestRegressor(), _leaves, _trees),
    "function": _function(digits, _seconds, time_name="seconds"),
    "function at its end": _function(digits, None, time_name="seconds"),
    "function of values": _function(curve, _seconds, time_name="seconds"),
    "function of values at its end": _function(curve, None),
    "training loop": _loop(digits, np.array([0.0, 2.0, 7.0]), outputs="logits"),
    "training loop of values at its end": _loop(curve, None, objective="squared"),
}
NETWORKS = {
    "mlp": _network(make=lambda: MLP(training=ENTROPY)),
    "mlp squared": _network(make=lambda: MLP(depth=1, activation="tanh", training=SQUARED)),
    "one hidden layer": _network(make=lambda: OneHiddenLayer(training=SQUARED)),
    "weight reuse": _network(make=lambda: OneHiddenLayer(weight_reuse=(2, 3, 5, 8), training=SQUARED)),
}
ON_JAX = NETWORKS | {
    "penalised": _network(make=lambda: MLP(depth=1, activation="tanh", training=_penalised)),
    "solutions": _network(
        make=lambda: benign.procedures.Solutions(training=DESCENT),
        times=np.array([0.0, 1.0, 4.0]),
        also=frozenset({"norm", "path_norm"}),
    ),
    # It predicts by its first network, and measures means over all of them.
    "repeated": _network(
        make=lambda: benign.procedures.RepeatedMLP(mlp=MLP(training=SQUARED), networks=2),
        risks=frozenset(),
        also=frozenset({"train_loss", "test_loss", "test_error", "norm", "output_difference"}),
    ),
    "equinox module": _network(make=lambda: benign.from_equinox(equinox_module, training=ENTROPY)),
}
ON_TORCH = {"torch module": _network(make=from_torch_module)}
CASES = LEAST_SQUARES | FOREIGN | ON_JAX | ON_TORCH


def parameters_of(*names: str) -> Iterator[object]:
    """The cases of these names as parameters of a test, skipped where JAX or PyTorch is missing and needed."""
    for name in names:
        lacks_jax, lacks_torch = name in ON_JAX and not HAS_JAX, name in ON_TORCH and not HAS_TORCH
        without = pytest.mark.skipif(lacks_jax or lacks_torch, reason="networks need JAX, and modules PyTorch")
        yield pytest.param(name, id=name, marks=without)
