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
        heard: when work was last heard of.
        is_brief: whether it is what comes between the jobs, and soon over, or these.
    """

    words: str
    since: float
    heard: float
    is_brief: bool


_named: list[tuple[str, float]] = []
_WORKING = "working"
_heard = (_WORKING, time.monotonic())


@contextmanager
def doing(words: str) -> Iterator[None]:
    """Name what is done while the block runs, for whoever tells a user that waits; of nested ones the last counts."""
    entry = (words, time.monotonic())
    _named.append(entry)
    try:
        yield
    finally:
        _named.remove(entry)


def heard(words: str = _WORKING) -> None:
    """Work has moved, and stands as the words say: nobody needs to be told yet that it goes on."""
    global _heard  # noqa: PLW0603 (one user looks at one process)
    _heard = (words, time.monotonic())


def activity() -> Activity:
    """What the process is busy with."""
    general, moment = _heard
    try:
        words, since = _named[-1]
    except IndexError:
        return Activity(words=general, since=moment, heard=moment, is_brief=general == _WORKING)
    return Activity(words=words, since=since, heard=moment, is_brief=True)
