"""Errors that a user reads: one sentence that says what is wrong, where, and what to do next.

Every error of the package derives from :class:`BenignError`; each subclass also inherits the builtin that callers
would expect, so ``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from benign.foundation.wording import escaped, shortened, shown

Answer = TypeVar("Answer")

_MOST_KNOWN = 50
_MOST_NAMES = 5
_LONGEST_NAME = 200  # the nearest of longer ones takes too long to find


class BenignError(Exception):
    """Root of all errors that this package raises on purpose."""


class InvalidArgument(BenignError, ValueError):
    """An argument that cannot be used.

    Attributes:
        argument: its name, or None where the sentence is about several, or about none.
    """

    def __init__(self, sentence: str, argument: str | None = None) -> None:
        super().__init__(sentence)
        self.argument = argument


class UnknownName(InvalidArgument):
    """A figure, scale, metric or setting that does not exist."""


class MissingExtra(BenignError, ImportError):
    """A part whose optional dependencies are not installed."""


class NotEnoughMemory(BenignError, MemoryError):
    """A computation that would need more memory than the machine has free."""


class OutputFailed(BenignError, OSError):
    """A result that could not be written."""


def invalid(argument: str, fault: str) -> InvalidArgument:
    """Build the error about one argument, which begins its sentence.

    >>> str(invalid("ridge", "must be zero or a positive number, got -1."))
    '`ridge` must be zero or a positive number, got -1.'
    """
    return InvalidArgument(f"`{argument}` {fault}", argument)


def attempted(call: Callable[[], Answer], refusal: Callable[[BaseException], BenignError]) -> Answer:
    """What somebody else's code answers.

    Raises:
        BenignError: the refusal, for whatever it raises, SystemExit included; errors of ours, Ctrl-C and want of memory
            pass.
    """
    try:
        return call()
    except (BenignError, KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        raise refusal(error) from error


def unknown_name(kind: str, name: object, known: Iterable[str], *, argument: str | None = None) -> UnknownName:
    """Build the error for an unknown ``name``, with the nearest known one; the argument is called ``kind`` unless said.

    >>> str(unknown_name("scale", "quik", ["smoke", "quick"]))
    "unknown scale 'quik'; did you mean 'quick'? Known: smoke, quick."
    """
    return UnknownName(f"unknown {kind} {shown(name)}; {among(list(known), name)}", argument or kind)


def among(known: Sequence[str], *names: object) -> str:
    """The end of a sentence about unknown names: the known ones nearest to them, and all of them.

    >>> among(["height", "width"], "hight", "widht")
    "did you mean 'height' and 'width'? Known: height, width."
    """
    near = dict.fromkeys(match for name in names[:_MOST_NAMES] for match in nearest(name, known))
    hint = f"did you mean {listed(near)}? " if near else ""
    more = f" and {len(known) - _MOST_KNOWN:,} more" if len(known) > _MOST_KNOWN else ""
    them = ", ".join(shortened(escaped(choice)) for choice in known[:_MOST_KNOWN])
    return f"{hint}Known: {them or 'none'}{more}."


def nearest(name: object, known: Collection[str], most: int = 1) -> list[str]:
    """The known names nearest to one; of a long one its beginning is compared."""
    return difflib.get_close_matches(name[:_LONGEST_NAME], known, most, 0.3) if isinstance(name, str) else []


def listed(names: Iterable[object]) -> str:
    """The first five names, and how many more; "none" without any.

    >>> listed("abc"), listed("abcdefg"), listed("")
    ("'a', 'b' and 'c'", "'a', 'b', 'c', 'd', 'e' and 2 more", 'none')
    """
    told = [shown(name) for name in names] or ["none"]
    if len(told) > _MOST_NAMES:
        told[_MOST_NAMES:] = [f"{len(told) - _MOST_NAMES:,} more"]
    return " and ".join(filter(None, [", ".join(told[:-1]), told[-1]]))
