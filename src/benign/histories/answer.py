"""What `benign.triage` answers: what happened in a training log, how sure that is, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benign.foundation.json_values import plain
from benign.histories.finding import Finding
from benign.histories.forecast import Odds
from benign.histories.history import History
from benign.histories.overconfidence import Overconfidence
from benign.histories.rise import StateName
from benign.histories.rule import Landmarks, Reading
from benign.histories.schema import SCHEMA

if TYPE_CHECKING:
    from benign.plots.display import Display
    from benign.surface import Surface


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a history was read.

    Attributes:
        run: its name, where the place held several; empty for the only one.
        format: the tool and its file.
        path: empty for an object in memory.
        pooled: the runs whose curves were averaged to this one, seeds of one configuration.
    """

    run: str = ""
    format: str
    path: str = ""
    pooled: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Triage:
    """What a training log shows.

    Attributes:
        headline: the answer, at most 20 words.
        findings: in order of weight.
        advice: what to do, a sentence each.
        limits: what is asked, is not known, was assumed, or was left out in reading.
        state: where the validation curve stands.
        forecast: the odds of a new best within 2, 5 and 10 times the time, by that factor; empty where there are none.
        overconfidence: what the error certifies of the risen loss; None where loss, error or classes are not known.
        landmarks: best, peak, second best and last, each with its interval; None where no curve was read.
        roles: what each column was read as, by its name in the log.
        history: the curves themselves.
        reading: every number of the rule.
        origin: where it was read.
    """

    headline: str
    findings: tuple[Finding, ...]
    advice: tuple[str, ...]
    limits: tuple[str, ...]
    state: StateName
    forecast: Mapping[int, Odds]
    overconfidence: Overconfidence | None
    landmarks: Landmarks | None
    roles: Mapping[str, str]
    history: History
    reading: Reading
    origin: Origin

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings."""
        return tuple(finding.code for finding in self.findings)

    @cached_property
    def surface(self) -> Surface:
        """The history as a surface over time: validation and training risks of one model of one size.

        Raises:
            InvalidArgument: without the number of training samples, which a surface needs.
        """
        from benign.histories.surface import surface_of

        return surface_of(self.history)

    @cached_property
    def display(self) -> Display:
        """The picture: the curves, what is chance in them, the landmarks and where it may go.

        Raises:
            InvalidArgument: where no curve was read.
        """
        from benign.histories.picture import picture

        return picture(self.history, self.reading)

    def to_dict(self) -> dict[str, Any]:
        """All of it but the curves, as JSON takes it; what is no number is None."""
        reading, history = self.reading, self.history
        given = ("train_samples", "validation_samples", "classes", "label_noise", "test_score")
        parts = {
            "schema": SCHEMA,
            "source": asdict(self.origin) | {"columns": dict(self.roles), "axis": history.axis},
            "given": {name: getattr(history, name) for name in given},
            "headline": self.headline,
            "state": reading.state,
            "points": reading.points,
            "noise": reading.noise,
            "rise": reading.rise,
            "error": reading.error,
            "landmarks": self.landmarks,
            "overconfidence": self.overconfidence,
            "forecast": {str(k): odds for k, odds in self.forecast.items()},
            "findings": self.findings,
            "advice": self.advice,
            "limits": self.limits,
        }
        return dict(plain(parts))

    def __str__(self) -> str:
        """The headline, the findings, what to do and what is not known."""
        lines = [f"  {finding.verdict}" for finding in self.findings]
        return "\n".join([self.headline, *lines, *(f"  {text}" for text in (*self.advice, *self.limits))])

    def _repr_html_(self) -> str:
        from benign.plots.output import svg_html
        from benign.plots.text import visible

        if self.reading.watched is None:
            return f"<p>{_escaped(visible(self.headline))}</p>"
        told = "".join(f"<li>{_escaped(visible(finding.verdict))}</li>" for finding in self.findings)
        drawn = svg_html(self.display.svg(alone=True), self.display.alternative_text)
        return f"<p><b>{_escaped(visible(self.headline))}</b></p><ul>{told}</ul>{drawn}"


class Triages(tuple[Triage, ...]):
    """The answers to several runs, those of averaged seeds first."""

    __slots__ = ()

    def __str__(self) -> str:
        """A line for each run."""
        width = max((len(one.origin.run) for one in self), default=0)
        return "\n".join(f"{one.origin.run.ljust(width)}  {one.headline}" for one in self)


def _escaped(text: str) -> str:
    import html

    return html.escape(text)
