"""When a recorder evaluates: at doubling times first, then evenly, as often as a small share of the time pays for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

SHARE = 0.02
"""Of the time of the training, spent on evaluations; averaging the weights takes about 1 % more."""
_RECENT = 9


class Schedule:
    """Evaluates after step 1, 2, 4, 8, .. until the distance is such that evaluations take 2 % of the time; from then
    on evenly.

    The distance is a power of two, so that trainings alike are evaluated at the same times though no two take the same
    time. Where it is an epoch or more it is a number of epochs, a power of two again, and evaluated is at their ends.

    Args:
        steps: that the training has behind it, where it goes on from an earlier one.
        epochs: the same.
        distance: of its last evaluations, in steps; 0 of a training that begins.
        clock: tells seconds.

    Attributes:
        next_step: the next step that an evaluation may follow; infinite while only ends of epochs count.
        is_doubling: whether the evaluation that is due is at a power of two.
    """

    def __init__(self, steps: int, epochs: float, *, distance: int = 0, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first_step, self._first_epoch = steps, epochs  # of this process: a resumed training has others before
        self._by_epochs = False
        self._doubles = not distance
        self._needed = float(max(distance, 1))  # steps between evaluations
        self._distance = _power_from(self._needed)  # the same as a power of two, of steps or of epochs
        self._costs: list[float] = []
        self._spent = 0.0
        self._warm: tuple[float, int] | None = None  # when the first evaluation was over, and its step
        self._evaluated = steps
        self.next_step = _multiple_after(steps, self._distance)
        self._next_epoch: float = 0.0
        self.is_doubling = True

    def is_due(self, steps: int) -> bool:
        """Whether an evaluation follows this step."""
        self.is_doubling = _is_power(steps - self._first_step)
        return steps >= self.next_step

    def is_due_at_end(self, steps: int, epochs: float) -> bool:
        """Whether an evaluation follows this epoch, after which there are so many steps and epochs."""
        if not self._by_epochs and self._needed >= self._length(steps, epochs):
            self._by_epochs, self._next_epoch = True, epochs
            self._distance = _power_from(self._needed / self._length(steps, epochs))
            self.next_step = math.inf
        if not self._by_epochs or epochs < self._next_epoch:
            return False
        self.is_doubling = _is_power(round(epochs - self._first_epoch))
        self._next_epoch = epochs + 1  # also where the step was evaluated already
        return steps > self._evaluated

    def evaluated(self, steps: int, epochs: float, *, seconds: float, besides: float = 0.0) -> None:
        """Plan the next evaluation.

        Args:
            steps: that an evaluation has just followed.
            epochs: that are complete.
            seconds: it took.
            besides: seconds of it that do not count.
        """
        now = self._clock()
        self._evaluated = steps
        if self._warm is None:  # whatever is loaded or compiled at first tells nothing about the next
            self._warm = now, steps
        else:
            self._costs.append(seconds - besides)
            self._spent += seconds
            trained = (now - self._warm[0] - self._spent) / (steps - self._warm[1])
            self._needed = float(np.median(self._costs[-_RECENT:])) / (SHARE * max(trained, 1e-9))
        self._plan(steps, epochs)

    def _plan(self, steps: int, epochs: float) -> None:
        needed = self._needed / self._length(steps, epochs) if self._by_epochs else self._needed
        if not self._distance / 4 <= needed <= self._distance:  # else clocks that jitter would change it
            self._distance = _power_from(needed)
        passed = round(epochs - self._first_epoch) if self._by_epochs else steps - self._first_step
        distance = min(self._distance, _power_to(passed)) if self._doubles else self._distance
        if self._by_epochs:
            self._next_epoch = _multiple_after(epochs, distance)
        else:
            self.next_step = _multiple_after(steps, distance)

    def _length(self, steps: int, epochs: float) -> float:
        return max((steps - self._first_step) / max(epochs - self._first_epoch, 1), 1.0)


def _is_power(count: int) -> bool:
    return count > 0 and count & (count - 1) == 0


def _power_from(least: float) -> int:
    return 1 << max(math.ceil(math.log2(max(least, 1.0))), 0)


def _power_to(most: int) -> int:
    return 1 << (max(most, 1).bit_length() - 1)


def _multiple_after(count: float, distance: int) -> float:
    return (count // distance + 1) * distance
