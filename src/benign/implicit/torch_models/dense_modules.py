"""A plain PyTorch MLP as a dense network of this package, for measures that are defined by its layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from benign.foundation.errors import InvalidArgument, invalid
from benign.networks.dense import Dense, Layer

_NAMES = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.GELU: "gelu", nn.SiLU: "silu", nn.Softplus: "softplus"}
_NAMES |= {nn.Sigmoid: "sigmoid"}
_WITHOUT_EFFECT = (nn.Flatten, nn.Identity)


def dense_of(module: nn.Module, argument: str) -> Dense:
    """The same function as a dense network; a layer without bias gets one of zeros.

    Raises:
        InvalidArgument: unless the module is an ``nn.Sequential`` of ``nn.Linear`` with one activation between them;
            the message names ``argument``.
    """
    layers: list[Layer] = []
    found: list[str] = []
    for one in _leaves(module, argument):
        if isinstance(one, nn.Linear):
            if len(found) != len(layers):
                raise _refusal(argument, "has two linear maps without an activation between")
            layers.append(_layer(one))
        elif (name := _NAMES.get(type(one))) is not None and _is_usual(one) and len(found) == len(layers) - 1:
            found.append(name)
        else:
            raise _refusal(argument, f"has a {type(one).__name__} where none can be")
    if len(layers) < 2 or len(found) != len(layers) - 1 or len(set(found)) != 1:
        raise _refusal(argument, "has not one hidden layer or more, all of the same activation")
    return Dense(layers=tuple(layers), activation=found[0])


def _leaves(module: nn.Module, argument: str) -> Iterator[nn.Module]:
    """Its maps in order, without those that do nothing to a row."""
    if not isinstance(module, nn.Sequential):
        raise _refusal(argument, f"is or holds a {type(module).__name__}")
    for one in module:
        if isinstance(one, nn.Sequential):
            yield from _leaves(one, argument)
        elif not isinstance(one, (*_WITHOUT_EFFECT, nn.Dropout)):
            yield one


def _layer(linear: nn.Linear) -> Layer:
    weight = _array(linear.weight)
    bias = np.zeros(len(weight), weight.dtype) if linear.bias is None else _array(linear.bias)
    return Layer(weight=weight, bias=bias)


def _array(numbers: torch.Tensor) -> np.ndarray:
    """A copy, in single precision at least."""
    held = numbers.detach().cpu()
    return (held if held.dtype == torch.float64 else held.float()).numpy().copy()


def _is_usual(activation: nn.Module) -> bool:
    """Whether an activation has the settings that this package's of its name has."""
    usual = {"approximate": "none", "beta": 1, "threshold": 20}
    return all(getattr(activation, name, value) == value for name, value in usual.items())


def _refusal(argument: str, fault: str) -> InvalidArgument:
    return invalid(
        argument,
        f"{fault}: this is measured layer by layer, of an nn.Sequential of nn.Linear with one activation between them, "
        "or of an MLP of this package.",
    )
