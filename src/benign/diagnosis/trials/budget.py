"""What a diagnosis may spend: minutes, and trainings of the user's model."""

from __future__ import annotations

import math
import time as clock
from dataclasses import dataclass, field

GRACE_SECONDS = 10.0
"""A training that began in time may take so much longer than the budget before it is stopped: the machine may be busy,
and a budget is obeyed to within one training.
"""


@dataclass(kw_only=True)
class Ledger:
    """What has been spent so far, by all that share a budget.

    Attributes:
        began: when, by ``time.monotonic``.
        trainings: nominal: one of the user's model counts 1.
        count: how many trainings there were, of any cost.
    """

    began: float = field(default_factory=clock.monotonic)
    trainings: float = 0.0
    count: int = 0

    @property
    def seconds(self) -> float:
        """Since it began."""
        return clock.monotonic() - self.began


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Until where one may spend; several share a ledger.

    Attributes:
        ledger: what has been spent.
        seconds: on its clock; infinity for no end.
        trainings: nominal, likewise.
    """

    ledger: Ledger
    seconds: float
    trainings: float

    def share(self, fraction: float) -> Budget:
        """The budget of a part, which is so much of what is left."""
        spent = self.ledger
        return Budget(
            ledger=spent,
            seconds=_until(spent.seconds, self.seconds, fraction),
            trainings=_until(spent.trainings, self.trainings, fraction),
        )

    @property
    def seconds_left(self) -> float:
        """May be negative."""
        return self.seconds - self.ledger.seconds

    @property
    def trainings_left(self) -> float:
        """May be negative."""
        return self.trainings - self.ledger.trainings

    def allows(self, *, trainings: float, seconds: float) -> bool:
        """Whether a training of this cost may begin, which may take so long. A rounding is forgiven.

        The first may at any rate as far as minutes go: how long one takes is not known before.
        """
        has_time = seconds <= self.seconds_left and self.seconds_left > 0.0
        return trainings <= self.trainings_left + 1e-9 and (has_time or not self.ledger.count)


def _until(spent: float, end: float, fraction: float) -> float:
    return end if math.isinf(end) else spent + fraction * max(0.0, end - spent)
