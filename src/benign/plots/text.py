"""Text on pictures and pages: strings that cannot hide what they hold."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # needed to write Persian and many emoji; they reorder nothing
_LONGEST = 2_000  # characters: nobody reads more, and laying out a hundred times as many takes minutes
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""The text with each control, bidirectional or otherwise invisible character written out, cut where it is huge.

    Such a character can reorder, hide or break what stands around it (U+202E reads a name backwards), and most of them
    are not allowed in an SVG at all. Line feeds and tabs become spaces.

    >>> visible("a\u202eb"), visible("two\nlines")
    ('a⟨U+202E⟩b', 'two lines')
    """
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return "".join(_visible_character(character) for character in shown)


def _visible_character(character: str) -> str:
    if character in "\n\t":
        return " "
    if character in _JOINERS or not is_invisible(character):
        return character
    return f"⟨U+{ord(character):04X}⟩"


def is_invisible(character: str) -> bool:
    """Whether a character is a control, a format or a surrogate code point, or not a character at all."""
    return unicodedata.category(character) in _INVISIBLE or ord(character) & 0xFFFE == 0xFFFE
