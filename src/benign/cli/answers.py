"""How a command ends when something is wrong: one sentence on standard error and an exit code."""

from __future__ import annotations

import errno
import signal
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

import typer

from benign.foundation import wording
from benign.foundation.errors import BenignError

_ADVICE = {
    errno.ENOENT: " If it is a folder for temporary files, set TMPDIR to one that can be written.",
    errno.ENOSPC: " Free some space, or set TMPDIR to a folder that has some.",
    errno.EFBIG: " Raise the limit on the size of files (ulimit -f).",
    errno.EMFILE: " Raise the limit on open files (ulimit -n).",
    errno.EAGAIN: " Raise the limit on processes (ulimit -u), or use fewer --workers.",
}


@contextmanager
def answered() -> Iterator[None]:
    """Every error of ours is one line on standard error, with its exit code; a warning is a line too."""
    try:
        with _interruptible(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    except KeyboardInterrupt as interrupt:
        raise ended(str(interrupt) or "Interrupted.", 130) from None
    except Exception as error:
        raise typer.Exit(told(error)) from None


def told(error: Exception) -> int:
    """Say in one sentence what was wrong, and return the exit code; a fault of our own is raised as it is."""
    if isinstance(error, BenignError):
        sentence, code = str(error), 2
    elif isinstance(error, (MemoryError, BrokenExecutor)):
        sentence, code = f"The run failed: {str(error) or type(error).__name__}; try fewer --workers.", 1
    elif isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        words = error.strerror or wording.told(error)
        sentence, code = f"The system refused: {words}{where}.{_ADVICE.get(error.errno or 0, '')}", 1
    elif isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError):
        last = str(error).strip().rpartition("\n")[2] or "no reason given"  # NumPy's advice is long
        sentence, code = f"A library cannot be loaded, for lack of memory or a broken install: {last}", 1
    else:
        raise error
    print(f"benign: {printable(sentence)}", file=sys.stderr)
    return code


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C be a KeyboardInterrupt, where the command has let it end the process so far.

    What it meets may make another error of it (an import of C code) or ignore it (a finaliser); it counts all the same.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_DFL:
        yield
        return
    came = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = _end_if_interrupted
    try:
        yield
    except Exception as error:
        if came and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        sys.unraisablehook = sys.__unraisablehook__
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end_if_interrupted(ignored: sys.UnraisableHookArgs) -> None:
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    sys.__unraisablehook__(ignored)


def _show_warning(message: Warning | str, category: type[Warning], *_place: object, **_more: object) -> None:
    kind = "Warning" if category is UserWarning else category.__name__
    words = " ".join(str(message).split("\n\n")[0].split())  # libraries go on with advice and addresses
    print(f"{kind}: {printable(words)}", file=sys.stderr)


def printable(text: str) -> str:
    """The text without characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def ended(sentence: str, code: int) -> typer.Exit:
    """Say the sentence; raise what is returned."""
    print(f"benign: {printable(sentence)}", file=sys.stderr)
    return typer.Exit(code)
