"""What tells that a row is no longer what was written: against failing disks, memory and copies.

Not against malice: whoever can write a store can make its checksums fit.
"""

from __future__ import annotations

import zlib


def checksum(*facts: object, payload: bytes = b"") -> int:
    """CRC-32 of a row's values, in their order, and of the bytes that they come with.

    Written with ``ascii``: ``repr`` leaves those characters as they are that this Python's Unicode can print.
    """
    return zlib.crc32(payload, zlib.crc32(ascii(facts).encode()))
