"""What a training does at every step beside calling its modules, one or several as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from benign.networks.torch_training.data import Data, Place
from benign.networks.torch_training.evaluation import Evaluated
from benign.networks.torch_training.objective import total_loss
from benign.networks.torch_training.optimisers import optimiser_of, set_rates
from benign.networks.torch_training.recipe import Recipe
from benign.networks.torch_training.state import array_of


class Steps:
    """Loss, optimiser with its learning rates, moving average, and when each member diverged.

    Attributes:
        training: on so many samples.
        total: the loss.
        optimiser: of the trained parameters.
        average: of the tensors of real numbers, or None.
    """

    def __init__(
        self,
        recipe: Recipe,
        place: Place,
        samples: int,
        trained: Sequence[torch.Tensor],
        floats: list[torch.Tensor],
        *,
        members: int,
        averaged: bool,
    ) -> None:
        self._recipe, self._place, self._samples, self._floats = recipe, place, samples, floats
        self.training, self.total = recipe.on(samples), total_loss(recipe, place)
        self.optimiser = optimiser_of(recipe, trained)
        self._rates = [float(group["lr"]) for group in self.optimiser.param_groups]
        self.average = [tensor.detach().clone() for tensor in floats] if averaged else None
        # The step, counted from 0, in which a member had no finite number first; -1 where none. It is noted on the
        # device, without waiting for it.
        self._lost_step = torch.full((members,), -1, dtype=torch.int64, device=place.device)

    def along(self, start: int, rows: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """The steps from ``start`` on with their rows (... x batch), fewer at the end of an epoch; each is begun."""
        short = self._samples % rows.shape[-1] or rows.shape[-1]
        per_epoch = self.training.steps_per_epoch(self._samples)
        for step, chosen in enumerate(rows, start):
            if not self._recipe.has_constant_rate:
                set_rates(self.optimiser, self._rates, self._recipe.factor(step, self._samples))
            self.optimiser.zero_grad()
            yield step, chosen if (step + 1) % per_epoch else chosen[..., :short]

    def take(self, step: int, loss: torch.Tensor, noted: torch.Tensor) -> None:
        """Go down the gradient of a loss; a member of which a number that is noted is not finite has diverged."""
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._lost_step.masked_fill_((self._lost_step < 0) & ~torch.isfinite(noted.detach()), step)
        if self.average is not None:
            with torch.no_grad():
                torch._foreach_lerp_(self.average, self._floats, 1.0 - self.training.average)

    def evaluated(self, module: torch.nn.Module, data: Data) -> Evaluated:
        """A module to be measured."""
        batch = self.training.batch_of(self._samples)
        return Evaluated(module=module, data=data, place=self._place, total=self.total, batch=batch)

    def lost(self) -> dict[str, np.ndarray]:
        """When each member diverged, as it is recorded."""
        return {"lost_step": array_of(self._lost_step).astype(np.float64)}

    @property
    def tensors(self) -> list[torch.Tensor]:
        """What the rest of the training depends on beside the modules and the optimiser."""
        return [*(self.average or ()), self._lost_step]
