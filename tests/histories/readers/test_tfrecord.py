import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.readers.tfrecord import records_of


def crc32c(piece):
    """Bit by bit, from the definition."""
    rest = 0xFFFFFFFF
    for byte in piece:
        rest ^= byte
        for _ in range(8):
            rest = (rest >> 1) ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def masked(piece):
    rest = crc32c(piece)
    return struct.pack("<I", (((rest >> 15) | (rest << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(piece):
    length = struct.pack("<Q", len(piece))
    return length + masked(length) + piece + masked(piece)


def all_of(read):
    return read.data(range(len(read.starts)))


PIECES = [b"first", b"", b"x" * 40, b"brain.Event:2", b"the last one"]
FILE = b"".join(map(framed, PIECES))
STARTS = [sum(len(framed(piece)) for piece in PIECES[:count]) for count in range(len(PIECES) + 1)]


def test_the_checksum_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283  # its published check value


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_what_was_framed_is_found(pieces):
    read = records_of(b"".join(map(framed, pieces)))
    assert all_of(read) == pieces
    assert (read.num_damaged, read.num_lost, read.is_cut) == (0, 0, False)


@pytest.mark.parametrize("size", [*range(1, 60), *STARTS[1:-1], len(FILE) - 5, len(FILE) - 1])
def test_a_file_that_is_cut_anywhere_has_all_records_before(size):
    read = records_of(FILE[:size])
    whole = sum(start <= size for start in STARTS) - 1
    assert all_of(read) == PIECES[:whole]
    assert (read.num_damaged, read.num_lost, read.is_cut) == (0, 0, size not in STARTS)


@pytest.mark.parametrize("place", [*range(30), *range(STARTS[-2], len(FILE))])
def test_one_damaged_byte_costs_one_record(place):
    content = bytearray(FILE)
    content[place] ^= 0x10
    read = records_of(bytes(content))
    hit = max(count for count, start in enumerate(STARTS) if start <= place)
    assert all_of(read) == [piece for count, piece in enumerate(PIECES) if count != hit]
    in_header = place - STARTS[hit] < 12
    is_last = hit == len(PIECES) - 1
    lost = STARTS[hit + 1] - STARTS[hit] if in_header else 0
    assert (read.num_damaged, read.num_lost) == (0 if in_header else 1, lost)
    assert not read.is_cut or is_last


def test_a_hole_costs_what_lies_in_it():
    read = records_of(FILE[: STARTS[1]] + b"\0" * 50 + FILE[STARTS[3] :])
    assert all_of(read) == [PIECES[0], *PIECES[3:]]
    assert read.num_lost == 50


@given(st.binary(max_size=200))
def test_no_bytes_break_it(content):
    assert all_of(records_of(content)) == []
