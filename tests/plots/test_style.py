"""The palette can be read: in grey print, on white, and without colour."""

from __future__ import annotations

import pytest

from benign.foundation.number_words import format_number, format_position
from benign.plots.style import INK, LOOKS, MUTED, PAPER, Role
from benign.plots.text import visible


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [INK, MUTED, *(look.colour for look in LOOKS.values())])
def test_every_word_has_contrast(colour: str) -> None:
    assert contrast(colour, PAPER) >= 4.5


def test_no_two_roles_of_a_curve_differ_in_colour_alone() -> None:
    dashes = [LOOKS[role].dashes for role in (Role.TEST, Role.TRAIN, Role.REMEDY, Role.REFERENCE)]
    assert len(set(dashes)) == len(dashes)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.30912, "0.309"), (145.2, "145"), (1234567.0, "1.23×10⁶"), (20000.0, "20,000"), (1e-4, "10⁻⁴"),
     (2.5e-7, "2.5×10⁻⁷"), (-0.5, "−0.5"), (float("nan"), "undefined"), (float("inf"), "∞"), (999.9, "1,000")],
)  # fmt: skip
def test_numbers_are_written_as_a_reader_writes_them(value: float, text: str) -> None:
    assert format_number(value) == text


def test_positions_keep_all_digits() -> None:
    assert format_position(12345.0) == "12,345"
    assert format_position(-3.0) == "−3"
    assert format_position(0.25) == "0.25"


def test_a_huge_text_is_cut():
    assert visible("x" * 2_000) == "x" * 2_000
    assert visible("x" * 10**6) == "x" * 1_999 + "…"


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\u202e", "\u2066", "\ufeff", "\u2028", "\ud800", "\uffff"])
def test_invisible_characters_are_written_out(character: str) -> None:
    assert visible(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"
