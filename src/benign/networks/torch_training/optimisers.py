"""PyTorch's optimisers by name, and the user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from benign.foundation.errors import attempted, invalid
from benign.foundation.wording import told
from benign.networks.torch_training.recipe import Recipe


def optimiser_of(recipe: Recipe, parameters: Sequence[torch.Tensor]) -> torch.optim.Optimizer:
    """The optimiser of some parameters, each step one fused kernel where its name is ours.

    Raises:
        InvalidArgument: where the user's own cannot be made.
    """
    if not isinstance(recipe.optimizer, str):
        return _own(recipe.optimizer, parameters)
    training = recipe.training
    shared: dict[str, Any] = {
        "lr": training.learning_rate,
        "weight_decay": training.weight_decay,
        "fused": all(one.is_floating_point() and one.device.type in ("cpu", "cuda") for one in parameters),
    }
    if recipe.optimizer in ("adam", "adamw"):
        kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
        return kind(parameters, **shared)
    momentum = training.momentum if recipe.optimizer == "momentum" else 0.0
    return torch.optim.SGD(parameters, momentum=momentum, **shared)


def _own(make: Callable[..., Any], parameters: Sequence[torch.Tensor]) -> torch.optim.Optimizer:
    made = attempted(
        lambda: make(list(parameters)),
        lambda error: invalid("optimizer", f"cannot be made of the parameters ({told(error)}); correct it."),
    )
    if not isinstance(made, torch.optim.Optimizer):
        raise invalid("optimizer", f"must return a torch.optim.Optimizer, got {type(made).__name__}.")
    held = {id(one) for group in made.param_groups for one in group["params"]}
    if not held or not held <= {id(one) for one in parameters}:
        raise invalid("optimizer", "must be made of the parameters that it is given.")
    return made


def set_rates(optimiser: torch.optim.Optimizer, begun: Sequence[float], factor: float) -> None:
    """Scale the learning rates that it began with."""
    for group, rate in zip(optimiser.param_groups, begun, strict=True):
        group["lr"] = rate * factor
