"""The global random states of a process are its owner's: what we let foreign code draw from them never shows."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Whatever is drawn within from Python, NumPy and a loaded PyTorch, outside nothing was."""
    before = [(state, state.get()) for state in _global_states().values()]
    try:
        yield
    finally:
        for state, value in before:
            state.set(value)


@dataclass(frozen=True, kw_only=True)
class _GlobalState:
    """A random state that a whole process shares: how it is read, set, and made of a seed."""

    get: Callable[[], Any]
    set: Callable[[Any], None]
    seeded: Callable[[int], Any]


def _global_states() -> dict[str, _GlobalState]:
    """Those that are there; PyTorch's where it is loaded, and those of its devices where they are in use."""
    states = {
        "NumPy": _GlobalState(
            get=np.random.get_state,
            set=np.random.set_state,
            seeded=lambda seed: np.random.RandomState(seed).get_state(),
        ),
        "Python": _GlobalState(
            get=random.getstate,
            set=random.setstate,
            seeded=lambda seed: random.Random(seed).getstate(),  # noqa: S311 (no secret)
        ),
    }
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return states
    states["PyTorch"] = _GlobalState(
        get=torch.get_rng_state,
        set=torch.set_rng_state,
        seeded=lambda seed: _seeded(torch, seed, "cpu"),
    )
    for kind in ("cuda", "xpu"):
        if getattr(torch, kind).is_initialized():
            states[kind] = _of_devices(torch, kind)
    if torch.backends.mps.is_available():
        states["mps"] = _GlobalState(
            get=torch.mps.get_rng_state,
            set=torch.mps.set_rng_state,
            seeded=lambda seed: _seeded(torch, seed, "mps"),
        )
    return states


def _of_devices(torch: Any, kind: str) -> _GlobalState:
    module = getattr(torch, kind)
    devices = [f"{kind}:{place}" for place in range(module.device_count())]
    return _GlobalState(
        get=module.get_rng_state_all,
        set=module.set_rng_state_all,
        seeded=lambda seed: [_seeded(torch, seed, device) for device in devices],
    )


def _seeded(torch: Any, seed: int, device: str) -> Any:
    return torch.Generator(device).manual_seed(seed).get_state()


class OwnRandomStates:
    """The global random states, exchanged for ones that follow from a seed while code runs.

    Attributes:
        were_late: whether the code that ran brought in another one, by importing PyTorch or by first using its device:
            what it drew from that follows from no seed.
    """

    def __init__(self, seed: int) -> None:
        self.were_late = False
        self._seed = seed
        self._others: dict[str, Any] = {}

    def __enter__(self) -> None:
        self._states = _global_states()
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()
        self.were_late = _global_states().keys() != self._states.keys()

    def _swap(self) -> None:
        for name, state in self._states.items():
            other = self._others[name] if name in self._others else state.seeded(self._seed)
            self._others[name] = state.get()
            state.set(other)
