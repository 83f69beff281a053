"""A training's way through its recordings: the loop around what learns, with its batches and checkpoints."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int

from benign.foundation.errors import OutputFailed
from benign.foundation.replicate import Replicate
from benign.networks.checkpoints import Checkpoint, CheckpointUnusable, snapshot_of, stacked_rows
from benign.networks.shuffles import batches
from benign.networks.torch_training.evaluation import Recorder
from benign.networks.training import Training

# Steps between two looks at the clock; epochs whose batches are made at once, a divisor of how many share a generator.
_MOST_STEPS, _MOST_EPOCHS, _MANY_STEPS = 256, 16, 1024


@runtime_checkable
class Learner(Protocol):
    """Modules on their way."""

    @property
    def members(self) -> int:
        """How many."""
        ...

    def advance(self, start: int, rows: torch.Tensor) -> None:
        """Train on these rows (member x steps x batch) from a step on."""
        ...

    def measured(self, recorder: Recorder) -> dict[str, np.ndarray]:
        """What the recorder says of every member, on a leading axis."""
        ...

    def leaves(self) -> list[np.ndarray] | None:
        """Its state; None where it cannot be kept."""
        ...

    def load(self, leaves: Sequence[np.ndarray]) -> None:
        """Take over a state."""
        ...


@dataclass(kw_only=True, eq=False)
class Batches:
    """The batches of some replicates, made some epochs at a time.

    Attributes:
        orders: a replicate a member.
        samples: n.
        training: on n samples.
        device: where the rows are wanted.
    """

    orders: Sequence[Replicate]
    samples: int
    training: Training
    device: torch.device
    _made: tuple[int, torch.Tensor] | None = field(default=None, init=False)

    def rows(self, start: int, most: int) -> torch.Tensor:
        """The rows of at most so many steps (member x steps x batch); what fills up a short batch is row 0."""
        first = start - start % self._chunk
        if self._made is None or self._made[0] != first:
            made = [self._of(replicate, first) for replicate in self.orders]
            self._made = first, torch.from_numpy(np.stack(made)).to(self.device)
        return self._made[1][:, start - first : start - first + most]

    @property
    def _chunk(self) -> int:
        """Steps of whole epochs."""
        per_epoch = self.training.steps_per_epoch(self.samples)
        epochs = _MOST_EPOCHS
        while epochs > 1 and epochs * per_epoch > _MANY_STEPS:
            epochs //= 2
        return epochs * per_epoch

    def _of(self, replicate: Replicate, first: int) -> Int[np.ndarray, "steps batch"]:
        batch = self.training.batch_of(self.samples)
        made = batches(replicate, samples=self.samples, batch=batch, start=first, steps=self._chunk)
        return np.maximum(made, 0).astype(np.int64)


@dataclass(kw_only=True, eq=False)
class Trajectory:
    """One training.

    Attributes:
        learner: what is trained.
        batches: on what.
        steps: when it is recorded.
        recorder: what is recorded.
        checkpoint: where it is kept, or None.
    """

    learner: Learner
    batches: Batches
    steps: Int[np.ndarray, " time"]
    recorder: Recorder
    checkpoint: Checkpoint | None

    def finish(self) -> dict[str, np.ndarray]:
        """Train to the last recording; what was recorded has the axes (time, member, ...)."""
        position, rows = self._begun()
        while len(rows) < len(self.steps):
            if position == self.steps[len(rows)]:
                rows.append(self.learner.measured(self.recorder))
                continue
            chosen = self.batches.rows(position, min(_MOST_STEPS, int(self.steps[len(rows)]) - position))
            self.learner.advance(position, chosen)
            position += chosen.shape[1]
            self._keep(position, rows, is_done=False)
        self._keep(position, rows, is_done=True)
        return stacked_rows(rows)

    def _begun(self) -> tuple[int, list[dict[str, np.ndarray]]]:
        """Where training starts: at a checkpoint that was left, or at its beginning.

        Raises:
            CheckpointUnusable: for one of another training.
        """
        if self.checkpoint is None or (snapshot := self.checkpoint.read()) is None:
            return 0, []
        try:
            self.learner.load(snapshot.state)
        except Exception as error:  # whatever PyTorch makes of arrays that are not its own
            raise CheckpointUnusable("a checkpoint holds no state of this training.") from error
        self.checkpoint.check(snapshot, self.learner.leaves() or [], self.learner.measured(self.recorder), self.steps)
        return snapshot.step, snapshot.rows

    def _keep(self, position: int, rows: list[dict[str, np.ndarray]], *, is_done: bool) -> None:
        """Write the checkpoint if it is time; training goes on where that fails, for it needs none to finish."""
        checkpoint = self.checkpoint
        is_late = checkpoint is not None and time.monotonic() - checkpoint.since >= checkpoint.seconds
        if checkpoint is None or not (checkpoint.is_due or (is_done and is_late)):
            return
        leaves = self.learner.leaves()
        if leaves is None:
            self.checkpoint = None
            return
        try:
            checkpoint.write(snapshot_of(position, leaves, rows))
        except OutputFailed as error:
            warnings.warn(f"{error} Training goes on without a checkpoint.", stacklevel=2)
            self.checkpoint = None
