"""What is recorded of outputs: losses, errors, margins, the best temperature; one number a member."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Loss = Literal["cross-entropy", "squared"]
PerMember = Float[Tensor, " members"]
PerSample = Float[Tensor, "members samples"]

_TEMPERATURES = (2.0 ** torch.arange(-1.0, 6.01, 0.25)).tolist()  # from .5 to 64
_AS_IS = _TEMPERATURES.index(1.0)
_CALIBRATED = 2_000  # samples at most that the temperature is chosen on
_WORST = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Inputs and targets, for all members alike (a leading axis of 1) or one set a member.

    Attributes:
        inputs: [members or 1, samples, ...].
        targets: classes [members or 1, samples] or [.., samples, places] as int64 (every place counts as a sample); for
            regression numbers [members or 1, samples, outputs].
    """

    inputs: Tensor
    targets: Tensor

    @property
    def size(self) -> int:
        return self.inputs.shape[1]

    @property
    def is_classified(self) -> bool:
        return not self.targets.is_floating_point()


def losses(outputs: Tensor, targets: Tensor, loss: Loss, smoothing: float = 0.0) -> PerSample:
    """Of each sample: cross-entropy, or the sum of squares over outputs (classes are one-hot).

    ``smoothing`` shares that much of the target out evenly over all classes.
    """
    if loss == "squared":
        goal = torch.nn.functional.one_hot(targets, outputs.shape[-1]) if not targets.is_floating_point() else targets
        return (outputs - goal).square().sum(-1).flatten(1)
    normaliser = outputs.logsumexp(-1)
    chosen = _at(outputs, targets)
    if smoothing:
        chosen = (1.0 - smoothing) * chosen + smoothing * outputs.mean(-1)
    return (normaliser - chosen).flatten(1)


def mistakes(outputs: Tensor, targets: Tensor) -> PerSample:
    """1 where the largest output is not that of the class."""
    return (outputs.max(-1).indices != targets).float().flatten(1)


def margins(outputs: Tensor, targets: Tensor) -> PerSample:
    """The output of the class less the largest other one."""
    index = targets.expand(outputs.shape[:-1]).unsqueeze(-1)
    others = outputs.scatter(-1, index, -torch.inf).amax(-1)
    return (_at(outputs, targets) - others).flatten(1)


def worst_share(losses_of: PerSample) -> PerMember:
    """The share of the loss that the worst 5 % of the samples hold."""
    count = max(1, round(_WORST * losses_of.shape[1]))
    return losses_of.topk(count, dim=1).values.sum(1) / losses_of.sum(1)


def given_back(outputs: Tensor, targets: Tensor) -> PerMember:
    """How much less the cross-entropy is at its best temperature than as it is, on at most 2,000 of the samples."""
    few, goals = outputs[:, :_CALIBRATED], targets[:, :_CALIBRATED]
    chosen = _at(few, goals).flatten(1).mean(1)
    by_class = few.movedim(-1, 0).contiguous()  # reductions over the first axis are four times as fast
    by_class = by_class - by_class.amax(0)
    chosen = chosen - few.amax(-1).flatten(1).mean(1)
    at = [(by_class / heat).exp_().sum(0).log_().flatten(1).mean(1) - chosen / heat for heat in _TEMPERATURES]
    return at[_AS_IS] - torch.stack(at).amin(0)


def _at(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.gather(-1, targets.expand(outputs.shape[:-1]).unsqueeze(-1)).squeeze(-1)
