"""What a PyTorch module costs through benign beyond the loop that one would write by hand, and what training several
small ones together saves. Writes modules.json.

python benchmarks/modules.py               # all of it, about five minutes on a core of one's own
python benchmarks/modules.py population    # one part

The loop by hand has the same module, batches, optimiser and evaluations; the ways run in turns in one process, one
thread, in changing order. Compared is the time of the processor; the ratio is the median of the rounds'. That a module
is built twice alike is seen once in a process, before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional

import benign
from benign.foundation.replicate import paired_replicates
from benign.foundation.split import Split
from benign.networks.shuffles import batches
from benign.procedures import Procedure
from benign.schema import DEFAULT_METRICS

ROUNDS = 7
OUTPUT = Path(__file__).parent / "modules.json"
SAMPLES, BATCH, EPOCHS, RATE = 1000, 50, 25, 1e-3
TIMES = np.array([5.0, 10.0, 15.0, 20.0, 25.0])
TOGETHER, NARROW = 8, (8, 16, 32, 64)
SPLITS = [benign.sources.digits(label_noise=0.2).draw(SAMPLES, replicate) for replicate in paired_replicates(TOGETHER)]
ONE_THREAD = threadpool_limits(limits=1)

Build = Callable[[int], nn.Module]


def dense(width: int) -> nn.Module:
    """Two hidden layers."""
    hidden = [nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(width, 10))


def convolutional(width: int) -> nn.Module:
    """Two convolutions with batch normalisation."""
    first = [nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(8 * width, 10))


def by_hand(build: Build, split: Split, width: int) -> Iterator[tuple[int, nn.Module]]:
    """The plain loop; yields the module in evaluation mode after every fifth epoch."""
    torch.manual_seed(split.replicate.initialisation)
    model = build(width)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    inputs = torch.from_numpy(split.shaped.train_inputs.astype(np.float32))
    labels = torch.from_numpy(split.train_labels)
    per_epoch = -(-SAMPLES // BATCH)
    for epoch in range(1, EPOCHS + 1):
        model.train()
        orders = batches(split.replicate, samples=SAMPLES, batch=BATCH, start=(epoch - 1) * per_epoch, steps=per_epoch)
        for rows in torch.from_numpy(orders.astype(np.int64)):
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs[rows]), labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if epoch in TIMES:
            model.eval()
            yield epoch, model


@torch.no_grad()
def evaluated(model: nn.Module, split: Split) -> list[float]:
    """The four risks of a surface."""
    found: list[float] = []
    shaped = split.shaped
    for inputs, targets in ((shaped.train_inputs, split.train_targets), (shaped.test_inputs, split.test_targets)):
        outputs = model(torch.from_numpy(inputs.astype(np.float32)))
        labels = torch.from_numpy(targets.argmax(axis=1))
        found += [float(functional.cross_entropy(outputs, labels)), float((outputs.argmax(1) != labels).float().mean())]
    return found


def plain(build: Build, splits: Sequence[Split], width: int) -> None:
    """Every split by hand, one after another."""
    for split in splits:
        for _, model in by_hand(build, split, width):
            evaluated(model, split)


def measured(procedure: Procedure, splits: Sequence[Split], width: int) -> None:
    """The same by a procedure."""
    procedure.measure(splits, np.array([width]), TIMES, DEFAULT_METRICS)


def module(build: Build, **settings: Any) -> Procedure:
    """The module by ``from_torch``."""
    return benign.from_torch(build, learning_rate=RATE, epochs=EPOCHS, batch_size=BATCH, **settings)


def loop(build: Build) -> Procedure:
    """The loop by hand, as ``from_training_loop`` takes it."""

    def fit(split: Split, size: int, seed: int) -> Iterator[tuple[int, Callable[[Any], Any]]]:
        del seed
        for epoch, model in by_hand(build, split, size):
            yield epoch, partial(outputs_of, model)

    return benign.from_training_loop(fit, outputs="logits", revision=1)


@torch.no_grad()
def outputs_of(model: nn.Module, inputs: Any) -> Any:
    """Logits of NumPy inputs."""
    return model(torch.from_numpy(inputs.astype(np.float32))).numpy()


def in_turns(ways: Mapping[str, Callable[[], None]]) -> dict[str, list[float]]:
    """Seconds of the processor that each way took in each round, the first one left out."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(-1, ROUNDS):
        names = list(ways) if round_ % 2 else list(ways)[::-1]
        for name in names:
            start = time.process_time()
            ways[name]()
            if round_ >= 0:
                seconds[name].append(time.process_time() - start)
    return seconds


def ratios(seconds: dict[str, list[float]], over: str) -> dict[str, dict[str, float]]:
    """Each way's median ratio to one of them, the smallest and the largest; and its median of seconds."""
    base = np.array(seconds[over])
    return {
        name: {
            "ratio": round(float(np.median(np.array(values) / base)), 3),
            "least": round(float(np.min(np.array(values) / base)), 3),
            "most": round(float(np.max(np.array(values) / base)), 3),
            "seconds": round(float(np.median(values)), 3),
        }
        for name, values in seconds.items()
    }


def wrapped() -> dict[str, object]:
    """One module of each kind through both doors, against the loop by hand."""
    found: dict[str, object] = {}
    for name, build, width in (
        ("two hidden layers of 64", dense, 64),
        ("two convolutions of 8 and 16", convolutional, 8),
    ):
        split, by_module, by_loop = SPLITS[:1], module(build), loop(build)
        ways = {
            "by hand": partial(plain, build, split, width),
            "from_torch": partial(measured, by_module, split, width),
            "from_training_loop": partial(measured, by_loop, split, width),
        }
        found[name] = ratios(in_turns(ways), "by hand")
    return found


def population() -> dict[str, object]:
    """Eight small networks together, against eight loops by hand; a ratio below 1/3 is threefold."""
    found: dict[str, object] = {}
    for width in NARROW:
        together = module(dense)
        ways = {
            "by hand": partial(plain, dense, SPLITS, width),
            "together": partial(measured, together, SPLITS, width),
        }
        found[str(width)] = ratios(in_turns(ways), "by hand")
    return found


PARTS = {"wrapped": wrapped, "population": population}


def main(names: Sequence[str]) -> None:
    """Run the parts and keep the others' numbers."""
    torch.set_num_threads(1)
    results = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    for name in names or PARTS:
        results[name] = PARTS[name]()
        results[f"machine of {name}"] = {**describe(), "torch": torch.__version__}
        print(name, json.dumps(results[name], indent=1))
        OUTPUT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
