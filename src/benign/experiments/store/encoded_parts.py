"""A part as a row: its axes as compressed little-endian numbers."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace

import numpy as np

from benign.experiments.parts import Part, is_increasing, size_bytes
from benign.schema import first_name, name_today

_MOST_BYTES = 2**28


def encode_part(part: Part) -> dict[str, bytes | str]:
    """The columns of a part's row, without its key."""
    return {
        "sizes": zlib.compress(size_bytes(part.sizes)),
        "times": zlib.compress(part.times.astype("<f8").tobytes()),
        "metrics": json.dumps(sorted(map(first_name, part.metrics))),
    }


def decode_part(key: str, sizes: object, times: object, metrics: object) -> Part | None:
    """The part that :func:`encode_part` was given; None if its row is damaged."""
    if not (isinstance(sizes, bytes) and isinstance(times, bytes) and isinstance(metrics, str)):
        return None
    try:
        counted = Part(
            sizes=_numbers(sizes, "<i8").astype(np.int64),
            times=_numbers(times, "<f8").astype(np.float64),
            metrics=frozenset(map(name_today, json.loads(metrics))),
        )
        real = replace(counted, sizes=_numbers(sizes, "<f8").astype(np.float64))
        whole = [one for one in (counted, real) if _is_whole(one, key)]
    except (zlib.error, ValueError, TypeError, RecursionError):
        return None
    return whole[0] if whole else None


def _is_whole(part: Part, key: str) -> bool:
    return part.key == key and is_increasing(part.sizes) and is_increasing(part.times)


def _numbers(packed: bytes, kind: str) -> np.ndarray:
    """What unpacks to more than any part has is not unpacked to its end, and then not whole."""
    return np.frombuffer(zlib.decompressobj().decompress(packed, _MOST_BYTES), dtype=kind)
