"""What may better the user's model: sizes, regularisation, stopping early, averaging, tried within a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from benign.diagnosis.answers import DataFinding, Remedy, Unanswered, Verdict
from benign.diagnosis.calibration import Question
from benign.diagnosis.remedies.averaging import averages
from benign.diagnosis.remedies.candidate import Candidate, HeldOut, present, trained
from benign.diagnosis.remedies.choice import Choice, best
from benign.diagnosis.remedies.regularisation import other_strengths
from benign.diagnosis.remedies.sizes import other_sizes
from benign.diagnosis.remedies.stopping import shorter_times
from benign.diagnosis.trials.bench import Bench

_FOLDS = (5, 4, 3, 2)  # the most that the budget allows; with two, one chooses and the other judges

_ORDER = (Verdict.HELPS, Verdict.NO_DIFFERENCE, Verdict.CANNOT_TELL, Verdict.HURTS)

Tried = tuple[Candidate, list[Candidate]]
"""What stands for the model as it is, and what may be better, the most promising first."""


def remedies(bench: Bench, *, findings: Sequence[DataFinding], confidence: float) -> tuple[Remedy, ...]:
    """The best remedy of each kind that the model has and the budget reaches, the best first.

    What wins among several is chosen on some folds and judged on others, against the model as it is on the same
    held-out samples.

    Args:
        bench: the model on its data; its budget is spent.
        findings: what is known of the data.
        confidence: how sure an answer must be to be given.

    Raises:
        Unanswered: where the data forbid it, or the budget reaches none.
    """
    for finding in findings:
        if "remedies" in finding.refuses:
            raise Unanswered(finding.sentence)
    if bench.folds < _FOLDS[-1]:
        raise Unanswered(
            "More than half of the rows are kept for testing, so no remedy can be chosen on some and judged on others; "
            "keep a fifth."
        )
    found = _found(bench, confidence)
    if not found:
        raise Unanswered(_want_of_budget(bench))
    return tuple(sorted(found, key=lambda one: (_ORDER.index(one.answer.answer), _change(one))))


def _found(bench: Bench, confidence: float) -> list[Remedy]:
    """The best of each kind within an equal share of the budget, or of the first kind that all of it pays for."""
    found = []
    for place, (kind, tried) in enumerate(_KINDS.items()):
        remedy = _best_of(bench.share(1.0 / (len(_KINDS) - place)), kind, tried, confidence)
        found += [] if remedy is None else [remedy]
    if found:
        return found
    everything = (_best_of(bench, kind, tried, confidence) for kind, tried in _KINDS.items())
    return [remedy for remedy in everything if remedy is not None][:1]


def _of_sizes(bench: Bench) -> Tried | None:
    return present(bench), other_sizes(bench)


def _of_strengths(bench: Bench) -> Tried | None:
    return present(bench), other_strengths(bench)


def _of_averages(bench: Bench) -> Tried | None:
    return present(bench), averages(bench)


_KINDS: dict[str, Callable[[Bench], Tried | None]] = {
    "stopping": shorter_times,
    "regularisation": _of_strengths,
    "size": _of_sizes,
    "averaging": _of_averages,
}
"""The cheapest first."""


def _best_of(bench: Bench, kind: str, tried: Callable[[Bench], Tried | None], confidence: float) -> Remedy | None:
    """The best of a kind; None where the model has none of it, or the budget ends before one was tried."""
    found = tried(bench)
    if found is None or not found[1]:
        return None
    as_it_is, candidates = found
    folds = _affordable_folds(bench, [as_it_is, candidates[0]])
    now = trained(bench, as_it_is, folds) if folds else None
    if now is None:
        return None
    measured = [(one, cost) for one in candidates if (cost := _trained(bench, one, folds)) is not None]
    if not measured:
        return None
    costs = [cost for _, cost in measured]
    winner = measured[best(costs)][0]
    choice = Choice(
        question=Question(name=kind, factor=winner.factor, confidence=confidence),
        present=now,
        candidates=costs,
        words=_words(folds, len(measured)),
    )
    return Remedy(
        kind=kind,
        what=winner.what,
        settings=winner.settings,
        answer=choice.answer(is_classification=bench.is_classification),
        fits_less=_train_loss(bench, winner, folds) > _train_loss(bench, as_it_is, folds),
    )


def _train_loss(bench: Bench, candidate: Candidate, folds: int) -> float:
    """The mean over trainings that were measured."""
    arms = [arm for fold in range(folds) for arm in candidate.arms(fold)]
    found = bench.measure([arm.trial for arm in arms])
    return float(np.mean([one.train_loss[arm.moment] for one, arm in zip(found, arms, strict=True) if one is not None]))


def _trained(bench: Bench, candidate: Candidate, folds: int) -> list[HeldOut] | None:
    """As :func:`trained`, where the budget allows all of it."""
    trials = [arm.trial for fold in range(folds) for arm in candidate.arms(fold)]
    return trained(bench, candidate, folds) if bench.affords(trials) else None


def _affordable_folds(bench: Bench, candidates: Sequence[Candidate]) -> int:
    """On how many folds these can be trained; 0 where the budget does not allow a comparison."""
    for folds in sorted({min(most, bench.folds) for most in _FOLDS}, reverse=True):
        if bench.affords([arm.trial for one in candidates for fold in range(folds) for arm in one.arms(fold)]):
            return folds
    return 0


def _words(folds: int, candidates: int) -> str:
    if candidates == 1:
        return f"On {folds} folds"
    return f"The best of {candidates}, chosen and judged on different ones of {folds} folds:"


def _change(remedy: Remedy) -> float:
    value = remedy.answer.change.value
    return math.inf if math.isnan(value) else value


def _want_of_budget(bench: Bench) -> str:
    seconds = bench.seconds(bench.user_trial())
    each = f", of about {seconds:.2g} s each" if seconds else ""
    return f"No remedy could be tried within the budget: one takes at least 4 trainings{each}."
