"""The size path against the products and refits that it replaces: n = n_test = 2,000, every size from 1 to 20,000.

Alternatives, timed in the same run on one BLAS thread: the two products dgemm(Z, Z^T) and dgemm(Z_test, Z^T); one
economic QR factorisation; `numpy.linalg.lstsq` at 20 sizes spread over 1 .. 20,000. Writes size_path.json.

Two parts more, at n = 1,000: designs with dependent columns against `lstsq`, size for size; and, given the sources of
another commit, its path against this one, in two processes whose rounds alternate.

    python benchmarks/size_path.py [--samples 2000] [--factor 10] [--rounds 3] [--parts path dependent]
    git archive COMMIT src | tar -x -C OLD && python benchmarks/size_path.py --parts before --before OLD/src
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
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
        return round(float(np.median(np.divide(times[top], times[bottom]))), 3)

    return {
        "case": {"samples": samples, "test_samples": samples, "outputs": y.shape[1], "sizes": f"every, 1..{features}"},
        "machine": describe(),
        "seconds": {name: round(float(np.median(values)), 3) for name, values in times.items()},
        "seconds_all_refits_extrapolated": round(every_refit, 1),
        "ratio_path_to_two_products": ratio("path", "products"),
        "ratio_path_with_leave_one_out_to_two_products": ratio("path_leave_one_out", "products"),
        "ratio_sizes_to_n_to_one_qr": ratio("path_to_n", "qr"),
        "times_faster_than_refits": round(every_refit / float(np.median(times["path"])), 0),
        "refits_beyond_n_in_the_same_time": round(float(np.median(times["path"]) / np.median(beyond)), 2),
        "share_of_sizes_flagged": float(np.mean(path.outcome == Outcome.ILL_CONDITIONED)),
        "largest_condition": float(f"{path.condition.max():.3g}"),
    }


def dependent_designs() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Designs of n = 1,000 with columns that add no rank, up to 2,000 sizes."""
    z, y, z_test, y_test = problem(1000, 2000)
    zero = z.copy()
    zero[:, 40] = 0.0
    split = benign.sources.mnist(test_samples=1000).draw(1000, Replicate())
    half, half_test = z[:, :1000], z_test[:, :1000]
    return {
        "none": (z, y, z_test, y_test),
        "zero_column": (zero, y, z_test, y_test),
        "each_row_twice": (np.repeat(z[:500], 2, axis=0), y, z_test, y_test),
        "each_column_twice": (np.repeat(half, 2, axis=1), y, np.repeat(half_test, 2, axis=1), y_test),
        "mnist_pixels": (split.train_inputs, split.train_targets, split.test_inputs, split.test_targets),
    }


def run_dependent() -> dict[str, float]:
    """How much faster the path is than a refit a size, for each design; refits at ten sizes, evenly spread."""
    numbers: dict[str, float] = {}
    for name, (z, y, z_test, y_test) in dependent_designs().items():
        sizes = np.linspace(1, z.shape[1], 10).astype(int)
        every_refit = float(np.mean(time_refits(z, y, z_test, sizes))) * z.shape[1]
        work = partial(size_path, z, y, z_test, y_test)
        path = float(np.median([seconds(work) for _ in range(3)]))
        outcome = work().outcome
        numbers[f"times_faster_than_refits_{name}"] = round(every_refit / path, 0)
        numbers[f"share_of_sizes_dependent_{name}"] = round(float(np.mean(outcome == Outcome.TRUNCATED)), 3)
        numbers[f"share_of_sizes_flagged_{name}"] = round(float(np.mean(outcome >= Outcome.ILL_CONDITIONED)), 3)
        print(name, f"path {path:.2f} s", numbers[f"times_faster_than_refits_{name}"], flush=True)
    return numbers


def serve() -> None:
    """Answer each line of the input with the seconds of one path: n = n_test = 1,000, every size to 10,000."""
    z, y, z_test, y_test = problem(1000, 10_000)
    size_path(z[:50, :150], y[:50], z_test[:50, :150], y_test[:50])
    for _ in sys.stdin:
        print(seconds(lambda: size_path(z, y, z_test, y_test)), flush=True)


def run_before(sources: str, rounds: int) -> dict[str, float]:
    """The path of this commit over that of another, in alternating rounds of two processes."""
    workers = []
    for path in (sources, str(Path(__file__).parents[1] / "src")):
        environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        command = [sys.executable, __file__, "--serve"]
        workers.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        )
    ratios = []
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        times = {index: _ask(workers[index]) for index in order}
        ratios.append(times[1] / times[0])
        print(f"round {number + 1}: before {times[0]:.2f} s, now {times[1]:.2f} s", flush=True)
    for worker in workers:
        worker.communicate()
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75]).round(3).tolist()
    return {"ratio_to_the_path_before": middle, "quartile_low_of_it": low, "quartile_high_of_it": high}


def _ask(worker: subprocess.Popen[str]) -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def main() -> None:
    """Run the parts and write their numbers into the JSON beside this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=["path", "dependent", "before"], default=["path", "dependent"])
    parser.add_argument("--before", help="folder of the sources to compare with")
    parser.add_argument("--serve", action="store_true", help="used by the part `before`")
    options = parser.parse_args()
    with threadpool_limits(limits=1):
        if options.serve:
            serve()
            return
        place = Path(__file__).parent / "size_path.json"
        result = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
        if "path" in options.parts:
            result |= run(options.samples, options.factor, options.rounds)
        if "dependent" in options.parts:
            result |= run_dependent()
        if "before" in options.parts:
            result |= run_before(options.before, 15)
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if options.samples == 2000:
        place.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
