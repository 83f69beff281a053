"""Random numbers of a module: the global states of PyTorch, NumPy and Python, which its code may draw from."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch

from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate


def addressed_seed(replicate: Replicate, purpose: str, size: int) -> int:
    """A seed below 2^31 that the replicate's initialisation and the size decide."""
    return int(generator(replicate.seed, purpose, replicate.initialisation, size).integers(2**31 - 1))


def seed_all(seed: int) -> None:
    """Set the global states of PyTorch, on all its devices, of NumPy and of Python."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global one is meant
    random.seed(seed)


def random_leaves(device: torch.device) -> list[np.ndarray]:
    """The global states as arrays, the device's among them."""
    _, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002
    version, words, spare = random.getstate()
    own = [torch.cuda.get_rng_state(device).numpy()] if device.type == "cuda" else []
    return [
        torch.get_rng_state().numpy(),
        np.asarray(keys),
        np.array([position, has_gauss], np.int64),
        np.array([gauss, np.nan if spare is None else spare]),
        np.array([version, *words], np.int64),
        *own,
    ]


def set_random(leaves: Sequence[np.ndarray], device: torch.device) -> None:
    """Set the global states to what :func:`random_leaves` gave."""
    cpu, keys, counts, spares, words, *own = leaves
    torch.set_rng_state(torch.from_numpy(cpu.copy()))
    np.random.set_state(("MT19937", keys, int(counts[0]), int(counts[1]), float(spares[0])))  # noqa: NPY002
    version, *rest = words.tolist()
    random.setstate((version, tuple(rest), None if np.isnan(spares[1]) else float(spares[1])))
    for state in own:
        torch.cuda.set_rng_state(torch.from_numpy(state.copy()), device)
