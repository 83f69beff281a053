"""Errors that a user reads: one sentence that says what is wrong, where, and what to do next.

Every error of the package derives from :class:`BenignError`; each subclass also inherits the builtin that callers
would expect, so ``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenignError(Exception):
    """Root of all errors that this package raises on purpose."""


class InvalidArgument(BenignError, ValueError):
    """An argument that cannot be used; the message names it in backticks."""


class UnknownName(InvalidArgument):
    """A figure, scale, metric or setting that does not exist."""


class MissingExtra(BenignError, ImportError):
    """A part whose optional dependencies are not installed."""


class NotEnoughMemory(BenignError, MemoryError):
    """A computation that would need more memory than the machine has free."""


class OutputFailed(BenignError, OSError):
    """A result that could not be written."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """Build the error for an unknown ``name``, with the nearest known one.

    >>> str(unknown_name("scale", "quik", ["smoke", "quick"]))
    "unknown scale 'quik'; did you mean 'quick'? Known: smoke, quick."
    """
    choices = list(known)
    near = difflib.get_close_matches(str(name), choices, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UnknownName(f"unknown {kind} {str(name)!r}; {hint}Known: {', '.join(choices)}.")
