"""A driver's sign of life, sent from a thread of its own while the main one computes or waits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from benign.experiments.store import Store
from benign.foundation.errors import BenignError


@contextlib.contextmanager
def beating(store: Store, driver: str) -> Iterator[None]:
    """Renew the driver's lease four times in its length while the block runs.

    A beat that fails is only missed: if the store is gone, the main thread learns it when it writes a result.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(store.lease_seconds / 4.0):
            with contextlib.suppress(BenignError):
                store.heartbeat(driver)

    thread = threading.Thread(target=beat, name="benign heartbeat", daemon=True)
    if not store.is_private:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if thread.is_alive():
            thread.join()
