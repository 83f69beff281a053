"""Top-10 eigenvalues of the Hessian of a network of 100,000 parameters on 1,000 samples. Writes curvature.json.

python benchmarks/curvature.py   # about a minute

The alternative is SciPy's eigsh on curvlinops' Hessian of the same network in PyTorch: same weights, same data,
float32, one thread on both sides, the same tolerance by the same criterion; the residuals that were reached, recomputed
by the same float64 Hessian, stand beside the seconds. Warm runs alternate, numbers are medians of five. Cold is the
first call of a new process, compilation included: without and with compiled programs on disk.
"""

# ruff: noqa: E402 (threads are set before the libraries load)

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

# Before JAX and PyTorch load: one thread each.
for _variable in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import jax
import numpy as np
import torch
from machine import describe
from scipy.sparse.linalg import LinearOperator, eigsh
from threadpoolctl import threadpool_limits

import benign
from benign.foundation.replicate import Replicate
from benign.implicit.curvature.eigenvalues import top_eigenvalues
from benign.implicit.curvature.hessian import FlatLoss, hessian_product, network_loss
from benign.implicit.precision import own_precision
from benign.networks import Member, MLPFamily, RiskRecorder, Training, train_population
from benign.networks.dense import Dense, Layer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from curvlinops import HessianLinearOperator  # type: ignore[import-untyped,unused-ignore]

WIDTH, SAMPLES, K, TOLERANCE, REPEATS = 291, 1000, 10, 1e-4, 5
OUTPUT = Path(__file__).parent / "curvature.json"


@cache
def split() -> benign.Split:
    """1,000 noisy MNIST-1D samples."""
    return benign.sources.mnist1d(label_noise=0.1, test_samples=100).draw(SAMPLES, Replicate())


def trained(epochs: int) -> Dense:
    """An MLP 40-291-291-10 of 99,823 parameters, trained a little."""
    recorder = RiskRecorder(loss="cross-entropy", metrics=frozenset({"train_loss"}))
    population = train_population(
        MLPFamily(depth=2, activation="relu"), Training(batch_size=100, epochs=epochs),
        [Member(width=WIDTH, split=split())], times=[epochs], recorder=recorder,
    )  # fmt: skip
    network = population.networks[0]
    assert isinstance(network, Dense)
    print("training loss", population.recordings["train_loss"].item())
    return network


def our_loss(network: Dense, dtype: Any = np.float32) -> FlatLoss:
    """The loss around the network in a precision."""
    layers = (Layer(weight=layer.weight.astype(dtype), bias=layer.bias.astype(dtype)) for layer in network.layers)
    cast = Dense(layers=tuple(layers), activation=network.activation)
    return network_loss(cast, split().train_inputs, split().train_targets, loss="cross-entropy")


class Counted(LinearOperator):  # type: ignore[misc]
    """An operator that counts its products."""

    def __init__(self, operator: Any) -> None:
        super().__init__(np.float32, operator.shape)
        self.operator, self.products = operator, 0

    def _matvec(self, vector: np.ndarray) -> np.ndarray:
        self.products += 1
        return self.operator @ vector.astype(np.float32).ravel()


def curvlinops_operator(network: Dense) -> Any:
    """The same Hessian in PyTorch, as SciPy takes it."""
    modules: list[torch.nn.Module] = []
    for layer in network.layers:
        linear = torch.nn.Linear(layer.weight.shape[1], layer.weight.shape[0])
        linear.weight.data, linear.bias.data = (
            torch.tensor(part, dtype=torch.float32) for part in (layer.weight, layer.bias)
        )
        modules += [linear, torch.nn.ReLU()]
    twin = torch.nn.Sequential(*modules[:-1])
    inputs = torch.tensor(split().train_inputs, dtype=torch.float32)
    data = [(inputs, torch.tensor(split().train_targets.argmax(axis=1)))]
    parameters = list(twin.parameters())
    operator = HessianLinearOperator(twin, torch.nn.CrossEntropyLoss(), parameters, data, check_deterministic=False)
    return operator.to_scipy()


def theirs(operator: Any) -> tuple[float, np.ndarray, np.ndarray, int]:
    """Seconds, values, vectors as rows, products."""
    counted = Counted(operator)
    start = np.random.default_rng(0).standard_normal(operator.shape[0]).astype(np.float32)
    begin = time.perf_counter()
    values, vectors = eigsh(counted, k=K, which="LA", tol=TOLERANCE, v0=start)
    return time.perf_counter() - begin, values[::-1], vectors.T[::-1], counted.products


def ours(loss: FlatLoss) -> tuple[float, np.ndarray, np.ndarray, int]:
    """Seconds, values, vectors as rows, products."""
    begin = time.perf_counter()
    found = top_eigenvalues(loss, k=K, tolerance=TOLERANCE)
    return time.perf_counter() - begin, found.values, found.vectors, found.products


def largest_residual(exact: FlatLoss, values: np.ndarray, vectors: np.ndarray) -> float:
    """Of all pairs, relative to the value, by products in float64."""
    with own_precision(exact):
        rows = [np.asarray(hessian_product(exact, jax.numpy.asarray(v, np.float64))) for v in vectors]
    residuals = np.linalg.norm(np.stack(rows) - values[:, None] * vectors, axis=1)
    return float(np.max(residuals / np.abs(values)))


def case(epochs: int) -> dict[str, object]:
    """Warm seconds of both, interleaved."""
    network = trained(epochs)
    loss, exact, operator = our_loss(network), our_loss(network, np.float64), curvlinops_operator(network)
    ours(loss)
    theirs(operator)
    runs = [(ours(loss), theirs(operator)) for _ in range(REPEATS)]
    mine, other = runs[-1]
    return {
        "epochs": epochs,
        "seconds": round(float(np.median([run[0][0] for run in runs])), 3),
        "seconds_curvlinops_eigsh": round(float(np.median([run[1][0] for run in runs])), 3),
        "ratio": round(float(np.median([run[1][0] / run[0][0] for run in runs])), 2),
        "products": mine[3],
        "products_curvlinops_eigsh": other[3],
        "largest_relative_residual": float(f"{largest_residual(exact, *mine[1:3]):.1e}"),
        "largest_relative_residual_curvlinops_eigsh": float(f"{largest_residual(exact, *other[1:3]):.1e}"),
        "values_differ_by": float(f"{np.max(np.abs(mine[1] / other[1] - 1.0)):.1e}"),
        "largest": float(mine[1][0]),
        "tenth": float(mine[1][-1]),
    }


def cold() -> dict[str, float]:
    """Seconds of the first call in a new process, compilation included; and of theirs, which compiles nothing."""
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache_settings = {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        for name in ("without_cache", "with_cache", "curvlinops_eigsh"):
            done = subprocess.run(
                [sys.executable, __file__, "--first", name], env={**os.environ, **cache_settings},
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            seconds[name] = round(float(done.stdout.split()[-1]), 3)
    return seconds


def first(name: str) -> float:
    """Seconds of one call, the first of this process."""
    network = MLPFamily(depth=2, activation="relu").build(WIDTH, inputs=40, outputs=10, random=np.random.default_rng(0))
    return theirs(curvlinops_operator(network))[0] if name == "curvlinops_eigsh" else ours(our_loss(network))[0]


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    if "--first" in sys.argv:
        print(first(sys.argv[-1]))
        return
    machine = {**describe(), "jax": jax.__version__, "torch": torch.__version__}
    with threadpool_limits(1):
        result: dict[str, object] = {
            "network": f"40-{WIDTH}-{WIDTH}-10", "parameters": 41 * WIDTH + (WIDTH + 1) * WIDTH + 10 * (WIDTH + 1),
            "samples": SAMPLES, "k": K, "tolerance": TOLERANCE, "threads": 1,
            "trained_little": case(3), "trained_longer": case(40), "cold_seconds": cold(), "machine": machine,
        }  # fmt: skip
    print(json.dumps(result, indent=2))
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
