"""The streams that a command speaks through, come what may: closed ones, full ones, ones that nobody reads any more.

Nothing is imported here but what Python has loaded already: an interrupted start must not meet half an import.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
from typing import Any


def open_streams() -> None:
    """Give the process its three streams, whatever it was started with."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed; a file opened later would take its number, and get what libraries print there
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Messages(2, "w", closefd=False), sys.stderr)


def output(number: int, before: Any) -> io.TextIOWrapper:
    """A stream like standard output on another descriptor, which it owns."""
    return _text(_Output(number, "w"), before)


def _text(raw: io.RawIOBase, before: Any) -> io.TextIOWrapper:
    """A stream as Python had made it, through ``raw``, with a question mark for what its encoding cannot say."""
    encoding, is_prompt = "utf-8", True
    if before is not None:
        encoding, is_prompt = before.encoding, before.line_buffering or before.write_through
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors="replace", line_buffering=is_prompt)


class _Patient(io.FileIO):
    """A file that is waited for where it would block."""

    def write(self, data: Any) -> int:
        while (written := super().write(data)) is None:
            select.select((), (self,), ())
        return written


class _Messages(_Patient):
    """Standard error: nobody can be told that it takes no more, and the work goes on."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


class _Output(_Patient):
    """Standard output: what takes no more ends the command."""

    _is_lost = False

    def write(self, data: Any) -> int:
        if self._is_lost:  # what is still buffered when the process ends
            return len(data)
        try:
            return super().write(data)
        except BrokenPipeError:  # the reader has seen enough, as of `| head`
            self._is_lost = True
            raise SystemExit(128 + signal.SIGPIPE) from None
        except OSError as error:
            self._is_lost = True
            print(f"benign: Standard output takes no more: {error.strerror}.", file=sys.stderr)
            raise SystemExit(1) from None
