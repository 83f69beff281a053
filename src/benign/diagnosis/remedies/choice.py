"""The best of several candidates, chosen on some folds and judged on others: the luck of a winner is not counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from benign.diagnosis.answers import Answer, Metric, Verdict
from benign.diagnosis.calibration import Evidence, Question, answer
from benign.diagnosis.remedies.candidate import HeldOut
from benign.diagnosis.remedies.gain import gain_of

_NO_LOSS = 1e-6  # of the best constant's: less is no loss


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
        leaves no other.
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
            change = gain_of(before, judged, floor=_NO_LOSS * (self.present[0].loss_constant or 1.0))
        words = f"{self.words} the {'loss' if metric == 'loss' else 'share of wrong labels'}"
        # A size that is tried is what "bigger" tries, too.
        evidence = Evidence(question="bigger", method="tried", change=change, words=words)
        return _sure(answer(self.question, metric, [evidence]))


def _mean_losses(candidates: Sequence[Sequence[HeldOut]]) -> Float[np.ndarray, "candidates folds"]:
    return np.array([[fold.loss.mean() for fold in candidate] for candidate in candidates])


def _sure(found: Answer) -> Answer:
    """The same, but no sign that the interval does not bear out: many remedies are tried, and each may be lucky."""
    low, high = found.change.interval
    is_signed = found.answer in (Verdict.HELPS, Verdict.HURTS)
    if not is_signed or low > 0.0 or high < 0.0:
        return found
    return replace(found, answer=Verdict.CANNOT_TELL, confidence=math.nan)
