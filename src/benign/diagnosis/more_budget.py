"""What a larger budget would buy of a search for a threshold."""

from __future__ import annotations

import enum
import math

from benign.curves.threshold_search import ThresholdOutcome
from benign.diagnosis.threshold_bracketing import PRECISION


class MoreBudget(enum.Enum):
    """What more trainings would do; the value is the sentence that the user reads."""

    NOTHING = ""
    ENDS_SEARCH = "The budget ended the search: more trainings or minutes go on with it."
    BOUNDS = "More draws would bound this interval on both sides."
    HALVES = "Four times the draws would about halve this interval."


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
