"""Mini-batches from addresses: the order of an epoch follows from seed, initialisation and epoch alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate

# Fills up the last batch of an epoch.
NOBODY = -1
# Epochs whose orders come from one generator: making one costs half as much as shuffling a few thousand samples.
_BLOCK = 16


def batches(
    replicate: Replicate, *, samples: int, batch: int, start: int, steps: int
) -> Int[np.ndarray, "steps batch"]:
    """The rows of each of ``steps`` batches from step ``start`` on; :data:`NOBODY` where the last batch is short.

    Each epoch visits every sample once, in an order of its own.
    """
    per_epoch = -(-samples // batch)
    first, last = start // per_epoch, (start + steps - 1) // per_epoch
    rows = np.full((last + 1 - first, per_epoch * batch), NOBODY, dtype=np.int32)
    rows[:, :samples] = _orders(replicate, first, last, samples) if batch < samples else np.arange(samples)
    return rows.reshape(-1, batch)[start - first * per_epoch :][:steps]


def _orders(replicate: Replicate, first: int, last: int, samples: int) -> Int[np.ndarray, "epochs samples"]:
    """The order of the samples in each epoch from ``first`` to ``last``."""
    orders = np.empty((last + 1 - first, samples), dtype=np.int64)
    for block in range(first // _BLOCK, last // _BLOCK + 1):
        random = generator(replicate.seed, "mini-batches", replicate.initialisation, block)
        for epoch in range(block * _BLOCK, min(last + 1, (block + 1) * _BLOCK)):
            order = random.permutation(samples)
            if epoch >= first:
                orders[epoch - first] = order
    return orders
