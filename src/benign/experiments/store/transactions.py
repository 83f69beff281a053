"""Transactions whose errors are sentences, and that wait for a full disk to get room and for others to finish."""

from __future__ import annotations

import os
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
from benign.experiments.store.patience import patience_with
from benign.experiments.store.troubles import Trouble, translated, trouble_of
from benign.foundation.progress import doing

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


@final
class Transactions:
    """Reading and writing transactions of one store; see :class:`benign.experiments.store.Store` for the arguments."""

    def __init__(self, engine: Engine, location: Location, patience_seconds: float) -> None:
        self._engine: Final = engine
        self._writer: Final = engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        self._bare: Final = engine.execution_options(**{BEGIN: ""})
        self._location: Final = location
        self._seconds: Final = patience_seconds
        self._patience: Final = patience_with(location)
        self._closed = False
        self._place: tuple[int, int] | None = None  # device and inode
        # A store in memory is one connection: its threads take turns.
        self._turn: AbstractContextManager[object] = threading.Lock() if location.is_in_memory else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the store.

        Raises:
            StoreLocked: if others keep it locked.
            StoreUnusable: with a sentence, for whatever else the database raises.
        """
        with self._sentences(), self._turn:
            connection = self._patiently(self._begun, {Trouble.LOCKED}, writing=False)
            with connection:
                yield connection
                connection.commit()

    def writing(self, work: Callable[[Connection], T], *, repeatable: bool = False) -> T:
        """Run ``work`` in a transaction, and again from its beginning while the disk is full or the store locked.

        Args:
            work: what is to be done.
            repeatable: whether to do it again after a lost connection, where nobody knows if it was committed.

        Raises:
            StoreFull: if there is still no room when our patience ends.
            StoreLocked: likewise, if others keep it locked.
            StoreUnusable: with a sentence, for whatever else the database raises.
        """
        troubles = {Trouble.FULL, Trouble.LOCKED, Trouble.CONFLICT}
        troubles |= {Trouble.UNREACHABLE} if repeatable else set()
        return self._worked(self._writer, work, troubles)

    def outside(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` outside any transaction.

        Raises:
            StoreUnusable: with a sentence, for whatever the database raises.
        """
        return self._worked(self._bare, work, {Trouble.FULL, Trouble.LOCKED})

    def _worked(self, engine: Engine, work: Callable[[Connection], T], troubles: set[Trouble]) -> T:
        def once() -> T:
            with self._turn, engine.begin() as connection:
                result = work(connection)
                self._check_place()
                return result

        with self._sentences():
            return self._patiently(once, troubles, writing=True)

    def _begun(self) -> Connection:
        """A connection in a transaction that has its view of the store: from here on no other program is in the way."""
        connection = self._engine.connect()
        try:
            connection.begin()
            if not self._location.is_server:
                connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")
        except BaseException:
            connection.close()
            raise
        return connection

    def _patiently(self, attempt: Callable[[], T], troubles: set[Trouble], *, writing: bool) -> T:
        """Try until it succeeds; raise what is none of the troubles, and, once our patience has ended, these too."""
        refusal = self._patience.reason_not_to_try
        if refusal is not None:
            raise refusal
        pause = _FIRST_PAUSE
        while True:
            begun = time.monotonic()
            try:
                result = attempt()
            except SQLAlchemyError as error:
                trouble = trouble_of(error, self._location)
                left = self._patience.seconds_left(self._seconds, begun, writing=writing)
                if left <= 0 and trouble is Trouble.UNREACHABLE:
                    self._patience.give_up(error)
                if left <= 0 or trouble not in troubles:
                    raise
            else:
                self._patience.renew(writing=writing)
                return result
            with doing(trouble.waiting(self._location)):
                time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _check_place(self) -> None:
        """SQLite goes on writing to a file that was deleted or moved away, and all of it would be lost.

        Raises:
            StoreUnusable: if what is open is no longer what stands at the store's address.
        """
        if self._location.file is None:
            return
        try:
            now = os.stat(self._location.file)  # noqa: PTH116 (half the time of Path's, at every write)
            found = (now.st_dev, now.st_ino)
        except OSError:
            found = None
        self._place = self._place or found
        if found is None or found != self._place:
            raise StoreUnusable(
                f"The store {self._location.printable} was deleted, moved or replaced while it was open; put it back,"
                " then start again: what it holds is not measured twice."
            )

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
        except UnicodeDecodeError as error:  # SQLite's own sentence repeats what is damaged
            raise Trouble.DAMAGED.sentence(self._location, "its schema is no text") from error
