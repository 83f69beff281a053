"""Mini-batches from addresses: the order of an epoch follows from seed, initialisation and epoch alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate

# Fills up the last batch of an epoch.
NOBODY = -1


def batches(
    replicate: Replicate, *, samples: int, batch: int, start: int, steps: int
) -> Int[np.ndarray, "steps batch"]:
    """The rows of each of ``steps`` batches from step ``start`` on; :data:`NOBODY` where the last batch is short.

    Each epoch visits every sample once, in an order of its own.
    """
    per_epoch = -(-samples // batch)
    first, last = start // per_epoch, (start + steps - 1) // per_epoch
    epochs = [_epoch(replicate, epoch, samples, batch) for epoch in range(first, last + 1)]
    return np.concatenate(epochs)[start - first * per_epoch :][:steps]


def _epoch(replicate: Replicate, epoch: int, samples: int, batch: int) -> Int[np.ndarray, "per_epoch batch"]:
    if batch == samples:
        return np.arange(samples, dtype=np.int32)[None]
    order = generator(replicate.seed, "mini-batches", replicate.initialisation, epoch).permutation(samples)
    filled = np.full(-(-samples // batch) * batch, NOBODY, dtype=np.int32)
    filled[:samples] = order
    return filled.reshape(-1, batch)
