"""Which samples are measured: the same ones at every evaluation, so that what moves is the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from benign.foundation.errors import invalid

TRAIN_SAMPLES = 1_000
VALIDATION_SAMPLES = 2_000
"""At most; what is measured has to cost little beside the training, and this many answer most questions of triage."""

Indices = Int[np.ndarray, " samples"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """Samples by name.

    Attributes:
        indices: of ``train``, or of ``kept_train`` and ``flipped_train``; they rise.
        shares: of the training set, by the same names.
    """

    indices: Mapping[str, Indices]
    shares: Mapping[str, float]


def chosen_validation(count: int) -> Indices:
    """A random sample of at most 2,000, the same one each time."""
    return _some_of(count, VALIDATION_SAMPLES)


def chosen_train(count: int, relabelled: object = None) -> Chosen:
    """A random sample of at most 1,000, of which half are relabelled ones where there are so many.

    Args:
        count: size of the training set.
        relabelled: one truth value for each training sample: whether its label was replaced by another.

    Raises:
        InvalidArgument: if ``relabelled`` is something else.
    """
    if relabelled is None:
        return Chosen(indices={"train": _some_of(count, TRAIN_SAMPLES)}, shares={"train": 1.0})
    flipped = np.flatnonzero(_mask(relabelled, count))
    kept = np.setdiff1d(np.arange(count), flipped, assume_unique=True)
    few = min(flipped.size, TRAIN_SAMPLES // 2)
    return Chosen(
        indices={"kept_train": _some(kept, TRAIN_SAMPLES - few), "flipped_train": _some(flipped, few)},
        shares={"kept_train": kept.size / count, "flipped_train": flipped.size / count},
    )


def _mask(relabelled: Any, count: int) -> np.ndarray:
    mask = np.asarray(relabelled)
    if mask.shape != (count,) or not np.all((mask == 0) | (mask == 1)):
        got = f"shape {mask.shape}" if mask.shape != (count,) else "other values"
        raise invalid("relabelled", f"must be {count:,} truth values, one for each training sample; got {got}.")
    share = float(np.mean(mask != 0))
    if not 0.0 < share < 1.0:
        all_or_none = "all" if share else "none"
        raise invalid("relabelled", f"says that {all_or_none} of the training samples are relabelled; leave it out.")
    return mask != 0


def _some(these: Indices, most: int) -> Int[np.ndarray, " chosen"]:
    return these if these.size <= most else np.sort(_drawn(these, most))


def _drawn(population: Indices | int, most: int) -> Int[np.ndarray, " chosen"]:
    return np.random.default_rng(0).choice(population, most, replace=False, shuffle=False)


def _some_of(count: int, most: int) -> Int[np.ndarray, " chosen"]:
    """The same of 0 to count - 1, which a large data set need not be listed for."""
    return np.arange(count) if count <= most else np.sort(_drawn(count, most))
