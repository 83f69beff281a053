"""One thing that applies to a history, in numbers, and what the checks that give it look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from benign.histories.history import History
from benign.histories.overconfidence import Overconfidence
from benign.histories.rise import ErrorRise, Rise, State, level_at_end
from benign.histories.second_descent import LossRise, SecondDescent
from benign.histories.smoothing import Curve, smoothed, window
from benign.histories.watched import Watched, finite

Kept = Float[np.ndarray, " kept"]
Outcome = Literal["excluded", "possible", "unchecked"]
"""Of what a finding could be mistaken for: the log speaks against it, for it, or does not say."""


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One code that applies.

    Attributes:
        code: one of :data:`benign.histories.finding.CODES`.
        evidence: the numbers behind it, by name.
        confidence: the probability that the rule gives it; None where it has none.
        alternatives: what it could be mistaken for, and how that came out.
        metric: the name of the metric that it is about; empty for most.
    """

    code: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    alternatives: Mapping[str, Outcome] = field(default_factory=dict)
    metric: str = ""


def is_broken(flag: Flag) -> bool:
    """Whether it says that the training itself went wrong and still is."""
    return flag.code in ("divergence", "not-learning") or (flag.code == "instability" and flag.evidence["now"] > 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What the checks look at: the history and what was read of it."""

    history: History
    watched: Watched
    state: State
    rise: Rise | None
    error: ErrorRise | None
    descent: SecondDescent | None
    overconfidence: Overconfidence | None
    train: LossRise | None
    slope: float
    given_back: float | None = None  # the share of the rise of the loss, measured on predicted probabilities

    @property
    def of_validation(self) -> bool:
        """Whether the curve that is watched is one of the validation set."""
        return self.watched.name.startswith("validation")

    @property
    def is_loss(self) -> bool:
        """Whether the curve that is watched is the loss of the validation set."""
        return self.watched.name == "validation loss"

    @property
    def has_risen(self) -> bool:
        """Whether the validation curve has really risen."""
        return self.of_validation and self.state.name == "risen"

    @property
    def unstable(self) -> Outcome:
        """Whether the training loss rose where it should fall."""
        if self.train is None:
            return "unchecked"
        return "possible" if is_unstable(self.train) else "excluded"


def is_unstable(train: LossRise) -> bool:
    """Whether the training loss rose by more than 15 % of its range."""
    return train.real and train.share > 0.15


def end_of(times: Curve, curve: Curve | None) -> float | None:
    """The level at the end of a curve; None where it was not recorded."""
    values = finite(times, curve)[1]
    width = window(values.size)
    return level_at_end(smoothed(values[-2 * width - 1 :], width), width) if values.size else None


def outcome(holds: bool | None) -> Outcome:
    """What follows from a check; None where it could not be made.

    >>> outcome(True), outcome(False), outcome(None)
    ('possible', 'excluded', 'unchecked')
    """
    return "unchecked" if holds is None else "possible" if holds else "excluded"


def both(history: History, first: Curve | None, second: Curve | None) -> tuple[Kept, Kept, Kept]:
    """Times and values where both curves were recorded; empty where one never was."""
    if first is None or second is None:
        return np.empty(0), np.empty(0), np.empty(0)
    kept = np.isfinite(first) & np.isfinite(second)
    return (history.times, first, second) if kept.all() else (history.times[kept], first[kept], second[kept])
