"""When a training diverges: noted on the device at every step, without waiting for it."""

from __future__ import annotations

import torch

from benign.networks.torch_training.data import Place

LOST_STEP = "lost_step"
"""As what it is recorded: the step, counted from 0, in which a member had no finite number first; -1 where none."""


def nowhere_lost(members: int, place: Place) -> torch.Tensor:
    """The steps of members that have not diverged."""
    return torch.full((members,), -1, dtype=torch.int64, device=place.device)


def note_lost(lost: torch.Tensor, values: torch.Tensor, step: int) -> None:
    """Note the step for the members whose value is no finite number for the first time."""
    lost.masked_fill_((lost < 0) & ~torch.isfinite(values), step)
