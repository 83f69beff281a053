"""No command is silent for long: a thread says what it is busy with, where nothing was said for two seconds."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread

from benign.cli.answers import printable
from benign.cli.printing import beneath
from benign.foundation.progress import Activity, activity

_LOOK_SECONDS = 0.2
_SILENCE_SECONDS = 2.0
_SPARSE_SECONDS = 10.0
_BRIEF_SECONDS = 60.0

Say = Callable[[str, float], None]


def lasting() -> str:
    """What the command is busy with and for how long, once it lasts; empty before."""
    now, moment = activity(), time.monotonic()
    return printable(f"{now.words}, {moment - now.since:.0f} s") if moment - now.heard >= _SILENCE_SECONDS else ""


def _say_words(words: str, seconds: float) -> None:
    # A live bar shows it itself, and has taken the stream over.
    if not type(beneath(sys.stderr)).__module__.startswith("rich."):
        print(f"... {words}" + (f", {seconds:.0f} s" if seconds >= 1.0 else ""), file=sys.stderr, flush=True)


def _say_json(words: str, seconds: float) -> None:
    print(json.dumps({"event": "waiting", "for": words, "seconds": round(seconds, 1)}), file=sys.stderr, flush=True)


def _say_nothing(words: str, seconds: float) -> None:
    del words, seconds


_styles: dict[str, Say] = {"json": _say_json, "none": _say_nothing}
_said_in: list[Say] = [_say_nothing]


@contextmanager
def said_in(style: str) -> Iterator[None]:
    """While the block runs, waiting is said as this style of progress says things."""
    _said_in.append(_styles.get(style, _say_words))
    try:
        yield
    finally:
        _said_in.pop()


@contextmanager
def watched(arguments: Sequence[str] = ()) -> Iterator[None]:
    """While the block runs, what the command is busy with is said on standard error once it lasts.

    Args:
        arguments: those of the command, which may name a style long before it is looked at.
    """
    style = "=".join(arguments).partition("--progress=")[2].partition("=")[0]
    ended = Event()
    thread = Thread(target=_watch, args=(ended,), name="benign waiting", daemon=True)
    with said_in(style):
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _watch(ended: Event) -> None:
    rhythm = Rhythm()
    while not ended.wait(_LOOK_SECONDS):
        now = activity()
        if rhythm.is_due(now, time.monotonic()):
            with suppress(OSError, ValueError):  # nobody reads any more
                _said_in[-1](now.words, time.monotonic() - now.since)


class Rhythm:
    """When to speak: of what is brief every two seconds of its first minute, of the rest every ten."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def is_due(self, now: Activity, moment: float) -> bool:
        """Whether it is time for a line, which is then taken as said."""
        is_fresh = now.is_brief and moment - now.since <= _BRIEF_SECONDS
        pause = _SILENCE_SECONDS if is_fresh else _SPARSE_SECONDS
        is_due = moment - now.heard >= _SILENCE_SECONDS and moment - self._last >= pause
        if is_due:
            self._last = moment
        return is_due
