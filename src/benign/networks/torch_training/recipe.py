"""How a module is trained: what every network's training says, and what only PyTorch has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from benign.foundation.numbers import checked_number
from benign.networks.schedules import schedule
from benign.networks.training import OPTIMIZERS, PRECISIONS, Training

TORCH_OPTIMIZERS = (*OPTIMIZERS, "adamw")
TORCH_PRECISIONS = (*PRECISIONS, "mixed")


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """A training of modules.

    Attributes:
        training: loss, learning rate, schedule, batches, duration, average and precision by name; where one of the
            following is given, it is in place of what this says.
        optimizer: a name in :data:`TORCH_OPTIMIZERS`, or what makes a ``torch.optim.Optimizer`` of parameters.
        loss: of outputs and targets, the loss of each sample; None for the training's.
        schedule: of the share of the training that is done, the factor of the learning rate; None for the training's.
        augment: of a batch of inputs and a ``torch.Generator``, the inputs that are trained on.
        is_mixed: whether steps compute in bfloat16 where the device does.
    """

    training: Training
    optimizer: str | Callable[..., Any] = "adam"
    loss: Callable[..., Any] | None = None
    schedule: Callable[[float], float] | None = None
    augment: Callable[..., Any] | None = None
    is_mixed: bool = False

    @property
    def needs_classes(self) -> bool:
        """Whether targets are classes, given to the loss by their indices."""
        return self.loss is None and self.training.loss == "cross-entropy"

    @property
    def has_constant_rate(self) -> bool:
        """Whether the learning rate is the same at every step."""
        return self.schedule is None and self.training.schedule == "constant"

    def on(self, samples: int) -> Training:
        """The training on so many samples: a batch holds at most all of them, as a PyTorch ``DataLoader``'s does."""
        batch = self.training.batch_size
        return self.training if batch is None or batch <= samples else replace(self.training, batch_size=samples)

    def factor(self, step: int, samples: int) -> float:
        """What the learning rate is multiplied by at a step, counted from 0."""
        training = self.on(samples)
        total = training.total_steps(samples)
        if self.schedule is not None:
            return checked_number("schedule", self.schedule(step / total), kind="a function that gives finite numbers")
        return float(schedule(training, step, total, training.steps_per_epoch(samples)))
