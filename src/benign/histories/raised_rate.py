"""Whether the learning rate was raised since the best: all that was found to tell which risen runs come back.

Of 44 things that a log, a recorder or a user may hold of a run, this alone told it of real networks beyond the slope,
in every family whose rate was raised (benchmarks/triage/open_problem.py; chosen on the development half, confirmed on
the untouched one).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benign.histories.case import Case
from benign.histories.forecast import Comparable
from benign.histories.history import History
from benign.histories.learning_rate import RAISED
from benign.histories.rule import Reading
from benign.histories.watched import finite

# New bests within twice the time, at moments of networks and boosted trees (without grokking) of both halves whose loss
# had really risen at a learning rate that was raised.
TAKEN_BACK = Comparable(came=174, of=304)  # and was divided by 1.5 or more within twice the time
KEPT_UP = Comparable(came=9, of=116)  # and was not


def is_raised(history: History, reading: Reading) -> bool | None:
    """Whether the learning rate is now 1.5 times that of the best or more; None where it is not known at both."""
    times, rates = finite(history.times, history.learning_rate)
    curve = reading.watched
    if curve is None or reading.rise is None or not rates.size:
        return None
    best = float(curve.times[reading.rise.lowest])
    if times[0] > best or rates.max() <= 0:
        return None
    then = float(rates[np.searchsorted(times, best, side="right") - 1])
    return bool(rates[-1] >= RAISED * then and rates[-1] > 0)


def told_of_the_rate(case: Case) -> Iterator[str]:
    """Of a validation loss that has really risen: what became of networks whose learning rate did the same."""
    watched = case.reading.watched
    if case.reading.state.name != "risen" or watched is None or watched.name != "validation loss":
        return
    raised, within = is_raised(case.history, case.reading), f"within twice the {case.times}"
    if raised:
        yield (
            f"The learning rate is higher than at the best. Networks that had risen so had a new best {within} at "
            f"{_counted(TAKEN_BACK)} moments where the rate came down again by then, and at {_counted(KEPT_UP)} where "
            "it did not."
        )
    elif raised is False and case.reading.trend == "rising":
        yield (
            "The learning rate is no higher than at the best, and nothing else that was tried, in a log or beside it, "
            "told which of such runs would come back."
        )


def _counted(runs: Comparable) -> str:
    return f"{runs.came:,} of {runs.of:,}"
