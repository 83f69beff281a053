"""Where networks are trained, and what suits that device: how many members at once, which widths share a program."""

from __future__ import annotations

import importlib.util
import os
import shutil
from itertools import count
from types import ModuleType
from typing import Literal

from benign.foundation.errors import MissingExtra, invalid
from benign.foundation.extras import require
from benign.foundation.folders import cache_folder

DeviceName = Literal["cpu", "gpu"] | None
"""A kind of device; None is JAX's own choice, a GPU where it sees one."""

# A processor is fastest when what the members that run at once touch stays near its second-level cache; measured at
# widths 8 to 256 on 4,000 samples of 40 numbers and 300 of 64, each member with samples of its own.
_NUMBERS_AT_ONCE = 2**19
_MOST_AT_ONCE = 16
_ALONE = 0.2  # what a step costs once a group, in members


def require_jax(purpose: str) -> None:
    """Check, without importing it, that JAX and its companions are installed.

    Raises:
        MissingExtra: if one is not; the message holds the command that installs them.
    """
    for module in ("jax", "equinox", "optax", "safetensors"):
        if importlib.util.find_spec(module) is None:
            require(module, extra="networks", purpose=purpose)
            raise MissingExtra(f'{purpose} needs the package {module!r}: pip install "benign[networks]"')


def loaded_jax() -> ModuleType:
    """JAX, its compiled programs kept on disk for the next process: where the user has set a place of their own, or in
    the user's cache; nowhere if that cannot be written.

    On a GPU memory is taken as it is needed, so that several processes can share it.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    jax = require("jax", extra="networks", purpose="training networks")
    if jax.config.jax_compilation_cache_dir is None and (folder := cache_folder()) is not None:
        jax.config.update("jax_compilation_cache_dir", str(folder / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return jax


def find_device(name: DeviceName) -> object:
    """The JAX device of a kind.

    Raises:
        InvalidArgument: for an unknown kind, or a GPU where JAX sees none.
    """
    if name not in ("cpu", "gpu", None):
        raise invalid("device", f'must be "cpu", "gpu" or None, got {name!r}.')
    jax = loaded_jax()
    try:
        return jax.local_devices(backend=name)[0]
    except RuntimeError as error:
        raise invalid(
            "device",
            "asks for a GPU, but JAX sees none here; install a JAX for it (https://docs.jax.dev, "
            "installation), or leave `device` out to train on the processor.",
        ) from error


def has_gpu() -> bool:
    """Whether training would run on a GPU, told without starting JAX."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    plugin = any(importlib.util.find_spec(f"jax_cuda{version}_plugin") is not None for version in (12, 13))
    return plugin and shutil.which("nvidia-smi") is not None and not platforms.startswith("cpu")


def members_at_once(numbers: int, members: int, device: object) -> int:
    """How many members, each touching ``numbers`` numbers, one vectorised step trains; the other groups follow."""
    if getattr(device, "platform", "cpu") != "cpu":
        return members
    most = max(1, min(_MOST_AT_ONCE, members, _NUMBERS_AT_ONCE // numbers))
    # The last group is filled up with copies, which is work for nothing; single members vectorise worse.
    return min(range(1, most + 1), key=lambda together: -(-members // together) * together * (1.0 + _ALONE / together))


def program_width(width: int, device: object) -> int:
    """The width of the program that trains this width, zeros filling it up.

    On a processor 8, 12, 16, 24, 32, ...: half the compilations for at most a third more units. On a GPU, where a small
    matrix product costs as much as a larger one, 16, 64, 256, ...
    """
    on_gpu = getattr(device, "platform", "cpu") != "cpu"
    steps = (16 * 4**power for power in count()) if on_gpu else (rung << power for power in count() for rung in (8, 12))
    return next(step for step in steps if step >= width)


def free_bytes(device: object) -> int | None:
    """Bytes free on a GPU, or None on the processor, whose memory psutil knows."""
    statistics = device.memory_stats() if getattr(device, "platform", "cpu") != "cpu" else None  # type: ignore[attr-defined]
    return None if not statistics else int(statistics["bytes_limit"] - statistics["bytes_in_use"])
