"""The loss and the error of a PyTorch model: found from what it puts out and what it should, or given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.nn import functional

from benign.foundation.errors import attempted, invalid
from benign.foundation.wording import told

IGNORED = -100
"""Of targets, those that PyTorch's cross-entropy leaves out."""

Kind = Literal["classes", "one-hot classes", "binary", "numbers"]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a model is trained for.

    Attributes:
        kind: of its targets.
        classes: how many; None of numbers.
        loss: mean over samples.
        name: of the loss.
        threshold: of binary outputs, above which they say yes.
    """

    kind: Kind
    classes: int | None
    loss: Loss
    name: str
    threshold: float = 0.0

    def wrong(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor | None:
        """Which predictions are wrong, of targets that count; None where there are no classes."""
        if self.kind == "classes":
            counts = targets != IGNORED
            return (outputs.argmax(1) != targets)[counts]
        if self.kind == "one-hot classes":
            return outputs.argmax(1) != targets.argmax(1)
        if self.kind == "binary":
            return (outputs.reshape(targets.shape) > self.threshold) != (targets > 0.5)
        return None


def task_of(outputs: Any, targets: Any, loss: object = None) -> Task:
    """What the shapes tell.

    Whole numbers or truth values are classes: cross-entropy over the outputs' second axis, or binary where there is
    one output alone; so are floats that are all 0 or 1, one for each sample. All other targets are numbers, with
    squared loss; rows of zeros and a single one count as classes for the error.

    Args:
        outputs: of some samples.
        targets: theirs.
        loss: the user's own loss of outputs and targets, its mean.

    Raises:
        InvalidArgument: if they do not go together, or ``loss`` is none.
    """
    if not isinstance(outputs, torch.Tensor) or not isinstance(targets, torch.Tensor):
        kinds = f"{type(outputs).__name__} and {type(targets).__name__}"
        raise invalid("model", f"must map inputs to one tensor, and a target must be a tensor; got {kinds}.")
    kind, classes = _kind(outputs, targets)
    if loss is not None:
        if not callable(loss):
            raise invalid("loss", f"must be a function of outputs and targets, got {type(loss).__name__}.")
        takes_probabilities = isinstance(loss, torch.nn.BCELoss) or loss is functional.binary_cross_entropy
        name = getattr(loss, "__name__", type(loss).__name__)
        given = _mean_of(loss)
        return Task(kind=kind, classes=classes, loss=given, name=name, threshold=0.5 * takes_probabilities)
    if kind == "classes":
        return Task(kind=kind, classes=classes, loss=_cross_entropy, name="cross-entropy")
    if kind == "binary":
        return Task(kind=kind, classes=classes, loss=_binary, name="binary cross-entropy of logits")
    return Task(kind=kind, classes=classes, loss=_squared, name="squared loss")


def _kind(outputs: torch.Tensor, targets: torch.Tensor) -> tuple[Kind, int | None]:
    has_one_output = outputs.numel() == targets.numel()
    if not targets.is_floating_point() and not targets.is_complex():
        if outputs.ndim == targets.ndim + 1 and outputs.shape[1] > 1:
            return "classes", outputs.shape[1]
        if has_one_output:
            return "binary", 2
        shapes = f"{tuple(outputs.shape)} and {tuple(targets.shape)}"
        raise invalid("model", f"has outputs that do not fit the targets, of shapes {shapes}: give the `loss`.")
    zeros_and_ones = bool(((targets == 0) | (targets == 1)).all())
    if zeros_and_ones and has_one_output and targets.numel() == targets.shape[0]:
        return "binary", 2
    is_one_hot = zeros_and_ones and targets.ndim == 2 and bool((targets.sum(1) == 1).all())
    return ("one-hot classes", targets.shape[1]) if is_one_hot and targets.shape[1] > 1 else ("numbers", None)


def _cross_entropy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(outputs.float(), targets.long(), ignore_index=IGNORED)


def _binary(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(outputs.reshape(targets.shape).float(), targets.float())


def _squared(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.mse_loss(outputs.reshape(targets.shape).float(), targets.float())


def _mean_of(loss: Callable[..., Any]) -> Loss:
    """The user's loss, divided by the number of samples where it is a sum."""
    is_sum = getattr(loss, "reduction", "mean") == "sum"

    def mean(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        value = attempted(
            lambda: loss(outputs, targets), lambda error: invalid("loss", f"fails in evaluation: {told(error)}.")
        )
        return value.sum() / len(targets) if is_sum else value.mean()

    return mean
