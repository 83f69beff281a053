"""Train the modules of one size: what a training starts from, where it is kept, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int

from benign.foundation.errors import invalid
from benign.foundation.split import Split
from benign.networks.checkpoints import Checkpoint, Kept
from benign.networks.digests import sha256_of
from benign.networks.sharing import PARTS, shared
from benign.networks.torch_training.alone import Alone, Member
from benign.networks.torch_training.building import Builder
from benign.networks.torch_training.data import Data, Place, data_of
from benign.networks.torch_training.evaluation import Recorder
from benign.networks.torch_training.recipe import Recipe
from benign.networks.torch_training.stacked import Stacked
from benign.networks.torch_training.together import groups, is_faster, reason_apart, reason_differs
from benign.networks.torch_training.trajectory import Batches, Learner, Trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class Modules:
    """What is trained, and how.

    Attributes:
        builder: builds them.
        recipe: how they are trained.
        place: where.
        together: whether modules of a size are trained as one: ``"auto"`` where that is faster, True or False.
        averaged: whether to keep averaged weights.
        kept: where trainings are kept until all are done.
        decides: what else decides the numbers, as JSON values.
    """

    builder: Builder
    recipe: Recipe
    place: Place
    together: str | bool
    averaged: bool
    kept: Kept
    decides: Mapping[str, object]

    def train(
        self, splits: Sequence[Split], size: int, steps: Int[np.ndarray, " time"], recorder: Recorder
    ) -> dict[str, np.ndarray]:
        """What is recorded of a module for each split (member x time x ...).

        Raises:
            InvalidArgument: where modules are to be trained as one and cannot.
        """
        parts: list[dict[str, np.ndarray]] = []
        # One alone is looked at too where they are to be together: what is refused is no matter of shares.
        is_asked = len(splits) > 1 or self.together is True
        may_be_together = is_asked and self._may_be_together(splits[0], size)
        for group in groups(len(splits), self.place):
            members = self._members(splits[group], size) if may_be_together else []
            if len(members) > 1 and self._are_one(members):
                learner = Stacked(self.recipe, self.place, members, averaged=self.averaged)
                parts.append(self._finished(learner, members, steps, recorder))
            else:
                del members
                alone = (self.member(self.data(split), size) for split in splits[group])
                parts += [self.train_alone(member, steps, recorder) for member in alone]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _members(self, splits: Sequence[Split], size: int) -> list[Member]:
        """Modules of one size; those on the same samples share them."""
        common = shared(splits)
        data = [self.data(split) for split in common.data]
        owns = [replace(data[place], split=split) for place, split in zip(common.data_of, splits, strict=True)]
        return [self.member(own, size) for own in owns]

    def _may_be_together(self, split: Split, size: int) -> bool:
        """Whether modules of a size are to be trained as one, as far as one of them tells.

        Raises:
            InvalidArgument: where they are to be and cannot.
        """
        if self.together is False:
            return False
        module = self.member(self.data(split), size).module
        reason = reason_apart(self.recipe, module)
        self._refuse(reason, size)
        batch = self.recipe.on(split.samples).batch_of(split.samples)
        return reason is None and (self.together is True or is_faster(self.place, module, batch))

    def _are_one(self, members: Sequence[Member]) -> bool:
        """Whether they can be called as one.

        Raises:
            InvalidArgument: where they are to be trained as one and cannot.
        """
        reason = reason_differs(members)
        self._refuse(reason, members[0].size)
        return reason is None

    def _refuse(self, reason: str | None, size: int) -> None:
        if reason is not None and self.together is True:
            raise invalid(
                "together",
                f"must not be True for {self.builder.name} at size {size}: {reason}; leave it out to train each alone.",
            )

    def train_alone(self, member: Member, steps: Int[np.ndarray, " time"], recorder: Recorder) -> dict[str, np.ndarray]:
        """What is recorded of one module (1 x time x ...), which is trained in place."""
        learner = Alone(self.recipe, self.place, member, averaged=self.averaged)
        return self._finished(learner, [member], steps, recorder)

    def data(self, split: Split) -> Data:
        """A split's tensors."""
        return data_of(split, self.recipe, self.place)

    def check_seed(self, split: Split, size: int) -> None:
        """Build the module of a size twice.

        Raises:
            InvalidArgument: where the two differ, or share a tensor.
        """
        self.builder.check_seed(size, split, self.data(split).train_inputs)

    def member(self, data: Data, size: int) -> Member:
        """A module with its initial weights and its data."""
        split = data.split
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
