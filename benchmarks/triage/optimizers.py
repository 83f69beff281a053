"""Optimisers over stacked members, each with a learning rate and a weight decay of its own; averaged weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Method = Literal["adam", "sgd", "momentum"]


def along(per_member: Float[Tensor, " members"], parameter: Tensor) -> Tensor:
    """One number a member, shaped to be multiplied with a parameter; a single member's have no leading axis."""
    return per_member.reshape(-1, *(1,) * (parameter.dim() - 1)) if per_member.numel() > 1 else per_member.squeeze()


class Optimizer:
    """Adam (AdamW), gradient descent, or gradient descent with momentum; weight decay is decoupled in all of them.

    Args:
        method: which one.
        parameters: with a leading axis of members, or of a single member.
        weight_decay: times the learning rate, what is taken off the weights a step.
        momentum: of ``"momentum"``; of Adam the first coefficient.
        second: Adam's second coefficient.
    """

    def __init__(
        self,
        method: Method,
        parameters: Sequence[Tensor],
        *,
        weight_decay: Float[Tensor, " members"],
        momentum: float = 0.9,
        second: float = 0.999,
    ) -> None:
        self.method = method
        self.parameters = list(parameters)
        self.weight_decay = weight_decay
        self.momentum, self.second = momentum, second
        self.reset()

    def reset(self) -> None:
        """Forget moments and the number of steps, as a resumed training does that kept only its weights."""
        self.steps = 0
        self.first_moments = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.second_moments = [torch.zeros_like(parameter) for parameter in self.parameters]

    def step(self, rate: Float[Tensor, " members"]) -> None:
        """One step with these learning rates along the gradients that the parameters hold."""
        self.steps += 1
        gradients = [_present(parameter) for parameter in self.parameters]
        with torch.no_grad():
            if bool((self.weight_decay != 0).any()):
                kept = 1.0 - rate * self.weight_decay
                torch._foreach_mul_(self.parameters, [along(kept, parameter) for parameter in self.parameters])
            rates = [along(-rate, parameter) for parameter in self.parameters]
            torch._foreach_addcmul_(self.parameters, self._directions(gradients), rates)

    def _directions(self, gradients: list[Tensor]) -> list[Tensor]:
        if self.method == "sgd":
            return gradients
        if self.method == "momentum":
            torch._foreach_mul_(self.first_moments, self.momentum)
            torch._foreach_add_(self.first_moments, gradients)
            return self.first_moments
        torch._foreach_lerp_(self.first_moments, gradients, 1.0 - self.momentum)
        torch._foreach_mul_(self.second_moments, self.second)
        torch._foreach_addcmul_(self.second_moments, gradients, gradients, 1.0 - self.second)
        roots = torch._foreach_sqrt(self.second_moments)
        torch._foreach_div_(roots, (1.0 - self.second**self.steps) ** 0.5)
        torch._foreach_add_(roots, 1e-8)
        directions = torch._foreach_div(self.first_moments, roots)
        torch._foreach_div_(directions, 1.0 - self.momentum**self.steps)
        return list(directions)


class AveragedWeights:
    """The exponential mean of weights (and batch norm's running statistics) over steps, not biased towards its start.

    After t steps the weights w_s have the shares (1 - decay) decay^(t - s) / (1 - decay^t).
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.live = [*network.parameters(), *(held for held in network.buffers() if held.is_floating_point())]
        self.averages = [held.detach().clone() for held in self.live]
        self.steps = 0

    @torch.no_grad()
    def step(self) -> None:
        """Take the present weights in."""
        self.steps += 1
        share = (1.0 - self.decay) / (1.0 - self.decay**self.steps)
        torch._foreach_lerp_(self.averages, self.live, share)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's weights with the averages; a second call undoes it."""
        for held, average in zip(self.live, self.averages, strict=True):
            present = held.clone()
            held.copy_(average)
            average.copy_(present)


def _present(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        raise ValueError("a parameter has no gradient: the network does not use it")
    return parameter.grad
