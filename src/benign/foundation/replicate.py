"""A replicate: which draw of the data, which initialisation and which label noise a measurement belongs to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_index


@dataclass(frozen=True, kw_only=True, order=True)
class Replicate:
    """Address of one repetition.

    ``seed`` is the root seed; ``draw`` selects training and test samples, ``initialisation`` the random features or
    initial weights, ``noise`` the label noise. Two replicates that share a number share that random object exactly.
    """

    seed: int = 0
    draw: int = 0
    initialisation: int = 0
    noise: int = 0

    def __post_init__(self) -> None:
        for argument in ("seed", "draw", "initialisation", "noise"):
            checked_index(argument, getattr(self, argument))


def paired_replicates(count: int, *, seed: int = 0) -> tuple[Replicate, ...]:
    """Replicates (i, i, i): everything is drawn afresh in each.

    Raises:
        InvalidArgument: if ``count`` is not positive.
    """
    if count < 1:
        raise invalid("replicates", f"must be at least 1, got {count}; ask for 10 to get intervals.")
    return tuple(Replicate(seed=seed, draw=i, initialisation=i, noise=i) for i in range(count))


def crossed_replicates(draws: int, initialisations: int, noises: int, *, seed: int = 0) -> tuple[Replicate, ...]:
    """The full grid of ``draws`` x ``initialisations`` x ``noises`` replicates, noise varying fastest.

    Raises:
        InvalidArgument: if a count is not positive.
    """
    if min(draws, initialisations, noises) < 1:
        raise invalid(
            "crossed",
            f"must hold three positive counts, got {(draws, initialisations, noises)}; use 1 for a factor "
            "that should not vary.",
        )
    grid = itertools.product(range(draws), range(initialisations), range(noises))
    return tuple(Replicate(seed=seed, draw=a, initialisation=b, noise=c) for a, b, c in grid)
