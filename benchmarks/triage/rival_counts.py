"""Alarms of several programs on the same cuts of trainings of known truth, counted with intervals over trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage.bootstrap import share_of
from triage.rival_meanings import ALARMS, RISES, Meaning
from triage.truth import Truth

HEALTHY = "healthy"
RISEN = "risen"
DESCENDED = "fell again below its best"
CONFIDENT = "risen, error not up"
MISTAKEN = "risen, error up"
GIVEN_BACK = "risen, a temperature gives half of it back"

_CALLED = {
    "over-fitting": frozenset({Meaning.OVERFITTING}),
    "overconfidence": frozenset({Meaning.OVERCONFIDENCE}),
}
QUESTIONS: Mapping[str, Mapping[str, frozenset[Meaning]]] = {
    HEALTHY: {"rise": RISES, "alarm": ALARMS, "anything": frozenset(Meaning)},
    RISEN: {"rise": RISES},
    DESCENDED: {"rise": RISES, "alarm": ALARMS},
    CONFIDENT: _CALLED,
    MISTAKEN: _CALLED,
    GIVEN_BACK: _CALLED,
}
"""Of the cuts of a truth: in how many was something said that means one of these?"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one program said of one cut: by warnings (or worse), and by notes besides."""

    warnings: frozenset[Meaning] = frozenset()
    notes: frozenset[Meaning] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cut of a training.

    Attributes:
        training: its name.
        truths: that hold there.
        said: by each program.
        unknown: what the truth cannot tell there: nobody is charged with it.
    """

    training: str
    truths: frozenset[str]
    said: Mapping[str, Said]
    unknown: frozenset[Meaning] = frozenset()


Count = dict[str, float | list[float] | None]


def case_of(training: str, truth: Truth, said: Mapping[str, Said]) -> Case:
    """A cut, as alarms are counted in it; where the training loss may have risen a little, instability is not."""
    unknown = frozenset({Meaning.INSTABILITY}) if truth.train_rise is None else frozenset()
    return Case(training=training, truths=truths_of(truth), said=said, unknown=unknown)


def truths_of(truth: Truth) -> frozenset[str]:
    """Of those that alarms are counted for; none where the log does not tell of the population."""
    if not truth.is_measured:
        return frozenset()
    has_risen, is_down = truth.state == "risen", truth.state in ("improving", "plateau", "between")
    held = {
        HEALTHY: truth.is_healthy,
        RISEN: has_risen,
        DESCENDED: truth.descent == "below" and is_down and "evaluation-mode" not in truth.events,
        CONFIDENT: has_risen and truth.error_up is False,
        MISTAKEN: has_risen and truth.error_up is True,
        GIVEN_BACK: has_risen and truth.given_back >= 0.5,
    }
    return frozenset(name for name, holds in held.items() if holds)


def count_alarms(cases: Sequence[Case], rival: str) -> dict[str, dict[str, Count]]:
    """By truth and question, for one program; ``with notes`` counts what it said below a warning too."""
    counted: dict[str, dict[str, Count]] = {}
    for truth, questions in QUESTIONS.items():
        of_truth = [case for case in cases if truth in case.truths]
        counted[truth] = {question: _count(of_truth, rival, wanted) for question, wanted in questions.items()}
    return counted


def _count(cases: Sequence[Case], rival: str, wanted: frozenset[Meaning]) -> Count:
    said = [(case.said[rival], wanted - case.unknown) for case in cases]
    warned = [bool(it.warnings & charged) for it, charged in said]
    share = share_of(warned, [case.training for case in cases])
    return {
        "hits": sum(warned),
        "with notes": sum(bool((it.warnings | it.notes) & charged) for it, charged in said),
        "cuts": share.cuts,
        "share": round(share.mean, 4) if cases else None,
        "interval": [round(share.low, 4), round(share.high, 4)] if cases else None,
    }


def table(results: Mapping[str, Mapping[str, Mapping[str, Count]]], costs: Mapping[str, float]) -> str:
    """What was counted of every program, a line each; in brackets with its notes, where they add something."""
    asked = [(truth, question) for truth, questions in QUESTIONS.items() for question in questions]
    numbers = range(1, len(asked) + 1)
    cuts = next(iter(results.values()))
    lines = [
        f"[{number}] {truth} ({cuts[truth][question]['cuts']} cuts): says {question}"
        for number, (truth, question) in zip(numbers, asked, strict=True)
    ]
    lines += ["", " " * 30 + "".join(f"{f'[{number}]':>13s}" for number in numbers) + f"{'CPU ms':>8s}"]
    for rival, counted in results.items():
        cells = "".join(f"{_cell(counted[truth][question]):>13s}" for truth, question in asked)
        lines.append(f"{rival:30s}{cells}" + (f"{costs[rival]:8.2f}" if rival in costs else ""))
    return "\n".join(lines)


def _cell(count: Count) -> str:
    more = "" if count["hits"] == count["with notes"] else f" ({count['with notes']})"
    return f"{count['hits']}{more}"
