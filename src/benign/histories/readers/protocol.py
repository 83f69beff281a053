"""What a reader of training logs is, and what it is shown: a file, a folder, or a value in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

from benign.foundation.errors import InvalidArgument
from benign.foundation.wording import reason, shown_path
from benign.histories.log import Log

HEAD = 65_536
"""How many bytes of a file a reader sees before it says whether it knows the file."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file, or what came in through standard input.

    Attributes:
        path: where it lies; ``-`` for standard input.
        head: its first :data:`HEAD` bytes.
        size: in bytes.
        held: its content where there is no path to read it from again.
    """

    path: Path
    head: bytes
    size: int
    held: bytes | None = None

    @cached_property
    def beginning(self) -> str:
        """The head as text, without what a cut character leaves."""
        return decoded(self.head, cut=self.size > len(self.head))

    @property
    def binary(self) -> bool:
        """Whether it is no text."""
        return b"\0" in self.head and not self.head.startswith((b"\xff\xfe", b"\xfe\xff"))

    def content(self) -> bytes:
        """All its bytes.

        Raises:
            InvalidArgument: if it cannot be read.
        """
        if self.held is not None:
            return self.held
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise InvalidArgument(f"{shown_path(self.path)} cannot be read: {reason(error)}.", "history") from error

    def text(self) -> str:
        """All its text: UTF-8 with or without a byte order mark, UTF-16 with one, or else Latin-1."""
        return decoded(self.content())


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder.

    Attributes:
        path: where it lies.
        files: the names of its files, sorted.
        folders: the names of its folders, sorted.
    """

    path: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Value:
    """An object: one that the user holds, or what a file of JSON says.

    Attributes:
        value: the object.
        path: of the file that said it; empty for one in memory.
    """

    value: object
    path: str = ""


Opened = File | Folder | Value


@runtime_checkable
class Reader(Protocol):
    """One kind of log.

    Laws: ``matches`` looks at what it is shown, never at the file's name alone, never raises, and answers at once (of a
    file it sees the head, of a folder the names; a few small reads are fine). The reader with the highest degree reads:

    * 0: not this kind;
    * 0.1 to 0.3: a generic kind (any table, any JSON, printed lines);
    * 0.6: probably this tool;
    * 0.9: surely this tool.

    A reader that matches a folder reads all of it, folders inside included: nobody else looks inside. Where none
    matches, every file and folder inside is opened by itself. A file of JSON is shown as a file first and then as the
    value that it says. ``read`` yields one log for each run; it raises :class:`~benign.foundation.errors.BenignError`
    where nothing can be used, with one sentence, and says in :attr:`~benign.histories.log.Log.notes` what it left out.
    """

    @property
    def name(self) -> str:
        """The kind, as a sentence lists it: "Lightning metrics.csv"."""
        ...

    def matches(self, opened: Opened) -> float:
        """To what degree this is a log of this kind, from 0 to 1."""
        ...

    def read(self, opened: Opened) -> Iterator[Log]:
        """The runs in it."""
        ...


def decoded(content: bytes, *, cut: bool = False) -> str:
    """The text of a file, whatever wrote it; its last character may be cut."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if cut and error.start >= len(content) - 3:
            return content[: error.start].decode("utf-8-sig")
        return content.decode("latin-1")
