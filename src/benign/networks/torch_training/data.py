"""A split as a module sees it: tensors on its device, samples in their shape."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.foundation.split import Split, in_shape
from benign.networks.torch_training.recipe import Recipe

# Samples that are evaluated at once.
ROWS = 1024


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where and in what numbers modules are trained.

    Attributes:
        device: of parameters and data.
        dtype: of both.
        is_mixed: whether steps compute in bfloat16.
    """

    device: torch.device
    dtype: torch.dtype
    is_mixed: bool = False

    def tensor(self, rows: Float[np.ndarray, "..."]) -> torch.Tensor:
        """Numbers there."""
        return torch.tensor(rows, dtype=self.dtype, device=self.device)

    def precision(self) -> AbstractContextManager[Any]:
        """What a step computes in."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if self.is_mixed else nullcontext()

    @contextmanager
    def settings(self) -> Iterator[None]:
        """Within it modules can be trained, whatever the user has set: gradients are on, new numbers of this type."""
        with torch.inference_mode(mode=False), torch.enable_grad(), default_dtype(self.dtype):
            yield


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Whatever PyTorch makes within, of no type that is said, is of this one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """What one module is trained and measured on.

    Attributes:
        split: where it is from.
        train_inputs: n samples.
        train_targets: n class indices where the loss takes them, else n x K rows.
        test_inputs: n_test samples.
    """

    split: Split
    train_inputs: torch.Tensor
    train_targets: torch.Tensor
    test_inputs: torch.Tensor


def place_of(device: str, recipe: Recipe) -> Place:
    """The place of that name.

    Raises:
        InvalidArgument: for a GPU where PyTorch sees none.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise invalid(
            "device",
            "asks for a GPU, but PyTorch sees none here; install a PyTorch for it (https://pytorch.org), or leave "
            "`device` out to train on the processor.",
        )
    chosen = torch.device("cuda" if has_cuda and device != "cpu" else "cpu")
    is_mixed = recipe.is_mixed and chosen.type == "cuda" and torch.cuda.is_bf16_supported()
    dtype = torch.float64 if recipe.training.precision == "float64" else torch.float32
    return Place(device=chosen, dtype=dtype, is_mixed=is_mixed)


def data_of(split: Split, recipe: Recipe, place: Place) -> Data:
    """A split's tensors.

    Raises:
        InvalidArgument: for a cross-entropy without classes.
    """
    if recipe.needs_classes and split.classes is None:
        raise invalid(
            "loss",
            'is "cross-entropy", which needs classes, but the source has real values; use loss="squared" for '
            "regression.",
        )
    targets = (
        torch.tensor(split.train_labels, device=place.device)
        if recipe.needs_classes
        else place.tensor(split.train_targets)
    )
    return Data(
        split=split,
        train_inputs=place.tensor(in_shape(split.train_inputs, split)),
        train_targets=targets,
        test_inputs=place.tensor(in_shape(split.test_inputs, split)),
    )
