"""The size path against the products and refits that it replaces: n = n_test = 2,000, every size from 1 to 20,000.

Alternatives, timed in the same run on one BLAS thread: the two products dgemm(Z, Z^T) and dgemm(Z_test, Z^T); one
economic QR factorisation; `numpy.linalg.lstsq` at 20 sizes spread over 1 .. 20,000. Writes size_path.json.

    python benchmarks/size_path.py [--samples 2000] [--factor 10] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import scipy.linalg
from machine import describe
from scipy.linalg import blas
from threadpoolctl import threadpool_limits

import benign
from benign.foundation.outcomes import Outcome
from benign.foundation.replicate import Replicate
from benign.linear import FourierFeatures, median_bandwidth, size_path


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def problem(samples: int, features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """MNIST images through random Fourier features: (Z, Y, Z_test, Y_test)."""
    split = benign.sources.mnist(test_samples=samples).draw(samples, Replicate())
    fourier = FourierFeatures(bandwidth=median_bandwidth(split.pool))
    z = fourier.columns(split.train_inputs, 0, features)
    z_test = fourier.columns(split.test_inputs, 0, features)
    return z, split.train_targets, z_test, split.test_targets


def time_refits(z: np.ndarray, y: np.ndarray, z_test: np.ndarray, sizes: np.ndarray) -> list[float]:
    """Seconds of one refit with prediction at each size."""

    def refit(k: int) -> np.ndarray:
        return z_test[:, :k] @ np.linalg.lstsq(z[:, :k], y, rcond=None)[0]

    return [seconds(partial(refit, k)) for k in sizes.tolist()]


def run(samples: int, factor: int, rounds: int) -> dict[str, object]:
    """Interleaved rounds; every figure is a median, every ratio the median of the rounds' ratios."""
    features = factor * samples
    z, y, z_test, y_test = problem(samples, features)
    size_path(z[:50, :150], y[:50], z_test[:50, :150], y_test[:50], leave_one_out=True)
    times: dict[str, list[float]] = {}
    for number in range(rounds):
        works: dict[str, Callable[[], object]] = {
            "products": lambda: (blas.dgemm(1.0, z.T, z.T, trans_a=True), blas.dgemm(1.0, z_test.T, z.T, trans_a=True)),
            "path": lambda: size_path(z, y, z_test, y_test),
            "path_leave_one_out": lambda: size_path(z, y, z_test, y_test, leave_one_out=True),
            "qr": lambda: scipy.linalg.qr(z[:, :samples], mode="economic"),
            "path_to_n": lambda: size_path(z, y, z_test, y_test, sizes=np.arange(1, samples + 1)),
        }
        for name, work in works.items():
            times.setdefault(name, []).append(seconds(work))
            print(f"round {number + 1}: {name} {times[name][-1]:.2f} s", flush=True)
    sizes = np.unique(np.geomspace(samples // 10, features, 20).astype(int))
    refits = time_refits(z, y, z_test, sizes)
    grid = np.arange(1, features + 1)
    every_refit = float(np.interp(grid, sizes, refits).sum())
    beyond = [t for t, k in zip(refits, sizes, strict=True) if k > samples]
    path = size_path(z, y, z_test, y_test)

    def ratio(top: str, bottom: str) -> float:
        return round(statistics.median(a / b for a, b in zip(times[top], times[bottom], strict=True)), 3)

    return {
        "case": {"samples": samples, "test_samples": samples, "outputs": y.shape[1], "sizes": f"every, 1..{features}"},
        "machine": describe(),
        "seconds": {name: round(statistics.median(values), 3) for name, values in times.items()},
        "seconds_all_refits_extrapolated": round(every_refit, 1),
        "ratio_path_to_two_products": ratio("path", "products"),
        "ratio_path_with_leave_one_out_to_two_products": ratio("path_leave_one_out", "products"),
        "ratio_sizes_to_n_to_one_qr": ratio("path_to_n", "qr"),
        "times_faster_than_refits": round(every_refit / statistics.median(times["path"]), 0),
        "refits_beyond_n_in_the_same_time": round(statistics.median(times["path"]) / statistics.median(beyond), 2),
        "share_of_sizes_flagged": float(np.mean(path.outcome == Outcome.ILL_CONDITIONED)),
        "largest_condition": float(f"{path.condition.max():.3g}"),
    }


def main() -> None:
    """Run and write the JSON beside this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with threadpool_limits(limits=1):
        result = run(options.samples, options.factor, options.rounds)
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if options.samples == 2000:
        (Path(__file__).parent / "size_path.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
