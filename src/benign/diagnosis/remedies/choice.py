"""The best of several candidates, chosen on some folds and judged on others: the luck of a winner is not counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from benign.curves.intervals import student_quantile
from benign.diagnosis.answers import Answer, Estimate, Metric, Verdict
from benign.diagnosis.calibration import Question, moved
from benign.diagnosis.remedies.candidate import HeldOut
from benign.diagnosis.remedies.gain import gain_of
from benign.diagnosis.risk_change import NO_LOSS, RiskChange
from benign.diagnosis.verdict import ALIKE

_BEYOND = 0.01  # how far a trial is from the truth beyond its error, however many samples there are
_SUREST = 0.999  # no trial is surer
_LARGEST = 700.0  # exp of more is no float64


def chosen_on_others(losses: Float[np.ndarray, "candidates folds"]) -> Int[np.ndarray, " folds"]:
    """For each fold, the candidate with the lowest mean loss on all others."""
    return np.argmin(losses.sum(axis=1, keepdims=True) - losses, axis=0)


def best(candidates: Sequence[Sequence[HeldOut]]) -> int:
    """The candidate with the lowest mean loss on all folds: the one that is named."""
    return int(np.argmin(_mean_losses(candidates).mean(axis=1)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """What was tried of one kind, beside the model as it is.

    Attributes:
        question: what is asked of it.
        present: what the model as it is costs on each fold; ``candidates``: each of the others, on the same folds.
        words: what was done: "averaging 5 fits".
    """

    question: Question
    present: Sequence[HeldOut]
    candidates: Sequence[Sequence[HeldOut]]
    words: str

    def answer(self, *, is_classification: bool) -> Answer:
        """What the best candidate does, on folds that did not choose it.

        A fold is judged with the candidate that the other folds choose by the loss. So the gain is that of choosing
        by held-out data, which is at most the named candidate's. The sign of a gain is told where its 95 % interval
        leaves no other: of models of the same risk, at most 3 % were said to help in simulations of 2 to 5 folds.
        """
        loss = self._of("loss")
        return replace(loss, error=self._of("error")) if is_classification else loss

    def _of(self, metric: Metric) -> Answer:
        losses = _mean_losses(self.candidates)
        judged = [self.candidates[one][fold].of(metric) for fold, one in enumerate(chosen_on_others(losses))]
        before = [one.of(metric) for one in self.present]
        samples = sum(len(was) for was in before)
        if metric == "error":
            change = gain_of(before, judged, floor=0.5 / samples, grain=1.0)
        else:
            change = gain_of(before, judged, floor=NO_LOSS * (self.present[0].loss_constant or 1.0))
        words = f"{self.words} the {'loss' if metric == 'loss' else 'share of wrong labels'}"
        return _answer(self.question, metric, change, words)


def _mean_losses(candidates: Sequence[Sequence[HeldOut]]) -> Float[np.ndarray, "candidates folds"]:
    return np.array([[fold.loss.mean() for fold in candidate] for candidate in candidates])


def _answer(question: Question, metric: Metric, change: RiskChange, words: str) -> Answer:
    """By Student's t, and no sign that the 95 % interval does not bear out: of many remedies, some are lucky."""
    degrees, error = 2 * change.folds - 1, math.hypot(change.se, _BEYOND)
    worse = float(special.stdtr(degrees, change.d / error))
    low, high = (float(special.stdtr(degrees, (edge - change.d) / error)) for edge in (-ALIKE, ALIKE))
    half = student_quantile(0.975, degrees) * error
    ends = (math.expm1(min(change.d - half, _LARGEST)), math.expm1(min(change.d + half, _LARGEST)))
    verdict, sure = Verdict.CANNOT_TELL, math.nan
    if high - low >= question.confidence:
        verdict, sure = Verdict.NO_DIFFERENCE, high - low
    elif abs(change.d) > half and max(worse, 1.0 - worse) >= question.confidence:
        verdict, sure = (Verdict.HURTS, worse) if change.d > 0.0 else (Verdict.HELPS, 1.0 - worse)
    made = Estimate(value=math.expm1(min(change.d, _LARGEST)), interval=ends)
    lucky = "; a single held-out sample makes most of it" if change.rests_on_one_sample else ""
    return Answer(
        question=question.name,
        factor=question.factor,
        metric=metric,
        answer=verdict,
        confidence=sure if math.isnan(sure) else min(sure, _SUREST),
        change=made,
        method="tried",
        reason=f"{words} {moved(made)}{lucky if verdict is Verdict.CANNOT_TELL else ''}.",
        evidence={"tried d": change.d, "tried se": change.se, "tried folds": float(change.folds)},
    )
