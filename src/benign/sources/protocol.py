"""The contract of a source: where samples come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from benign.foundation.replicate import Replicate
from benign.foundation.split import Split


@runtime_checkable
class Source(Protocol):
    """A distribution M*, or a finite data set, with its label noise; draws a :class:`~benign.Split`.

    Laws, which ``tests/sources/test_contract.py`` holds every source to:

    1. *Prefix*: for one replicate the training set of n samples is the beginning of the one of n' > n, bit for bit,
       label noise included; test set and pool do not depend on n.
    2. *Pool*: centring and scaling are fitted once for a replicate, on its pool, whatever n is. The pool is all rows
       outside the test set (finite data) or the first 10,000 samples in draw order (a distribution), so that the
       training set is its beginning (or it is the beginning of the training set).
    3. *Apart*: no sample of the test set is in the pool or the training set.
    4. *Crossable*: ``draw`` alone chooses samples and test set, ``noise`` alone which positions in draw order get
       which label noise, and ``initialisation`` changes nothing at all. Replicates that share a number share that
       random object exactly.
    5. *Addressed*: the split is a function of settings, ``samples`` and replicate; no call changes another's bits.
    6. *Arrays* of a split are float64, C-contiguous and read-only, and may share memory with other splits.

    What only some sources have: :class:`SupportsLabelNoise`, :class:`SupportsNotes`, and the attribute ``columns``,
    that of its splits.
    """

    @property
    def name(self) -> str:
        """What titles and messages call it."""

    @property
    def revision(self) -> int:
        """Raised when the numbers change; a golden-number test notices that they did."""

    @property
    def max_samples(self) -> int | None:
        """The largest n, or None where there is no end."""

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes in index order, or None for regression."""

    def spec(self) -> dict[str, object]:
        """Canonical settings, JSON values only, with a fingerprint of the data: with ``revision``, all that decides."""

    def draw(self, samples: int, replicate: Replicate) -> Split:
        """Draw ``samples`` training samples and the test set of a replicate.

        Raises:
            InvalidArgument: if ``samples`` is not a positive integer or there are fewer.
        """


@runtime_checkable
class SupportsLabelNoise(Protocol):
    """A source whose label noise can be another."""

    def with_label_noise(self, level: float) -> Source:
        """The same source under another level of label noise.

        Raises:
            InvalidArgument: for a level that it cannot have.
        """


@runtime_checkable
class SupportsFolds(Protocol):
    """A source of finitely many rows, whose draws each have several test sets that share no row."""

    @property
    def folds(self) -> int:
        """How many."""
        ...

    def draw(self, samples: int, replicate: Replicate, *, fold: int = 0) -> Split:
        """As :meth:`Source.draw`, with the test set of a fold."""
        ...


@runtime_checkable
class SupportsNotes(Protocol):
    """A source that has something to say of its data."""

    def notes(self, samples: int, replicate: Replicate) -> Sequence[str]:
        """Sentences that every answer repeats."""


def source_notes(source: Source, samples: int, replicate: Replicate) -> tuple[str, ...]:
    """What a source itself has to say of a replicate's data; nothing where it has no such method."""
    return tuple(source.notes(samples, replicate)) if isinstance(source, SupportsNotes) else ()
