"""What estimates of a change are worth: pooled, and answered only as surely as such answers were right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import special

from benign.curves.intervals import student_quantile
from benign.diagnosis.answers import Answer, Estimate, Metric, Verdict
from benign.diagnosis.risk_change import PRIOR_FOLDS, RiskChange
from benign.diagnosis.verdict import ALIKE

# Fitted on the development half of the benchmark of diagnoses (benchmarks/diagnosis/fit.py).
SPREADS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "more_data": {
        "tried": (0.01, 0.0),
        "rehearsed": (0.005, 0.25),
        "rehearsed at half": (0.005, 0.25),
        "twin": (0.005, 0.25),
        "full twin": (0.005, 0.25),
    },
    "bigger": {"tried": (0.005, 0.0), "rehearsed at half": (0.005, 0.25), "rehearsed": (0.005, 0.35)},
    "longer": {"tried": (0.005, 0.0), "rehearsed at half": (0.005, 0.25), "rehearsed": (0.005, 0.5)},
}
"""By question and method: how far its log ratio is from the truth beyond its standard error, always and as a share of
itself.
"""
PRIOR_SPREADS: Mapping[str, float] = {"more_data": 0.1, "bigger": 0.05, "longer": 0.05}
"""By question: how far a fold's log ratio is from another's, before any was seen."""
OVERCONFIDENCE: Mapping[str, float] = {"more_data": 0.9, "bigger": 1.2, "longer": 1.2}
"""By question: what the pooled z is divided by."""
LARGEST_Z = 3.0
"""No answer is surer than this, in standard deviations."""
UNFITTED_SHIFT = -2.0
"""In probits, towards "helps": more data where the training set is not fitted."""
ENOUGH_FOLDS = 4
"""On so many, a change that was tried at the user's own number of samples is known better than by any other method."""

WHOLE = ("tried", "full twin")
"""The methods at the user's own number of samples."""
_LEAST_WEIGHT = 0.2  # share of the precision from which on a method is told of
_95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one method says of a change.

    Attributes:
        question: a key of :data:`SPREADS`; ``method``: one of its keys.
        change: what it measured.
        words: what was done: "rehearsed at a quarter of your samples, from 50 to 100".
        variance: to be added, where the method knows of more that it cannot tell.
    """

    question: str
    method: str
    change: RiskChange
    words: str
    variance: float = 0.0

    @property
    def total_variance(self) -> float:
        """Of the log ratio as an estimate of the truth."""
        fixed, share = SPREADS[self.question][self.method]
        return self.change.se**2 + fixed**2 + (share * self.change.d) ** 2 + self.variance


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What is known before any estimate.

    Attributes:
        shift: in probits, towards "helps" where negative.
        words: why.
    """

    shift: float = 0.0
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """All evidence together.

    Attributes:
        d: log ratio.
        deviation: its standard deviation.
        worse: probability that the risk rises.
        alike: probability that it changes by no more than :data:`~benign.diagnosis.verdict.ALIKE`.
    """

    d: float
    deviation: float
    worse: float
    alike: float


def pooled(evidence: Sequence[Evidence], shift: float = 0.0) -> Pooled:
    """Weight by precision, and be the less sure the more the methods disagree.

    Source: Birge 1932 (Physical Review 40:207): the deviation grows with the root of chi squared over its degrees.
    """
    variances = _variances(evidence)
    precision = sum(1.0 / variance for variance in variances)
    d = sum(one.change.d / variance for one, variance in zip(evidence, variances, strict=True)) / precision
    squares = sum((one.change.d - d) ** 2 / variance for one, variance in zip(evidence, variances, strict=True))
    disagreement = max(1.0, math.sqrt(squares / max(len(evidence) - 1, 1)))
    deviation = OVERCONFIDENCE[evidence[0].question] * disagreement / math.sqrt(precision)
    z = _bounded(_bounded(d / deviation) + shift)
    return Pooled(d=d, deviation=deviation, worse=float(special.ndtr(z)), alike=_alike(evidence, d, deviation))


def _bounded(z: float) -> float:
    return min(max(z, -LARGEST_Z), LARGEST_Z)


def _variances(evidence: Sequence[Evidence]) -> list[float]:
    """Of each log ratio; where the change was tried itself, on folds enough, what contradicts it counts for less."""
    own = [one.total_variance for one in evidence]
    for tried, variance in zip(evidence, own, strict=True):
        if tried.method == "tried" and tried.change.folds >= ENOUGH_FOLDS:
            gaps = [(one.change.d - tried.change.d) ** 2 for one in evidence]
            return [one + max(0.0, gap - one - variance) for one, gap in zip(own, gaps, strict=True)]
    return own


def _alike(evidence: Sequence[Evidence], d: float, deviation: float) -> float:
    """The probability of no difference; where no loss changed, that of one more of so many (Laplace's rule).

    On a part of the samples a model may be one that learns nothing: that alone does not count.
    """
    if all(one.change.is_nothing for one in evidence) and any(one.method in WHOLE for one in evidence):
        folds = sum(one.change.folds for one in evidence)
        return (folds + 1.0) / (folds + 2.0)
    low, high = ((edge - d) / deviation for edge in (-ALIKE, ALIKE))
    return float(special.ndtr(high) - special.ndtr(low))


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of the evidence.

    Attributes:
        name: of the answer, such as ``"more_data"``.
        factor: how many times as much.
        confidence: how sure an answer must be to be given.
    """

    name: str
    factor: float
    confidence: float


def answer(question: Question, metric: Metric, evidence: Sequence[Evidence], prior: Prior | None = None) -> Answer:
    """The answer that the evidence of one metric gives, or that it cannot tell."""
    prior = prior or Prior()
    found = pooled(evidence, prior.shift)
    verdict, sure = _verdict(found, question.confidence)
    is_against = (found.d > 0.0) == (verdict is Verdict.HELPS) and verdict in (Verdict.HELPS, Verdict.HURTS)
    return Answer(
        question=question.name,
        factor=question.factor,
        metric=metric,
        answer=verdict,
        confidence=sure,
        change=Estimate() if is_against else _change(found),
        method=" + ".join([one.method for one in evidence] + ["zone"] * (prior.shift != 0.0)),
        reason=_reason(verdict, _weighty(evidence), prior),
        evidence=_numbers(evidence, prior),
    )


def _verdict(found: Pooled, confidence: float) -> tuple[Verdict, float]:
    if found.alike >= confidence:
        return Verdict.NO_DIFFERENCE, found.alike
    if found.worse >= confidence:
        return Verdict.HURTS, found.worse
    if 1.0 - found.worse >= confidence:
        return Verdict.HELPS, 1.0 - found.worse
    return Verdict.CANNOT_TELL, math.nan


def _change(found: Pooled) -> Estimate:
    half = _95 * found.deviation
    low, value, high = (math.expm1(min(log, 700.0)) for log in (found.d - half, found.d, found.d + half))
    return Estimate(value=value, interval=(low, high))


def _numbers(evidence: Sequence[Evidence], prior: Prior) -> dict[str, float]:
    numbers = {"shift": prior.shift}
    for one in evidence:
        numbers |= {
            f"{one.method} d": one.change.d,
            f"{one.method} se": one.change.se,
            f"{one.method} folds": float(one.change.folds),
            f"{one.method} added variance": one.variance,
        }
    return numbers


def _weighty(evidence: Sequence[Evidence]) -> list[Evidence]:
    """What decides, the weightiest first."""
    weights = [1.0 / variance for variance in _variances(evidence)]
    ranked = sorted(zip(weights, evidence, strict=True), key=lambda pair: -pair[0])
    return [one for weight, one in ranked if weight >= _LEAST_WEIGHT * sum(weights)]


def _reason(verdict: Verdict, evidence: Sequence[Evidence], prior: Prior) -> str:
    """What was seen, by each method."""
    seen = [f"{one.words} {told(one)}" for one in evidence]
    if any(one.change.rests_on_one_sample for one in evidence) and verdict is Verdict.CANNOT_TELL:
        seen.append("a single held-out sample decides most of it")
    if prior.words:
        seen.append(prior.words)
    text = "; ".join(seen)
    return f"{text[:1].upper()}{text[1:]}."


def told(evidence: Evidence) -> str:
    """How far a risk moved, with the interval of what was measured: "fell by 18 % (12 to 24)"."""
    change = evidence.change
    half = student_quantile(0.975, round(PRIOR_FOLDS) + change.folds - 1) * change.se
    low, value, high = (math.expm1(min(log, 700.0)) for log in (change.d - half, change.d, change.d + half))
    return moved(Estimate(value=value, interval=(low, high)))


def moved(change: Estimate) -> str:
    """A relative change in words: "fell by 18 % (12 to 24)", or "changed by" where its interval holds none."""
    value, low, high = (100.0 * part for part in (change.value, *change.interval))
    if abs(value) < 0.5 and max(abs(low), abs(high)) < 0.5:
        return "did not change"
    if low <= 0.0 <= high:
        return f"changed by {value:+.0f} % ({low:+.0f} to {high:+.0f})".replace("-", "\N{MINUS SIGN}")
    low, high = sorted((abs(low), abs(high)))
    return f"{'rose' if value > 0.0 else 'fell'} by {abs(value):.0f} % ({low:.0f} to {high:.0f})"
