"""What every command prints through: a name out of a store or a file cannot make a terminal obey it."""

from __future__ import annotations

import sys
from typing import Any

from benign.cli.answers import printable


def filter_output() -> None:
    """From now on whatever is written to standard output and standard error is text alone; a closed one stays so."""
    sys.stdout, sys.stderr = (stream and filtered(stream) for stream in (sys.stdout, sys.stderr))


def filtered(stream: Any) -> Any:
    """The stream, through which text alone passes."""
    return _Inert(stream)


def beneath(stream: Any) -> Any:
    """The stream without the filter: for displays that draw on a terminal, which filter what they are told."""
    return stream.stream if isinstance(stream, _Inert) else stream


class _Inert:
    """A stream that writes text as :func:`benign.cli.answers.printable` leaves it, and is the stream in all else."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(text and printable(text))  # nothing is passed on as it is: click asks with b"" for bytes
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)
