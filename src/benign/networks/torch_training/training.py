"""Train the modules of one size: what a training starts from, where it is kept, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from benign.foundation.split import Split
from benign.networks.checkpoints import Checkpoint, Kept
from benign.networks.digests import sha256_of
from benign.networks.sharing import PARTS
from benign.networks.torch_training.alone import Alone, Member
from benign.networks.torch_training.building import Builder
from benign.networks.torch_training.data import Place, data_of
from benign.networks.torch_training.evaluation import Recorder
from benign.networks.torch_training.recipe import Recipe
from benign.networks.torch_training.trajectory import Batches, Learner, Trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class Modules:
    """What is trained, and how.

    Attributes:
        builder: builds them.
        recipe: how they are trained.
        place: where.
        averaged: whether to keep averaged weights.
        kept: where trainings are kept until all are done.
        decides: what else decides the numbers, as JSON values.
    """

    builder: Builder
    recipe: Recipe
    place: Place
    averaged: bool
    kept: Kept
    decides: Mapping[str, object]

    def train(
        self, splits: Sequence[Split], size: int, steps: Int[np.ndarray, " time"], recorder: Recorder
    ) -> dict[str, np.ndarray]:
        """What is recorded of a module for each split (member x time x ...)."""
        parts = [self.train_alone(self.member(split, size), steps, recorder) for split in splits]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def train_alone(self, member: Member, steps: Int[np.ndarray, " time"], recorder: Recorder) -> dict[str, np.ndarray]:
        """What is recorded of one module (1 x time x ...), which is trained in place."""
        learner = Alone(self.recipe, self.place, member, averaged=self.averaged)
        return self._finished(learner, [member], steps, recorder)

    def check_seed(self, split: Split, size: int) -> None:
        """Build the module of a size twice.

        Raises:
            InvalidArgument: where the two differ, or share a tensor.
        """
        self.builder.check_seed(size, split, data_of(split, self.recipe, self.place).train_inputs)

    def member(self, split: Split, size: int) -> Member:
        """A module with its initial weights and its data."""
        data = data_of(split, self.recipe, self.place)
        module = self.builder.module(size, split, data.train_inputs)
        which = split.replicate
        who = (
            f"{self.builder.name} at size {size} on {split.samples} samples (draw {which.draw}, initialisation "
            f"{which.initialisation}, noise {which.noise})"
        )
        return Member(module=module, data=data, size=size, who=who)

    def _finished(
        self, learner: Learner, members: Sequence[Member], steps: Int[np.ndarray, " time"], recorder: Recorder
    ) -> dict[str, np.ndarray]:
        first = members[0].data.split
        trajectory = Trajectory(
            learner=learner,
            batches=Batches(
                orders=[member.data.split.replicate for member in members],
                samples=first.samples,
                training=self.recipe.on(first.samples),
                device=self.place.device,
            ),
            steps=steps,
            recorder=recorder,
            checkpoint=self._checkpoint(members, steps),
        )
        return {name: np.swapaxes(values, 0, 1) for name, values in trajectory.finish().items()}

    def _checkpoint(self, members: Sequence[Member], steps: Int[np.ndarray, " time"]) -> Checkpoint | None:
        """Where these are kept; the weights they start from are read before they are trained."""
        if self.kept.place is None:
            return None
        splits = [member.data.split for member in members]
        facts = {
            **self.decides,
            "replicates": [repr(split.replicate) for split in splits],
            "size": members[0].size,
            "steps": steps.tolist(),
            "averaged": self.averaged,
            "device": self.place.device.type,
            "torch": torch.__version__,
            "initial_weights": sha256_of([array for member in members for array in _arrays(member.module)]),
        }

        def decides() -> dict[str, object]:
            return {**facts, "data": sha256_of([getattr(split, name) for split in splits for name in PARTS])}

        which = sha256_of([np.array(facts["replicates"])])[:8]
        return self.kept.checkpoint(f"{members[0].size}-{which}", decides)


def _arrays(module: torch.nn.Module) -> list[np.ndarray]:
    tensors = [*module.parameters(), *module.buffers()]
    return [tensor.detach().cpu().numpy() for tensor in tensors]
