"""Ctrl-C: the first one asks a run to stop once its running jobs are done, the second one stops it at once.

A search does not wait for its jobs: it stops at the first.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType


def print_how_to_stop_at_once(running: int) -> None:
    """On standard error: what the first Ctrl-C did, and what a second one would do."""
    what = f"Finishing {running} running {'job' if running == 1 else 'jobs'}" if running else "Stopping"
    # There is no other way to reach who pressed it.
    print(f"\n{what}; Ctrl-C again stops at once.", file=sys.stderr, flush=True)  # noqa: T201


class Interruption:
    """Whether the user has asked to stop. Made by :func:`listening`."""

    def __init__(self, on_first: Callable[[], None] | None) -> None:
        self.is_asked = False
        self._on_first = on_first
        self._is_held = False
        self._is_due = False

    def ask(self, number: int, _frame: FrameType | None) -> None:
        """The signal handler. SIGTERM comes from a scheduler that will not wait: it stops at once."""
        is_first = not self.is_asked
        self.is_asked = True
        if is_first and number == signal.SIGINT and self._on_first is not None:
            self._on_first()
        elif self._is_held:
            self._is_due = True
        else:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """A block that is not interrupted: what has been measured reaches the store, then the interrupt follows."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._is_due:
            self._is_due = False
            raise KeyboardInterrupt


@contextlib.contextmanager
def listening(on_first: Callable[[], None] | None) -> Iterator[Interruption]:
    """Listen for SIGINT and SIGTERM while the block runs; in other threads than the main one nothing is heard.

    Args:
        on_first: called in the handler when the first Ctrl-C comes: tell the user what happens next. None where the
            first one stops at once, too.
    """
    interruption = Interruption(on_first)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
