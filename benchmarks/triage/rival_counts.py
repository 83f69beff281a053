"""Alarms of several programs on the same cuts of trainings of known truth, counted with intervals over trainings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from triage.rival_meanings import ALARMS, RISES, Meaning
from triage.truth import Truth

from benign.foundation.randomness import generator

DRAWS = 2000

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
    RISEN: {"rise": RISES, "alarm": ALARMS},
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
    """One cut of a training, the truths that hold there, and what each program said."""

    training: str
    truths: frozenset[str]
    said: Mapping[str, Said]


Count = dict[str, float | list[float]]


def truths_of(truth: Truth) -> frozenset[str]:
    """Of those that alarms are counted for; none where the log does not tell of the population."""
    if not truth.is_measured:
        return frozenset()
    has_risen = truth.state == "risen"
    held = {
        HEALTHY: truth.is_healthy,
        RISEN: has_risen,
        DESCENDED: truth.descent == "below" and truth.state in ("improving", "plateau", "between"),
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
        owners = [case.training for case in of_truth]
        counted[truth] = {}
        for question, wanted in questions.items():
            warned = [bool(case.said[rival].warnings & wanted) for case in of_truth]
            noted = [bool((case.said[rival].warnings | case.said[rival].notes) & wanted) for case in of_truth]
            counted[truth][question] = share(warned, owners) | {"with notes": sum(noted)}
    return counted


def share(hits: Sequence[bool], owners: Iterable[str]) -> Count:
    """How many of how many, with a 95 % interval of the share: trainings are drawn anew, their cuts stay together.

    Where all cuts agree no draw differs; then trainings count as single answers, and the interval is the exact one.
    """
    names, places = np.unique(np.array(list(owners), str), return_inverse=True)
    if not names.size:
        return {"hits": 0, "cuts": 0}
    found: Int[np.ndarray, " trainings"] = np.bincount(places, weights=np.array(hits, bool)).astype(int)
    cuts: Int[np.ndarray, " trainings"] = np.bincount(places)
    if found.sum() in (0, cuts.sum()):
        reach = 1 - 0.025 ** (1 / names.size)
        ends = [0.0, reach] if not found.sum() else [1 - reach, 1.0]
    else:
        drawn = generator(0, "trainings drawn anew").multinomial(names.size, np.full(names.size, 1 / names.size), DRAWS)
        ends = np.quantile((drawn @ found) / (drawn @ cuts), [0.025, 0.975]).tolist()
    return {
        "hits": int(found.sum()),
        "cuts": int(cuts.sum()),
        "share": round(float(found.sum() / cuts.sum()), 4),
        "interval": [round(end, 4) for end in ends],
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
