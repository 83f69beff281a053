"""What a stranger's exception says, as words: its own code runs when it is asked, and may do anything."""

from __future__ import annotations

_LONGEST = 400


def said(error: BaseException) -> str:
    """Class and message of an exception, on one line of no great length; never raises.

    >>> said(ValueError("no such   card."))
    'ValueError: no such card'
    """
    try:
        words = " ".join(str(error).split())
    except BaseException:  # SystemExit too, from a __str__ that means harm
        words = "its message cannot be read"
    if len(words) > _LONGEST:
        words = f"{words[:_LONGEST]}..."
    return f"{type(error).__qualname__}: {words}".rstrip(".: ")
