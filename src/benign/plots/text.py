"""Text on pictures and pages: numbers as a reader writes them, and strings that cannot hide what they hold."""

from __future__ import annotations

import math
import unicodedata

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = "\N{MINUS SIGN}"
_JOINERS = "\u200c\u200d"  # needed to write Persian and many emoji; they reorder nothing
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def format_number(value: float, *, digits: int = 3) -> str:
    """A number with ``digits`` significant digits, thousands in commas, powers of ten where they are shorter.

    >>> format_number(0.30912), format_number(145.2), format_number(20000), format_number(1e-5), format_number(-2.5)
    ('0.309', '145', '20,000', '10⁻⁵', '−2.5')
    """
    if math.isnan(value):
        return "undefined"
    sign = _MINUS if value < 0 else ""
    size = abs(value)
    if math.isinf(size):
        return f"{sign}∞"
    if size == 0:
        return "0"
    rounded = float(f"{size:.{digits - 1}e}")
    if 1e-3 <= rounded < 1e6:
        return sign + _plain(size if size == int(size) else rounded)
    return sign + _power(rounded, digits)


def format_position(value: float) -> str:
    """A position on an axis, a count as a rule: all digits of a whole number, else as :func:`format_number`."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}".replace("-", _MINUS)
    return format_number(value, digits=4)


def _plain(size: float) -> str:
    text = f"{size:,.12f}".rstrip("0").rstrip(".")
    return text or "0"


def _power(size: float, digits: int) -> str:
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa}×{power}"


def visible(text: str) -> str:
    r"""The text with each control, bidirectional or otherwise invisible character written out.

    Such a character can reorder, hide or break what stands around it (U+202E reads a name backwards), and most of them
    are not allowed in an SVG at all. Line feeds and tabs become spaces.

    >>> visible("a\u202eb"), visible("two\nlines")
    ('a⟨U+202E⟩b', 'two lines')
    """
    return "".join(_visible_character(character) for character in text)


def _visible_character(character: str) -> str:
    if character in "\n\t":
        return " "
    if character in _JOINERS or not is_invisible(character):
        return character
    return f"⟨U+{ord(character):04X}⟩"


def is_invisible(character: str) -> bool:
    """Whether a character is a control, a format or a surrogate code point, or not a character at all."""
    return unicodedata.category(character) in _INVISIBLE or ord(character) & 0xFFFE == 0xFFFE
