"""What a recorder costs a training, and what evaluating everything after each epoch would. Writes recorders.json.

python benchmarks/recorders.py            # all of it, about five minutes on a core of one's own
python benchmarks/recorders.py mlp        # one part

Of each network three trainings run in one process, in turns and in changing order: without a recorder, with one as it
comes, and with loss and error of all training and validation samples and of averaged weights after each
epoch, by hand. Compared is the time of the processor, all of the recorder's included: building it, the first
evaluations, the end. The ratio is the mean of the repeats', its interval Student's, 95 %.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from machine import describe
from scipy import stats
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import benign
from benign.histories import PartialFitRecorder, TorchRecorder

REPEATS = 5
OUTPUT = Path(__file__).parent / "recorders.json"
SPLIT = benign.sources.mnist1d(test_samples=1_000, label_noise=0.1).draw(4_000, benign.Replicate(seed=0))
ARRAYS = [
    (inputs.astype("float32"), targets.argmax(1))
    for inputs, targets in ((SPLIT.train_inputs, SPLIT.train_targets), (SPLIT.test_inputs, SPLIT.test_targets))
]
TRAIN, VALIDATION = ([torch.as_tensor(part) for part in pair] for pair in ARRAYS)

ONE_THREAD = threadpool_limits(limits=1)

Epochs = Iterator[None]
Way = Callable[[Path], Epochs]


def dense(width: int) -> nn.Module:
    """Two hidden layers."""
    layers = [nn.Linear(40, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)]
    return nn.Sequential(*layers)


def convolutional() -> nn.Module:
    """Three convolutions with batch normalisation, 8,000 weights."""
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 40))]
    for inner, outer in ((1, 16), (16, 32), (32, 32)):
        layers += [nn.Conv1d(inner, outer, 5, stride=2, padding=2), nn.BatchNorm1d(outer), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(160, 10))


def training(build: Callable[[], nn.Module], epochs: int, batch: int, way: str) -> Way:
    """A PyTorch loop, an epoch at a time: ``plain``, ``recorded`` or ``everything``."""

    def run(path: Path) -> Epochs:
        torch.manual_seed(0)
        model = build()
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        recorder = TorchRecorder(model, TRAIN, VALIDATION, path, optimizer=optimizer) if way == "recorded" else None
        averaged = moving_average(model) if way == "everything" else None
        for _ in range(epochs):
            for rows in torch.split(torch.randperm(len(TRAIN[1])), batch):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(TRAIN[0][rows]), TRAIN[1][rows])
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                if recorder is not None:
                    recorder.step()
                if averaged is not None:
                    averaged.update_parameters(model)
            if recorder is not None:
                recorder.epoch()
            if averaged is not None:
                evaluate_everything(model, averaged)
            yield
        if recorder is not None:
            recorder.close()

    return run


def moving_average(model: nn.Module) -> AveragedModel:
    """PyTorch's own, with the recorder's decay."""
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.98))  # type: ignore[no-untyped-call]


@torch.no_grad()
def evaluate_everything(model: nn.Module, averaged: nn.Module) -> list[float]:
    """By hand, in one batch each."""
    found: list[float] = []
    for one, (inputs, labels) in ((model, TRAIN), (model, VALIDATION), (averaged, VALIDATION)):
        one.eval()
        outputs = one(inputs)
        found += [float(functional.cross_entropy(outputs, labels)), float((outputs.argmax(1) != labels).float().mean())]
        one.train()
    return found


def partial_fits(epochs: int, batch: int, way: str) -> Way:
    """The same of a network of scikit-learn."""
    (inputs, labels), validation = ARRAYS

    def run(path: Path) -> Epochs:
        estimator = MLPClassifier(100, batch_size=batch, random_state=0)
        recorder = PartialFitRecorder(estimator, ARRAYS[0], validation, path) if way == "recorded" else None
        random = np.random.default_rng(0)
        for _ in range(epochs):
            for rows in np.array_split(random.permutation(len(labels)), len(labels) // batch):
                estimator.partial_fit(inputs[rows], labels[rows], classes=range(10))
                if recorder is not None:
                    recorder.step()
            if recorder is not None:
                recorder.epoch()
            if way == "everything":
                for x, _ in (ARRAYS[0], validation, validation):
                    estimator.predict_proba(x)
            yield
        if recorder is not None:
            recorder.close()

    return run


def compared(make: Callable[[str], Way], *, repeats: int = REPEATS) -> dict[str, object]:
    """The three ways in turns."""
    ways = ("plain", "recorded", "everything")
    seconds, points = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(-1, repeats):  # the first one warms up
            path = Path(folder) / f"{repeat}.jsonl"
            spent = in_turns({way: make(way)(path) for way in ways}, repeat)
            points = len(path.read_text().splitlines()) - 1
            seconds += [spent] if repeat >= 0 else []
    return {
        "points": points,
        "plain_seconds": round(float(np.median([one["plain"] for one in seconds])), 3),
        "recorded": ratio([one["recorded"] / one["plain"] for one in seconds]),
        "everything_each_epoch": ratio([one["everything"] / one["plain"] for one in seconds]),
    }


def in_turns(trainings: dict[str, Epochs], repeat: int) -> dict[str, float]:
    """Seconds of the processor that each takes, one after the other: a recorder's own clock must see no other."""
    spent = {}
    for way in np.roll(list(trainings), repeat).tolist():
        began = time.process_time()
        for _ in trainings[way]:
            pass
        spent[way] = time.process_time() - began
    return spent


def ratio(ratios: list[float]) -> dict[str, object]:
    """Mean and interval."""
    mean, error = float(np.mean(ratios)), float(stats.sem(ratios))
    half = float(stats.t.ppf(0.975, len(ratios) - 1)) * error
    return {"ratio": round(mean, 4), "interval": [round(mean - half, 4), round(mean + half, 4)]}


PARTS: dict[str, Callable[[], dict[str, object]]] = {
    "mlp": lambda: compared(lambda way: training(lambda: dense(100), 40, 32, way)),
    "short_mlp": lambda: compared(lambda way: training(lambda: dense(100), 10, 32, way)),
    "wide_mlp": lambda: compared(lambda way: training(lambda: dense(500), 20, 64, way), repeats=3),
    "convolutional": lambda: compared(lambda way: training(convolutional, 20, 64, way), repeats=3),
    "partial_fits": lambda: compared(lambda way: partial_fits(20, 32, way), repeats=3),
}


def main() -> None:
    """Measure what is asked for."""
    torch.set_num_threads(1)
    names = sys.argv[1:] or list(PARTS)
    results: dict[str, Any] = json.loads(OUTPUT.read_text()) if OUTPUT.exists() else {}
    machine = describe() | {"torch": torch.__version__, "sklearn": sklearn.__version__, "repeats": REPEATS}
    for name in names:
        results[name] = PARTS[name]() | {"machine": machine, "date": time.strftime("%Y-%m-%d")}
        print(name, {key: value for key, value in results[name].items() if key != "machine"})
        OUTPUT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
