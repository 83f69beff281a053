"""What a history shows: one finding, with its numbers, what it is not, and the experiment that would decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CODES = (
    "too-few-points", "improving", "plateau", "noise-only", "overfitting", "overconfidence", "second-descent",
    "rise-unknown-end", "benign-interpolation", "instability", "divergence", "not-learning", "underfitting",
    "train-worse-than-validation", "leak-suspicion", "shift", "erratic", "wrong-selection-metric",
    "delayed-generalisation", "evaluation-mode", "measurement-changed",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Next:
    """The cheapest experiment that would decide between what is said and what it could be instead."""

    experiment: str
    cost: str
    decides: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a history shows.

    Attributes:
        code: one of :data:`CODES`.
        verdict: what is said, in one sentence with its numbers.
        evidence: the numbers behind it, by name.
        excluded: what it could be mistaken for, and why it is not that; a sentence each.
        confidence: the probability that the rule gives it, between 0 and 1.
        next: the cheapest deciding experiment; None where nothing is to be decided.
        against_best: of a second descent: whether it ends below, at or above the earlier best.
        explained_by: of a second descent: what was switched or went wrong there; empty where nothing was.
    """

    code: str
    verdict: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    confidence: float | None = None
    next: Next | None = None
    against_best: str = ""
    explained_by: str = ""
