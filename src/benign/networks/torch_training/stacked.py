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
from benign.networks.torch_training.building import named_tensors
from benign.networks.torch_training.data import Place
from benign.networks.torch_training.evaluation import Recorder, recorded
from benign.networks.torch_training.forward import forward_of
from benign.networks.torch_training.recipe import Recipe
from benign.networks.torch_training.state import array_of, fill, load_optimiser, optimiser_leaves
from benign.networks.torch_training.steps import Steps
from benign.networks.torch_training.together import stacked_tensors


class Stacked:
    """Several modules on their way, as one."""

    def __init__(self, recipe: Recipe, place: Place, members: Sequence[Member], *, averaged: bool) -> None:
        self._recipe, self._place, self._members = recipe, place, members
        self._samples, self._columns = members[0].data.split.samples, members[0].data.split.train_targets.shape[1]
        # Stands for each member in turn where one is evaluated.
        self._module = members[0].module
        self._tensors = stacked_tensors([member.module for member in members])
        trained = {name for name, parameter in self._module.named_parameters() if parameter.requires_grad}
        of_steps = [self._tensors[name].requires_grad_() for name in self._tensors if name in trained]
        floats = [tensor for tensor in self._tensors.values() if tensor.is_floating_point()]
        self._steps = Steps(recipe, place, self._samples, of_steps, floats, members=len(members), averaged=averaged)
        self._forward = forward_of(self._module)
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
        placed = (rows + self._offsets[:, None, None]).transpose(0, 1)

        def steps() -> None:
            for step, chosen in self._steps.along(start, placed):
                self._step(step, chosen)

        attempted(steps, self._failed)

    def _step(self, step: int, rows: torch.Tensor) -> None:
        flat = rows.reshape(-1)
        inputs = self._inputs.index_select(0, flat).reshape(*rows.shape, *self._inputs.shape[1:])
        targets = self._targets.index_select(0, flat)
        with self._place.precision():
            outputs = self._forward(self._tensors, inputs).reshape(*rows.shape, self._columns)
            loss = self._summed(outputs, targets) / rows.shape[1]
        self._steps.take(step, loss, outputs.flatten(1).sum(1))

    def _summed(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """All losses; one of the user's own sees one member's batch at a time."""
        if self._recipe.loss is None:
            return self._steps.total(outputs.flatten(0, 1), targets)
        own = targets.reshape(*outputs.shape[:2], -1)
        return torch.stack([self._steps.total(*pair) for pair in zip(outputs, own, strict=True)]).sum()

    def _failed(self, error: BaseException) -> InvalidArgument:
        return InvalidArgument(
            f"{self._members[0].who} cannot be trained with others ({told(error)}); leave `together` out."
        )

    def measured(self, recorder: Recorder) -> dict[str, np.ndarray]:
        """What the recorder says of each member."""
        with random_states_kept():
            rows = [self._measured(i, recorder) for i in range(self.members)]
        found = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        return found | self._steps.lost()

    def _measured(self, place: int, recorder: Recorder) -> dict[str, np.ndarray]:
        own = named_tensors(self._module)
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(self._tensors[name][place])
        evaluated = self._steps.evaluated(self._module, self._members[place].data)
        floats = [tensor for tensor in own.values() if tensor.is_floating_point()]
        average = self._steps.average and [tensor[place] for tensor in self._steps.average]
        return recorded(recorder, evaluated, floats, average)

    def leaves(self) -> list[np.ndarray] | None:
        """All that the rest of the training depends on."""
        optimiser = optimiser_leaves(self._steps.optimiser)
        return None if optimiser is None else [*map(array_of, self._all()), *optimiser]

    def load(self, leaves: Sequence[np.ndarray]) -> None:
        """Go on from there."""
        tensors = self._all()
        fill(tensors, leaves[: len(tensors)])
        load_optimiser(self._steps.optimiser, leaves[len(tensors) :])

    def _all(self) -> list[torch.Tensor]:
        return [*self._tensors.values(), *self._steps.tensors]
