"""Progress of long work, told to whoever listens; the work never knows how it is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Listener for long work. ``advance`` may be called from one thread only, with done never falling."""

    def __call__(self, task: str, done: float, total: float) -> None:
        """``done`` of ``total`` units of ``task`` are finished."""


def silent(task: str, done: float, total: float) -> None:
    """Show nothing."""
    del task, done, total


@dataclass(frozen=True, kw_only=True, eq=False)
class Activity:
    """What this process is busy with.

    Attributes:
        words: for users: ``"planning 100,000 jobs"``.
        since: when it began, by ``time.monotonic``.
    """

    words: str
    since: float


_activities: list[Activity] = []
_heard_at = time.monotonic()


@contextmanager
def doing(words: str) -> Iterator[None]:
    """Name what is done while the block runs, for whoever tells a user that waits; of nested ones the last counts."""
    activity = Activity(words=words, since=time.monotonic())
    _activities.append(activity)
    try:
        yield
    finally:
        _activities.remove(activity)
        heard()


def heard() -> None:
    """Work has moved, or a line was printed: nobody needs to be told yet that it goes on."""
    global _heard_at  # noqa: PLW0603 (one user looks at one process)
    _heard_at = time.monotonic()


def activity() -> Activity:
    """What the process is busy with; without a name, since it was last heard of."""
    try:
        return _activities[-1]
    except IndexError:
        return Activity(words="working", since=_heard_at)
