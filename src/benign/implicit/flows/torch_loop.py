"""R_IG in a PyTorch loop of your own: three lines, and nothing of the loop is changed.

.. code-block:: python

    log = GradientPenaltyLog(model)
    for epoch in range(epochs):
        for x, y in loader:
            optimiser.zero_grad()
            loss_function(model(x), y).backward()
            log.after_backward()                # the mini-batch's penalty, from the gradients that are there
            optimiser.step()
        log.after_epoch(loss_function, loader)  # the full batch's: one more pass over the data
    log.to_dict()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benign.foundation.errors import invalid
from benign.foundation.extras import require

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class PenaltyRow:
    """One epoch.

    Attributes:
        epoch: counted from 1.
        minibatch: mean of the mini-batches' R_IG along the epoch, each at the parameters of its own step.
        full_batch: R_IG of the mean loss over the loader at the end of the epoch.
        loss: that mean loss.
    """

    epoch: int
    minibatch: float
    full_batch: float
    loss: float


@dataclass(eq=False)
class GradientPenaltyLog:
    """Records R_IG = mean square of the gradient over parameters (Barrett & Dherin 2021), both versions apart.

    Neither gradients, parameters, buffers, training mode nor random state of the model are changed. Layers that behave
    differently in training are measured as they train, batch normalisation with the statistics of each batch: its
    gradient is then that of a sum of batches, not of one full batch, which :attr:`notes` says. Dropout draws anew.

    Attributes:
        model: a PyTorch module.
        rows: what was recorded.
    """

    model: torch.nn.Module
    rows: list[PenaltyRow] = field(default_factory=list, init=False)
    _squares: list[float] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        torch = require("torch", extra="torch", purpose="logging the gradient penalty of a PyTorch model")
        if not isinstance(self.model, torch.nn.Module):
            raise invalid("model", f"must be a torch.nn.Module, got {type(self.model).__name__}.")
        if not self._trained():
            raise invalid("model", "has no parameter that is trained; set requires_grad.")

    @property
    def parameters(self) -> int:
        """Number m of parameters that are trained."""
        return sum(parameter.numel() for parameter in self._trained())

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the numbers, in sentences."""
        import torch

        normalised = any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in self.model.modules())
        text = (
            "The model has batch normalisation: each batch is normalised by its own statistics, so the full-batch "
            "penalty is that of the mean of the batches' losses, and depends on the batch size."
        )
        return (text,) if normalised else ()

    def after_backward(self) -> None:
        """Record the mini-batch's penalty; call it between ``backward`` and ``step``.

        Raises:
            InvalidArgument: if no gradient is there.
        """
        gradients = [parameter.grad for parameter in self._trained() if parameter.grad is not None]
        if not gradients:
            raise invalid("model", "has no gradients; call `after_backward` after loss.backward().")
        self._squares.append(float(sum(_double(gradient).square().sum() for gradient in gradients)) / self.parameters)

    def after_epoch(
        self,
        loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    ) -> PenaltyRow:
        """Record the full batch's penalty by one pass over the data.

        Args:
            loss_function: mean loss of a batch, as in training.
            batches: the training set, for example the loader.

        Raises:
            InvalidArgument: if the loss is no scalar, or there are no batches.
        """
        import torch

        buffers = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        try:
            with torch.random.fork_rng(), torch.enable_grad():
                gradient, loss_sum, samples = self._summed(loss_function, batches)
        finally:
            for name, buffer in self.model.named_buffers():
                buffer.copy_(buffers[name])
        if not samples:
            raise invalid("batches", "is empty; give the training set, for example the loader.")
        square = float(sum(part.square().sum() for part in gradient)) / samples**2
        row = PenaltyRow(
            epoch=len(self.rows) + 1,
            minibatch=sum(self._squares) / len(self._squares) if self._squares else float("nan"),
            full_batch=square / self.parameters,
            loss=loss_sum / samples,
        )
        self.rows.append(row)
        self._squares.clear()
        return row

    def to_dict(self) -> dict[str, list[float]]:
        """Columns ``epoch``, ``gradient_penalty``, ``gradient_penalty_minibatch`` and ``train_loss``."""
        return {
            "epoch": [row.epoch for row in self.rows],
            "gradient_penalty": [row.full_batch for row in self.rows],
            "gradient_penalty_minibatch": [row.minibatch for row in self.rows],
            "train_loss": [row.loss for row in self.rows],
        }

    def _trained(self) -> list[torch.nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def _summed(
        self,
        loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    ) -> tuple[list[torch.Tensor], float, int]:
        """Gradient and loss, summed over samples, and the number of samples."""
        import torch

        trained = self._trained()
        gradient = [torch.zeros_like(_double(parameter)) for parameter in trained]
        loss_sum, samples = 0.0, 0
        place = trained[0].device
        for batch, labels in batches:
            inputs, targets = batch.to(place), labels.to(place)
            loss = loss_function(self.model(inputs), targets)
            if loss.ndim:
                raise invalid("loss_function", f"must return a scalar, got shape {tuple(loss.shape)}.")
            count = len(inputs)
            slopes = torch.autograd.grad(loss, trained, allow_unused=True)
            for total, slope in zip(gradient, slopes, strict=True):
                if slope is not None:
                    total.add_(_double(slope), alpha=count)
            loss_sum += count * float(loss.detach())
            samples += count
        return gradient, loss_sum, samples


def _double(numbers: torch.Tensor) -> torch.Tensor:
    """In float64, on the processor where the device has no such numbers."""
    detached = numbers.detach()
    return (detached.cpu() if detached.device.type == "mps" else detached).double()
