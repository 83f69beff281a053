"""Train twelve small models and write the log of each: the curves of *Reading a training curve*.

Needs PyTorch (`pip install torch`) and `pip install "benign[networks]"`. Ten minutes on two cores; the same numbers on
one machine, others in their last digits. Run it from this folder: python make_logs.py [NAME ...]
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benign import Replicate
from benign.sources import digits, mnist1d

Row = Mapping[str, float]


def _constant(_: int) -> float:
    return 1.0


@dataclass(frozen=True, kw_only=True)
class Data:
    """Inputs and labels; the last classes of the training set's labels may be wrong."""

    train_inputs: Tensor
    train_labels: Tensor
    inputs: Tensor
    labels: Tensor


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one network is trained.

    Attributes:
        data: what it learns.
        layers: the network.
        epochs: how many.
        rate: learning rate, of Adam or of momentum SGD.
        schedule: the factor on the rate at an epoch.
        in_training_mode: whether the training loss is the running mean that most loops log.
    """

    data: Callable[[], Data]
    layers: Callable[[int], nn.Module]
    epochs: int
    rate: float = 1e-3
    adam: bool = True
    batch: int = 50
    weight_decay: float = 0.0
    schedule: Callable[[int], float] = _constant
    in_training_mode: bool = False


def main(*names: str) -> None:
    """Write the named logs, or all."""
    for name in names or (*RECIPES, *OTHERS):
        rows = list(OTHERS[name]() if name in OTHERS else trained(RECIPES[name]))
        with Path(__file__).with_name(f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows({key: f"{value:.6g}" for key, value in row.items()} for row in rows)
        print(name, len(rows), rows[-1])


def images(
    n: int, *, noise: float = 0.0, validation: int = 1000, from_digits: bool = False, scale: float = 1.0
) -> Data:
    """MNIST-1D, or digits of 8 x 8 pixels, with a share of wrong training labels; inputs in units of 1 / scale."""
    source = (digits if from_digits else mnist1d)(label_noise=noise, test_samples=validation)
    split = source.draw(n, Replicate(seed=5))
    one = (split.train_inputs, split.train_targets, split.test_inputs, split.test_targets)
    inputs, targets, others, truth = (torch.tensor(np.asarray(part), dtype=torch.float32) for part in one)
    return Data(
        train_inputs=scale * inputs, train_labels=targets.argmax(1), inputs=scale * others, labels=truth.argmax(1)
    )


def dense(*widths: int, dropout: float = 0.0, norm: float | None = None) -> Callable[[int], nn.Module]:
    """A network of dense layers with ReLU."""

    def made(inputs: int) -> nn.Module:
        parts: list[nn.Module] = []
        for width in widths:
            parts += [nn.Linear(inputs, width), nn.ReLU()]
            parts += [nn.BatchNorm1d(width, momentum=norm)] if norm is not None else []
            parts += [nn.Dropout(dropout)] if dropout else []
            inputs = width
        return nn.Sequential(*parts, nn.Linear(inputs, 10))

    return made


def trained(recipe: Recipe) -> Iterator[Row]:
    """One row an epoch: loss and error of training and validation."""
    torch.manual_seed(5)
    data, generator = recipe.data(), torch.Generator().manual_seed(5)
    network = recipe.layers(data.train_inputs.shape[1])
    settings = {"lr": recipe.rate, "weight_decay": recipe.weight_decay}
    optimiser: torch.optim.Optimizer = (
        torch.optim.Adam(network.parameters(), **settings)
        if recipe.adam
        else torch.optim.SGD(network.parameters(), momentum=0.9, **settings)
    )
    for epoch in range(1, recipe.epochs + 1):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * recipe.schedule(epoch)
        seen = []
        network.train()
        for rows in torch.randperm(len(data.train_labels), generator=generator).split(recipe.batch):
            outputs = network(data.train_inputs[rows])
            loss = nn.functional.cross_entropy(outputs, data.train_labels[rows])
            seen.append(_numbers(outputs, data.train_labels[rows]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            train = _numbers(network(data.train_inputs), data.train_labels)
            validation = _numbers(network(data.inputs), data.labels)
        if recipe.in_training_mode:
            train = tuple(np.mean(seen, axis=0))
        yield {
            "epoch": epoch, "train_loss": train[0], "train_error": train[1], "val_loss": validation[0],
            "val_error": validation[1], "lr": recipe.rate * recipe.schedule(epoch),
        }  # fmt: skip


def _numbers(outputs: Tensor, labels: Tensor) -> tuple[float, float]:
    loss = nn.functional.cross_entropy(outputs, labels)
    return float(loss.detach()), float((outputs.argmax(1) != labels).float().mean())


def slow_features() -> Iterator[Row]:
    """Least squares by gradient descent on features of two scales: a descent, a rise and a second descent."""
    random = np.random.default_rng(5)
    n, fast, slow = 160, 60, 15
    scales = np.r_[np.ones(fast), np.full(slow, 0.05)]
    strengths = np.r_[np.full(fast, 1.0 / fast), np.full(slow, 2.0 / slow)]  # 1 and 2 of the variance in all
    truth = np.sqrt(strengths) * random.choice([-1.0, 1.0], fast + slow) / scales
    inputs, others = (random.normal(size=(rows, fast + slow)) * scales for rows in (n, 2000))
    targets, values = (x @ truth + random.normal(size=len(x)) for x in (inputs, others))
    weights, rate, kept = np.zeros(fast + slow), 0.05, set(np.unique(np.geomspace(1, 40_000, 90).astype(int)))
    for step in range(1, 40_001):
        weights -= rate * inputs.T @ (inputs @ weights - targets) / n
        if step in kept:
            train, validation = ((x @ weights - y) ** 2 for x, y in ((inputs, targets), (others, values)))
            yield {"step": step, "train_loss": float(train.mean()), "val_loss": float(validation.mean())}


def _steps(*ends: int) -> Callable[[int], float]:
    return lambda epoch: 0.1 ** sum(epoch > end for end in ends)


_mnist1d = partial(partial, images)
_digits = partial(partial, images, from_digits=True, validation=500)
RECIPES = {
    "improving": Recipe(data=_mnist1d(4000), layers=dense(100), epochs=30),
    "plateau": Recipe(data=_mnist1d(4000), layers=dense(40), epochs=200, schedule=_steps(30, 60)),
    "overconfidence": Recipe(data=_mnist1d(2000), layers=dense(200, 200), epochs=150),
    "overfitting": Recipe(data=_digits(900, noise=0.2), layers=dense(200, 200), epochs=120),
    "benign_interpolation": Recipe(
        data=_digits(1200), layers=dense(256), epochs=120, rate=3e-3, adam=False, weight_decay=1e-3
    ),
    "instability": Recipe(data=_mnist1d(2000), layers=dense(200, 200), epochs=80, rate=0.15, adam=False),
    "divergence": Recipe(
        data=_mnist1d(1000), layers=dense(100), epochs=25, rate=0.05, adam=False, schedule=lambda epoch: 1.25**epoch
    ),
    "not_learning": Recipe(data=_mnist1d(2000), layers=dense(100), epochs=40, rate=1e-7),
    "underfitting": Recipe(data=_mnist1d(4000), layers=dense(3), epochs=150, rate=3e-3),
    "dropout": Recipe(
        data=_digits(1200), layers=dense(64, 64, dropout=0.5), epochs=60, rate=5e-4, in_training_mode=True
    ),
    "batch_norm_start": Recipe(
        data=_mnist1d(2000, scale=30.0), layers=dense(100, norm=0.002), epochs=60, batch=100, in_training_mode=True
    ),
}
OTHERS: dict[str, Callable[[], Iterator[Row]]] = {"second_descent": slow_features}

if __name__ == "__main__":
    main(*sys.argv[1:])
