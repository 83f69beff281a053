"""How the cost of wrong labels changes with the number of samples: its exponent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from benign.diagnosis.answers import Estimate, Metric
from benign.diagnosis.held_out_mean import HeldOutMean, held_out_mean
from benign.diagnosis.noise_trials import Noise, Table, measured_levels, noisy_trials, slopes_of_samples
from benign.diagnosis.trials.bench import Bench

_PARTS = (0.25, 0.5)  # of n, beside the whole
_CERTAIN = 2.0  # standard errors that a slope is above 0, so that its logarithm means something
_UNKNOWN: tuple[Estimate, tuple[int, ...]] = (Estimate(), ())


def exponent_of(bench: Bench, noise: Noise, table: Table) -> tuple[Estimate, tuple[int, ...]]:
    r"""The e of slope ~ n^e over n/4, n/2 and n, and those numbers: the regression of log slope on log n.

    Its interval is the delta method's over held-out samples, which are the same at all n. Of the zero-one error for
    classes, the squared error for values.

    Args:
        bench: the model on its data.
        noise: how the source is given noise.
        table: what was measured at n.

    Returns:
        NaN and no numbers where the budget ends before, or a slope is not clearly above 0.
    """
    metric: Metric = "error" if noise.is_rate else "loss"
    folds = len(table[0.0])
    rows = [round(part * bench.samples) for part in _PARTS]
    if not bench.affords(
        [one for n in rows for level in table for one in noisy_trials(bench, noise, level, folds=folds, rows=n)]
    ):
        return _UNKNOWN
    levels = [level for level in table if level > 0.0]
    tables = [*(measured_levels(bench, noise, levels, folds=folds, rows=n) for n in rows), table]
    if any(tuple(one) != tuple(table) for one in tables):
        return _UNKNOWN
    singles = [slopes_of_samples(bench, noise, one, metric) or [] for one in tables]
    means = [held_out_mean(single) for single in singles]
    if any(mean.value <= _CERTAIN * mean.error for mean in means):
        return _UNKNOWN
    return _regressed([*rows, bench.samples], singles, means, math.ceil(folds / bench.folds))


def _regressed(
    rows: Sequence[int],
    singles: Sequence[Sequence[Float[np.ndarray, " m"]]],
    means: Sequence[HeldOutMean],
    rounds: int,
) -> tuple[Estimate, tuple[int, ...]]:
    """Log slope on log n."""
    logs = np.log(rows)
    weights = (logs - logs.mean()) / np.sum((logs - logs.mean()) ** 2)
    of_samples = [
        np.sum([weight * one / mean.value for weight, one, mean in zip(weights, fold, means, strict=True)], axis=0)
        for fold in zip(*singles, strict=True)
    ]
    spread = held_out_mean(of_samples, rounds=rounds)
    half = spread.reach * spread.error
    value = float(weights @ np.log([mean.value for mean in means]))
    return Estimate(value=value, interval=(value - half, value + half)), tuple(rows)
