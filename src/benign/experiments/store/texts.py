"""Texts that every database can keep: PostgreSQL has no NUL, no database has half a character."""

from __future__ import annotations

from benign.foundation.errors import InvalidArgument

# PostgreSQL's index takes up to 2,704 bytes.
_LONGEST_KEY = 500


def checked_text(name: str, text: str) -> str:
    """Return ``text``.

    Raises:
        InvalidArgument: if it holds a NUL or a lone surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        if "\0" not in text:
            return text
    raise InvalidArgument(
        f"`{name}` cannot be stored: {shortened(text)} holds a character that databases refuse (NUL, or half of a"
        " surrogate pair); remove it."
    )


def checked_key(name: str, key: str) -> str:
    """Return ``key``, by which something is found.

    Raises:
        InvalidArgument: if :func:`checked_text` refuses it, or if it has more than 500 characters.
    """
    if len(key) > _LONGEST_KEY:
        raise InvalidArgument(
            f"`{name}` may have at most {_LONGEST_KEY} characters, got {len(key)}: {shortened(key)}; shorten it."
        )
    return checked_text(name, key)


def storable(text: str) -> str:
    """``text`` with what a database refuses written as an escape: a traceback is kept whatever is in it."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def shortened(text: str) -> str:
    """``text`` as a sentence names it."""
    return ascii(text if len(text) <= 40 else text[:37] + "...")
