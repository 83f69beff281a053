"""Which times a training loop goes by: noted on the way, so that later trials ask for those that it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

from benign.procedures.training_loop import Fit, TrainingLoop


@dataclass(frozen=True, kw_only=True)
class NotedTimes:
    """A loop's generator function that notes what it yields.

    Attributes:
        fit: the user's.
        is_short: whether it ends at the first time after 0.
        passed: the times of its last training, in order.
    """

    fit: Fit
    is_short: bool = False
    passed: list[float] = field(default_factory=list)

    def __call__(self, split: Any, size: Any, seed: int) -> Any:
        """As the loop's own; what is no generator is left for others to refuse."""
        training = self.fit(split, size, seed)
        self.passed.clear()  # a training that is begun again goes by the same times
        return self._noting(training) if isinstance(training, Iterator) else training

    def _noting(self, training: Iterator[Any]) -> Iterator[Any]:
        try:
            for pair in training:
                if isinstance(pair, tuple) and pair and isinstance(pair[0], Real):
                    self.passed.append(float(pair[0]))
                yield pair
                if self.is_short and max(self.passed, default=0.0) > 0.0:
                    return
        finally:
            close = getattr(training, "close", None)  # only a generator has it
            if close is not None:
                close()


def noted(loop: TrainingLoop) -> tuple[TrainingLoop, NotedTimes]:
    """The same loop, and where the times are noted that it goes by."""
    notes = NotedTimes(fit=loop.fit)
    return replace(loop, fit=notes), notes


def begun(loop: TrainingLoop) -> TrainingLoop:
    """The same loop up to the first time that it yields after its start."""
    return replace(loop, fit=NotedTimes(fit=loop.fit, is_short=True))
