"""What a recorder asks of a model in training, whatever the framework."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of some samples, in evaluation mode.

    Attributes:
        loss: their mean loss.
        error: the share of wrong predictions; None where there are no classes.
    """

    loss: float
    error: float | None


@runtime_checkable
class Learner(Protocol):
    """A model in training and the samples that it is measured on.

    Laws: nothing that it does changes the training. ``measure`` is called within ``undisturbed``, which gives back
    whatever it moves: modes, buffers, weights and random state.
    """

    @property
    def parts(self) -> Mapping[str, float]:
        """The groups of training samples that are measured, each with its share of the training set."""
        ...

    def facts(self) -> dict[str, object]:
        """What the first line of the log says of data and loss; called after a first ``measure``."""
        ...

    def undisturbed(self) -> AbstractContextManager[None]:
        """Within it the model is in evaluation mode; after it everything is as it was."""
        ...

    def seconds(self) -> float:
        """What its clock says: the processor's where that does the work, else the one on the wall."""
        ...

    def settle(self) -> None:
        """Wait until the device has done what it was told, so that the clock tells the time of what follows."""
        ...

    def measure(self, samples: str) -> Measured:
        """Loss and error of ``validation`` or of one of :attr:`parts`, at the weights that are in the model."""
        ...

    def average(self, weight: float) -> bool:
        """Move the averaged weights this share of the way to the present ones; False if there is nothing to average."""
        ...

    def averaged(self) -> AbstractContextManager[None]:
        """Within it the averaged weights are in the model."""
        ...

    def learning_rate(self) -> float | None:
        """The present one, where it is known."""
        ...
