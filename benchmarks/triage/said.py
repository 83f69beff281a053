"""What the rule says of a training where it is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from triage.shapes import Curve
from triage.truth import Descent

from benign.histories.history import History
from benign.histories.rule import Reading, read_history

Change = Callable[[History], History]

ALARMS = frozenset({"overfitting", "overconfidence", "instability", "divergence", "erratic", "not-learning"})
"""Codes that are false alarms on a healthy training; so is the state risen."""

_CURVES = (
    "validation_loss", "validation_error", "train_loss", "train_error", "averaged_loss", "averaged_error",
)  # fmt: skip
_DECAY = 0.9


@dataclass(frozen=True, kw_only=True)
class Said:
    """The answers that are scored.

    Attributes:
        state: risen, improving, plateau, diverged or undecided.
        codes: of all findings.
        error: whether the error is up; None without an answer for want of errors.
        descent: the second descent of the loss that is claimed.
        error_descent: the one of the error, from the same log without its losses of validation.
        odds: of a new best within k times the time; empty where none are given.
        answers: the sure ones among them.
    """

    state: str
    codes: frozenset[str]
    error: Literal["up", "not up", "undecided"] | None
    descent: Descent
    error_descent: Descent
    odds: Mapping[int, float]
    answers: Mapping[int, bool]

    @property
    def alarms(self) -> frozenset[str]:
        """What would be a false alarm on a healthy training."""
        return (self.codes & ALARMS) | ({"risen"} if self.state == "risen" else frozenset())


def said_of(history: History) -> Said:
    """What the rule says of this log."""
    reading = read_history(history)
    return Said(
        state=reading.state.name,
        codes=frozenset(flag.code for flag in reading.flags),
        error=None if reading.error is None else reading.error.answer,
        descent=_descent(reading, "validation loss"),
        error_descent=_descent_of_error(history),
        odds={k: odds.probability for k, odds in reading.forecast.items()},
        answers={k: odds.answer for k, odds in reading.forecast.items() if odds.answer is not None},
    )


def _descent(reading: Reading, watched: str) -> Descent:
    found = reading.second_descent
    said = any(flag.code == "second-descent" for flag in reading.flags)
    if found is None or not said or reading.watched is None or reading.watched.name != watched:
        return "none"
    return found.against_best


def _descent_of_error(history: History) -> Descent:
    if history.validation_error is None:
        return "none"
    return _descent(read_history(replace(history, validation_loss=None)), "validation error")


def _without(*names: str) -> Change:
    nothing: dict[str, Any] = dict.fromkeys(names)
    return lambda history: replace(history, **nothing)


def _with_curves(history: History, change: Callable[[Curve], Curve]) -> History:
    held = {name: getattr(history, name) for name in _CURVES}
    changed: dict[str, Any] = {name: change(curve) for name, curve in held.items() if curve is not None}
    return replace(history, **changed)


def _rounded(history: History) -> History:
    """As ``%.2f`` prints losses; errors are kept, since they are printed in percent."""
    losses = {name: getattr(history, name) for name in _CURVES if name.endswith("loss")}
    return replace(history, **{name: np.round(curve, 2) for name, curve in losses.items() if curve is not None})


def _every_fifth(history: History) -> History:
    """Every fifth evaluation, the last among them."""
    kept = slice((history.times.size - 1) % 5, None, 5)
    names = ("times", "learning_rate", *_CURVES)
    held = {name: getattr(history, name) for name in names}
    return replace(history, **{name: curve[kept] for name, curve in held.items() if curve is not None})


def _smoothed(history: History) -> History:
    """As a dashboard draws curves: an exponential mean, corrected at its start."""

    def mean(curve: Curve) -> Curve:
        total, weight, out = 0.0, 0.0, np.full(curve.size, np.nan)
        for place, value in enumerate(curve):
            if np.isfinite(value):
                total, weight = _DECAY * total + (1 - _DECAY) * float(value), _DECAY * weight + 1 - _DECAY
                out[place] = total / weight
        return out

    return _with_curves(history, mean)


CHANGES: Mapping[str, Change] = {
    "all": lambda history: history,
    "without error": _without("validation_error", "train_error", "averaged_error"),
    "without n_validation": _without("validation_samples"),
    "without classes": _without("classes"),
    "without train loss": _without("train_loss"),
    "without train error": _without("train_error"),
    "without noise share": _without("label_noise"),
    "without learning rate": _without("learning_rate"),
    "without averaged weights": _without("averaged_loss", "averaged_error"),
    "losses rounded to 2 decimals": _rounded,
    "every 5th evaluation": _every_fifth,
    "smoothed by a mean of decay .9": _smoothed,
}
"""What a log may lack, and what may have been done to it."""
