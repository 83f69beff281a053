"""One module, trained step by step: the loop that one would write by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.global_randomness import random_states_kept
from benign.foundation.wording import told
from benign.networks.torch_training.building import trained_parameters
from benign.networks.torch_training.data import Data, Place
from benign.networks.torch_training.evaluation import Recorder, recorded
from benign.networks.torch_training.randomness import addressed_seed, random_leaves, seed_all, set_random
from benign.networks.torch_training.recipe import Recipe
from benign.networks.torch_training.state import array_of, fill, load_optimiser, optimiser_leaves, plain_state
from benign.networks.torch_training.steps import Steps


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """One module of a training.

    Attributes:
        module: with its initial weights, on the device.
        data: what it is trained and measured on.
        size: of it.
        who: what messages call it.
    """

    module: torch.nn.Module
    data: Data
    size: int
    who: str


class Alone:
    """A module on its way: the state of its training, from its initial weights on."""

    members = 1

    def __init__(self, recipe: Recipe, place: Place, member: Member, *, averaged: bool) -> None:
        self._recipe, self._place, self._member, self._module = recipe, place, member, member.module
        self._samples, self._columns = member.data.split.samples, member.data.split.train_targets.shape[1]
        self._trained = trained_parameters(self._module)
        tensors = [*self._module.parameters(), *self._module.buffers()]
        # What averaging averages; what remains are counts.
        self._floats = [tensor for tensor in tensors if tensor.is_floating_point()]
        self._counts = [tensor for tensor in tensors if not tensor.is_floating_point()]
        self._steps = Steps(recipe, place, self._samples, self._trained, self._floats, members=1, averaged=averaged)
        self._plain = plain_state(self._module)
        seed = addressed_seed(member.data.split.replicate, "training of a module", member.size)
        self._generator = torch.Generator(place.device).manual_seed(seed)
        seed_all(seed)

    def advance(self, start: int, rows: torch.Tensor) -> None:
        """The steps from ``start`` on, on these rows (1 x steps x batch)."""
        if self.is_lost:
            return
        self._module.train()

        def steps() -> None:
            for step, chosen in self._steps.along(start, rows[0]):
                self._step(step, chosen)

        attempted(steps, self._failed)

    def _step(self, step: int, rows: torch.Tensor) -> None:
        data = self._member.data
        inputs, targets = data.train_inputs.index_select(0, rows), data.train_targets.index_select(0, rows)
        if self._recipe.augment is not None:
            inputs = _augmented(self._recipe.augment(inputs, self._generator), inputs)
        with self._place.precision():
            outputs = self._module(inputs)
            loss = self._steps.total(outputs.reshape(len(rows), self._columns), targets) / len(rows)
        self._steps.take(step, loss, loss)

    def _failed(self, error: BaseException) -> InvalidArgument:
        batch = self._steps.training.batch_of(self._samples)
        is_single = self._samples % batch == 1 or batch == 1
        advice = (
            f"the last batch of an epoch holds a single sample of {self._samples}: choose another `batch_size`"
            if is_single
            else "correct it"
        )
        return InvalidArgument(f"{self._member.who} cannot be trained ({told(error)}); {advice}.")

    @property
    def is_lost(self) -> bool:
        """Whether some parameter is no finite number."""
        return not bool(torch.stack([torch.isfinite(one).all() for one in self._trained]).all())

    def measured(self, recorder: Recorder) -> dict[str, np.ndarray]:
        """What the recorder says, with a leading axis of one member; no random state is moved by it."""
        evaluated = self._steps.evaluated(self._module, self._member.data)
        with random_states_kept():
            values = attempted(
                lambda: recorded(recorder, evaluated, self._floats, self._steps.average),
                lambda error: InvalidArgument(f"{self._member.who} cannot be evaluated ({told(error)}); correct it."),
            )
        return {name: value[None] for name, value in values.items()} | self._steps.lost()

    def leaves(self) -> list[np.ndarray] | None:
        """All that the rest of the training depends on; None where that is not arrays alone."""
        optimiser = optimiser_leaves(self._steps.optimiser)
        if optimiser is None or plain_state(self._module) != self._plain:
            return None
        return [
            *map(array_of, self._tensors()),
            self._generator.get_state().numpy(),
            *random_leaves(self._place.device),
            *optimiser,
        ]

    def load(self, leaves: Sequence[np.ndarray]) -> None:
        """Go on from there."""
        tensors = self._tensors()
        count, states = len(tensors), len(random_leaves(self._place.device))
        fill(tensors, leaves[:count])
        self._generator.set_state(torch.from_numpy(leaves[count].copy()))
        set_random(leaves[count + 1 : count + 1 + states], self._place.device)
        load_optimiser(self._steps.optimiser, leaves[count + 1 + states :])

    def _tensors(self) -> list[torch.Tensor]:
        return [*self._floats, *self._counts, *self._steps.tensors]


def _augmented(inputs: object, before: torch.Tensor) -> torch.Tensor:
    if not isinstance(inputs, torch.Tensor) or inputs.shape[:1] != before.shape[:1]:
        what = tuple(inputs.shape) if isinstance(inputs, torch.Tensor) else type(inputs).__name__
        raise invalid("augment", f"must return a tensor with {len(before)} samples, as it is given, got {what}.")
    return inputs
