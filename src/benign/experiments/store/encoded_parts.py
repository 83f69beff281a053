"""A part as a row: its axes as compressed little-endian numbers."""

from __future__ import annotations

import json
import zlib

import numpy as np

from benign.experiments.parts import Part


def encode_part(part: Part) -> dict[str, bytes | str]:
    """The columns of a part's row, without its key."""
    return {
        "sizes": zlib.compress(part.sizes.astype("<i8").tobytes()),
        "times": zlib.compress(part.times.astype("<f8").tobytes()),
        "metrics": json.dumps(sorted(part.metrics)),
    }


def decode_part(sizes: bytes, times: bytes, metrics: str) -> Part:
    """The part that :func:`encode_part` was given."""
    return Part(
        sizes=np.frombuffer(zlib.decompress(sizes), dtype="<i8").astype(np.int64),
        times=np.frombuffer(zlib.decompress(times), dtype="<f8").astype(np.float64),
        metrics=frozenset(json.loads(metrics)),
    )
