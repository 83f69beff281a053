"""The loss of a batch, as a tensor: the two that every network knows, and the user's own."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch.nn import functional

from benign.foundation.errors import attempted, invalid
from benign.foundation.wording import told
from benign.networks.torch_training.data import Place
from benign.networks.torch_training.recipe import Recipe

Total = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Of outputs (m x K) and targets, the sum of the samples' losses."""


def total_loss(recipe: Recipe, place: Place) -> Total:
    """The function that sums the losses of a batch's samples."""
    if recipe.loss is not None:
        return _own_total(_placed(recipe.loss, place))
    return _cross_entropy if recipe.training.loss == "cross-entropy" else _squared


def _cross_entropy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(outputs, targets, reduction="sum")


def _squared(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.mse_loss(outputs, targets, reduction="sum")


def _own_total(loss: Callable[..., Any]) -> Total:
    def total(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return sample_losses(loss, outputs, targets).sum()

    return total


def sample_losses(loss: Callable[..., Any], outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The losses that the user's function gives, one a sample.

    Raises:
        InvalidArgument: where it raises, or gives something else.
    """
    shape = tuple(targets.shape)
    losses = attempted(
        lambda: loss(outputs, targets),
        lambda error: invalid(
            "loss",
            f"raised {told(error)}; its outputs and targets, one-hot rows for classes, have the shape {shape}.",
        ),
    )
    if not isinstance(losses, torch.Tensor) or losses.shape != (len(outputs),):
        what = f"the shape {tuple(losses.shape)}" if isinstance(losses, torch.Tensor) else type(losses).__name__
        raise invalid(
            "loss",
            f"must give a tensor with one loss a sample, ({len(outputs)},), got {what}; of a loss of PyTorch's take "
            'reduction="none", and sum over the outputs.',
        )
    return losses


def _placed(loss: Callable[..., Any], place: Place) -> Callable[..., Any]:
    """A loss that holds tensors, as class weights, where the outputs are."""
    return deepcopy(loss).to(place.device, place.dtype) if isinstance(loss, torch.nn.Module) else loss


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayLoss:
    """The user's loss on arrays: computed by PyTorch in the precision of training.

    Attributes:
        loss: of tensors.
        dtype: name of the precision.
    """

    loss: Callable[..., Any]
    dtype: str

    @property
    def __name__(self) -> str:
        return str(getattr(self.loss, "__name__", type(self.loss).__name__))

    def __call__(self, outputs: Float[np.ndarray, "m K"], targets: Float[np.ndarray, "m K"]) -> Float[np.ndarray, " m"]:
        place = Place(device=torch.device("cpu"), dtype=getattr(torch, self.dtype))
        with torch.no_grad():
            losses = sample_losses(_placed(self.loss, place), place.tensor(outputs), place.tensor(targets))
        return losses.double().numpy()
