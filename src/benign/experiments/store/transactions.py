"""Transactions whose errors are sentences, and that wait for a full disk to get room."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, TypeVar, final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from benign.experiments.store.engines import BEGIN
from benign.experiments.store.errors import StoreUnusable
from benign.experiments.store.locations import Location
from benign.experiments.store.troubles import Trouble, translated, trouble_of

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0


@final
class Transactions:
    """Reading and writing transactions of one store; see :class:`benign.experiments.store.Store` for the arguments."""

    def __init__(self, engine: Engine, location: Location, patience_seconds: float) -> None:
        self._engine: Final = engine
        self._writer: Final = engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        self._bare: Final = engine.execution_options(**{BEGIN: ""})
        self._location: Final = location
        self._patience: Final = patience_seconds
        self._closed = False
        # A store in memory is one connection: its threads take turns.
        self._turn: AbstractContextManager[object] = threading.Lock() if location.is_in_memory else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the store.

        Raises:
            StoreUnusable: with a sentence, for whatever the database raises.
        """
        with self._sentences(), self._turn, self._engine.begin() as connection:
            yield connection

    def writing(self, work: Callable[[Connection], T], *, repeatable: bool = False) -> T:
        """Run ``work`` in a transaction, and again from its beginning while the disk is full.

        Args:
            work: what is to be done.
            repeatable: whether to do it again after a lost connection, where nobody knows if it was committed.

        Raises:
            StoreFull: if there is no room after ``patience_seconds``.
            StoreUnusable: with a sentence, for whatever else the database raises.
        """
        troubles = {Trouble.FULL, Trouble.CONFLICT} | ({Trouble.UNREACHABLE} if repeatable else set())
        return self._patiently(self._writer, work, troubles)

    def outside(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` outside any transaction, where SQLite does not wait for its turn by itself.

        Raises:
            StoreUnusable: with a sentence, for whatever the database raises.
        """
        return self._patiently(self._bare, work, {Trouble.FULL, Trouble.LOCKED})

    def _patiently(self, engine: Engine, work: Callable[[Connection], T], troubles: set[Trouble]) -> T:
        deadline, pause = time.monotonic() + self._patience, _FIRST_PAUSE
        with self._sentences():
            while True:
                try:
                    with self._turn, engine.begin() as connection:
                        return work(connection)
                except SQLAlchemyError as error:
                    left = deadline - time.monotonic()
                    if left <= 0 or trouble_of(error, self._location) not in troubles:
                        raise
                time.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE)

    def close(self) -> None:
        """Give the connections back; the last one to leave a SQLite file folds its log into it."""
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        if self._closed:
            raise StoreUnusable(f"The store {self._location.printable} was closed; open it again.")
        try:
            yield
        except SQLAlchemyError as error:
            raise translated(error, self._location) from error
