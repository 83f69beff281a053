"""Scalars of event files that were written in the usual way, found in the bytes of all records at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.histories.readers.tfrecord import Content, Places

_MOST_TAGS = 200  # of one length; the rest is left to protobuf's own reader
_SHORTEST, _LONGEST = 11, 129  # bytes of a summary whose lengths are of one byte each

Rows = Int[np.ndarray, "_"]
Curves = dict[str, tuple[Rows, Rows, Float[np.ndarray, "_"]]]


def plain_scalars(content: Content, starts: Places, ends: Places) -> tuple[Curves, Bool[np.ndarray, " records"]]:
    """Read the events that hold nothing but a time, a step, and one value with its tag.

    These are the bytes ``09 <time> 10 <step> 2a <n> 0a <n> 0a <n> <tag> 15 <float>``, lengths and all; any other event
    is left alone. Equivalent to protobuf's own reader, at a tenth of its time.

    Args:
        content: of the file.
        starts: where the data of each record begins.
        ends: and where it ends.

    Returns:
        Of each tag, in the order of their first values, the records' numbers, steps and values; and which records were
        read.
    """
    steps, place, is_plain = _steps(content, starts, ends)
    rest = ends - place  # the summary and what belongs to it
    is_plain &= (rest >= _SHORTEST) & (rest <= _LONGEST)
    for offset, expected in ((0, 0x2A), (1, rest - 2), (2, 0x0A), (3, rest - 4), (4, 0x0A), (5, rest - 11)):
        is_plain &= _byte(content, place + offset) == expected
    is_plain &= _byte(content, ends - 5) == 0x15
    curves: Curves = {}
    for length in np.unique(rest[is_plain] - 11):
        rows = np.flatnonzero(is_plain & (rest - 11 == length))
        letters = content[(place[rows] + 6)[:, None] + np.arange(length)]
        for _ in range(_MOST_TAGS):
            if not len(rows):
                break
            same = (letters == letters[0]).all(axis=1)
            here = rows[same]
            try:
                tag = letters[0].tobytes().decode()
            except UnicodeDecodeError:
                is_plain[here] = False
            else:
                floats = np.ascontiguousarray(content[(ends[here] - 4)[:, None] + np.arange(4)])
                curves[tag] = here, steps[here], floats.view("<f4")[:, 0].astype(float)
            rows, letters = rows[~same], letters[~same]
        is_plain[rows] = False
    return dict(sorted(curves.items(), key=lambda curve: int(curve[1][0][0]))), is_plain


def _steps(content: Content, starts: Places, ends: Places) -> tuple[Places, Places, Bool[np.ndarray, " records"]]:
    """The step of each event, 0 where none is written; the place behind it; and whether it began so at all."""
    is_plain = (ends - starts >= 9 + _SHORTEST) & (_byte(content, starts) == 0x09)
    goes_on = is_plain & (_byte(content, starts + 9) == 0x10)
    place = starts + 9 + goes_on
    steps = np.zeros(len(starts), dtype=np.int64)
    for shift in range(0, 35, 7):
        letter = _byte(content, place)
        steps |= np.where(goes_on, (letter & 0x7F) << shift, 0)
        place = place + goes_on
        goes_on &= letter >= 0x80
    return steps, place, is_plain & ~goes_on


def _byte(content: Content, places: Places) -> Int[np.ndarray, " records"]:
    return content[np.minimum(places, len(content) - 1)].astype(np.int64)
