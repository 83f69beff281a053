"""A procedure whose mean training risk is known, and which notes what it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.procedures import Predictions
from benign.schema import Block

TOLERANCE = 0.02


def logistic(threshold: float, steepness: float = 4.0) -> Callable[[float], float]:
    """A mean risk that is 0.02 at the threshold."""
    return lambda n: 1.0 / (1.0 + (1.0 - TOLERANCE) / TOLERANCE * (threshold / n) ** steepness)


@dataclass(frozen=True, kw_only=True)
class Known:
    """Relative objective = error = mean(n) times log-normal noise of mean 1, independent between draws and n."""

    revision: ClassVar[int] = 1
    size_name: ClassVar[str] = "units"
    objective: ClassVar[str] = "squared"
    time_name: ClassVar[str | None] = None
    max_size: ClassVar[float] = 1000.0

    mean: Callable[[float], float]
    spread: float = 0.0
    interrupts_after: int | None = None
    batch: int = 1
    measured: list[tuple[int, int]] = field(default_factory=list, compare=False)

    def spec(self) -> dict[str, object]:
        return {"procedure": "known", "means": [self.mean(n) for n in (10, 100, 1000)], "spread": self.spread}

    def parameters(self, size: int, split: Split) -> int:
        return size * split.train_targets.shape[1]

    def batches(self, replicates: Sequence[Replicate]) -> Sequence[tuple[Replicate, ...]]:
        return [(replicate,) for replicate in replicates]

    def measure(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
        metrics: frozenset[str],
    ) -> Block:
        for split in splits:
            if split.samples < self.batch:
                raise InvalidArgument(f"`batch` must be at most {split.samples}.")
            if len(self.measured) == self.interrupts_after:
                raise KeyboardInterrupt
            self.measured.append((split.samples, split.replicate.draw))
        risks = np.array([self._risk(split) for split in splits])[:, None, None] * np.ones((1, len(sizes), 1))
        constant = np.array([np.sum(np.var(split.train_targets, axis=0)) for split in splits])[:, None, None]
        values = {name: risks * constant if name.endswith("loss") else risks for name in metrics}
        return Block(
            replicates=tuple(split.replicate for split in splits),
            sizes=sizes,
            times=np.array([np.inf]),
            parameters=sizes.copy(),
            outcome=np.zeros(risks.shape, dtype=np.int8),
            metrics=values,
        )

    def predict(
        self,
        split: Split,
        inputs: Float[np.ndarray, "m d"],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
    ) -> Iterator[Predictions]:
        yield from ()

    def _risk(self, split: Split) -> float:
        random = np.random.default_rng([split.replicate.seed, split.replicate.draw, split.samples])
        noise = np.exp(self.spread * random.standard_normal() - 0.5 * self.spread**2)
        return float(self.mean(split.samples) * noise)
