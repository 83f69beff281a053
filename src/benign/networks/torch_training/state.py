"""The state of a training as arrays, and back: no pickle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def array_of(tensor: torch.Tensor) -> np.ndarray:
    """A copy of the tensor, of at least one axis, as a checkpoint keeps arrays."""
    return np.atleast_1d(tensor.detach().cpu().numpy()).copy()


def fill(tensors: Sequence[torch.Tensor], leaves: Sequence[np.ndarray]) -> None:
    """Copy into tensors what :func:`array_of` gave of them."""
    with torch.no_grad():
        for tensor, leaf in zip(tensors, leaves, strict=True):
            tensor.copy_(torch.from_numpy(leaf.copy()).reshape(tensor.shape))


def plain_state(module: torch.nn.Module) -> list[tuple[str, str, object]]:
    """The numbers and tensors that a module's parts hold beside parameters and buffers: no checkpoint has them."""
    usual = vars(torch.nn.Module())
    return [
        (place, name, value.detach().cpu().numpy().tobytes() if isinstance(value, torch.Tensor) else value)
        for place, part in module.named_modules()
        for name, value in vars(part).items()
        if name not in usual and isinstance(value, (int, float, torch.Tensor))
    ]


def optimiser_leaves(optimiser: torch.optim.Optimizer) -> list[np.ndarray] | None:
    """What the optimiser remembers: first, as JSON, its settings and what the arrays are, then they.

    None where it remembers anything but tensors and numbers.
    """
    entries: list[tuple[int, str, str, Any]] = []
    arrays: list[np.ndarray] = []
    for place, parameter in enumerate(_parameters(optimiser)):
        for name, value in optimiser.state.get(parameter, {}).items():
            is_tensor = isinstance(value, torch.Tensor)
            entries.append((place, name, value.device.type if is_tensor else "", value.ndim if is_tensor else value))
            if is_tensor:
                arrays.append(array_of(value))
    settings = [{name: value for name, value in group.items() if name != "params"} for group in optimiser.param_groups]
    try:
        told = json.dumps([settings, entries])
    except (TypeError, ValueError):
        return None
    return [np.frombuffer(told.encode(), np.uint8), *arrays]


def load_optimiser(optimiser: torch.optim.Optimizer, leaves: Sequence[np.ndarray]) -> None:
    """Let the optimiser remember what :func:`optimiser_leaves` gave, in the very types."""
    settings, entries = json.loads(bytes(leaves[0]))
    for group, told in zip(optimiser.param_groups, settings, strict=True):
        group.update({name: tuple(value) if isinstance(value, list) else value for name, value in told.items()})
    parameters, arrays = _parameters(optimiser), iter(leaves[1:])
    for place, name, device, told in entries:
        parameter = parameters[place]
        if not device:
            optimiser.state[parameter][name] = told
            continue
        array = next(arrays).copy()
        tensor = torch.from_numpy(array if told else array.reshape(()))  # told is the number of its axes
        optimiser.state[parameter][name] = tensor.to(parameter.device if device != "cpu" else "cpu")


def _parameters(optimiser: torch.optim.Optimizer) -> list[Any]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
