"""How fast populations of networks are trained. Writes networks.json, on a GPU networks_gpu.json.

python benchmarks/networks.py              # all parts, about ten minutes
python benchmarks/networks.py population   # one part

The alternative is what people write: an eager PyTorch loop over the same networks, one after another, on the same data
with the same optimiser, batches and number of threads. On two threads ours are two halves of the population in two
worker processes, as an experiment runs them. Runs alternate; numbers are medians of five.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Before JAX and PyTorch load: one thread each.
for _variable in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import torch
from machine import describe
from threadpoolctl import threadpool_limits

import benign
from benign.foundation.progress import Progress
from benign.foundation.replicate import Replicate
from benign.networks import Data, Member, MLPFamily, RiskRecorder, Training, train_population, trajectory

MEMBERS, SAMPLES, BATCH = 32, 4096, 128
WIDTHS = {8: 30.0, 64: 6.0, 256: 2.0}  # width: what the ratio must reach
RATE_FROM, RATE = 64, 0.6  # from this width on, the share of a large product's rate
REPEATS = 5
GPU = jax.default_backend() == "gpu"
STEPS = {8: 6000, 64: 6000, 256: 600} if not GPU else dict.fromkeys(WIDTHS, 4000)
EAGER_STEPS = {8: 40, 64: 40, 256: 12}
OUTPUT = Path(__file__).parent / ("networks_gpu.json" if GPU else "networks.json")
INPUTS, OUTPUTS = 40, 10


@dataclass(frozen=True)
class Norm:
    """A recorder that costs nothing."""

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, jax.Array]:
        del data
        return {"norm": jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array))))}


@cache
def members(number: int = MEMBERS) -> list[benign.Split]:
    """One split for each member: the same MNIST-1D samples, initial weights and mini-batches of its own."""
    source = benign.sources.mnist1d(label_noise=0.2, test_samples=100)
    return [source.draw(SAMPLES, Replicate(initialisation=i)) for i in range(number)]


def train(width: int, part: slice) -> None:
    """Train some of the members by the public call."""
    data = members()[part]
    train_population(
        MLPFamily(depth=2, activation="relu"), Training(batch_size=BATCH, steps=STEPS[width]),
        [Member(width=width, split=split) for split in data], times=[STEPS[width]], recorder=Norm(),
    )  # fmt: skip


@cache
def workers(number: int) -> ProcessPoolExecutor:
    """Processes that have loaded JAX and drawn the data."""
    pool = ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn"), initializer=members)
    wait([pool.submit(time.sleep, 0.5) for _ in range(number)])
    return pool


def population_rate(width: int, threads: int = 1) -> float:
    """Model-steps a second of the public call, all of it counted but drawing the data."""
    start = time.perf_counter()
    if threads == 1:
        train(width, slice(None))
    else:
        shares = [workers(threads).submit(train, width, slice(i, None, threads)) for i in range(threads)]
        for share in shares:
            share.result()
    return MEMBERS * STEPS[width] / (time.perf_counter() - start)


def eager_rate(width: int, threads: int = 1) -> float:
    """Model-steps a second of a plain PyTorch loop."""
    device = "cuda" if GPU else "cpu"
    torch.set_num_threads(threads)
    prepared = []
    for i, split in enumerate(members()):
        torch.manual_seed(i)
        layers = [torch.nn.Linear(INPUTS, width), torch.nn.ReLU(), torch.nn.Linear(width, width), torch.nn.ReLU()]
        network = torch.nn.Sequential(*layers, torch.nn.Linear(width, OUTPUTS)).to(device)
        inputs = torch.tensor(split.train_inputs, dtype=torch.float32, device=device)
        labels = torch.tensor(split.train_targets.argmax(axis=1), device=device)
        prepared.append((network, torch.optim.Adam(network.parameters(), lr=2e-3), inputs, labels))
    if GPU:
        torch.cuda.synchronize()
    start = time.perf_counter()
    for network, optimiser, inputs, labels in prepared:
        order = torch.randperm(SAMPLES, device=device)
        for step in range(EAGER_STEPS[width]):
            rows = order[(step * BATCH) % (SAMPLES - BATCH) :][:BATCH]
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(inputs[rows]), labels[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    if GPU:
        torch.cuda.synchronize()
    return MEMBERS * EAGER_STEPS[width] / (time.perf_counter() - start)


@jax.jit
def _square(matrix: jax.Array) -> jax.Array:
    return matrix @ matrix


def product_rate(threads: int = 1) -> float:
    """Floating-point operations a second of one large float32 product: the faster of NumPy's BLAS and XLA."""
    size = 8192 if GPU else 1536
    matrix = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    resident = jax.device_put(matrix)
    with jax.default_matmul_precision("float32"):
        _square(resident).block_until_ready()
        calls: list[Callable[[], object]] = [lambda: _square(resident).block_until_ready()]
        if not GPU:
            calls.append(lambda: matrix @ matrix)
        with threadpool_limits(threads):
            best = min(_seconds(call) for call in calls for _ in range(3))
    return 2.0 * size**3 / best


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def operations(width: int) -> float:
    """Floating-point operations of the matrix products of one step: forward, weights' and inputs' gradients."""
    weights = INPUTS * width + width * width + width * OUTPUTS
    return 2.0 * BATCH * (3 * weights - INPUTS * width)


def population(threads: int = 1) -> dict[str, object]:
    """Model-steps a second against the eager loop, and the share of a large product's rate."""
    result: dict[str, object] = {
        "members": MEMBERS, "batch": BATCH, "optimizer": "adam", "network": "40-H-H-10", "threads": threads,
        "torch": torch.__version__, "jax": jax.__version__,
    }  # fmt: skip
    for width, wanted in WIDTHS.items():
        population_rate(width, threads)
        eager_rate(width, threads)
        ours, eager, product = [], [], []
        for _ in range(REPEATS):
            ours.append(population_rate(width, threads))
            eager.append(eager_rate(width, threads))
            product.append(product_rate(threads))
        ratio = float(np.median([a / b for a, b in zip(ours, eager, strict=True)]))
        share = float(np.median([a * operations(width) / b for a, b in zip(ours, product, strict=True)]))
        result[f"width_{width}"] = {
            "model_steps_a_second": round(float(np.median(ours))),
            "eager_pytorch": round(float(np.median(eager))),
            "ratio": round(ratio, 1),
            "wanted": wanted,
            "gigaflops_of_one_large_product": round(float(np.median(product)) / 1e9, 1),
            "share_of_that_rate": round(share, 2),
            **({"wanted_share": RATE} if width >= RATE_FROM else {}),
        }
        print(width, result[f"width_{width}"], flush=True)
    return result


def population_two_threads() -> dict[str, object]:
    """As :func:`population`, both cores on both sides."""
    return population(threads=2)


def progress() -> dict[str, object]:
    """Seconds of the same training with progress shown about once a second, and twenty times as often."""
    width = 64
    population = [Member(width=width, split=split) for split in members(8)]
    training = Training(batch_size=BATCH, steps=8000)
    seconds: dict[str, list[float]] = {"rarely": [], "often": []}
    heard = dict.fromkeys(seconds, 0)

    def told(name: str) -> Progress:
        def listen(task: str, done: float, total: float) -> None:
            del task, done, total
            heard[name] += 1

        return listen

    for _ in range(REPEATS + 1):
        for name, every in (("rarely", 1.0), ("often", 0.05)):
            trajectory._SECONDS_AT_ONCE = every
            start = time.perf_counter()
            train_population(
                MLPFamily(depth=2, activation="relu"), training, population, times=[8000], recorder=Norm(),
                progress=told(name),
            )  # fmt: skip
            seconds[name].append(time.perf_counter() - start)
    rarely, often = (float(np.median(seconds[name][1:])) for name in ("rarely", "often"))
    calls = {name: count // (REPEATS + 1) for name, count in heard.items()}
    return {"times_told": calls, "seconds_rarely": round(rarely, 3), "ratio_often": round(often / rarely, 3)}


def gradient_penalty() -> dict[str, object]:
    """Seconds of the MNIST-1D training with both gradient penalties recorded, against the same without them."""
    width, epochs = 64, 150
    population = [Member(width=width, split=split) for split in members(8)]
    training = Training(batch_size=BATCH, epochs=epochs)
    seconds: dict[str, list[float]] = {"without": [], "full_batch": [], "both": []}
    metrics = frozenset({"train_error", "test_loss", "test_error", "norm"})
    asked = {
        "without": metrics,
        "full_batch": metrics | {"gradient_penalty"},
        "both": metrics | {"gradient_penalty", "gradient_penalty_minibatch"},
    }
    for _ in range(REPEATS + 1):
        for name, wanted in asked.items():
            recorder = RiskRecorder(loss="cross-entropy", metrics=wanted, batch=BATCH)
            start = time.perf_counter()
            train_population(
                MLPFamily(depth=2, activation="relu"), training, population, times=training.log_spaced(20),
                recorder=recorder,
            )  # fmt: skip
            seconds[name].append(time.perf_counter() - start)
    ratios = {
        f"ratio_{name}": round(
            float(np.median([a / b for a, b in zip(seconds[name][1:], seconds["without"][1:], strict=True)])), 3
        )
        for name in ("full_batch", "both")
    }
    plain = round(float(np.median(seconds["without"][1:])), 3)
    return {"recordings": 18, "epochs": epochs, "seconds_without": plain, **ratios, "wanted": 1.1}


_CURVE = """
import time
start = time.perf_counter()
import benign
from benign.experiments.environment import Environment
from benign.figures.greydanus2024_mnist1d import FIGURE
((_, surface),) = FIGURE.measure("quick", 1, Environment())
print(surface.sizes["size"], surface.sizes["replicate"], time.perf_counter() - start)
"""


def curve() -> dict[str, object]:
    """The MNIST-1D figure's widths and replicates, a new process each: without and with compiled programs on disk."""
    result: dict[str, object] = {}
    plain = {name: value for name, value in os.environ.items() if name != "NPROC"}
    with tempfile.TemporaryDirectory() as folder:
        cache = {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        for name in ("cold", "warm"):
            done = subprocess.run(
                [sys.executable, "-c", _CURVE], env={**plain, **cache}, capture_output=True, text=True, check=True
            )
            widths, replicates, seconds = done.stdout.split()
            result |= {
                "widths": int(widths),
                "replicates": int(replicates),
                f"seconds_{name}": round(float(seconds), 1),
            }
    return result


PARTS = {
    "population": population,
    "population_two_threads": population_two_threads,
    "progress": progress,
    "gradient_penalty": gradient_penalty,
    "curve": curve,
}


def main() -> None:
    """Measure the parts named on the command line, all unless said."""
    results = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    for name in sys.argv[1:] or PARTS:
        machine = {**describe(), "device": jax.devices()[0].device_kind}
        results[name] = {**PARTS[name](), "machine": machine}
        print(name, results[name])
        OUTPUT.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
