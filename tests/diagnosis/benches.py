"""Benches for tests: for any model on rows, and for least squares in Gaussian columns, whose risk is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

import benign
from benign.diagnosis.trials.bench import Bench, opened
from benign.diagnosis.trials.budget import Budget, Ledger
from benign.foundation.progress import silent
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.procedures.known_estimators import subject_of
from benign.sources import FiniteSource
from benign.sources.protocol import Source

NOISE = 0.5
Predict = Callable[[Float[np.ndarray, "m d"]], Float[np.ndarray, " m"]]


class Columns:
    """y = x b + noise, x standard normal in d columns, b of length 1 and evenly spread: a source without end."""

    revision = 1
    max_samples = None
    classes = None

    def __init__(self, columns: int, test_samples: int = 100) -> None:
        self.name, self.columns_of, self.test_samples = "columns", columns, test_samples

    def spec(self) -> dict[str, object]:
        return {"source": "columns", "columns": self.columns_of}

    def draw(self, samples: int, replicate: Replicate) -> Split:
        train_inputs, train = self._drawn("train", max(samples, 1000), replicate)
        test_inputs, test = self._drawn("test", self.test_samples, replicate)
        return Split(
            train_inputs=train_inputs[:samples],
            train_targets=train[:samples],
            train_targets_clean=train[:samples],
            test_inputs=test_inputs,
            test_targets=test,
            test_targets_noisy=test,
            pool=train_inputs,
            classes=None,
            replicate=replicate,
        )

    def _drawn(
        self, part: str, count: int, replicate: Replicate
    ) -> tuple[Float[np.ndarray, "m d"], Float[np.ndarray, "m 1"]]:
        random = generator(replicate.seed, part, replicate.draw)
        inputs = random.standard_normal((count, self.columns_of))
        noise = NOISE * random.standard_normal((count, 1))
        return inputs, inputs.sum(axis=1, keepdims=True) / math.sqrt(self.columns_of) + noise


def table(samples: int, columns: int, *, seed: int = 0) -> Source:
    """So many training rows of :class:`Columns`, and a quarter as many to test on."""
    split = Columns(columns, samples // 4).draw(samples, Replicate(seed=seed))
    inputs = np.concatenate([split.train_inputs, split.test_inputs])
    targets = np.concatenate([split.train_targets, split.test_targets])[:, 0]
    return benign.sources.arrays(inputs, targets, test_samples=samples // 4, scale="none")


def least_squares(X: Any, y: Any, size: int, time: Any, seed: int) -> Predict:
    """In the first columns, of minimum norm; on one-hot rows where there are two classes."""
    if y.dtype.kind == "i":
        y = np.eye(2)[y]
    weights = np.linalg.lstsq(X[:, :size], y, rcond=None)[0]
    return lambda inputs: inputs[:, :size] @ weights


def on_bench(
    source: Source,
    size: int,
    *,
    model: Any = None,
    samples: int | None = None,
    time: float | None = None,
    trainings: float = math.inf,
    executor: str = "here",
    seed: int = 0,
) -> AbstractContextManager[Bench]:
    """Least squares, or another model, of that size on a bench."""
    if model is None:
        model = benign.from_callable(least_squares, name="least squares", revision=1, size_name="columns")
    return opened(
        subject=subject_of(model, source, size=size, time=time),
        source=source,
        samples=samples or source.max_samples or 100,
        seed=seed,
        budget=Budget(ledger=Ledger(), seconds=math.inf, trainings=trainings),
        executor=executor,
        workers=None,
        progress=silent,
    )


def risk(samples: int, size: int, columns: int) -> float:
    """Mean squared error of least squares: (noise + missed signal) (1 + k / (n - k - 1)), for n > k + 1."""
    return (NOISE**2 + (columns - size) / columns) * (1.0 + size / (samples - size - 1.0))


def table_of(X: ArrayLike, y: Any, **settings: Any) -> FiniteSource:
    """Floats are values, anything else classes."""
    y = np.asarray(y)
    task = "regression" if y.dtype.kind == "f" else "classification"
    return benign.sources.arrays(X, y, task=task, **settings)


def bench_of(
    model: Any,
    source: Any,
    *,
    samples: int | None = None,
    seconds: float = math.inf,
    trainings: float = math.inf,
    **settings: Any,
) -> AbstractContextManager[Bench]:
    return opened(
        subject=subject_of(model, source, **settings),
        source=source,
        samples=source.max_samples if samples is None else samples,
        seed=0,
        budget=Budget(ledger=Ledger(), seconds=seconds, trainings=trainings),
        executor="here",
        workers=None,
        progress=silent,
    )
