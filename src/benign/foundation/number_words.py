"""Numbers as a reader writes them."""

from __future__ import annotations

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = "\N{MINUS SIGN}"


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
