"""Several modules of one architecture called as one, each with its own parameters and inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor]
Forward = Callable[[Tensors, torch.Tensor], torch.Tensor]
"""Of parameters and buffers by name and of inputs, each with a leading axis of members, the outputs."""
_Layer = Callable[[Tensors, torch.Tensor], torch.Tensor]

_ELEMENTWISE = (
    nn.CELU,
    nn.ELU,
    nn.GELU,
    nn.Hardswish,
    nn.Hardtanh,
    nn.Identity,
    nn.LeakyReLU,
    nn.LogSigmoid,
    nn.Mish,
    nn.ReLU,
    nn.ReLU6,
    nn.SELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Softsign,
    nn.Tanh,
)


def forward_of(module: nn.Module) -> Forward:
    """How modules like this one are called together: a chain of dense layers by batched products, others by vmap."""
    chain = dense_chain(module)
    return _vectorised(module) if chain is None else chain


def dense_chain(module: nn.Module) -> Forward | None:
    """The call of a chain of linear layers and activations, half the cost of vmap's; None for any other module."""
    layers = list(_layers(module, {id(one): name for name, one in module.named_parameters()}))
    if any(layer is None for layer in layers):
        return None

    def forward(tensors: Tensors, inputs: torch.Tensor) -> torch.Tensor:
        for layer in layers:
            inputs = layer(tensors, inputs)  # type: ignore[misc]
        return inputs

    return forward


def _layers(module: nn.Module, names: Mapping[int, str]) -> Iterator[_Layer | None]:
    """The layers of nested ``Sequential``s in turn; None for one that is not known, or has hooks."""
    kind: Any = type(module)
    if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks:
        yield None
    elif kind is nn.Sequential:
        for part in module.children() if not _repeats(module) else [None]:
            yield from _layers(part, names) if part is not None else [None]
    elif kind is nn.Linear:
        yield _linear(module, names)
    elif isinstance(module, nn.Flatten) and module.start_dim == 1 and module.end_dim == -1:
        yield lambda _, inputs: inputs.flatten(2)
    elif kind in _ELEMENTWISE:
        yield lambda _, inputs: module(inputs)
    else:
        yield None


def _repeats(module: nn.Module) -> bool:
    """Whether a part is held twice, which ``children`` would tell once."""
    return len(list(module.children())) != len(module._modules)


def _linear(layer: Any, names: Mapping[int, str]) -> _Layer:
    weight = names[id(layer.weight)]
    bias = None if layer.bias is None else names[id(layer.bias)]

    def call(tensors: Tensors, inputs: torch.Tensor) -> torch.Tensor:
        rows = inputs.flatten(1, -2)
        if bias is None:
            outputs = torch.bmm(rows, tensors[weight].mT)
        else:
            outputs = torch.baddbmm(tensors[bias][:, None], rows, tensors[weight].mT)
        return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])

    return call


def _vectorised(module: nn.Module) -> Forward:
    """The call by vmap, each tensor under all the names by which the parts know it."""
    first = {id(tensor): name for name, tensor in [*module.named_parameters(), *module.named_buffers()]}
    names = {
        f"{prefix}.{name}".removeprefix("."): first[id(tensor)]
        for prefix, part in module.named_modules()
        for name, tensor in [
            *part.named_parameters(recurse=False, remove_duplicate=False),
            *part.named_buffers(recurse=False, remove_duplicate=False),
        ]
    }

    def one(tensors: Tensors, inputs: torch.Tensor) -> torch.Tensor:
        own = {name: tensors[its] for name, its in names.items()}
        return torch.func.functional_call(module, own, (inputs,), tie_weights=False)

    return torch.func.vmap(one)
