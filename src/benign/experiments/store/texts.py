"""Texts that every database can keep: PostgreSQL has no NUL, no database has half a character."""

from __future__ import annotations

from benign.foundation.arguments import checked_text
from benign.foundation.errors import invalid
from benign.foundation.wording import shown

# PostgreSQL's index takes up to 2,704 bytes.
_LONGEST_KEY = 500


def checked_key(name: str, key: str) -> str:
    """Return ``key``, by which something is found.

    Raises:
        InvalidArgument: if it has more than 500 characters, or some that no database can keep.
    """
    if len(key) > _LONGEST_KEY:
        raise invalid(name, f"may have at most {_LONGEST_KEY} characters, got {len(key)}: {shown(key)}; shorten it.")
    return checked_text(name, key)


def storable(text: str) -> str:
    """``text`` with what a database refuses written as an escape: a traceback is kept whatever is in it."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
