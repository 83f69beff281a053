"""How long a store is waited for: once in all, however many calls of a command meet the same trouble."""

from __future__ import annotations

import threading
import time
from typing import Final, final

from benign.experiments.store.locations import Location

_ASKED_AGAIN_AFTER_SECONDS: Final = 10.0


@final
class Patience:
    """The trouble that this process has with one store, shared by everything that opens it.

    It lasts from the first call that met it to the first that succeeded: all calls in between wait for the same moment,
    and those after it do not wait. A success of reading does not end what only writers meet, such as a full disk.
    """

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._since: float | None = None
        self._is_writers = False
        self._lost: tuple[float, Exception] | None = None

    def seconds_left(self, seconds: float, begun: float, *, writing: bool) -> float:
        """What a call that has just failed may still wait.

        Args:
            seconds: the patience of whoever calls.
            begun: when the call was made, by ``time.monotonic``.
            writing: whether it was to write.
        """
        with self._lock:
            self._since = begun if self._since is None else self._since
            self._is_writers |= writing
            return self._since + seconds - time.monotonic()

    def renew(self, *, writing: bool) -> None:
        """A call has succeeded."""
        if self._since is None:
            return
        with self._lock:
            if writing or not self._is_writers:
                self._since, self._is_writers, self._lost = None, False, None

    def give_up(self, error: Exception) -> None:
        """Nothing answers, and finding that out takes seconds: the next calls need not try."""
        self._lost = time.monotonic(), error

    @property
    def reason_not_to_try(self) -> Exception | None:
        """What a call would find out again, if it was found out a moment ago."""
        lost = self._lost
        is_recent = lost is not None and time.monotonic() - lost[0] < _ASKED_AGAIN_AFTER_SECONDS
        return lost[1] if lost is not None and is_recent else None


_patience: dict[str, Patience] = {}


def patience_with(location: Location) -> Patience:
    """The one of this process; a store in memory, which nobody shares, has its own."""
    if location.is_in_memory:
        return Patience()
    return _patience.setdefault(location.url.render_as_string(hide_password=False), Patience())
