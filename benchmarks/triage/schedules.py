"""Learning rates over a training: the factor on the largest one by the share of the steps that is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi

Schedule = Callable[[float], float]


def constant(_share: float) -> float:
    """The same throughout."""
    return 1.0


def cosine(share: float) -> float:
    """From 1 to 0 along half a cosine."""
    return 0.5 * (1.0 + cos(pi * share))


def linear(share: float) -> float:
    """From 1 to 0."""
    return 1.0 - share


def steps(places: Sequence[float], factor: float = 0.1) -> Schedule:
    """Times ``factor`` at each of these shares."""
    return lambda share: float(factor ** sum(share >= place for place in places))


def inverse_square_root(flat: float = 0.02) -> Schedule:
    """1 up to the share ``flat``, from there on as one over the square root of time."""
    return lambda share: (flat / max(share, flat)) ** 0.5


def triangular(cycles: int, lowest: float = 0.05) -> Schedule:
    """From ``lowest`` up to 1 and down again, ``cycles`` times."""
    return lambda share: lowest + (1.0 - lowest) * (1.0 - abs(2.0 * (share * cycles % 1.0) - 1.0))


def restarts(cycles: int, growth: float = 1.0) -> Schedule:
    """Cosines from 1 to 0, each ``growth`` times as long as the one before."""
    lengths = [growth**cycle for cycle in range(cycles)]

    def factor(share: float) -> float:
        left = share * sum(lengths)
        for length in lengths[:-1]:
            if left < length:
                return cosine(left / length)
            left -= length
        return cosine(min(left / lengths[-1], 1.0))

    return factor


def warmed_up(schedule: Schedule, share_of_steps: float) -> Schedule:
    """The same, growing linearly from 0 over the first share of the steps."""
    return lambda share: schedule(share) * min(1.0, (share + 1e-9) / share_of_steps)
