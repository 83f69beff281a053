"""The state of an optimiser as arrays, and back: no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch


def optimiser_leaves(optimiser: torch.optim.Optimizer) -> list[np.ndarray] | None:
    """What the optimiser remembers of each parameter: first what the arrays are, as JSON, then they.

    None where it remembers anything but tensors and numbers.
    """
    names: list[tuple[int, str, str]] = []
    arrays: list[np.ndarray] = []
    state: Mapping[int, Mapping[str, Any]] = optimiser.state_dict()["state"]
    for place in sorted(state):
        for name, value in state[place].items():
            if isinstance(value, torch.Tensor):
                names.append((place, name, "tensor"))
                arrays.append(value.detach().cpu().numpy().copy())
            elif value is None or isinstance(value, (bool, int, float)):
                names.append((place, name, json.dumps(value)))
            else:
                return None
    return [np.frombuffer(json.dumps(names).encode(), np.uint8), *arrays]


def load_optimiser(optimiser: torch.optim.Optimizer, leaves: Sequence[np.ndarray]) -> None:
    """Let the optimiser remember what :func:`optimiser_leaves` gave."""
    state: dict[int, dict[str, Any]] = {}
    arrays = iter(leaves[1:])
    for place, name, kind in json.loads(bytes(leaves[0])):
        value = torch.from_numpy(next(arrays).copy()) if kind == "tensor" else json.loads(kind)
        state.setdefault(place, {})[name] = value
    whole = optimiser.state_dict()
    optimiser.load_state_dict({**whole, "state": state})
