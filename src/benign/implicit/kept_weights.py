"""Weights of trained networks in a folder, so that any measure can be computed of them again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import OutputFailed
from benign.foundation.output import write_whole
from benign.foundation.split import Split

Weights = tuple[Float[np.ndarray, "_time ..."], ...]


@dataclass(frozen=True, kw_only=True)
class KeptWeights:
    """A folder with one safetensors file for each (training, width, replicate), named after what decides its numbers.

    Attributes:
        folder: made where it is missing.
        training: canonical settings of procedure and training.
    """

    folder: Path
    training: Mapping[str, object]

    def place(self, width: int, split: Split) -> Path:
        """The file of a network."""
        words = json.dumps([dict(self.training), width, split.samples, repr(split.replicate)], sort_keys=True)
        digest = hashlib.sha256(words.encode())
        for part in (split.train_inputs, split.train_targets):
            digest.update(np.ascontiguousarray(part).data)
        return self.folder / f"{digest.hexdigest()[:32]}.safetensors"

    def write(self, width: int, split: Split, times: Sequence[float], weights: Weights) -> Path:
        """Keep the weights at these times, beside those kept of this network at others.

        Raises:
            OutputFailed: if the folder cannot be written, or what is there are no weights of this network.
        """
        from safetensors.numpy import save

        place, stored = self.place(width, split), self._stored(width, split)
        if os.path.lexists(place) and (stored is None or shapes(stored[1]) != shapes(weights)):
            raise OutputFailed(f"{place} holds no weights of this network and stays as it is; move it away.")
        times, weights = _with_others(stored, times, weights)
        arrays = {f"weights_{i}": np.ascontiguousarray(leaf) for i, leaf in enumerate(weights)}
        facts = {
            "times": json.dumps(list(times)),
            "width": str(width),
            "replicate": repr(split.replicate),
            "training": self._decides,
            "sha256": _digest(times, weights),
        }
        content = save(arrays, metadata=facts)
        return write_whole(place, lambda path: path.write_bytes(content))

    def read(self, width: int, split: Split, times: Sequence[float]) -> Weights | None:
        """The weights at these times, or None where they were not kept, or cannot be read."""
        stored = self._stored(width, split)
        if stored is None or not set(times) <= set(stored[0]):
            return None
        rows = [stored[0].index(time) for time in times]
        return tuple(leaf[rows] for leaf in stored[1])

    def _stored(self, width: int, split: Split) -> tuple[list[float], Weights] | None:
        """All times and weights that are kept of a network; None where there are none, or they cannot be read."""
        from safetensors import safe_open

        place = self.place(width, split)
        if not place.is_file():  # a FIFO would never end
            return None
        try:
            with safe_open(place, framework="numpy") as file:
                facts = file.metadata() or {}
                times = [float(time) for time in json.loads(facts["times"])]
                weights = tuple(file.get_tensor(f"weights_{i}") for i in range(len(list(file.keys()))))
        except Exception:  # whatever safetensors makes of bytes that somebody else wrote
            return None  # trained anew, which costs time alone
        is_whole = facts.get("sha256", digest := _digest(times, weights)) == digest  # none in files of earlier versions
        is_ours = facts.get("training") == self._decides and all(len(leaf) == len(times) for leaf in weights)
        return (times, weights) if is_whole and is_ours else None

    @property
    def _decides(self) -> str:
        return json.dumps(dict(self.training), sort_keys=True)


def shapes(weights: Weights) -> list[tuple[int, ...]]:
    """The shapes of a network's leaves at one time."""
    return [leaf.shape[1:] for leaf in weights]


def _digest(times: Sequence[float], weights: Weights) -> str:
    digest = hashlib.sha256(json.dumps(list(times)).encode())
    for leaf in weights:
        digest.update(f"{leaf.shape} {leaf.dtype}".encode())
        digest.update(np.ascontiguousarray(leaf).data)
    return digest.hexdigest()


def _with_others(
    stored: tuple[list[float], Weights] | None, times: Sequence[float], weights: Weights
) -> tuple[list[float], Weights]:
    """The new times and weights, and those kept at other times."""
    if stored is None:
        return list(times), weights
    others = [i for i, time in enumerate(stored[0]) if time not in times]
    moments = np.array([*(stored[0][i] for i in others), *times])
    order = np.argsort(moments)
    joined = (np.concatenate([old[others], new])[order] for old, new in zip(stored[1], weights, strict=True))
    return moments[order].tolist(), tuple(joined)
