"""Progress of long work, told to whoever listens; the work never knows how it is shown."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Listener for long work. ``advance`` may be called from one thread only, with done never falling."""

    def __call__(self, task: str, done: float, total: float) -> None:
        """``done`` of ``total`` units of ``task`` are finished."""


def silent(task: str, done: float, total: float) -> None:
    """Show nothing."""
    del task, done, total
