r"""The training loss of a PyTorch module as a function of one row of parameters, by PyTorch's own derivatives.

Products with the Hessian are gradients of :math:`v^\top \nabla E` (Pearlmutter 1994), by differentiating twice
backwards: fewer of PyTorch's operations can be differentiated forwards. Samples are taken some rows at a time. At the
kinks of ReLU the slope is 0 and the Hessian that of the smooth piece around, as JAX's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.nn.attention import SDPBackend, sdpa_kernel

from benign.foundation.arguments import checked_name
from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.numbers import checked_count
from benign.foundation.wording import told
from benign.implicit.torch_models.snapshot import ROWS, Snapshot, check_evaluated, full_precision, samples_of, snapshot
from benign.networks.training import LOSSES


@dataclass(frozen=True, kw_only=True, eq=False)
class ModuleLoss:
    """The mean loss of a module on some samples; built by :func:`module_loss`.

    Attributes:
        network: the copy of the module.
        inputs: (n, ...).
        targets: (n, K).
        loss: the name of the objective.
        rows: samples that are evaluated at once.
    """

    network: Snapshot
    inputs: torch.Tensor
    targets: torch.Tensor
    loss: str
    rows: int

    def value(self, row: Float[np.ndarray, " m"]) -> float:
        """The loss at a row of parameters."""
        with torch.no_grad(), full_precision():
            return sum(float(part.double()) for part in self._parts(self._tensor(row)))

    def error(self, row: Float[np.ndarray, " m"]) -> float:
        """The zero-one error at a row of parameters."""
        with torch.no_grad(), full_precision():
            outputs = self._outputs(self._tensor(row))
            wrong = sum(int((one.argmax(1) != targets.argmax(1)).sum()) for one, targets in outputs)
        return wrong / len(self.inputs)

    def gradient(self, row: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """The gradient at a row of parameters."""
        point = self._tensor(row).requires_grad_()
        return self._summed(point, lambda part: torch.autograd.grad(part, point)[0])

    def product(self, row: Float[np.ndarray, " m"], vector: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """The Hessian at a row of parameters times a vector.

        Raises:
            InvalidArgument: where PyTorch cannot differentiate a part of the module twice.
        """
        point, direction = self._tensor(row).requires_grad_(), self._tensor(vector)

        def of_part(part: torch.Tensor) -> torch.Tensor:
            slope = torch.autograd.grad(part, point, create_graph=True)[0]
            if not slope.requires_grad:  # linear in its parameters
                return torch.zeros_like(direction)
            return torch.autograd.grad(slope @ direction, point, materialize_grads=True)[0]

        with sdpa_kernel(SDPBackend.MATH):  # the one whose gradient has a gradient
            return self._summed(point, of_part)

    def unravel(self, row: Any) -> dict[str, Any]:
        """The parameters that a row of any array library holds, by name."""
        found, start = {}, 0
        for name, one in self.network.trained.items():
            found[name] = row[start : start + one.numel()].reshape(tuple(one.shape))
            start += one.numel()
        return found

    def of(self, samples: slice | Int[np.ndarray, " n"]) -> ModuleLoss:
        """The loss of some of the samples, in the order of their places."""
        return replace(self, inputs=self.inputs[samples], targets=self.targets[samples])

    def _summed(self, point: torch.Tensor, of: Callable[[torch.Tensor], torch.Tensor]) -> Float[np.ndarray, " m"]:
        """The sum over chunks of what is asked of each chunk's part of the loss."""

        def total() -> torch.Tensor:
            with torch.enable_grad(), full_precision():
                return sum((of(part) for part in self._parts(point)), torch.zeros_like(point.detach()))

        found: torch.Tensor = attempted(
            total,
            lambda error: invalid(
                self.network.argument, f"cannot be differentiated as far as this needs: {told(error)}."
            ),
        )
        return found.detach().cpu().numpy()

    def _parts(self, point: torch.Tensor) -> Iterator[torch.Tensor]:
        """Each chunk's share of the mean loss."""
        for outputs, targets in self._outputs(point):
            yield losses_of(self.loss, outputs, targets).sum() / len(self.inputs)

    def _outputs(self, point: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        chunks = (torch.split(part, self.rows) for part in (self.inputs, self.targets))
        for inputs, targets in zip(*chunks, strict=True):
            outputs = self.network.outputs(self.network.pieces(point), inputs)
            yield outputs, targets.to(outputs)

    def _tensor(self, row: Float[np.ndarray, " m"]) -> torch.Tensor:
        return torch.tensor(row, dtype=self.network.dtype, device=self.network.device)


def module_loss(
    module: torch.nn.Module, inputs: Any, targets: Any, *, loss: str, rows: int = ROWS, single: bool = False
) -> ModuleLoss:
    """The mean training loss of a module as it is now; the module itself is left alone from then on.

    Args:
        module: in evaluation mode, if that makes a difference.
        inputs: (n, ...), whatever it takes.
        targets: rows (n, K), classes (n,), or one value for each sample (n,).
        loss: ``"cross-entropy"`` or ``"squared"``.
        rows: samples that are evaluated at once.
        single: whether half precision becomes single.

    Raises:
        InvalidArgument: for a module, samples or a loss that cannot be used.
    """
    checked_name("loss", loss, LOSSES)
    checked_count("rows", rows)
    network = snapshot(module, single=single)
    samples = samples_of(inputs, network.dtype)
    if not 0 < len(samples) == len(targets):
        raise InvalidArgument(
            f"`inputs` and `targets` must hold the same samples, at least one, got {len(samples)} and "
            f"{len(targets)} rows."
        )
    outputs = check_evaluated(network, samples[:rows])
    rows_of = _target_rows(targets, outputs.shape[1], loss)
    return ModuleLoss(network=network, inputs=samples, targets=rows_of, loss=loss, rows=rows)


def losses_of(loss: str, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in nats, or squared error summed over outputs, of each sample."""
    if loss == "cross-entropy":
        return torch.logsumexp(outputs, dim=1) - (outputs * targets).sum(dim=1)
    return (outputs - targets).square().sum(dim=1)


def _target_rows(targets: Any, outputs: int, loss: str) -> torch.Tensor:
    """Targets as rows of as many numbers as the module gives; classes as one-hot rows."""
    found = samples_of(targets, torch.float64)
    if found.ndim == 1 and not found.is_floating_point() and (outputs > 1 or loss == "cross-entropy"):
        if found.min() < 0 or found.max() >= outputs:
            raise invalid(
                "targets",
                f"must hold classes from 0 to {outputs - 1}, of which the network has an output each, got "
                f"{int(found.min())} to {int(found.max())}.",
            )
        return torch.nn.functional.one_hot(found.long(), outputs)
    rows = found.reshape(len(found), -1)
    if rows.shape[1] != outputs:
        raise invalid(
            "targets", f"must hold {outputs} numbers for each sample, as the network gives, got {rows.shape[1]}."
        )
    return rows
