"""What training losses alone say: where the model cannot fit its training set, more data helps, nearly always."""

from __future__ import annotations

from collections.abc import Sequence

from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import RegimeAnswer
from benign.diagnosis.calibration import UNFITTED_SHIFT, Prior
from benign.diagnosis.paired_trials import Comparison, train_loss_of
from benign.diagnosis.trials.bench import Bench
from benign.foundation.conventions import TOLERANCE

_WORDS = "the training loss stays above zero, and there more data nearly always helps"


def prior_of(bench: Bench, rehearsed: Sequence[Comparison], regime: RegimeAnswer | None) -> Prior:
    """The prior of "helps": where the rehearsals, on whatever part of the samples, did not fit what they trained on.

    A set that is fitted at the n that a rehearsal stands for, or at any larger one, may be on its way to a peak.

    Args:
        bench: that measured them.
        rehearsed: the comparisons at one scale.
        regime: as it was found at the user's own n, which can only take the prior away; None where it was not.
    """
    is_unfitted = bool(rehearsed) and not _is_contradicted(bench, regime) and _is_unfitted(bench, rehearsed)
    return Prior(shift=UNFITTED_SHIFT, words=_WORDS) if is_unfitted else Prior()


def _is_contradicted(bench: Bench, regime: RegimeAnswer | None) -> bool:
    if regime is None:
        return False
    peak = regime.peak
    is_before_a_peak = peak is not None and peak.axis == "samples" and peak.position > bench.samples
    return regime.regime is Regime.OVER or is_before_a_peak


def _is_unfitted(bench: Bench, rehearsed: Sequence[Comparison]) -> bool:
    """Whether the mean training loss is above the tolerance at each number of samples."""
    losses: dict[int, list[float]] = {}
    for arm in {arm for one in rehearsed for arm in (*one.before, *one.after)}:
        losses.setdefault(arm.trial.rows, []).append(train_loss_of(bench, arm))
    return all(sum(found) / len(found) >= TOLERANCE for found in losses.values())
