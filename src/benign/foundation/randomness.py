"""Addressed randomness: every random object has an address, and its stream follows from the address alone.

Nothing is drawn from a shared, advancing state; the same address gives the same bits in any order, process or resume.
"""

from __future__ import annotations

import hashlib

import numpy as np

from benign.foundation.numbers import checked_index


def checked_seed(seed: object) -> int:
    """The root seed, if it can be one.

    Raises:
        InvalidArgument: if it is negative, too large or not an integer.
    """
    return checked_index("seed", seed)


def generator(seed: int, purpose: str, *address: int) -> np.random.Generator:
    """The generator at an address.

    Args:
        seed: root seed, any integer from 0 to 2^63 - 1.
        purpose: what is drawn, for example ``"label noise"``; different purposes are independent.
        address: integers that single out one object of that purpose, for example the draw.

    Raises:
        InvalidArgument: if ``seed`` is negative or not an integer.

    >>> generator(0, "draw", 3).integers(100) == generator(0, "draw", 3).integers(100)
    True
    """
    text = "\x1f".join([str(checked_seed(seed)), purpose, *(str(int(part)) for part in address)])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
