"""Ask for memory before using it: a refusal that says how much is needed beats a killed process."""

from __future__ import annotations

import psutil

from benign.foundation.errors import NotEnoughMemory


def available_bytes() -> int:
    """Bytes that can be allocated without swapping."""
    return int(psutil.virtual_memory().available)


def require_memory(needed: float, *, purpose: str, advice: str) -> None:
    """Refuse a computation that needs more than nine tenths of the free memory.

    Args:
        needed: bytes.
        purpose: what needs them, the subject of the sentence.
        advice: what the user can lower.

    Raises:
        NotEnoughMemory: if they are not there.
    """
    free = available_bytes()
    if needed > 0.9 * free:
        raise NotEnoughMemory(
            f"{purpose} needs about {needed / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free; {advice}."
        )
