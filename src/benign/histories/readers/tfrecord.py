"""The framing of TensorBoard's event files: records, each with its length and checksums of both."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt8, UInt32

_LENGTH = struct.Struct("<Q")
_HEADER = 12  # bytes: of the length and of its checksum
_CHECKED = 1024  # bytes; a longer record holds no scalar
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected
_MASK = 0xA282EAD8

Content = UInt8[np.ndarray, " bytes"]
Places = Int[np.ndarray, " records"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """The whole records of a file.

    Attributes:
        records: their data, in order.
        num_damaged: how many more have data that their checksum belies.
        num_lost: the bytes at the end in which no record could be found.
        is_cut: whether what follows the last record is the beginning of one, as while a training still writes.
    """

    records: list[bytes]
    num_damaged: int = 0
    num_lost: int = 0
    is_cut: bool = False


def records_of(content: bytes) -> Records:
    """Take a file apart.

    Where a length is damaged nothing tells where the next record begins: the rest is lost. Where data is, that record
    alone is.

    Args:
        content: all of the file.

    Returns:
        The records before the damage, with what is missing.

    >>> records_of(b"").records
    []
    """
    starts, ends, at = [], [], 0
    size = len(content)
    while at + _HEADER <= size:
        start = at + _HEADER
        end = start + _LENGTH.unpack_from(content, at)[0]
        if end + 4 > size:
            break
        starts.append(start)
        ends.append(end)
        at = end + 4
    held = np.frombuffer(content, dtype=np.uint8)
    first, last = np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)
    headers = _agree(held, first - _HEADER, np.full(len(first), 8))
    count = len(first) if headers.all() else int(np.argmin(headers))
    lost = size - (int(last[count - 1]) + 4 if count else 0)
    rest = size - lost
    is_cut = count == len(first) and (lost < _HEADER or bool(_agree(held, np.array([rest]), np.array([8]))[0]))
    first, last = first[:count], last[:count]
    lengths = last - first
    whole = np.ones(count, dtype=bool)
    short = np.flatnonzero(lengths <= _CHECKED)
    whole[short] = _agree(held, first[short], lengths[short])
    records = [content[starts[row] : ends[row]] for row in np.flatnonzero(whole)]
    damaged = count - len(records)
    return Records(records=records, num_damaged=damaged, num_lost=lost, is_cut=is_cut and lost > 0)


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
