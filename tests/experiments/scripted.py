"""A procedure that does as it is told for chosen replicates, and notes what it computes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.procedures import Predictions
from benign.schema import Block


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """Test loss = mean training target + size / 100, so that blocks differ and are quickly made.

    Args:
        log: file that gets one line a measured replicate.
        seconds: how long a replicate takes.
        script: what happens for a draw: ``"raise"``, ``"refuse"``, ``"kill"``, ``"hang"`` or ``"nan"``; with ``"once"``
            behind it, only at the first try.
    """

    revision: ClassVar[int] = 1
    size_name: ClassVar[str] = "units"
    objective: ClassVar[str] = "squared"
    time_name: ClassVar[str | None] = None
    max_size: ClassVar[float] = 1000.0

    log: Path
    seconds: float = 0.0
    script: Mapping[int, str] = field(default_factory=dict)

    def spec(self) -> dict[str, object]:
        return {"procedure": "scripted"}

    def parameters(self, size: int, split: Split) -> int:
        return size

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
            replicate = split.replicate
            with self.log.open("a", encoding="utf-8") as log:
                log.write(f"{split.samples} {replicate.draw} {len(sizes)}\n")
            self._act(replicate.draw)
            time.sleep(self.seconds)
        level = np.array([split.train_targets.mean() for split in splits])
        values = level[:, None, None] + sizes[None, :, None] / 100.0
        if any("nan" in self.script.get(split.replicate.draw, "") for split in splits):
            values = np.full_like(values, np.nan)
        return Block(
            replicates=tuple(split.replicate for split in splits),
            sizes=sizes,
            times=np.array([np.inf]),
            parameters=sizes.copy(),
            outcome=np.zeros(values.shape, dtype=np.int8),
            metrics={name: values.copy() for name in metrics},
        )

    def predict(
        self,
        split: Split,
        inputs: Float[np.ndarray, "m d"],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
    ) -> Iterator[Predictions]:
        yield from ()

    def _act(self, draw: int) -> None:
        told = self.script.get(draw, "")
        flag = self.log.with_name(f"tried-{draw}")
        if "once" in told and flag.exists():
            return
        flag.touch()
        if told.startswith("raise"):
            raise ZeroDivisionError(f"draw {draw} was told to raise")
        if told.startswith("refuse"):
            raise InvalidArgument(f"draw {draw} cannot be measured.")
        if told.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if told.startswith("hang"):
            time.sleep(1000.0)

    def computed(self) -> list[str]:
        """One line a measured replicate, in the order in which they were begun."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
