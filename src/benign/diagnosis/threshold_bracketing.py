"""Search the largest number of samples that is fitted, or the smallest size or time that fits: doubling, then bisection
on the logarithm of the position with a sequential test.

Knows nothing of procedures: it asks for the risks of the first R draws at some position and chooses the next one and R.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import PRECISION, FittingThreshold, ThresholdOutcome
from benign.curves.threshold_reading import mean_crossing
from benign.curves.threshold_search import (
    LEAST_DRAWS,
    Decision,
    dispersion_above,
    sequential_decision,
)
from benign.experiments.executors.protocol import JobStopped, WorkerDied
from benign.foundation.errors import BenignError, InvalidArgument, NotEnoughMemory

_INNER = 0.25  # a bisection leaves at least this share of the bracket on either side


FAILURES = (InvalidArgument, WorkerDied, JobStopped, NotEnoughMemory)
"""What a training may end with: a search answers from what was measured before it."""

RisksOf = Callable[[int, int], Float[np.ndarray, " R"]]
"""(position, draws) -> risks of draws 0 to draws - 1: for more draws, the same ones and others behind them."""


class PositionRefused(InvalidArgument):
    """So small a position cannot be: fewer samples than a batch, a tree of one leaf."""


@dataclass(frozen=True, kw_only=True)
class SearchLimits:
    """What a search may do.

    Attributes:
        smallest: the smallest position that is tried.
        largest: the largest one.
        draws: at most so many draws at one position.
        trainings: at most so many in all.
        has_time: asked before each measurement.
    """

    smallest: int
    largest: int
    draws: int
    trainings: int
    has_time: Callable[[], bool]

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of draws after which the sequential test looks."""
        middle = round(math.sqrt(LEAST_DRAWS * self.draws))
        return tuple(sorted({LEAST_DRAWS, middle, self.draws}))


class ThresholdSearch:
    """One search: what has been measured, and what is measured next.

    Args:
        risks_of: measures one position.
        tolerance: what counts as fitted.
        limits: what the search may do.
        seeks_smallest: whether fitting gets harder as the position falls, as it does for sizes and times, and the
            smallest fitted one is wanted; else the largest, as for samples.
    """

    def __init__(
        self, risks_of: RisksOf, tolerance: float, limits: SearchLimits, *, seeks_smallest: bool = False
    ) -> None:
        self._risks_of, self._tolerance, self._limits = risks_of, tolerance, limits
        self._seeks_smallest = seeks_smallest
        self._has_looked_beyond = False
        self._refused = limits.smallest - 1  # the largest position that is known to be too small
        self.is_budget_spent = False
        self.failure: BenignError | None = None
        self.risks: dict[int, Float[np.ndarray, " _R"]] = {}

    @property
    def trainings(self) -> int:
        """Draws measured, over all positions."""
        return sum(len(draws) for draws in self.risks.values())

    @property
    def ascending(self) -> dict[float, Float[np.ndarray, " _R"]]:
        """What was measured, by position."""
        return {float(position): self.risks[position] for position in sorted(self.risks)}

    @property
    def estimate(self) -> FittingThreshold:
        """The threshold as far as it is known."""
        x = np.array(list(self.ascending))
        return mean_crossing(
            x, list(self.ascending.values()), self._tolerance, is_fitted_below=not self._seeks_smallest
        )

    def run(self, start: int) -> FittingThreshold:
        """Search from a first guess until the threshold is known as well as the draws allow, or the budget is spent.

        A training that fails ends the search: ``failure`` is what it ended with.

        Raises:
            BenignError: what the first training failed with: there is nothing to answer from.
        """
        wanted: tuple[int, int] | None = (start, LEAST_DRAWS)
        while wanted is not None:
            position, draws = wanted
            more = draws - len(self.risks.get(position, ()))
            if self.trainings + more > self._limits.trainings or (self.risks and not self._limits.has_time()):
                self.is_budget_spent = True
                return self._given_up()
            try:
                self.risks[position] = self._risks_of(position, draws)
            except PositionRefused as refusal:
                if position >= min(self.risks, default=self._limits.largest):
                    return self._failed(refusal)
                self._refused = position
                wanted = self._next_position()
                continue
            except FAILURES as error:
                return self._failed(error)
            wanted = self._next_look(position) or self._next_position()
        return self.estimate

    def look_at(self, position: int) -> None:
        """Measure one position more, if it has a risk and the budget allows it."""
        is_affordable = self.trainings + LEAST_DRAWS <= self._limits.trainings and self._limits.has_time()
        if position in self.risks or not is_affordable:
            return
        with contextlib.suppress(*FAILURES):
            self.risks[position] = self._risks_of(position, LEAST_DRAWS)

    def _failed(self, error: BenignError) -> FittingThreshold:
        if not self.risks:
            raise error
        self.failure = error
        return self._given_up()

    def _given_up(self) -> FittingThreshold:
        """The estimate of a search that has not ended by itself: undecided unless it is bounded on both sides."""
        estimate = self.estimate
        is_bounded = estimate.interval[0] > 0.0 and estimate.interval[1] < math.inf
        return estimate if is_bounded else replace(estimate, outcome=ThresholdOutcome.UNDECIDED)

    def decision(self, position: int) -> Decision:
        """What the sequential test says of this position so far."""
        dispersion = dispersion_above([self.risks[at] for at in self._by_hardness()], self._tolerance)
        return sequential_decision(
            self.risks[position], self._tolerance, looks=len(self._limits.looks), dispersion=dispersion
        )

    def is_fitted(self, position: int) -> bool:
        """The decision, or the side of the mean where there is none."""
        decision = self.decision(position)
        if decision is Decision.UNDECIDED:
            return bool(np.mean(self.risks[position]) <= self._tolerance)
        return decision is Decision.FITTED

    def _by_hardness(self) -> list[int]:
        """What was measured, in the order in which fitting gets harder."""
        return sorted(self.risks, reverse=self._seeks_smallest)

    def _next_look(self, position: int) -> tuple[int, int] | None:
        """More draws at this position, where those there are do not decide."""
        if self.decision(position) is not Decision.UNDECIDED:
            return None
        more = [draws for draws in self._limits.looks if draws > len(self.risks[position])]
        return (position, more[0]) if more else None

    def _next_position(self) -> tuple[int, int] | None:
        """The next one: half, double, one look beyond the first that is not fitted, or within the bracket."""
        order = self._by_hardness()
        easier, harder = (self._double, self._half) if self._seeks_smallest else (self._half, self._double)
        if not order:
            return min(2 * self._refused, self._limits.largest), LEAST_DRAWS
        last = max((i for i, position in enumerate(order) if self.is_fitted(position)), default=-1)
        if last < 0:
            return easier(order[0])
        if last + 1 == len(order):
            return harder(order[last])
        beyond = harder(order[last + 1])
        if beyond is not None and not self._has_looked_beyond and last + 2 == len(order):
            # What is fitted need not be an interval, and its far end is asked for.
            self._has_looked_beyond = True
            return beyond
        return self._within(*sorted(order[last : last + 2]))

    def _double(self, position: int) -> tuple[int, int] | None:
        """Twice the largest position, or the limit."""
        largest = self._limits.largest
        smaller = [self.risks.get(position // 2), self.risks.get(position // 4)]
        if self._seeks_smallest and all(
            one is not None and np.array_equal(one, self.risks[position]) for one in smaller
        ):
            return None  # the same models twice over: a tree that has split all it can has no more leaves
        return (min(2 * position, largest), LEAST_DRAWS) if position < largest else None

    def _half(self, position: int) -> tuple[int, int] | None:
        """Half of the smallest position, or between it and what is too small."""
        lower = max(position // 2, math.isqrt(self._refused * position), self._refused + 1)
        return (lower, LEAST_DRAWS) if lower < position else None

    def _within(self, low: int, high: int) -> tuple[int, int] | None:
        """A new position between these two, or more draws at them where the bracket is finer than what the draws can
        tell.
        """
        lower, upper = self.estimate.interval
        resolution = math.sqrt(upper / lower) if 0.0 < lower < upper < math.inf else PRECISION
        if high - low > 1 and high / low > max(PRECISION, resolution):
            return self._between(low, high), LEAST_DRAWS
        if lower > 0.0 and upper < math.inf and (upper < PRECISION * lower or self._is_one_number(lower, upper)):
            return None
        for position in (low, high):
            if self.decision(position) is Decision.UNDECIDED and len(self.risks[position]) < self._limits.draws:
                return position, self._limits.draws
        return None

    def _is_one_number(self, lower: float, upper: float) -> bool:
        """Whether both ends round to the same position: samples down, sizes up."""
        return lower > math.ceil(upper) - 1 if self._seeks_smallest else upper < math.floor(lower) + 1

    def _between(self, low: int, high: int) -> int:
        """Where the interpolated mean crosses, kept away from the bracket's ends; along sizes and times the middle.

        There the mean may fall off a cliff to zero, and its interpolation creeps along the foot.
        """
        if self._seeks_smallest:
            return min(max(round(math.sqrt(low * high)), low + 1), high - 1)
        value = min(max(self.estimate.value, low), high)
        share = math.log(value / low) / math.log(high / low)
        inner = min(max(share, _INNER), 1.0 - _INNER)
        return min(max(round(low * (high / low) ** inner), low + 1), high - 1)
