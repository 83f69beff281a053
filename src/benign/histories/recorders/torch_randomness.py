"""Random numbers that a recorder draws, or lets a model or a data set draw, are none of the training's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def random_state_kept(device: torch.device | None = None) -> Iterator[None]:
    """Whatever is drawn within, outside nothing was."""
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - the user's
    accelerator = None if device is None or device.type in ("cpu", "meta") else getattr(torch, device.type)
    place = () if device is None or device.type == "mps" else (device,)
    state = None if accelerator is None else accelerator.get_rng_state(*place)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_rng_state(cpu)
        if accelerator is not None:
            accelerator.set_rng_state(state, *place)
