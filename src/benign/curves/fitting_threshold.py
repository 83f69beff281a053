"""The threshold: the smallest size, the shortest time or the largest n at which a training set is fitted."""

from __future__ import annotations

import enum
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from benign.foundation.number_words import format_position
from benign.foundation.size_words import amount, is_counted, span

PRECISION = 1.03
"""A search does not tell neighbouring positions apart below this ratio."""
Criterion = Literal["objective", "error"]
ThresholdEstimator = Literal["mean", "median"]
_RENAMED = {"position": "value", "position_interval": "interval"}  # of the landmark that a threshold was until 0.2


class ThresholdOutcome(enum.Enum):
    """What became of a threshold; the value is the sentence that the user reads."""

    FOUND = "the threshold lies between what was fitted and what was not"
    ALL_FITTED = "all that was measured is fitted: the threshold lies where fitting is harder"
    NONE_FITTED = "nothing that was measured is fitted: the threshold lies where fitting is easier"
    UNDECIDED = "the budget was spent before the threshold was found to the precision that its noise allows"


class MoreBudget(enum.Enum):
    """What more trainings would do; the value is the sentence that the user reads."""

    NOTHING = ""
    ENDS_SEARCH = "The budget ended the search: more trainings or minutes go on with it."
    BOUNDS = "More draws would bound this interval on both sides."
    HALVES = "Four times the draws would about halve this interval."


@dataclass(frozen=True, kw_only=True)
class FittingThreshold:
    """Where the training risk of n samples falls to the tolerance, along size, time or samples.

    Attributes:
        value: the smallest that fits, rounded up where only whole numbers exist; the smallest measured where all fit,
            infinity where none does. Of an inverse of a size, and of samples, the largest that fits, rounded down; the
            largest measured, 0.
        interval: its 95 % interval over draws, and never finer than what was measured about the value; 0 below and
            infinity above mean unbounded. NaN for the median of one draw.
        first_crossing: where the risk first leaves the tolerance as fitting gets harder: not at ``value`` where the
            fitted positions are significantly no interval.
        outcome: ``FOUND``; ``ALL_FITTED``; ``NONE_FITTED``; ``UNDECIDED`` if a search's budget ended before it was
            bounded on both sides.
        estimator: whether the ``"mean"`` over draws crosses the tolerance at the value, or the ``"median"``.
        evidence: this risk at everything that was measured, ascending.
        samples: number of training samples n, of a size or a time.
        tolerance: what counts as fitted.
        criterion: ``"objective"`` or ``"error"``.
        unit: what is counted.
        is_inverse: whether the fitted positions lie below: the size is the inverse of one.
        title: what was read or searched.
        trainings: number of trainings that a search rests on, those that a store held already included.
        seconds: how long it took.
        is_budget_spent: whether it ended because its budget did.
        is_noise_limited: whether the draws, rather than how finely was measured, decide how wide the interval is.
        note: why nothing can be said, where the training risk shows that the size is read the wrong way round.
        reading: that the size was read the other way round than it was said to be; empty where it was not.
        data_notes: what there is to know of the data; see :attr:`benign.Surface.notes`.
        failure: what the training failed with that ended a search; empty where none did.
    """

    value: float
    interval: tuple[float, float]
    first_crossing: float
    outcome: ThresholdOutcome
    estimator: ThresholdEstimator = "mean"
    evidence: Mapping[float, float] = field(default_factory=dict, repr=False)
    samples: int | None = None
    tolerance: float = math.nan
    criterion: Criterion = "objective"
    unit: str = "units"
    is_inverse: bool = False
    title: str = "Threshold"
    trainings: int = 0
    seconds: float = 0.0
    is_budget_spent: bool = False
    is_noise_limited: bool = False
    note: str = ""
    reading: str = ""
    data_notes: tuple[str, ...] = ()
    failure: str = ""

    def __getattr__(self, name: str) -> object:
        """The old name of an attribute, until 0.3."""
        if name not in _RENAMED:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        warnings.warn(f"threshold.{name} is now threshold.{_RENAMED[name]}.", DeprecationWarning, stacklevel=2)
        return getattr(self, _RENAMED[name])

    def __str__(self) -> str:
        """The sentence, and what there is to know of the data."""
        return " ".join([self.sentence, *self.data_notes])

    @property
    def sentence(self) -> str:
        """The result in words."""
        searched = f", from {self.trainings} trainings" if self.trainings else ""
        if self.note:
            return f"{self.title}{searched}: {self.note}"
        end = f"; a failure ended the search. {self.failure}" if self.failure else "."
        return " ".join(
            filter(None, [f"{self.title}: {self._found}{searched}{end}", self.reading, self.more_budget.value])
        )

    @property
    def has_place(self) -> bool:
        """Whether something that was measured is fitted, and the value is a position."""
        return self.outcome in (ThresholdOutcome.FOUND, ThresholdOutcome.ALL_FITTED)

    @property
    def place(self) -> str:
        """The value with its interval, in numbers alone: "186 (185 to 188)"."""
        value = format_position(self.value)
        return value if math.isnan(self.interval[0]) else f"{value} ({self.ends})"

    @property
    def ends(self) -> str:
        """The interval in words."""
        return interval_words(self.interval)

    @property
    def _found(self) -> str:
        first, last = min(self.evidence, default=math.nan), max(self.evidence, default=math.nan)
        risk = "training objective" if self.criterion == "objective" else "zero-one training error"
        risk = f"{self.estimator} {risk}"
        level = f"{self.tolerance:g}"
        if self.criterion == "objective":
            level += " of the best constant predictor's"
        if self.outcome is ThresholdOutcome.ALL_FITTED:
            hardest = (last, "largest") if self.is_inverse else (first, "smallest")
            return f"the {risk} is at most {level} even at {amount(hardest[0], self.unit)}, the {hardest[1]} tried"
        if self.outcome is ThresholdOutcome.NONE_FITTED:
            easiest = (first, "down", "smallest") if self.is_inverse else (last, "up", "largest")
            at = amount(easiest[0], self.unit)
            return f"the {risk} stays above {level} {easiest[1]} to {at}, the {easiest[2]} tried"
        if self.outcome is ThresholdOutcome.FOUND:
            most = ("the largest", "the most") if self.is_inverse else ("the smallest", "the fewest")
            extreme = f"are {most[1]}" if is_counted(self.unit) else f"is {most[0]}"
            interval = "" if math.isnan(self.interval[0]) else f" (95 % interval: {self.ends})"
            if not self.interval[0] or self.interval[1] == math.inf:  # a value that nothing bounds is no finding
                return f"{most[is_counted(self.unit)]} {self.unit} at which the {risk} is at most {level}: {self.ends}"
            return f"{amount(self.value, self.unit)}{interval} {extreme} at which the {risk} is at most {level}"
        tried = span(first, last, self.unit)
        return f"undecided; tried {tried}, the 95 % interval of where the {risk} falls to {level} is {self.ends}"

    @property
    def more_budget(self) -> MoreBudget:
        """What more trainings would buy; nothing where none were searched."""
        if self.note or self.failure or not self.trainings:
            return MoreBudget.NOTHING
        return more_budget(
            self.outcome, self.interval, is_budget_spent=self.is_budget_spent, is_noise_limited=self.is_noise_limited
        )

    def to_dict(self) -> dict[str, object]:
        """All numbers as JSON values; None stands for what is not bounded."""
        return asdict(self) | {
            "value": finite(self.value),
            "interval": [finite(end) for end in self.interval],
            "first_crossing": finite(self.first_crossing),
            "tolerance": finite(self.tolerance),
            "outcome": self.outcome.name.lower(),
            "sentence": self.sentence,
            "data_notes": list(self.data_notes),
            "evidence": [{"position": position, self.estimator: risk} for position, risk in self.evidence.items()],
        }

    def along_the_inverse(self) -> FittingThreshold:
        """The threshold along 1 / position."""
        return replace(
            self,
            value=_inverse(self.value),
            first_crossing=_inverse(self.first_crossing),
            interval=(_inverse(self.interval[1]), _inverse(self.interval[0])),
            is_inverse=not self.is_inverse,
        )

    def widened(self, positions: Sequence[float] | Float[np.ndarray, " K"]) -> FittingThreshold:
        """The threshold, its interval holding the gap between the measured ``positions`` around its value.

        Within that gap the crossing is only interpolated, which is no evidence where the mean falls off a cliff.
        """
        if not 0.0 < self.value < math.inf:
            return self
        # What was measured and is the crossing itself is fitted; exp(log(position)) may miss it a little.
        edge = self.value * (1.0 + 1e-12 if self.is_inverse else 1.0 - 1e-12)
        x, (low, high) = np.asarray(positions, dtype=np.float64), self.interval
        is_below = x <= edge if self.is_inverse else x < edge
        below, above = float(np.max(x[is_below], initial=0.0)), float(np.min(x[~is_below], initial=math.inf))
        return replace(
            self,
            interval=(min(low, below or low), max(high, above if above < math.inf else high)),
            is_noise_limited=high * below > above * low,
        )

    def in_whole_numbers(self) -> FittingThreshold:
        """The threshold where only whole numbers were measured: of two, one that fits and one that does not, the first.

        Nothing is smaller than 1: where that was measured and may be the threshold, it bounds it.
        """
        if not all(position == math.floor(position) for position in self.evidence):
            return self
        value, (low, high) = self.value, self.interval
        if self.is_inverse:
            value, low = (math.floor(end * (1.0 + 1e-12)) if math.isfinite(end) else end for end in (value, low))
            return replace(self, value=float(value), interval=(float(low), max(_rounded_up(high) - 1.0, value)))
        value, high = _rounded_up(value), _rounded_up(high)
        low = min(math.floor(low) + 1.0 if low else float(1.0 in self.evidence), value)
        return replace(self, value=value, interval=(low, high))


NOTHING_READ = FittingThreshold(
    value=math.inf, interval=(0.0, math.inf), first_crossing=math.inf, outcome=ThresholdOutcome.UNDECIDED
)
"""Of risks none of which is a number."""


def more_budget(
    outcome: ThresholdOutcome, interval: tuple[float, float], *, is_budget_spent: bool, is_noise_limited: bool = True
) -> MoreBudget:
    """What is left to gain. The width falls as 1 / sqrt(draws), where the draws decide it.

    Nothing, where the range of samples or sizes ended the search, and where the interval is one number or 3 % wide.

    Args:
        outcome: of the search.
        interval: of the threshold.
        is_budget_spent: whether the budget ended the search.
        is_noise_limited: whether the draws decide how wide the interval is.
    """
    low, high = interval
    if outcome is ThresholdOutcome.UNDECIDED:
        return MoreBudget.ENDS_SEARCH
    if outcome is not ThresholdOutcome.FOUND:
        return MoreBudget.NOTHING
    if low <= 0.0 or high == math.inf:
        return MoreBudget.BOUNDS
    if high <= max(PRECISION * low, low + 1.0):
        return MoreBudget.NOTHING
    if is_budget_spent:
        return MoreBudget.ENDS_SEARCH
    return MoreBudget.HALVES if is_noise_limited else MoreBudget.NOTHING


def interval_words(interval: tuple[float, float]) -> str:
    """An interval whose end of 0, or of infinity, bounds nothing.

    >>> interval_words((185.0, 188.0)), interval_words((0.0, 188.0)), interval_words((185.0, math.inf))
    ('185 to 188', '188 or fewer', '185 or more')
    """
    low, high = (format_position(end) for end in interval)
    if interval[1] == math.inf:
        return f"{low} or more" if interval[0] else "not bounded"
    return f"{low} to {high}" if interval[0] else f"{high} or fewer"


def finite(number: float) -> float | None:
    """The number as JSON has it: None for NaN and infinity."""
    if not math.isfinite(number):
        return None
    return number if isinstance(number, int) else float(number)


def _inverse(number: float) -> float:
    return 1.0 / number if number else math.inf


def _rounded_up(position: float) -> float:
    """The smallest whole number that is not below; exp(log(size)) may lie a little above the size."""
    return float(math.ceil(position * (1.0 - 1e-12))) if math.isfinite(position) else position
