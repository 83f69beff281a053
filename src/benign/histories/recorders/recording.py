"""What all recorders do: count steps and epochs, average the weights, evaluate when it is time, write a line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from benign.foundation.numbers import checked_number
from benign.histories.recorders.learner import Learner, Measured
from benign.histories.recorders.log_file import LogFile
from benign.histories.recorders.schedule import Schedule

DECAY = 0.98
"""Of the averaged weights, a step: the last 50 steps or so count."""
_EVERY = 8
_FIRST = 64  # steps, all of which are averaged


class Recording:
    """A training as it is recorded.

    Attributes:
        steps: so far, those of earlier parts of a resumed training included.
        epochs: complete ones.
    """

    def __init__(
        self,
        learner: Learner,
        file: LogFile,
        *,
        label_noise: float | None = None,
        penalty: Callable[[], float] | None = None,
    ) -> None:
        self._learner, self._file, self._clock = learner, file, learner.seconds
        self._told = told_of(label_noise, learner)
        self._penalty = penalty
        self.go_on_from(file.steps, file.epochs)

    def go_on_from(self, steps: int, epochs: float) -> None:
        """Count on from a point of the training; what was averaged before it is forgotten."""
        self.steps, self.epochs = steps, epochs
        self._epoch_began = self._evaluated = self._averaged = self._averaged_from = steps
        self._schedule = Schedule(steps, epochs, distance=self._file.distance, clock=self._clock)
        self._next: float = steps + 1
        self._has_average = False

    def step(self) -> None:
        """Call after each step of the optimiser."""
        self.steps += 1
        if self.steps >= self._next:
            self._attend()

    def epoch(self) -> None:
        """Call after each epoch; one without a step counts as one step."""
        if self.steps == self._epoch_began:
            self.steps += 1
            self._average()
        self.epochs += 1
        self._epoch_began = self.steps
        if self._schedule.is_due_at_end(self.steps, self.epochs):
            self._evaluate()
        self._plan()

    def close(self) -> None:
        """Evaluate at the end, if the last step was not."""
        if self.steps > self._evaluated:
            self._evaluate()

    def _attend(self) -> None:
        self._average()
        if self._schedule.is_due(self.steps):
            self._evaluate()
        self._plan()

    def _plan(self) -> None:
        is_early = self.steps - self._averaged_from < _FIRST
        averaged_next = self.steps + 1 if is_early else (self.steps // _EVERY + 1) * _EVERY
        self._next = min(averaged_next, self._schedule.next_step)

    def _average(self) -> None:
        """Exponential average over steps, without the bias of its start: each value stands for the steps before it."""
        gap = self.steps - self._averaged
        if gap:
            self._has_average = self._learner.average(
                (1 - DECAY**gap) / (1 - DECAY ** (self.steps - self._averaged_from))
            )
            self._averaged = self.steps

    def _evaluate(self) -> None:
        learner = self._learner
        self._average()
        learner.settle()
        began, penalty_seconds = self._clock(), 0.0
        row: dict[str, Any] = {"step": self.steps, "epoch": self._position()}
        with learner.undisturbed():
            row |= self._of_training() | _named("validation", learner.measure("validation"))
            if self._has_average:
                with learner.averaged():
                    row |= _named("averaged_validation", learner.measure("validation"))
            row["learning_rate"] = learner.learning_rate()
            if self._penalty is not None and self._schedule.is_doubling:
                before = self._clock()
                row["gradient_penalty"] = self._penalty()
                penalty_seconds = self._clock() - before
        self._file.begin({**learner.facts(), **self._told})
        self._file.write(row)
        self._evaluated = self.steps
        seconds = self._clock() - began
        self._schedule.evaluated(self.steps, self.epochs, seconds=seconds, besides=penalty_seconds)

    def _position(self) -> float | None:
        """Epochs so far; None before the first is complete, as nobody knows its length."""
        if not self.epochs:
            return None
        within = self.steps - self._epoch_began
        length = self._epoch_began / self.epochs
        position = self.epochs + (min(within / length, 1.0) if within else 0)
        return int(position) if position == int(position) else round(position, 4)

    def _of_training(self) -> dict[str, float | None]:
        shares = self._learner.parts
        parts = {name: self._learner.measure(name) for name in shares}
        errors = [part.error for part in parts.values()]
        whole = Measured(
            loss=math.fsum(shares[name] * part.loss for name, part in parts.items()),
            error=None if None in errors else math.fsum(shares[name] * (parts[name].error or 0.0) for name in parts),
        )
        row = _named("train", whole)
        return row | {f"{name}_error": part.error for name, part in parts.items() if name != "train"}


def told_of(label_noise: object, learner: Learner) -> Mapping[str, float]:
    """The share of wrong labels, as it was said or as the relabelled samples tell."""
    if label_noise is not None:
        kind = "a share from 0 to below 1"
        share = checked_number("label_noise", label_noise, kind=kind, fits=lambda value: 0.0 <= value < 1.0)
        return {"label_noise": share}
    return {"label_noise": learner.parts["flipped_train"]} if "flipped_train" in learner.parts else {}


def _named(samples: str, measured: Measured) -> dict[str, float | None]:
    return {f"{samples}_loss": measured.loss, f"{samples}_error": measured.error}
