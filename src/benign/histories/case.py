"""One thing that was read of a history, and the numbers around it as a sentence says them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benign.foundation.number_words import format_number, format_position
from benign.foundation.wording import escaped
from benign.histories.checks import may_be_evaluation_mode
from benign.histories.flag import Flag
from benign.histories.history import History
from benign.histories.rule import Landmark, Reading

_NO_FLAG = Flag(code="")
_PLURALS = {"epoch": "epochs", "step": "steps", "round": "rounds", "evaluation": "evaluations"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A history, its reading and the flag that a sentence is about; one without a code where it is about none."""

    history: History
    reading: Reading
    flag: Flag = _NO_FLAG

    @property
    def evidence(self) -> Mapping[str, float]:
        """The numbers of the flag."""
        return self.flag.evidence

    @property
    def start_is_open(self) -> bool:
        """Whether the start may be an artefact of evaluation mode, which the number of classes would decide."""
        return self.history.classes is None and may_be_evaluation_mode(self.history)

    @property
    def curve(self) -> str:
        """What is watched: "validation loss", or the name of a metric."""
        watched = self.reading.watched
        if watched is None:
            return "loss"
        return escaped(watched.metric) or watched.name.replace("train ", "training ")

    @property
    def upwards(self) -> bool:
        """Whether more is better of the curve that is watched: it gets worse where it falls."""
        return self.reading.watched is not None and self.reading.watched.scale.unit < 0

    @property
    def words(self) -> Mapping[str, str]:
        """What getting worse and getting better are called on this curve."""
        worse, better = {"rose": "rose", "risen": "risen"}, {"fell": "fell", "fallen": "fallen", "falls": "falls"}
        if not self.upwards:
            return {**worse, **better, "below": "below"}
        return {
            "rose": "fell",
            "risen": "fallen",
            "fell": "rose",
            "fallen": "risen",
            "falls": "rises",
            "below": "above",
        }

    @property
    def times(self) -> str:
        """What time counts, in the plural."""
        return _PLURALS[self.history.axis]

    def at(self, time: float) -> str:
        """A time, as "epoch 12"."""
        return f"{self.history.axis} {format_position(time)}"

    def value_at(self, landmark: Landmark) -> str:
        """A value with its time, as "0.554 (epoch 20)"."""
        return f"{self.shown(landmark.value)} ({self.at(landmark.time)})"

    def shown(self, value: float) -> str:
        """A value of the curve that is watched."""
        watched = self.reading.watched
        return percent(value) if watched is not None and watched.name.endswith("error") else format_number(value)

    def change(self, difference: float) -> str:
        """How far the curve went on its scale, as its unit says: "by 12 %", "by a factor of 2.3", "by 3.1 points"."""
        watched = self.reading.watched
        if watched is None:
            return f"by {format_number(abs(difference))}"
        if watched.scale.kind == "log":
            return ratio(difference)
        if watched.name.endswith("error"):
            return f"by {points(abs(difference))}"
        return f"by {percent(abs(difference))} of its whole way"


def ratio(log: float) -> str:
    """A difference of logarithms in words.

    >>> ratio(0.05), ratio(-0.05), ratio(1.0)
    ('by 5.1 %', 'by 4.9 %', 'by a factor of 2.7')
    """
    if abs(log) > math.log(2):
        return f"by a factor of {format_number(math.exp(min(abs(log), 700.0)), digits=2)}"
    return f"by {format_number(100 * abs(math.expm1(log)), digits=2)} %"


def percent(share: float) -> str:
    """A share.

    >>> percent(0.1234), percent(0.5)
    ('12.3 %', '50.0 %')
    """
    return f"{100 * share:.1f} %"


def points(share: float) -> str:
    """A difference of two shares.

    >>> points(0.0123)
    '1.2 points'
    """
    return f"{100 * share:.1f} points"


def odds(probability: float) -> str:
    """A probability that is not known to a tenth of a percent.

    >>> odds(0.01), odds(0.432)
    ('1 %', '43 %')
    """
    return f"{100 * probability:.0f} %"
