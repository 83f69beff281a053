"""Search the largest number of samples that is fitted, or the smallest size or time that fits: doubling, then bisection
on the logarithm of the position with a sequential test.

Knows nothing of procedures: it asks for the risks of the first R draws at some position and chooses the next one and R.
Positions are whole numbers, or any (``alpha``, ``gamma``). Along samples the fitted ones need be no interval: boosting
with ``min_samples_leaf`` fits no few samples, and the training risk of a linear discriminant falls with n. So what is
fitted is looked for on both sides of where the search starts.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import PRECISION, FittingThreshold, ThresholdOutcome
from benign.curves.threshold_reading import mean_crossing
from benign.curves.threshold_search import (
    LEAST_DRAWS,
    Decision,
    dispersion_above,
    mean_ends,
    sequential_decision,
)
from benign.foundation.errors import InvalidArgument

_PRECISION_OF_REALS = 1.25
_INNER = 0.25  # a bisection leaves at least this share of the bracket on either side
_FAR = 4.0  # ratio of neighbours where the easiest end of what is fitted is looked for
_FARTHEST_LOOKS = 4  # of these at most
_BOUNDING = 3  # positions at most that are drawn again so that the interval is bounded on the easy side
_ROUGH = 2.0  # that end is known to within this ratio

FAILURES: tuple[type[Exception], ...] = (InvalidArgument, MemoryError)
"""What a training may end with: a search answers from what was measured before it."""

RisksOf = Callable[[float, int], Float[np.ndarray, " R"]]
"""(position, draws) -> risks of draws 0 to draws - 1: for more draws, the same ones and others behind them. Fewer where
the budget ends before; those without a number are left out.
"""


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
        seconds_left: asked before each measurement but the first; infinity where there is no end.
        is_real: whether any number is a position, rather than whole ones alone.
        looks_beyond: whether one look is spent on whether the fitted positions are an interval.
    """

    smallest: float
    largest: float
    draws: int
    trainings: int
    seconds_left: Callable[[], float]
    is_real: bool = False
    looks_beyond: bool = True

    def has_time(self) -> bool:
        """Whether a measurement may begin."""
        return self.seconds_left() > 0.0

    @property
    def step(self) -> float:
        """Ratio of neighbours before the threshold is bracketed: real numbers range over many powers of ten."""
        return 10.0 if self.is_real else 2.0

    @property
    def precision(self) -> float:
        """Ratio below which neighbours are not told apart."""
        return _PRECISION_OF_REALS if self.is_real else PRECISION

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of draws after which the sequential test looks."""
        middle = round(math.sqrt(LEAST_DRAWS * self.draws))
        return tuple(sorted({min(LEAST_DRAWS, self.draws), min(middle, self.draws), self.draws}))


class ThresholdSearch:
    """One search: what has been measured, and what is measured next.

    Args:
        risks_of: measures one position.
        tolerance: what counts as fitted.
        limits: what the search may do.
        seeks_smallest: whether fitting gets harder as the position falls, as it does for sizes and times, and the
            smallest fitted one is wanted; else the largest, as for samples.
        may_turn: whether fitting may get easier again the harder way, as along samples.
        failures: what a training may end with.
        risks: what was measured before.
    """

    def __init__(
        self,
        risks_of: RisksOf,
        tolerance: float,
        limits: SearchLimits,
        *,
        seeks_smallest: bool = False,
        may_turn: bool = False,
        failures: tuple[type[Exception], ...] = FAILURES,
        risks: Mapping[float, Float[np.ndarray, " _R"]] | None = None,
    ) -> None:
        self._risks_of, self._tolerance, self._limits = risks_of, tolerance, limits
        self._seeks_smallest, self._may_turn, self._failures = seeks_smallest, may_turn, failures
        self._has_looked_beyond = not limits.looks_beyond
        self._anchor = limits.smallest
        self._refused = 0.0 if limits.is_real else limits.smallest - 1  # the largest that is known to be too small
        self.is_budget_spent = False
        self.failure: Exception | None = None
        self.risks: dict[float, Float[np.ndarray, " _R"]] = dict(risks or {})
        self._draws = {position: len(draws) for position, draws in self.risks.items()}  # asked for: not all have a risk

    @property
    def trainings(self) -> int:
        """Draws measured, over all positions."""
        return sum(len(draws) for draws in self.risks.values())

    @property
    def least(self) -> float:
        """The smallest position that there is, as far as is known: smaller ones were refused."""
        return self._refused if self._limits.is_real else self._refused + 1

    @property
    def ascending(self) -> dict[float, Float[np.ndarray, " _R"]]:
        """What was measured and has a number, by position."""
        return {float(position): self.risks[position] for position in sorted(self.risks) if len(self.risks[position])}

    @property
    def estimate(self) -> FittingThreshold:
        """The threshold as far as it is known."""
        x = np.array(list(self.ascending))
        return mean_crossing(
            x, list(self.ascending.values()), self._tolerance, is_fitted_below=not self._seeks_smallest
        )

    @property
    def outcome(self) -> ThresholdOutcome:
        """What became of the search."""
        has_ended = self.failure is None and not self.is_budget_spent
        return self.estimate.outcome if has_ended else self._given_up().outcome

    @property
    def easiest_end(self) -> tuple[float, float]:
        """Where what is fitted ends on the easy side: the last position there that is not fitted, 0 where all are, and
        the next one, from which on all are up to the threshold.
        """
        order = [position for position in self._by_hardness() if len(self.risks[position])]
        at = self._hardest_fitted(order)
        while at > 0 and self.is_fitted(order[at - 1]):
            at -= 1
        return (order[at - 1] if at > 0 else 0.0, order[max(at, 0)])

    def run(self, start: float) -> FittingThreshold:
        """Search from a first guess until the threshold is known as well as the draws allow, or the budget is spent.

        A training that fails ends the search: ``failure`` is what it ended with. A budget that ends in the middle of a
        look leaves the draws that there are.

        Raises:
            Exception: what the first training failed with: there is nothing to answer from.
        """
        self._anchor = start
        wanted: tuple[float, int] | None = (self._rounded(start), self._limits.looks[0])
        while wanted is not None:
            if self._draws.get(wanted[0], 0) < wanted[1] and not self._measure(*wanted):
                return self._given_up()
            wanted = self._next_look(wanted[0]) or self._next_position()
        return self.estimate

    def look_at(self, position: float) -> None:
        """Measure one position more, if it has a risk and the budget allows it."""
        spent = self.is_budget_spent
        if position in self.risks or self._limits.trainings < self.trainings + LEAST_DRAWS:
            return
        with contextlib.suppress(*self._failures):
            failure, self.failure = self.failure, None
            self._measure(position, LEAST_DRAWS)
            self.failure = failure
        self.is_budget_spent = spent

    def look_for_the_easiest_end(self) -> None:
        """Whether far easier positions are fitted too: a few looks, and some between where one is not."""
        for _ in range(_FARTHEST_LOOKS):
            easiest = self._by_hardness()[0]
            far = easiest * _FAR if self._seeks_smallest else easiest / _FAR
            position = min(max(self._rounded(far), self._limits.smallest, self.least), self._limits.largest)
            if position in self.risks or not self._has_looked(position):
                break
            if not self.is_fitted(position):
                break
        while True:
            low, high = sorted(self.easiest_end)
            between = self._rounded(math.sqrt(low * high))
            if not low or high <= _ROUGH * low or between in self.risks or not self._has_looked(between):
                return

    def _has_looked(self, position: float) -> bool:
        before = self.trainings
        self.look_at(position)
        return self.trainings > before

    def _measure(self, position: float, draws: int) -> bool:
        """Measure up to so many draws there; False where that ended the search."""
        before = len(self.risks.get(position, ()))
        allowed = min(draws, before + self._limits.trainings - self.trainings)
        if allowed <= before or (self.risks and not self._limits.has_time()):
            self.is_budget_spent = True
            return False
        try:
            risks = self._risks_of(position, allowed)
        except PositionRefused as refusal:
            if position >= min(self.risks, default=self._limits.largest):
                return self._has_failed(refusal)
            self._refused = position
            return True
        except self._failures as error:
            return self._has_failed(error)
        self.is_budget_spent = allowed < draws or (len(risks) < draws and not self._limits.has_time())
        if len(risks) or not self.is_budget_spent:
            self.risks[position], self._draws[position] = risks, allowed
        return not self.is_budget_spent

    def _has_failed(self, error: Exception) -> bool:
        if not self.ascending:
            raise error
        self.failure = error
        return False

    def _given_up(self) -> FittingThreshold:
        """The estimate of a search that has not ended by itself: undecided unless it is bounded on both sides, or by
        the hardest position that there is.
        """
        estimate = self.estimate
        hardest = self._limits.smallest if self._seeks_smallest else self._limits.largest
        is_bounded = estimate.interval[0] > 0.0 and estimate.interval[1] < math.inf
        is_all = hardest in self.ascending and self.decision(hardest) is Decision.FITTED
        return estimate if is_bounded or is_all else replace(estimate, outcome=ThresholdOutcome.UNDECIDED)

    def decision(self, position: float) -> Decision:
        """What the sequential test says of this position so far."""
        if not len(self.risks[position]):
            return Decision.UNFITTED
        draws = [self.risks[at] for at in self._by_hardness() if len(self.risks[at])]
        dispersion = dispersion_above(draws, self._tolerance)
        return sequential_decision(
            self.risks[position], self._tolerance, looks=len(self._limits.looks), dispersion=dispersion
        )

    def is_fitted(self, position: float) -> bool:
        """The decision, or the side of the mean where there is none."""
        decision = self.decision(position)
        if decision is Decision.UNDECIDED:
            return self._mean(position) <= self._tolerance
        return decision is Decision.FITTED

    def _mean(self, position: float) -> float:
        return float(np.mean(self.risks[position])) if len(self.risks[position]) else math.inf

    def _by_hardness(self) -> list[float]:
        """What was measured, in the order in which fitting gets harder."""
        return sorted(self.risks, reverse=self._seeks_smallest)

    def _hardest_fitted(self, order: list[float]) -> int:
        return max((i for i, position in enumerate(order) if self.is_fitted(position)), default=-1)

    def _next_look(self, position: float) -> tuple[float, int] | None:
        """More draws at this position, where those there are do not decide."""
        if position not in self.risks or self.decision(position) is not Decision.UNDECIDED:
            return None
        more = [draws for draws in self._limits.looks if draws > self._draws[position]]
        return (position, more[0]) if more else None

    def _next_position(self) -> tuple[float, int] | None:
        """The next one: half, double, one look beyond the first that is not fitted, or within the bracket."""
        order = self._by_hardness()
        easier, harder = (self._double, self._half) if self._seeks_smallest else (self._half, self._double)
        if not order:
            return self._asked(min(2 * self._refused, self._limits.largest))
        last = self._hardest_fitted(order)
        if self._is_turning(order[last + 1 :]) and (turned := harder(order[-1])):
            return turned
        if last < 0:
            return easier(order[0]) or (harder(order[-1]) if self._may_turn and order[-1] <= self._anchor else None)
        if last + 1 == len(order):
            return harder(order[last])
        beyond = harder(order[last + 1])
        if beyond is not None and not self._has_looked_beyond and last + 2 == len(order):
            # What is fitted need not be an interval, and its far end is asked for.
            self._has_looked_beyond = True
            return beyond
        return self._within(*sorted(order[last : last + 2]))

    def _is_turning(self, unfitted: list[float]) -> bool:
        """Whether the risk of what is not fitted surely falls the harder way."""
        if not self._may_turn or len(unfitted) < 2 or not all(len(self.risks[position]) for position in unfitted):
            return False
        ends = [mean_ends(self.risks[position]) for position in unfitted]
        return max(low for low, _ in ends[:-1]) > ends[-1][1] + self._tolerance

    def _asked(self, position: float) -> tuple[float, int]:
        return position, self._limits.looks[0]

    def _double(self, position: float) -> tuple[float, int] | None:
        """The next doubling of where the search began, or the limit."""
        largest = self._limits.largest
        step = self._limits.step
        smaller = [self.risks.get(round(position / ratio)) for ratio in (step, step**2)]
        if self._seeks_smallest and all(
            one is not None and len(one) >= LEAST_DRAWS and np.array_equal(one, self.risks[position]) for one in smaller
        ):
            return None  # the same models twice over: a tree that has split all it can has no more leaves
        if position >= largest:
            return None
        # A doubling was rounded, and is no less a doubling.
        steps = math.floor(math.log(position / self._anchor, step) + _INNER) + 1
        double = self._rounded(self._anchor * step**steps)
        return self._asked(min(double if double > position else self._rounded(step * position), largest))

    def _half(self, position: float) -> tuple[float, int] | None:
        """Half of the smallest position, or between it and what is too small."""
        if self._limits.is_real:
            lower = max(position / self._limits.step, math.sqrt(self._refused * position), self._limits.smallest)
            return self._asked(lower) if lower < position * (1.0 - 1e-9) else None
        lower = max(position // 2, math.isqrt(int(self._refused * position)), self._refused + 1)
        return self._asked(lower) if lower < position else None

    def _within(self, low: float, high: float) -> tuple[float, int] | None:
        """A new position between these two, or more draws at them where the bracket is finer than what the draws can
        tell.
        """
        lower, upper = self.estimate.interval
        precision = self._limits.precision
        resolution = math.sqrt(upper / lower) if 0.0 < lower < upper < math.inf else precision
        is_coarse = self._limits.is_real or high - low > 1
        if is_coarse and high / low > max(precision, resolution):
            return self._asked(self._between(low, high))
        if lower > 0.0 and upper < math.inf and (upper < precision * lower or self._is_one_number(lower, upper)):
            return None
        for position in (low, high):
            if self.decision(position) is Decision.UNDECIDED and self._draws[position] < self._limits.draws:
                return position, self._limits.draws
        unbounded = lower <= 0.0 if not self._seeks_smallest else upper == math.inf
        return self._bounding(high if self._seeks_smallest else low) if unbounded else None

    def _bounding(self, fitted: float) -> tuple[float, int] | None:
        """More draws where fitting is a little easier, so that something is surely fitted."""
        order = self._by_hardness()
        nearest = order[: order.index(fitted)][::-1][:_BOUNDING]
        more = (position for position in nearest if self._draws[position] < self._limits.draws)
        return next(((position, self._limits.draws) for position in more), None)

    def _is_one_number(self, lower: float, upper: float) -> bool:
        """Whether both ends round to the same position: samples down, sizes up."""
        if self._limits.is_real:
            return False
        return lower > math.ceil(upper) - 1 if self._seeks_smallest else upper < math.floor(lower) + 1

    def _between(self, low: float, high: float) -> float:
        """Where the interpolated mean crosses, kept away from the bracket's ends; along sizes and times the middle.

        There the mean may fall off a cliff to zero, and its interpolation creeps along the foot.
        """
        middle = math.sqrt(low * high)
        if not self._seeks_smallest:
            value = min(max(self.estimate.value, low), high)
            share = math.log(value / low) / math.log(high / low)
            middle = low * (high / low) ** min(max(share, _INNER), 1.0 - _INNER)
        return middle if self._limits.is_real else min(max(round(middle), low + 1), high - 1)

    def _rounded(self, position: float) -> float:
        if self._limits.is_real:
            return position
        return int(max(round(position), 1))
