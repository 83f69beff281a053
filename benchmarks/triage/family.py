"""A family of the bank: trainings that are made alike, in groups that are each made at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from triage.training import Half, Training

SEEDS: dict[Half, int] = {"development": 101, "untouched": 202}


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a family's module declares.

    Attributes:
        name: in file names and tables.
        groups: how many; each is a file of its own, and what an interruption costs at most.
        make: the trainings of a group, given its number from 0, the half and the half's seed.
        untouched_only: the development half has none of it.
    """

    name: str
    groups: int
    make: Callable[[int, Half, int], list[Training]]
    untouched_only: bool = False

    def in_half(self, half: Half) -> bool:
        """Whether that half has it."""
        return half == "untouched" or not self.untouched_only
