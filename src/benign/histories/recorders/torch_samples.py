"""Samples of PyTorch users, in batches: whatever they hand to their training loop."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, default_collate

from benign.foundation.errors import attempted, invalid, listed
from benign.foundation.global_randomness import random_states_kept
from benign.foundation.wording import shown, told
from benign.histories.recorders.chosen_samples import Indices

_BATCH_BYTES = 1 << 22
_MOST_A_BATCH, _LEAST_A_BATCH = 2_048, 16
_MOST_BYTES = 1 << 29
_STREAMED = 3_000

Collate = Callable[[list[Any]], Any]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Inputs as the model takes them, and their targets."""

    inputs: Any
    targets: Any
    count: int


@dataclass(kw_only=True, eq=False)
class Samples:
    """Some samples of a data set, read once and kept, on the model's device where there is room.

    Attributes:
        source: what they are from.
        indices: which ones; fewer than were asked for where they would take more than half a GiB.
    """

    source: Source
    indices: Indices
    _held: list[Batch] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        most = max(_MOST_BYTES // self.source.bytes_a_sample, 1)
        if self.indices.size > most:
            self.indices = self.indices[:: -(-self.indices.size // most)]

    def batches(self, like: torch.Tensor) -> Iterator[Batch]:
        """The samples on the device of a tensor, and floats of its kind."""
        if not self._held or _device(self._held[0]) != like.device:
            read = self._held or self.source.batches(self.indices)
            self._held = [_moved(batch, like) for batch in read]
        return iter(self._held)


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """A data set that can be asked for single samples.

    Attributes:
        rows: what collects samples, given where they are.
        count: how many it has.
        bytes_a_sample: of memory, of the first one.
        split: what tells inputs and targets of a collected batch apart.
    """

    rows: Callable[[Indices], Any]
    count: int
    bytes_a_sample: int
    split: Callable[[Any], tuple[Any, Any]]

    def batches(self, indices: Indices) -> Iterator[Batch]:
        """Some samples, in batches that any machine has room for."""
        size = min(max(_BATCH_BYTES // self.bytes_a_sample, _LEAST_A_BATCH), _MOST_A_BATCH)
        for start in range(0, indices.size, size):
            chosen = indices[start : start + size]
            inputs, targets = self.split(self.rows(chosen))
            yield Batch(inputs=inputs, targets=targets, count=chosen.size)

    def all_batches(self, like: torch.Tensor) -> Iterator[Batch]:
        """All of them, read anew, on the device of a tensor."""
        return (_moved(batch, like) for batch in self.batches(np.arange(self.count)))


def source_of(argument: str, given: Any, *, collate: Collate | None = None) -> Source:
    """The samples in a pair of arrays (inputs, targets), a data set or a loader; of a stream its first 3,000.

    Args:
        argument: its name, for the sentence.
        given: what the user has.
        collate: makes a batch of samples; the loader's own, or PyTorch's, unless given.

    Raises:
        InvalidArgument: if it is nothing of the kind, or empty.
    """
    rows, count = attempted(
        lambda: _rows_of(argument, given, collate),
        lambda error: invalid(argument, f"cannot be read sample by sample ({told(error)})."),
    )
    if not count:
        raise invalid(argument, "holds no samples.")
    with random_states_kept():
        first = rows(np.arange(1))
    size = max(sum(leaf.element_size() * leaf.numel() for leaf in _tensors(first)), 1)
    return Source(rows=rows, count=count, bytes_a_sample=size, split=_Pairs(argument))


def _rows_of(argument: str, given: Any, collate: Collate | None) -> tuple[Callable[[Indices], Any], int]:
    if isinstance(given, (tuple, list)) and len(given) == 2 and all(hasattr(part, "shape") for part in given):
        given = torch.utils.data.TensorDataset(*map(torch.as_tensor, given))
    if isinstance(given, DataLoader):
        collate = collate or given.collate_fn
        given = given.dataset
    if isinstance(given, torch.utils.data.TensorDataset) and collate in (None, default_collate):
        tensors = given.tensors
        return lambda indices: [part[torch.as_tensor(indices)] for part in tensors], len(given)
    made = collate or default_collate
    if not hasattr(given, "__getitem__") or not hasattr(given, "__len__"):
        if not hasattr(given, "__iter__"):
            kinds = "a pair (inputs, targets), a data set or a loader"
            raise invalid(argument, f"must be {kinds}; got {type(given).__name__} {shown(given)}.")
        with random_states_kept():
            given = list(itertools.islice(given, _STREAMED))
    return lambda indices: made([given[int(index)] for index in indices]), len(given)


@dataclass(frozen=True)
class _Pairs:
    argument: str

    def __call__(self, batch: Any) -> tuple[Any, Any]:
        if isinstance(batch, Sequence) and len(batch) == 2:
            return batch[0], batch[1]
        if isinstance(batch, Mapping) and "labels" in batch:  # which stay among the inputs: the model makes its loss
            return batch, batch["labels"]
        held = f"{len(batch)} parts" if isinstance(batch, Sequence) else type(batch).__name__
        if isinstance(batch, Mapping):
            held = f"dicts of {listed(batch)}"
        kinds = "pairs of an input and a target, or dicts with `labels`"
        raise invalid(self.argument, f"must hold {kinds}; its samples are {held}.")


def _tensors(nested: Any) -> Iterator[torch.Tensor]:
    if isinstance(nested, torch.Tensor):
        yield nested
    elif isinstance(nested, Mapping):
        for part in nested.values():
            yield from _tensors(part)
    elif isinstance(nested, (tuple, list)):
        for part in nested:
            yield from _tensors(part)


def _moved(batch: Batch, like: torch.Tensor) -> Batch:
    kind = like.dtype if like.dtype == torch.float64 else torch.float32  # targets are not rounded to half precision
    inputs, targets = _to(batch.inputs, like.device, like.dtype), _to(batch.targets, like.device, kind)
    return Batch(inputs=inputs, targets=targets, count=batch.count)


def _to(nested: Any, device: torch.device, kind: torch.dtype) -> Any:
    if isinstance(nested, torch.Tensor):
        return nested.to(device, kind if nested.is_floating_point() else nested.dtype)
    if isinstance(nested, Mapping):
        return {name: _to(part, device, kind) for name, part in nested.items()}
    return [_to(part, device, kind) for part in nested] if isinstance(nested, (tuple, list)) else nested


def _device(batch: Batch) -> torch.device | None:
    return next((leaf.device for leaf in _tensors([batch.inputs, batch.targets])), None)
