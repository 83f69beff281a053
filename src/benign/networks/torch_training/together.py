"""Whether modules can be trained as one, and whether that is faster."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import nn

from benign.foundation.wording import told
from benign.networks.torch_training.alone import Member
from benign.networks.torch_training.building import named_tensors, trained_parameters
from benign.networks.torch_training.data import Place
from benign.networks.torch_training.evaluation import holding
from benign.networks.torch_training.forward import dense_chain, forward_of
from benign.networks.torch_training.recipe import Recipe
from benign.networks.torch_training.state import plain_state

# Parameters times samples of a batch beyond which training one after another is as fast on a processor: measured for
# eight networks of one or two hidden layers of 8 to 1,024 units, batches of 50 to 200. Convolutions gain at most 1.4.
_MOST_DENSE, _MOST_VECTORISED = 2**22, 2**21
_MOST_AT_ONCE = {"cpu": 16, "cuda": 256}


def reason_apart(recipe: Recipe, module: nn.Module) -> str | None:
    """Why modules like this one cannot be trained as one with others, told by their settings and layers."""
    if not isinstance(recipe.optimizer, str):
        return "an optimiser of your own may look at all parameters at once"
    if recipe.augment is not None:
        return "each draws its own augmentation"
    if any(map(_is_hooked, module.modules())) or any(map(_is_hooked, module.parameters())):
        return "hooks on its gradients would see all at once, or nothing"
    for part in module.modules():
        if getattr(part, "track_running_stats", False):
            return f"{type(part).__name__} keeps running statistics"
        if _dropout(part) > 0.0:
            return f"{type(part).__name__} drops at random"
    return None


def _is_hooked(one: nn.Module | torch.Tensor) -> bool:
    """Whether something of the user's is called with its gradients."""
    kinds = ("_backward_hooks", "_backward_pre_hooks", "_post_accumulate_grad_hooks")
    return any(getattr(one, kind, None) for kind in kinds)


def _dropout(part: nn.Module) -> float:
    share = part.p if isinstance(part, nn.modules.dropout._DropoutNd) else getattr(part, "dropout", 0.0)
    return float(share) if isinstance(share, (int, float)) else 0.0


def is_faster(place: Place, module: nn.Module, batch: int) -> bool:
    """Whether training several such modules as one is faster than one after another."""
    if place.device.type != "cpu":
        return True
    if any(isinstance(part, nn.modules.conv._ConvNd) for part in module.modules()):
        return False
    numbers = batch * sum(parameter.numel() for parameter in trained_parameters(module))
    return numbers <= (_MOST_VECTORISED if dense_chain(module) is None else _MOST_DENSE)


def reason_differs(members: Sequence[Member]) -> str | None:
    """Why calling these members as one fails, or gives others than their own outputs, on two samples of each."""
    modules = [member.module.train() for member in members]
    buffers = [buffer for module in modules for buffer in module.buffers()]
    before, plain = [buffer.clone() for buffer in buffers], plain_state(modules[0])
    inputs = torch.stack([member.data.train_inputs[:2] for member in members])
    tensors, own = stacked_tensors(modules), trained_parameters(modules[0])
    nothing = [torch.full_like(parameter, torch.nan) for parameter in own]
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("error", "There is a performance drop")
            # What is read from the module itself and not from the stack, as through a list of parameters, is seen.
            with holding(own, nothing):
                together = forward_of(modules[0])(tensors, inputs)
            alone = torch.stack([module(rows) for module, rows in zip(modules, inputs, strict=True)])
        if plain_state(modules[0]) != plain:
            return "it changes in training what is neither parameter nor buffer"
    except Exception as error:  # whatever torch.func cannot follow: control flow, randomness, a kernel without a rule
        return f"PyTorch cannot vectorise it ({told(error)})"
    if any(not torch.equal(one, other) for one, other in zip(buffers, before, strict=True)):
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
        return "its buffers change in training"
    apart = (together.reshape(alone.shape) - alone).abs().max()
    is_same = bool(apart <= (1e-10 if alone.dtype == torch.float64 else 1e-4) * (1.0 + alone.abs().max()))
    return None if is_same else "called as one, they give other outputs than alone"


def stacked_tensors(modules: Sequence[nn.Module]) -> dict[str, torch.Tensor]:
    """Parameters and buffers by name, each with a leading axis of members; none requires a gradient."""
    named = [named_tensors(module) for module in modules]
    return {name: torch.stack([own[name].detach() for own in named]) for name in named[0]}


def groups(members: int, place: Place) -> list[slice]:
    """Members that are trained as one: as equal shares as possible."""
    count = -(-members // _MOST_AT_ONCE[place.device.type])
    size = -(-members // count)
    return [slice(start, start + size) for start in range(0, members, size)]
