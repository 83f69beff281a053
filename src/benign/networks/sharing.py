"""What members have in common: data sets and orders of mini-batches are kept once, however many members use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benign.foundation.replicate import Replicate
from benign.foundation.split import Split

# What of a split members train and are measured on, in the order of the fields of networks.recording.Data.
PARTS = (
    "train_inputs",
    "train_targets",
    "train_targets_clean",
    "test_inputs",
    "test_targets",
    "test_targets_noisy",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """The different data sets and orders among some members' splits.

    Attributes:
        data: splits with different arrays.
        data_of: for each member the place of its data set in ``data``.
        orders: replicates that give different mini-batches.
        order_of: for each member the place of its order in ``orders``.
    """

    data: tuple[Split, ...]
    data_of: tuple[int, ...]
    orders: tuple[Replicate, ...]
    order_of: tuple[int, ...]


def shared(splits: Sequence[Split]) -> Shared:
    """Data sets by their content, which only splits of one draw and label noise can share; orders by their address."""
    alike: dict[tuple[int, int, int], list[int]] = {}  # places of the splits of one draw and label noise
    kept: list[Split] = []
    places: dict[int, int] = {}
    orders: dict[tuple[int, int], Replicate] = {}
    for split in splits:
        replicate = split.replicate
        orders.setdefault((replicate.seed, replicate.initialisation), replicate)
        if id(split) not in places:
            candidates = alike.setdefault((replicate.seed, replicate.draw, replicate.noise), [])
            place = next((place for place in candidates if _is_same(kept[place], split)), None)
            if place is None:
                place = len(kept)
                kept.append(split)
                candidates.append(place)
            places[id(split)] = place
    addresses = {address: place for place, address in enumerate(orders)}
    return Shared(
        data=tuple(kept),
        data_of=tuple(places[id(split)] for split in splits),
        orders=tuple(orders.values()),
        order_of=tuple(addresses[split.replicate.seed, split.replicate.initialisation] for split in splits),
    )


def _is_same(one: Split, other: Split) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in PARTS)
