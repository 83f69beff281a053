r"""Modules of one architecture trained as one: their parameters stacked, their losses summed.

The gradient of the sum of the members' losses with respect to one member's parameters is that of its own loss, and the
optimisers that have a name here work number by number: a member equals the same module trained alone, up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from benign.foundation.errors import InvalidArgument, attempted
from benign.foundation.global_randomness import random_states_kept
from benign.foundation.wording import told
from benign.networks.torch_training.alone import Member
from benign.networks.torch_training.data import Place
from benign.networks.torch_training.divergence import LOST_STEP, note_lost, nowhere_lost
from benign.networks.torch_training.evaluation import Evaluated, Recorder, recorded
from benign.networks.torch_training.forward import forward_of
from benign.networks.torch_training.objective import total_loss
from benign.networks.torch_training.optimisers import optimiser_of, set_rates
from benign.networks.torch_training.recipe import Recipe
from benign.networks.torch_training.state import array_of, fill, load_optimiser, optimiser_leaves
from benign.networks.torch_training.together import stacked_tensors


class Stacked:
    """Several modules on their way, as one."""

    def __init__(self, recipe: Recipe, place: Place, members: Sequence[Member], *, averaged: bool) -> None:
        self._recipe, self._place, self._members = recipe, place, members
        self._samples, self._columns = members[0].data.split.samples, members[0].data.split.train_targets.shape[1]
        self._training = recipe.on(self._samples)
        self._total = total_loss(recipe, place)
        # Stands for each member in turn where one is evaluated.
        self._module = members[0].module
        self._tensors = stacked_tensors([member.module for member in members])
        trained = {name for name, parameter in self._module.named_parameters() if parameter.requires_grad}
        self._trained = [self._tensors[name].requires_grad_() for name in self._tensors if name in trained]
        self._floats = [tensor for tensor in self._tensors.values() if tensor.is_floating_point()]
        self._average = [tensor.detach().clone() for tensor in self._floats] if averaged else None
        self._optimiser = optimiser_of(recipe, self._trained)
        self._rates = [float(group["lr"]) for group in self._optimiser.param_groups]
        self._forward = forward_of(self._module)
        self._lost_step = nowhere_lost(len(members), place)
        self._gather()

    def _gather(self) -> None:
        """One table of all samples, and where in it each member's begin; those with the same samples share them."""
        keys = [(id(member.data.train_inputs), id(member.data.train_targets)) for member in self._members]
        different = {key: member.data for key, member in zip(keys, self._members, strict=True)}
        begins = {key: place * self._samples for place, key in enumerate(different)}
        self._inputs = torch.cat([data.train_inputs for data in different.values()])
        self._targets = torch.cat([data.train_targets for data in different.values()])
        self._offsets = torch.tensor([begins[key] for key in keys], device=self._place.device)

    @property
    def members(self) -> int:
        return len(self._members)

    def advance(self, start: int, rows: torch.Tensor) -> None:
        """The steps from ``start`` on, on these rows (member x steps x batch)."""
        self._module.train()
        short = self._samples % rows.shape[2] or rows.shape[2]
        per_epoch = self._training.steps_per_epoch(self._samples)
        placed = (rows + self._offsets[:, None, None]).transpose(0, 1)

        def steps() -> None:
            for step, chosen in enumerate(placed, start):
                if not self._recipe.has_constant_rate:
                    set_rates(self._optimiser, self._rates, self._recipe.factor(step, self._samples))
                self._step(step, chosen if (step + 1) % per_epoch else chosen[:, :short])

        attempted(steps, self._failed)

    def _step(self, step: int, rows: torch.Tensor) -> None:
        flat = rows.reshape(-1)
        inputs = self._inputs.index_select(0, flat).reshape(*rows.shape, *self._inputs.shape[1:])
        targets = self._targets.index_select(0, flat)
        self._optimiser.zero_grad()
        with self._place.precision():
            outputs = self._forward(self._tensors, inputs).reshape(*rows.shape, self._columns)
            loss = self._summed(outputs, targets) / rows.shape[1]
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        note_lost(self._lost_step, outputs.detach().flatten(1).sum(1), step)
        if self._average is not None:
            with torch.no_grad():
                torch._foreach_lerp_(self._average, self._floats, 1.0 - self._training.average)

    def _summed(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """All losses; one of the user's own sees one member's batch at a time."""
        if self._recipe.loss is None:
            return self._total(outputs.flatten(0, 1), targets)
        own = targets.reshape(*outputs.shape[:2], -1)
        return torch.stack([self._total(*pair) for pair in zip(outputs, own, strict=True)]).sum()

    def _failed(self, error: BaseException) -> InvalidArgument:
        return InvalidArgument(
            f"{self._members[0].who} cannot be trained with others ({told(error)}); leave `together` out."
        )

    def measured(self, recorder: Recorder) -> dict[str, np.ndarray]:
        """What the recorder says of each member."""
        with random_states_kept():
            rows = [self._measured(i, recorder) for i in range(self.members)]
        found = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        return found | {LOST_STEP: array_of(self._lost_step).astype(np.float64)}

    def _measured(self, place: int, recorder: Recorder) -> dict[str, np.ndarray]:
        own = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(self._tensors[name][place])
        evaluated = Evaluated(
            module=self._module,
            data=self._members[place].data,
            place=self._place,
            total=self._total,
            batch=self._training.batch_of(self._samples),
        )
        floats = [tensor for tensor in own.values() if tensor.is_floating_point()]
        average = None if self._average is None else [tensor[place] for tensor in self._average]
        return recorded(recorder, evaluated, floats, average)

    def leaves(self) -> list[np.ndarray] | None:
        """All that the rest of the training depends on."""
        optimiser = optimiser_leaves(self._optimiser)
        return None if optimiser is None else [*map(array_of, self._all()), *optimiser]

    def load(self, leaves: Sequence[np.ndarray]) -> None:
        """Go on from there."""
        tensors = self._all()
        fill(tensors, leaves[: len(tensors)])
        load_optimiser(self._optimiser, leaves[len(tensors) :])

    def _all(self) -> list[torch.Tensor]:
        return [*self._tensors.values(), *(self._average or ()), self._lost_step]
