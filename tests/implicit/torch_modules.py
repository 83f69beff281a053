"""PyTorch modules for the tests of what is measured of them.

They are ``Any`` to the type checker, to which each attribute of a module may be a tensor or a module.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benign.networks.dense import Dense

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU, "softplus": nn.Softplus}


def twin_of(network: Dense) -> Any:
    """The same function as a PyTorch module of copied weights."""
    modules: list[nn.Module] = []
    for layer in network.layers:
        linear = nn.Linear(layer.weight.shape[1], layer.weight.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(layer.weight), torch.tensor(layer.bias)
        modules += [linear, ACTIVATIONS[network.activation]()]
    return nn.Sequential(*modules[:-1])


def convolutional(seed: int = 0) -> Any:
    """A convolution with batch normalisation and dropout for 4 x 4 images, in float64 and evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(12, 3)
        ).double()
        normalisation: Any = module[1]
        normalisation.running_mean += torch.rand(3)
        normalisation.running_var += torch.rand(3)
    return module.eval()


def normalised(mean: float) -> Any:
    """A linear map of inputs that are normalised by recorded statistics, in evaluation mode."""
    module: Any = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 3)).double().eval()
    module[0].running_mean += mean
    return module
