r"""What a module is at one moment: its outputs, its norm, and the squares of its gradients, in evaluation mode.

The gradients are those of :mod:`benign.networks.gradient_penalty`: the square :math:`|\nabla E|^2` stands here, and
whoever knows the number of parameters divides by it (Barrett & Dherin 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from benign.networks.torch_training.building import trained_parameters
from benign.networks.torch_training.data import ROWS, Data, Place
from benign.networks.torch_training.objective import Total
from benign.networks.training import PENALTY_BATCHES


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluated:
    """A module in evaluation mode.

    Attributes:
        module: it.
        data: what it is trained and measured on.
        place: where it is.
        total: the loss.
        batch: samples of a mini-batch.
    """

    module: torch.nn.Module
    data: Data
    place: Place
    total: Total
    batch: int

    def outputs(self, inputs: torch.Tensor) -> Float[np.ndarray, "m K"]:
        """Its outputs, some rows at a time."""
        outputs = self.data.split.train_targets.shape[1]
        with torch.no_grad():
            parts = [self.module(part).reshape(len(part), outputs) for part in torch.split(inputs, ROWS)]
        return torch.cat(parts).double().cpu().numpy()

    def norm(self) -> float:
        """Root of the sum of squares of the trained parameters."""
        squares = [one.detach().double().square().sum() for one in trained_parameters(self.module)]
        return float(torch.stack(squares).sum().sqrt())

    def gradient_square(self) -> float:
        r""":math:`|\nabla E|^2` of the mean loss over the training set."""
        return self._square(0, len(self.data.train_inputs))

    def minibatch_square(self) -> float:
        """Its mean over at most eight batches of consecutive samples, which are in random order (Smith et al. 2021)."""
        count = min(PENALTY_BATCHES, len(self.data.train_inputs) // self.batch)
        return float(np.mean([self._square(self.batch * i, self.batch) for i in range(count)]))

    def _square(self, start: int, rows: int) -> float:
        trained = trained_parameters(self.module)
        whole = [torch.zeros_like(one) for one in trained]
        for first in range(start, start + rows, ROWS):
            part = slice(first, min(first + ROWS, start + rows))
            inputs, targets = self.data.train_inputs[part], self.data.train_targets[part]
            with torch.enable_grad():
                outputs = self.module(inputs).reshape(len(inputs), -1)
                slopes = torch.autograd.grad(self.total(outputs, targets) / rows, trained, allow_unused=True)
            for sum_of, slope in zip(whole, slopes, strict=True):
                if slope is not None:
                    sum_of.add_(slope)
        return float(torch.stack([one.double().square().sum() for one in whole]).sum())


Recorder = Callable[[Evaluated], Mapping[str, float | Float[np.ndarray, "..."]]]
"""Maps a module at one moment to named numbers or arrays."""


@contextmanager
def holding(tensors: Sequence[torch.Tensor], values: Sequence[torch.Tensor]) -> Iterator[None]:
    """Within it some tensors of a module have other values."""
    with torch.no_grad():
        before = [tensor.detach().clone() for tensor in tensors]
        for tensor, value in zip(tensors, values, strict=True):
            tensor.copy_(value)
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)


def recorded(
    recorder: Recorder, evaluated: Evaluated, tensors: Sequence[torch.Tensor], average: Sequence[torch.Tensor] | None
) -> dict[str, np.ndarray]:
    """What the recorder says of a module, and of its averaged tensors, as ``NAME_averaged``, where there are any."""
    evaluated.module.eval()
    values = {name: np.asarray(value) for name, value in recorder(evaluated).items()}
    if average is not None:
        with holding(tensors, average):
            averaged = recorder(evaluated)
        values |= {f"{name}_averaged": np.asarray(value) for name, value in averaged.items()}
    return values
