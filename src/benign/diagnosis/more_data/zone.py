"""What the regime alone says of more data: a training set that the model cannot fit gains from it, nearly always."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import RegimeAnswer
from benign.diagnosis.calibration import UNFITTED_SHIFT, Prior
from benign.diagnosis.paired_trials import Comparison, train_loss_of
from benign.diagnosis.trials.bench import Bench
from benign.foundation.conventions import TOLERANCE

LEAST_OCTAVES = -0.4
"""log2 of n over the effective model complexity, from where on more data has helped in all cases that were seen."""

_WORDS = "your model cannot fit its training set, and there more data nearly always helps"


def prior_of(bench: Bench, rehearsed: Sequence[Comparison], regime: RegimeAnswer | None) -> Prior:
    """The prior of "helps": where the rehearsals show that n is near or beyond what can be fitted.

    Args:
        bench: that measured them.
        rehearsed: the comparisons at one scale: their training losses, at the smaller size, say up to which part or
            multiple of the n that they stand for the model fits.
        regime: as it was found at the user's own n, which can only take the prior away; None where it was not.
    """
    if _is_contradicted(bench, regime):
        return Prior()
    return Prior(shift=UNFITTED_SHIFT, words=_WORDS) if octaves_beyond(bench, rehearsed) > LEAST_OCTAVES else Prior()


def _is_contradicted(bench: Bench, regime: RegimeAnswer | None) -> bool:
    if regime is None:
        return False
    peak = regime.peak
    is_before_a_peak = peak is not None and peak.axis == "samples" and peak.position > bench.samples
    return regime.regime is Regime.OVER or is_before_a_peak


def octaves_beyond(bench: Bench, rehearsed: Sequence[Comparison]) -> float:
    """log2 of n over the n up to which the scaled model fits; minus infinity where it fits all that was tried."""
    losses: dict[int, list[float]] = {}
    for arm in {arm for one in rehearsed for arm in (*one.before, *one.after)}:
        losses.setdefault(arm.trial.rows, []).append(train_loss_of(bench, arm))
    tried = sorted((math.log2(rows), sum(found) / len(found)) for rows, found in losses.items())
    fitted = [(octaves, loss) for octaves, loss in tried if loss < TOLERANCE]
    beyond = [(octaves, loss) for octaves, loss in tried if not loss < TOLERANCE]
    stands_for_n = tried[0][0]
    if not beyond or (fitted and fitted[-1][0] > beyond[0][0]):
        return -math.inf
    if not fitted:
        return 0.0  # or more
    (low, inside), (high, outside) = fitted[-1], beyond[0]
    share = (TOLERANCE - inside) / (outside - inside)
    return stands_for_n - (low + share * (high - low))
