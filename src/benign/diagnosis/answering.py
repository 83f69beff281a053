"""From trials to answers: what several methods measured of one change, for both metrics, told in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from benign.diagnosis.answers import Answer, DataFinding, Metric, Unanswered
from benign.diagnosis.calibration import PRIOR_SPREADS, Evidence, Prior, Question, answer
from benign.diagnosis.paired_trials import Comparison, change_of
from benign.diagnosis.portfolios import Tried
from benign.diagnosis.trials.bench import Bench
from benign.foundation.number_words import format_number

WORDS = {
    "tried": "tried on held-out samples",
    "rehearsed at half": "rehearsed with half of your samples",
    "rehearsed": "rehearsed with a quarter of your samples",
    "twin": "on a synthetic twin of your data",
    "full twin": "on a synthetic twin of your data",
}
"""What was done, by method."""


def refuse_for(question: str, findings: Iterable[DataFinding]) -> None:
    """Refuse a question that cannot be answered because of the data.

    Raises:
        Unanswered: with the first finding's sentence.
    """
    for finding in findings:
        if question in finding.refuses:
            raise Unanswered(finding.sentence)


def answers_of(
    bench: Bench,
    question: str,
    tried: Sequence[Tried],
    confidence: float,
    *,
    priors: Mapping[float, Prior] | None = None,
) -> dict[float, Answer]:
    """One answer for each factor that some method reached: about the loss, with that about the zero-one error."""
    answers = {}
    for factor in sorted({factor for one in tried for factor in one.comparisons}):
        asked = Question(name=question, factor=factor, confidence=confidence)
        prior = (priors or {}).get(factor)
        reached = [one for one in tried if factor in one.comparisons]
        of_loss = answer(asked, "loss", [_evidence(bench, one, asked, "loss") for one in reached], prior)
        if bench.is_classification:
            of_error = answer(asked, "error", [_evidence(bench, one, asked, "error") for one in reached], prior)
            of_loss = replace(of_loss, error=of_error)
        answers[factor] = of_loss
    return answers


def _evidence(bench: Bench, tried: Tried, asked: Question, metric: Metric) -> Evidence:
    comparisons = tried.comparisons[asked.factor]
    return Evidence(
        question=asked.name,
        method=tried.method,
        change=change_of(bench, comparisons, metric, spread=PRIOR_SPREADS[asked.name]),
        words=f"{WORDS[tried.method]}, {tried.steps[asked.factor]}, the {metric}",
        variance=tried.variance(bench, comparisons, metric),
    )


def not_reached(bench: Bench, question: str, cheapest: Comparison) -> Unanswered:
    """Why there is no answer: what a training failed with, or what the cheapest comparison costs."""
    failed = [bench.failure_of(trial) for trial in cheapest.trials if bench.failure_of(trial)]
    if failed:
        return Unanswered(failed[0])
    if all(found is not None for found in bench.measure(cheapest.trials)):
        return Unanswered("The model's losses on new samples are not finite.")
    cost, seconds = (sum(map(of, cheapest.trials)) for of in (bench.cost, bench.seconds))
    took = f", about {format_number(math.ceil(seconds), digits=2)} seconds" if seconds >= 1.0 else ""
    count = format_number(cost, digits=2)
    needed = f"{count} training{'' if count == '1' else 's'}{took}"
    return Unanswered(f"The budget ended before {question} could be tried, which takes {needed}.")
