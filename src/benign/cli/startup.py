"""How the command begins: it can be interrupted from here on, and has streams to speak through, come what may.

Only what Python has loaded already is imported before that. ``import benign`` does none of this: signals and streams
belong to the program, and here ``benign`` is the program.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
from typing import Any


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        # Nothing is lost yet: Ctrl-C just ends the process, where KeyboardInterrupt would meet half an import.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _open_streams()
    from benign.cli.answers import told
    from benign.cli.waiting import watched

    try:
        with watched(sys.argv):
            from benign.cli.main import app

            app()
    except Exception as error:
        sys.exit(told(error))
    finally:
        sys.stdout.flush()


def _open_streams() -> None:
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
