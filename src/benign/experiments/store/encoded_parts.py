"""A part as a row: its axes as compressed little-endian numbers."""

from __future__ import annotations

import json
import zlib

import numpy as np

from benign.experiments.parts import Part, is_increasing
from benign.schema import first_name, name_today

_MOST_BYTES = 2**28


def encode_part(part: Part) -> dict[str, bytes | str]:
    """The columns of a part's row, without its key."""
    return {
        "sizes": zlib.compress(part.sizes.astype("<i8").tobytes()),
        "times": zlib.compress(part.times.astype("<f8").tobytes()),
        "metrics": json.dumps(sorted(map(first_name, part.metrics))),
    }


def decode_part(key: str, sizes: object, times: object, metrics: object) -> Part | None:
    """The part that :func:`encode_part` was given; None if its row is damaged."""
    if not (isinstance(sizes, bytes) and isinstance(times, bytes) and isinstance(metrics, str)):
        return None
    try:
        part = Part(
            sizes=_numbers(sizes, "<i8").astype(np.int64),
            times=_numbers(times, "<f8").astype(np.float64),
            metrics=frozenset(map(name_today, json.loads(metrics))),
        )
        is_whole = part.key == key and is_increasing(part.sizes) and is_increasing(part.times)
    except (zlib.error, ValueError, TypeError, RecursionError):
        return None
    return part if is_whole else None


def _numbers(packed: bytes, kind: str) -> np.ndarray:
    """What unpacks to more than any part has is not unpacked to its end, and then not whole."""
    return np.frombuffer(zlib.decompressobj().decompress(packed, _MOST_BYTES), dtype=kind)
