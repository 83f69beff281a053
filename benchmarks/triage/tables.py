"""What the judged cuts of a half amount to: outcomes of every question, odds against what came, findings by truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from triage.bootstrap import Mean, mean_of, share_of
from triage.judged import QUESTIONS, Judged
from triage.truth import TIMES

Table = dict[str, Any]

EDGES = (0.05, 0.15, 0.35, 0.65, 0.85)
"""Between the bins of what was said."""

GROUPS: Mapping[str, Callable[[Judged], str]] = {
    "validation samples": lambda one: _within(one.samples, (100, 300, 1000, 5000)),
    "points": lambda one: _within(one.points, (25, 60, 150)),
    "model": lambda one: "linear" if one.linear else "not linear",
    "family": lambda one: one.family,
}


def outcomes(judged: Sequence[Judged], question: str) -> Table:
    """How often a question was answered right, not at all, and wrong, with the intervals of all three shares."""
    asked = [(one, outcome) for one in judged if (outcome := QUESTIONS[question](one)) is not None]
    owners = [one.training for one, _ in asked]
    counts: Counter[str] = Counter(outcome for _, outcome in asked)
    table: Table = {"cuts": len(asked), "trainings": len(set(owners)), **{name: counts[name] for name in _OUTCOMES}}
    for name in _OUTCOMES:
        table[f"{name} share"] = rounded(share_of([outcome == name for _, outcome in asked], owners))
    answered = [(one.training, outcome) for one, outcome in asked if outcome != "abstain"]
    right = [outcome == "right" for _, outcome in answered]
    table["right when answered"] = rounded(share_of(right, [owner for owner, _ in answered]))
    return table


def by_group(judged: Sequence[Judged]) -> Table:
    """The counts right, abstain, wrong of every question, by validation samples, points, kind of model and family."""
    return {
        title: {
            group: {question: counts for question in QUESTIONS if any(counts := _counts(members, question))}
            for group, members in sorted(_grouped(judged, key).items())
        }
        for title, key in GROUPS.items()
    }


def odds(judged: Sequence[Judged], k: int) -> Table:
    """The odds of a new best within k times the time against what came, where it is known and odds were given."""
    told = [
        (one, one.said.odds[k], bool(one.truth.new_best[k]))
        for one in judged
        if one.truth.new_best[k] is not None and k in one.said.odds and one.truth.is_measured
    ]
    owners = [one.training for one, _, _ in told]
    said, came = np.array([p for _, p, _ in told]), np.array([came for _, _, came in told], bool)
    base = float(came.mean()) if came.size else float("nan")
    return {
        "cuts": len(told),
        "new bests": int(came.sum()),
        "missed": sum(one.said.answers.get(k) is False and came for one, _, came in told),
        "promised falsely": sum(one.said.answers.get(k) is True and not came for one, _, came in told),
        "Brier": rounded(mean_of((said - came) ** 2, owners)),
        "Brier of the base rate": round(base * (1 - base), 4),
        "bins": _bins(said, came, np.array(owners, str)),
    }


def _bins(said: np.ndarray, came: np.ndarray, owners: np.ndarray) -> list[Table]:
    places = np.searchsorted(EDGES, said, side="right")
    bins = []
    for place in np.unique(places):
        within = places == place
        share, mean = share_of(came[within], owners[within]), float(said[within].mean())
        excluded = not share.low <= mean <= share.high
        bins.append({"said": round(mean, 4), "came": rounded(share), "cuts": share.cuts, "excluded": excluded})
    return bins


def findings(judged: Sequence[Judged]) -> Table:
    """How often each code was found, by what was true: states, events, a training loss that rose; and all cuts."""
    truths: dict[str, Callable[[Judged], bool]] = {
        **{name: _is_state(name) for name in ("risen", "ambiguous", "improving", "plateau", "between", "diverged")},
        "healthy": lambda one: one.truth.is_healthy,
        "train rise": lambda one: one.truth.train_rise is True,
        "no train rise": lambda one: one.truth.train_rise is False,
        **{name: _has_event(name) for name in sorted({name for one in judged for name in one.truth.events})},
    }
    groups = {"all": judged} | {title: [one for one in judged if holds(one)] for title, holds in truths.items()}
    found: Table = {}
    for title, members in groups.items():
        codes = Counter(code for one in members for code in one.said.codes)
        found[title] = {"cuts": len(members), **dict(sorted(codes.items()))}
    return found


def scores(judged: Sequence[Judged]) -> Table:
    """All of it."""
    risen = [one for one in judged if one.truth.state == "risen"]
    many = [one for one in judged if one.samples >= 1000]
    networks = [one for one in judged if not one.linear]
    return {
        "cuts": len(judged),
        "trainings": len({one.training for one in judged}),
        "outcomes": {question: outcomes(judged, question) for question in QUESTIONS},
        "with at least 1,000 validation samples": {_CAUSE: outcomes(many, _CAUSE)},
        "not linear": {question: outcomes(networks, question) for question in QUESTIONS},
        "odds": {str(k): odds(judged, k) for k in TIMES},
        "odds among risen": {str(k): odds(risen, k) for k in TIMES},
        "by group": by_group(judged),
        "findings": findings(judged),
    }


def rounded(mean: Mean) -> list[float | None]:
    """Mean, low and high, as JSON takes them."""
    return [None if np.isnan(value) else round(value, 4) for value in (mean.mean, mean.low, mean.high)]


_OUTCOMES = ("right", "abstain", "wrong")
_CAUSE = "over-fitting or overconfidence"


def _counts(judged: Sequence[Judged], question: str) -> list[int]:
    counts = Counter(QUESTIONS[question](one) for one in judged)
    return [counts["right"], counts["abstain"], counts["wrong"]]


def _grouped(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(key(one), []).append(one)
    return groups


def _within(value: int, edges: Sequence[int]) -> str:
    """The class of a count, named so that names sort."""
    above = [edge for edge in edges if edge < value]
    most = next((edge for edge in edges if edge >= value), None)
    least = f"{above[-1] + 1:05d}" if above else "00000"
    return f"{least} to {most}" if most else f"{least} or more"


def _is_state(name: str) -> Callable[[Judged], bool]:
    return lambda one: one.truth.state == name


def _has_event(name: str) -> Callable[[Judged], bool]:
    return lambda one: name in one.truth.events
