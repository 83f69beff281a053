"""Fully connected networks of several members, trained as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

Batch = Float[Tensor, "members batch features"]


class StackedLinear(torch.nn.Module):
    """An affine map a member, by default with He's initial weights; member m draws from ``generators[m]``."""

    def __init__(self, generators: Sequence[torch.Generator], inputs: int, outputs: int, gain: float = 2.0) -> None:
        super().__init__()
        drawn = [torch.randn(inputs, outputs, generator=generator) for generator in generators]
        self.weight = torch.nn.Parameter(torch.stack(drawn) * sqrt(gain / inputs))
        self.bias = torch.nn.Parameter(torch.zeros(len(drawn), 1, outputs))

    def forward(self, inputs: Batch) -> Batch:
        return torch.baddbmm(self.bias, inputs.expand(self.weight.shape[0], -1, -1), self.weight)


class StackedBatchNorm(torch.nn.Module):
    """Batch normalisation a member; ``momentum`` is the share of the old running statistics that stays a step."""

    def __init__(self, members: int, width: int, momentum: float) -> None:
        super().__init__()
        self.momentum = momentum
        self.gain = torch.nn.Parameter(torch.ones(members, 1, width))
        self.shift = torch.nn.Parameter(torch.zeros(members, 1, width))
        self.register_buffer("mean", torch.zeros(members, 1, width))
        self.register_buffer("variance", torch.ones(members, 1, width))
        self.mean: Tensor
        self.variance: Tensor

    def forward(self, inputs: Batch) -> Batch:
        mean, variance = self.mean, self.variance
        if self.training:
            variance, mean = torch.var_mean(inputs, dim=1, keepdim=True, correction=0)
            with torch.no_grad():
                self.mean.lerp_(mean, 1.0 - self.momentum)
                self.variance.lerp_(variance, 1.0 - self.momentum)
        return (inputs - mean) * (variance + 1e-5).rsqrt() * self.gain + self.shift


class Mlp(torch.nn.Module):
    """Rectified layers of these widths; a member a seed.

    Args:
        seeds: of the initial weights, one a member.
        widths: inputs, hidden layers, outputs.
        dropout: share of hidden units that are left out in training.
        normalised: the momentum of batch normalisation after each hidden layer; ``None``: none.
        scale: on the initial weights of the last layer.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        widths: Sequence[int],
        *,
        dropout: float = 0.0,
        normalised: float | None = None,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        layers: list[torch.nn.Module] = []
        for inputs, outputs in pairwise(widths[:-1]):
            layers.append(StackedLinear(generators, inputs, outputs))
            if normalised is not None:
                layers.append(StackedBatchNorm(len(seeds), outputs, normalised))
            layers.append(torch.nn.ReLU(inplace=normalised is None))
            if dropout:
                layers.append(torch.nn.Dropout(dropout))
        layers.append(StackedLinear(generators, widths[-2], widths[-1], gain=scale**2))
        self.layers = torch.nn.Sequential(*layers)

    def forward(self, inputs: Batch) -> Batch:
        outputs: Tensor = self.layers(inputs)
        return outputs
