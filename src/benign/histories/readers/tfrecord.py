"""The framing of TensorBoard's event files: records, each with its length and checksums of both."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt8, UInt32

_LENGTH = struct.Struct("<Q")
_HEADER = 12  # bytes: of the length and of its checksum
_CHECKED = 1024  # bytes; a longer record holds no scalar
_MOST_DAMAGES = 1000  # places; what lies behind as many is lost
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected
_MASK = 0xA282EAD8

Content = UInt8[np.ndarray, " bytes"]
Places = Int[np.ndarray, " records"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """The whole records of a file.

    Attributes:
        content: of the file.
        starts: where the data of each record begins.
        ends: and where it ends.
        num_damaged: how many more have data that their checksum belies.
        num_lost: the bytes in which no record could be found.
        is_cut: whether the file ends within a record, as while a training still writes.
    """

    content: Content
    starts: Places
    ends: Places
    num_damaged: int = 0
    num_lost: int = 0
    is_cut: bool = False

    def data(self, rows: Iterable[int]) -> list[bytes]:
        """The data of some of them, by number."""
        return [self.content[self.starts[row] : self.ends[row]].tobytes() for row in rows]


def records_of(content: bytes) -> Records:
    """Take a file apart.

    Where data is damaged, that record is left out; where a length is, all up to the next length whose checksum holds.

    Args:
        content: all of the file.

    Returns:
        The undamaged records, with what is missing.

    >>> records_of(b"").starts
    array([], dtype=int64)
    """
    held = np.frombuffer(content, dtype=np.uint8)
    found: list[tuple[Places, Places]] = []
    at = lost = 0
    is_cut = False
    while at < len(content):
        starts, ends = _walked(content, held, at)
        found.append((starts, ends))
        at = int(ends[-1]) + 4 if len(ends) else at
        following = _next_header(held, at + 1) if len(found) < _MOST_DAMAGES else None
        if following is None:
            is_cut = at < len(content) and (len(content) - at < _HEADER or _has_header(held, at))
            lost += 0 if is_cut else len(content) - at
            break
        lost += following - at
        at = following
    firsts = np.concatenate([starts for starts, _ in found]) if found else np.empty(0, dtype=np.int64)
    lasts = np.concatenate([ends for _, ends in found]) if found else firsts
    whole = np.ones(len(firsts), dtype=bool)
    short = np.flatnonzero(lasts - firsts <= _CHECKED)
    whole[short] = _agree(held, firsts[short], lasts[short] - firsts[short])
    return Records(
        content=held,
        starts=firsts[whole],
        ends=lasts[whole],
        num_damaged=int(np.count_nonzero(~whole)),
        num_lost=lost,
        is_cut=is_cut,
    )


def _walked(content: bytes, held: Content, at: int) -> tuple[Places, Places]:
    """Where the data of the records begins and ends, from one to the next as far as lengths hold."""
    starts, ends = [], []
    while at + _HEADER <= len(content):
        start = at + _HEADER
        end = start + _LENGTH.unpack_from(content, at)[0]
        if end + 4 > len(content):
            break
        starts.append(start)
        ends.append(end)
        at = end + 4
    first = np.array(starts, dtype=np.int64)
    holds = _agree(held, first - _HEADER, np.full(len(first), 8))
    count = len(first) if holds.all() else int(np.argmin(holds))
    return first[:count], np.array(ends, dtype=np.int64)[:count]


def _next_header(held: Content, at: int) -> int | None:
    """The next place at or behind ``at`` with a length whose checksum holds; None where there is none."""
    last, sought = len(held) - _HEADER, 1 << 10
    while at <= last:
        places = np.arange(at, min(at + sought, last + 1))
        if len(here := np.flatnonzero(_agree(held, places, np.full(len(places), 8)))):
            return int(places[here[0]])
        at, sought = at + sought, min(2 * sought, 1 << 18)
    return None


def _has_header(held: Content, at: int) -> bool:
    return bool(_agree(held, np.array([at]), np.array([8]))[0])


def _agree(content: Content, starts: Places, lengths: Places) -> Bool[np.ndarray, " records"]:
    """Whether the masked checksum behind each piece is its own."""
    at = starts + lengths
    told = sum(content[at + byte].astype(np.uint32) << np.uint32(8 * byte) for byte in range(4))
    checksums = _checksums(content, starts, lengths)
    turned = (checksums >> np.uint32(15)) | (checksums << np.uint32(17))
    return np.asarray(turned + np.uint32(_MASK) == told, dtype=bool)


def _checksums(content: Content, starts: Places, lengths: Places) -> UInt32[np.ndarray, " records"]:
    """CRC-32C of many pieces at once, byte by byte."""
    order = np.argsort(-lengths, kind="stable")
    sorted_starts, sorted_lengths = starts[order], lengths[order]
    checksums = np.full(len(starts), 0xFFFFFFFF, dtype=np.uint32)
    for byte in range(int(lengths.max(initial=0))):
        old = checksums[: np.searchsorted(-sorted_lengths, -byte)]  # of the longer ones
        letters = content[sorted_starts[: len(old)] + byte]
        old[:] = _TABLE[(old ^ letters) & np.uint32(0xFF)] ^ (old >> np.uint32(8))
    turned_back = np.empty_like(checksums)
    turned_back[order] = ~checksums
    return turned_back


def _table() -> UInt32[np.ndarray, "256"]:
    rest = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        rest = np.where(rest & 1, (rest >> 1) ^ np.uint32(_POLYNOMIAL), rest >> 1).astype(np.uint32)
    return rest


_TABLE = _table()
