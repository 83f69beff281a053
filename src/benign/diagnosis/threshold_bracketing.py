"""Search the largest number of samples that is fitted: doubling, then bisection on log n with a sequential test.

Knows nothing of procedures: it asks for the risks of the first R draws at some n and chooses the next n and R.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from benign.curves.threshold_search import (
    LEAST_DRAWS,
    Decision,
    ThresholdEstimate,
    ThresholdOutcome,
    dispersion_above,
    find_threshold,
    sequential_decision,
)
from benign.foundation.errors import InvalidArgument

PRECISION = 1.03
"""Neighbouring n are not told apart below this ratio."""
_INNER = 0.25  # a bisection leaves at least this share of the bracket on either side


RisksOf = Callable[[int, int], Float[np.ndarray, " R"]]
"""(samples, draws) -> risks of draws 0 to draws - 1: for more draws, the same ones and others behind them."""


class SamplesRefused(Exception):
    """So few samples cannot be trained on (fewer than a batch, say); ``reason`` says why."""

    def __init__(self, reason: InvalidArgument) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class SearchLimits:
    """What a search may do.

    Attributes:
        smallest: the smallest n that is tried.
        largest: the largest one.
        draws: at most so many draws at one n.
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
    """One search: what has been measured, and what is measured next."""

    def __init__(self, risks_of: RisksOf, tolerance: float, limits: SearchLimits) -> None:
        self._risks_of, self._tolerance, self._limits = risks_of, tolerance, limits
        self._has_looked_beyond = False
        self._refused = limits.smallest - 1  # the largest n that is known to be too small
        self.is_budget_spent = False
        self.risks: dict[int, Float[np.ndarray, " _R"]] = {}

    @property
    def trainings(self) -> int:
        """Draws measured, over all n."""
        return sum(len(draws) for draws in self.risks.values())

    @property
    def estimate(self) -> ThresholdEstimate:
        """The threshold as far as it is known."""
        ascending = sorted(self.risks)
        return find_threshold(
            np.array(ascending, dtype=np.float64), [self.risks[n] for n in ascending], self._tolerance
        )

    def run(self, start: int) -> ThresholdEstimate:
        """Search from a first guess until the threshold is known as well as the draws allow, or the budget is spent."""
        wanted: tuple[int, int] | None = (start, LEAST_DRAWS)
        while wanted is not None:
            samples, draws = wanted
            more = draws - len(self.risks.get(samples, ()))
            if self.trainings + more > self._limits.trainings or (self.risks and not self._limits.has_time()):
                return self._given_up()
            try:
                self.risks[samples] = self._risks_of(samples, draws)
            except SamplesRefused:
                if samples >= min(self.risks, default=self._limits.largest):
                    raise
                self._refused = samples
                wanted = self._next_samples()
                continue
            wanted = self._next_look(samples) or self._next_samples()
        return self.estimate

    def _given_up(self) -> ThresholdEstimate:
        """The estimate at the end of the budget: undecided unless it is bounded on both sides."""
        self.is_budget_spent = True
        estimate = self.estimate
        is_bounded = estimate.interval[0] > 0.0 and estimate.interval[1] < math.inf
        return estimate if is_bounded else replace(estimate, outcome=ThresholdOutcome.UNDECIDED)

    def decision(self, samples: int) -> Decision:
        """What the sequential test says of this n so far."""
        dispersion = dispersion_above([self.risks[n] for n in sorted(self.risks)], self._tolerance)
        return sequential_decision(
            self.risks[samples], self._tolerance, looks=len(self._limits.looks), dispersion=dispersion
        )

    def is_fitted(self, samples: int) -> bool:
        """The decision, or the side of the mean where there is none."""
        decision = self.decision(samples)
        if decision is Decision.UNDECIDED:
            return bool(np.mean(self.risks[samples]) <= self._tolerance)
        return decision is Decision.FITTED

    def _next_look(self, samples: int) -> tuple[int, int] | None:
        """More draws at this n, where those there are do not decide."""
        if self.decision(samples) is not Decision.UNDECIDED:
            return None
        more = [draws for draws in self._limits.looks if draws > len(self.risks[samples])]
        return (samples, more[0]) if more else None

    def _next_samples(self) -> tuple[int, int] | None:
        """The next n: half, double, one look beyond the first that is not fitted, or within the bracket."""
        ascending, largest = sorted(self.risks), self._limits.largest
        fitted = [n for n in ascending if self.is_fitted(n)]
        if not ascending:
            return min(2 * self._refused, largest), LEAST_DRAWS
        if not fitted:
            return self._below(ascending[0])
        low = fitted[-1]
        above = [n for n in ascending if n > low]
        if not above:
            return (min(2 * low, largest), LEAST_DRAWS) if low < largest else None
        high = above[0]
        if ascending[-1] < min(2 * high, largest) and not self._has_looked_beyond:
            # The fitted n need not be an interval, and the definition asks for the largest.
            self._has_looked_beyond = True
            return min(2 * high, largest), LEAST_DRAWS
        return self._within(low, high)

    def _below(self, unfitted: int) -> tuple[int, int] | None:
        """Half of the smallest n, or between it and what is too small."""
        lower = max(unfitted // 2, math.isqrt(self._refused * unfitted), self._refused + 1)
        return (lower, LEAST_DRAWS) if lower < unfitted else None

    def _within(self, low: int, high: int) -> tuple[int, int] | None:
        """A new n between these two, or more draws at them where the bracket is finer than what the draws can tell."""
        lower, upper = self.estimate.interval
        resolution = math.sqrt(upper / lower) if 0.0 < lower < upper < math.inf else PRECISION
        if high - low > 1 and high / low > max(PRECISION, resolution):
            return self._between(low, high), LEAST_DRAWS
        if lower > 0.0 and upper < max(PRECISION * lower, math.floor(lower) + 1):
            return None
        for n in (low, high):
            if self.decision(n) is Decision.UNDECIDED and len(self.risks[n]) < self._limits.draws:
                return n, self._limits.draws
        return None

    def _between(self, low: int, high: int) -> int:
        """Where the interpolated mean crosses, kept away from the bracket's ends."""
        share = math.log(max(self.estimate.value, low) / low) / math.log(high / low)
        inner = min(max(share, _INNER), 1.0 - _INNER)
        return min(max(round(low * (high / low) ** inner), low + 1), high - 1)
