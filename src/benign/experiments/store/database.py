"""The store as the rest of the package sees it."""

from __future__ import annotations

import secrets
import shlex
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar, final

from sqlalchemy import URL, Connection

from benign.experiments.parts import Part
from benign.experiments.states import Failure, JobResult, RunRecord, RunSummary, State, StoredBlock, Unit
from benign.experiments.store import claiming, drivers, planning, reading
from benign.experiments.store.engines import bytes_in, copy_of, engine_of, forbid_writing, give_space_back
from benign.experiments.store.errors import StoreUnusable
from benign.experiments.store.expressions import batches
from benign.experiments.store.locations import Location, located
from benign.experiments.store.transactions import Transactions
from benign.experiments.store.versions import bring_to_head, is_older
from benign.foundation.memory import require_memory
from benign.foundation.numbers import checked_count, checked_positive
from benign.foundation.wording import shown

P = ParamSpec("P")
T = TypeVar("T")

_MOST_NAMED = 5


@final
class Store:
    """Runs, the units of work that they share, and the blocks that were measured.

    Every method is one transaction and returns once it is committed; only :meth:`blocks` reads in several. A store in a
    file or on a server may be used by several drivers at once, and by several threads of each. Every method raises
    :class:`benign.experiments.store.errors.StoreUnusable`, one sentence, for whatever the database raises; those that
    write wait for a full disk to get room first.

    Built by :meth:`open`.

    Attributes:
        location: the store as users read it, its password hidden.
        lease_seconds: a driver that has not been heard of for so long is given up.
        is_private: whether it is in memory, where no other driver can see it.
    """

    def __init__(self, location: Location, transactions: Transactions, lease_seconds: float) -> None:
        self._location: Final = location
        self._transactions: Final = transactions
        self.location: Final = location.printable
        self.lease_seconds: Final = lease_seconds
        self.is_private: Final = location.is_in_memory

    @classmethod
    def open(
        cls, location: str | Path | None = None, *, lease_seconds: float = 60.0, patience_seconds: float = 30.0
    ) -> Store:
        """Open a store; make it if there is none, and bring its schema up to date if it is older.

        A file that cannot be written, or whose folder cannot, can still be read; a warning says so where a driver has
        not yet written into it all that it has measured.

        Args:
            location: path of a SQLite file (or ``sqlite:///path``), ``":memory:"`` for a private one that ends with
                this object, or ``postgresql://user:password@host/database``; None for what ``BENIGN_STORE`` says, or
                else a file in the platform's folder for a user's data.
            lease_seconds: a driver that has not been heard of for so long is given up.
            patience_seconds: how long all calls together wait for another program's lock to go, for a full disk to get
                room or for a server to come back; a success renews it.

        Raises:
            InvalidArgument: if ``location`` is no path or address.
            MissingExtra: if it is a server's, and psycopg is not installed.
            StoreTooNew: if a newer version of this package wrote it.
            StoreUnusable: if it cannot be opened for any other reason.
        """
        where = located(location)
        lease = checked_positive("lease_seconds", lease_seconds, kind="positive")
        patience = checked_positive("patience_seconds", patience_seconds, kind="positive")
        if where.file is not None:
            _make_folder(where.file, where.printable)
        transactions = Transactions(engine_of(where, patience), where, patience)
        try:
            if where.is_read_only:
                _warn_of_log(where)
                if is_older(transactions):
                    where, transactions = _copied(where, transactions, patience)
            bring_to_head(transactions, where)
        except BaseException:
            transactions.close()
            raise
        return cls(where, transactions, lease)

    def close(self) -> None:
        """Close it; one in memory is lost."""
        self._transactions.close()

    def _read(self, question: Callable[Concatenate[Connection, P], T], *about: P.args, **options: P.kwargs) -> T:
        with self._transactions.reading() as connection:
            return question(connection, *about, **options)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------------------------------------------------- runs

    def add_run(self, run: RunRecord, wanted: Iterable[tuple[str, str]], parts: Mapping[str, Part]) -> None:
        """Store a run, and plan those of its units that do not exist yet.

        A run that is there already gets the name of this one, its declaration if it has one, and the further units.

        Args:
            run: ``created`` is filled in by the store.
            wanted: cell and part of each of its units.
            parts: those that may be new to the store, by key.

        Raises:
            InvalidArgument: if a wanted part is neither in ``parts`` nor in the store, or if a text cannot be stored.
        """
        pairs = list(batches(wanted))
        self._transactions.writing(lambda it: planning.add_run(it, run, pairs, parts), repeatable=True)

    def has_run(self, run_id: str) -> bool:
        """Whether there is such a run, and neither it nor which units are its own is damaged."""
        return self._read(reading.is_whole, run_id)

    def run(self, run_id: str) -> RunRecord:
        """One run.

        Raises:
            UnknownName: if there is no such run; the message names the nearest. So do all methods that take a run.
            RunDamaged: if it is not what was written.
        """
        return self._read(reading.record_of, run_id)

    def runs(self) -> list[RunSummary]:
        """All runs with their progress, newest first; a warning names those that are damaged."""
        found, damaged = self._read(reading.summaries, self.lease_seconds)
        if damaged:
            warnings.warn(
                f"Damaged in the store {self.location}, and left out: {_some(damaged)}; start again with"
                " `benign run FILE`: what is measured is kept.",
                stacklevel=1,
            )
        if broken := [shown(summary.record.id) for summary in found if not summary.is_whole]:
            warnings.warn(
                f"Some jobs are damaged in the store {self.location}, so numbers of blocks and seconds may be wrong for"
                f" {_some(broken)}; mend with `benign resume RUN`.",
                stacklevel=1,
            )
        return found

    def delete_run(self, run_id: str) -> int:
        """Delete a run with the units and blocks that no other run uses; return how many blocks went.

        Raises:
            RunInUse: if a living driver is measuring one of these units.
        """
        blocks = self._transactions.writing(lambda it: planning.delete_run(it, run_id, self.lease_seconds))
        if self._location.file is not None and not self._read(drivers.is_any_there):  # they would have to wait
            self._transactions.outside(give_space_back)
        return blocks

    def summary(self, run_id: str) -> RunSummary:
        """One run with its progress."""
        return self._read(reading.summary_of, run_id, self.lease_seconds)

    def counts(self, run_id: str) -> Mapping[State, int]:
        """How many units of a run are in each state; all four are there."""
        return self.summary(run_id).counts

    def failures(self, run_id: str) -> list[Failure]:
        """The units of a run that failed; a warning counts those of which what went wrong is damaged."""
        found, damaged = self._read(reading.failures_of, run_id)
        if damaged:
            warnings.warn(
                f"Damaged in the store, and left out: {damaged:,} of the failures of {run_id}; try again with: benign"
                f" resume {shlex.quote(run_id)} --retry-failed",
                stacklevel=1,
            )
        return found

    def provenances(self, run_id: str) -> list[str]:
        """Each different provenance of a run's blocks, as JSON; ``{}`` for one that is damaged."""
        return self._read(reading.provenances_of, run_id)

    # --------------------------------------------------------------------------------------------- units, parts, blocks

    def units_of_run(self, run_id: str) -> list[Unit]:
        """All units of a run, in the order they were planned."""
        return self._read(reading.units_of_run, run_id)

    def units_of_cells(self, cells: Sequence[str]) -> list[Unit]:
        """All units of these cells, of whatever run."""
        return self._read(reading.units_of_cells, cells)

    def states(self, units: Iterable[int]) -> dict[int, State]:
        """State of each of the units that is still there."""
        return self._read(reading.states_of, units)

    def parts(self, keys: Iterable[str]) -> dict[str, Part]:
        """Those of the parts that are there and whole."""
        return self._read(reading.parts_of, keys)

    def blocks(self, run_id: str, cells: Sequence[str] | None = None) -> Iterator[StoredBlock]:
        """The measured blocks of a run, all or those of some cells.

        They are read as they are asked for, a few megabytes at a time; a block deleted meanwhile is left out, and one
        that is damaged comes without its payload.
        """
        chunks = self._read(reading.block_chunks, run_id, cells)
        return (block for chunk in chunks for block in self._read(reading.blocks_of, chunk))

    def set_aside(self, run_id: str, damaged: Iterable[int], lost: Iterable[int] = ()) -> None:
        """Plan damaged units of a run again, as if never tried.

        Args:
            run_id: the run.
            damaged: those whose block is of no use.
            lost: those of which it is not even known what they measured: they are the run's no longer.
        """
        self._transactions.writing(
            lambda it: planning.set_aside(it, run_id, list(damaged), list(lost)), repeatable=True
        )

    # ------------------------------------------------------------------------------------------------------- drivers

    def enter_driver(self) -> str:
        """Enter this process as a driver; return the name under which it claims units."""
        name = secrets.token_hex(16)
        self.heartbeat(name)
        return name

    def heartbeat(self, driver: str) -> None:
        """Say that the driver lives; do so several times in ``lease_seconds``."""
        self._transactions.writing(lambda it: drivers.beat(it, driver), repeatable=True)

    def leave_driver(self, driver: str) -> None:
        """Take the driver off; what it was measuring is planned again."""
        self._transactions.writing(lambda it: drivers.leave(it, driver), repeatable=True)

    def release_abandoned(self) -> int:
        """Plan again what drivers that do not live were measuring; return how many units.

        A driver does not live if it left, if it was a process of this machine that has ended, or if it was not heard of
        for ``lease_seconds`` by the store's clock.
        """
        return self._transactions.writing(lambda it: drivers.release_abandoned(it, self.lease_seconds))

    # --------------------------------------------------------------------------------------------------- a unit's way

    def claim(self, driver: str, units: Sequence[int]) -> list[int]:
        """Take those of the units that are planned; they are running now, and no other driver gets them."""
        return self._transactions.writing(lambda it: claiming.claim(it, driver, units))

    def record(self, driver: str, units: Sequence[int], result: JobResult) -> None:
        """Store the blocks of a job, and with each, in the same transaction, that its unit is done.

        A unit that is done already, by whichever driver, is left as it is, and one that was deleted is passed over.

        Args:
            driver: whose job it was.
            units: one for each payload of the result; its seconds are shared out among them.
            result: what the job sent back.
        """
        self._transactions.writing(lambda it: claiming.record(it, driver, units, result), repeatable=True)

    def fail(self, driver: str, units: Sequence[int], error: str, *, limit: int) -> State:
        """Count a failed attempt at units that were measured together, and keep its traceback.

        They share their fate: failed once the one of them that was tried most has been tried ``limit`` times, planned
        again until then. Units that this driver is not measuring (any more) are left as they are.

        Returns:
            what became of them; ``planned`` if the driver is measuring none of them.
        """
        times = checked_count("limit", limit)
        return self._transactions.writing(lambda it: claiming.fail(it, driver, units, error, times), repeatable=True)

    def release(self, driver: str, units: Sequence[int]) -> None:
        """Plan again, without counting an attempt, those of the units that this driver is measuring."""
        self._transactions.writing(lambda it: claiming.release(it, driver, units), repeatable=True)

    def retry(self, run_id: str) -> int:
        """Plan the failed units of a run again, as if never tried; return how many."""
        return self._transactions.writing(lambda it: claiming.retry(it, run_id), repeatable=True)


def _some(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _warn_of_log(location: Location) -> None:
    if location.unseen is not None:
        warnings.warn(
            f"The store {location.printable} cannot be written here, so it is only looked at: what stands in"
            f" {location.unseen.name} beside it, the latest work of a driver, is not seen.",
            stacklevel=1,
        )


def _copied(location: Location, original: Transactions, patience: float) -> tuple[Location, Transactions]:
    """An older store that cannot be brought up to date where it is: in memory, where it can."""
    require_memory(
        2.0 * original.outside(bytes_in),
        purpose=f"The store {location.printable}, of an older version of benign, cannot be written, and to read it",
        advice="copy it to where you may write",
    )
    here = Location(url=URL.create("sqlite"), printable=location.printable)
    copy = Transactions(engine_of(here, patience), here, patience)
    original.outside(lambda source: copy.outside(lambda target: copy_of(source, target)))
    bring_to_head(copy, here)
    copy.outside(forbid_writing)
    original.close()
    return here, copy


def _make_folder(file: Path, printable: str) -> None:
    try:
        is_folder = file.is_dir()
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(
            f"The store {printable} cannot be made ({error.strerror}); choose another place with BENIGN_STORE."
        ) from error
    if is_folder:
        raise StoreUnusable(f"The store {printable} is a folder; name a file in it.")
