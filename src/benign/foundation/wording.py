"""What a user's value or error looks like in a sentence: on one line, short, and whatever its own code does."""

from __future__ import annotations

import sys

_WIDTH = 60
_LONGEST_REASON = 300


def shown(value: object) -> str:
    r"""What the value looks like, escaped and shortened to one line of about 60 characters.

    >>> import numpy
    >>> shown("a\n"), shown(numpy.float64(0.5))
    ("'a\\n'", '0.5')
    """
    numpy = sys.modules.get("numpy")  # not imported here: every command's --help would wait for it
    try:
        text = repr(value.item() if numpy is not None and isinstance(value, numpy.generic) else value)
        return shortened(escaped(text if isinstance(value, str) else " ".join(text.split())))
    except KeyboardInterrupt:
        raise
    except BaseException:  # an integer of thousands of digits, or whatever the value's own code does
        return f"a value of the type {type(value).__name__} that cannot be shown"


def told(error: BaseException) -> str:
    r"""The kind of a foreign error and what it says, on one line.

    >>> told(ValueError("no\nnumber"))
    'ValueError: no number'
    """
    kind, words = type(error).__name__, reason(error)
    return f"{kind}: {words}" if words else kind


def reason(error: BaseException) -> str:
    """What a foreign error says, on one line and without a full stop; nothing where its own code fails."""
    try:
        words = escaped(" ".join(str(error).split()))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return ""
    return shortened(words, _LONGEST_REASON).rstrip(".")


def shortened(text: str, width: int = _WIDTH) -> str:
    """The text, its middle left out where it is long."""
    return text if len(text) <= width else f"{text[: width - 25]}...{text[-20:]}"


def shown_path(path: object) -> str:
    """The path of a file in quotation marks, its middle left out where it is very long."""
    return shortened(repr(str(path)), _LONGEST_REASON)


def escaped(text: str) -> str:
    """The text with all that does not print as Python would write it in a string."""
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
