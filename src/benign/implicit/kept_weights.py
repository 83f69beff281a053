"""Weights of trained networks in a folder, so that any measure can be computed of them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benign.foundation.output import write_whole
from benign.foundation.split import Split

Weights = tuple[Float[np.ndarray, "time ..."], ...]


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
        """Keep the weights at these times in place of what was kept of this network.

        Raises:
            OutputFailed: if the folder cannot be written.
        """
        from safetensors.numpy import save

        arrays = {f"weights_{i}": np.ascontiguousarray(leaf) for i, leaf in enumerate(weights)}
        facts = {
            "times": json.dumps(list(times)),
            "width": str(width),
            "replicate": repr(split.replicate),
            "training": json.dumps(dict(self.training), sort_keys=True),
        }
        content = save(arrays, metadata=facts)
        return write_whole(self.place(width, split), lambda path: path.write_bytes(content))

    def read(self, width: int, split: Split, times: Sequence[float]) -> Weights | None:
        """The weights at these times, or None where they were not kept, or cannot be read."""
        from safetensors import SafetensorError, safe_open

        place = self.place(width, split)
        if not place.exists():
            return None
        try:
            with safe_open(place, framework="numpy") as stored:
                kept = json.loads((stored.metadata() or {})["times"])
                if not set(times) <= set(kept):
                    return None
                rows = [kept.index(time) for time in times]
                return tuple(stored.get_tensor(f"weights_{i}")[rows] for i in range(len(list(stored.keys()))))
        except (SafetensorError, OSError, KeyError, ValueError):
            return None  # trained anew, which costs time alone
