"""What wrong labels cost: the slope of clean risk against label noise, from nested flips on the same training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benign.diagnosis.answers import DataFinding, Estimate, NoiseSlope, Unanswered
from benign.diagnosis.noise_exponent import exponent_of
from benign.diagnosis.noise_trials import Noise, Table, measured_levels, noise_of, noisy_trials, slope_of
from benign.diagnosis.trials.bench import Bench
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_number

LEVELS = (0.2, 0.1)
"""Shares of wrong labels, or noise variances over the targets': flips at 0.1 are flips at 0.2, which tells more and
is measured first.
"""
LEARNT = 0.01
"""Training error up to which wrong labels count as learnt."""
_FOLDS = (5, 4, 3, 2)  # the most that the budget allows
_ALIKE = 0.25  # exponents up to which the cost counts as the same at all n
_LITTLE = 0.5  # a slope that is below it, and may be none


def noise_slope(bench: Bench, *, findings: Sequence[DataFinding]) -> NoiseSlope:
    r"""The slope of the clean held-out risk against label noise at the user's n and size, paired.

    The same rows are trained on with a share :math:`\rho` of 0, 0.1 and 0.2 of their labels flipped (values: with
    Gaussian noise of so much of the targets' variance), and tested on clean labels. With risks :math:`R_\rho`, the
    slope is least squares through the origin, :math:`\sum \rho (R_\rho - R_0) / \sum \rho^2`. Of the squared loss of
    classes, what even the Bayes predictor pays is taken off. Where the budget allows, the same at n/4 and n/2 gives
    the exponent of the slope in n.

    Source: Mallinar et al. 2022 for benign, tempered and catastrophic, which are limits in n; the estimate is ours.

    Args:
        bench: the model on its data; its budget is spent.
        findings: what is known of the data.

    Raises:
        Unanswered: where noise cannot be given or measured, or the budget does not allow two folds.
    """
    for finding in findings:
        if "noise_slope" in finding.refuses:
            raise Unanswered(finding.sentence)
    noise = noise_of(bench)
    folds = _affordable_folds(bench, noise)
    table = measured_levels(bench, noise, LEVELS, folds=folds, rows=bench.samples) if folds else {}
    if not table:
        raise Unanswered(_unreached(bench, noise))
    error, loss = slope_of(bench, noise, table, "error"), slope_of(bench, noise, table, "loss")
    exponent, samples = exponent_of(bench, noise, table)
    found = NoiseSlope(
        error=Estimate() if error is None else error.estimate,
        loss=Estimate() if loss is None else loss.estimate,
        levels=tuple(table),
        is_fitted=_is_fitted(table, noise),
        exponent=exponent,
        samples=samples,
    )
    return replace(found, sentence=_sentence(found, noise))


def _affordable_folds(bench: Bench, noise: Noise) -> int:
    """On how many folds the budget allows a comparison; 0 for none."""
    for folds in _FOLDS:
        trials = [
            one
            for level in (0.0, LEVELS[0])
            for one in noisy_trials(bench, noise, level, folds=folds, rows=bench.samples)
        ]
        if bench.affords(trials):
            return folds
    return 0


def _is_fitted(table: Table, noise: Noise) -> bool:
    """Whether the labels trained on are learnt at every level."""
    for row in table.values():
        if noise.is_rate and np.mean([one.train_error[-1] for one in row]) > LEARNT:
            return False
        if not noise.is_rate and np.mean([one.relative_train_loss[-1] for one in row]) > TOLERANCE:
            return False
    return True


def _unreached(bench: Bench, noise: Noise) -> str:
    """Why nothing was measured."""
    for level in LEVELS:
        for trial in noisy_trials(bench, noise, level, folds=_FOLDS[-1], rows=bench.samples):
            if bench.failure_of(trial):
                return f"With wrong labels the model cannot be trained. {bench.failure_of(trial)}"
    seconds = bench.seconds(bench.user_trial())
    each = f" of about {format_number(seconds, digits=2)} s" if seconds else ""
    return f"The budget does not reach what wrong labels cost, which takes {2 * _FOLDS[-1]} trainings{each}."


def _sentence(found: NoiseSlope, noise: Noise) -> str:
    """What one per cent more costs first, then what it does not say, then how that changes with n."""
    cost = _cost_of_labels(found.error) if noise.is_rate else _cost_of_noise(found.loss)
    return " ".join(filter(None, [cost, "" if found.is_fitted else _UNFITTED[noise.is_rate], _growth(found)]))


_UNFITTED = {
    True: "The wrong labels are not all learnt, so this says how robust the model is, not what fitting them costs.",
    False: "The noise is not all fitted, so this says how robust the model is, not what fitting it costs.",
}


def _cost_of_labels(slope: Estimate) -> str:
    told = f"{_told(slope, ' points of error')}; 1 would be as bad as copying the nearest label."
    if slope.interval[0] <= 0.0 <= slope.interval[1]:
        return f"What one per cent more wrong labels costs {_unseen(slope)}: {told}"
    return f"One per cent more wrong labels costs {told}"


def _cost_of_noise(slope: Estimate) -> str:
    told = f"{_told(slope)} times its variance to the squared error; 1 would be as bad as copying the nearest value."
    if slope.interval[0] <= 0.0 <= slope.interval[1]:
        return f"What noise in the targets costs {_unseen(slope)}: it adds {told}"
    return f"Noise in the targets adds {told}"


def _unseen(slope: Estimate) -> str:
    return "is too little to see" if slope.interval[1] < _LITTLE else "cannot be told"


def _told(slope: Estimate, unit: str = "") -> str:
    low, high = slope.interval
    return f"{slope.value:.2f}{unit} ({low:.2f} to {high:.2f})".replace("-", "\N{MINUS SIGN}")


def _growth(found: NoiseSlope) -> str:
    """In the words of a measured range, never of a limit."""
    low, high = found.exponent.interval
    if not found.samples:
        return ""
    over = f"from {found.samples[0]:,} to {found.samples[-1]:,} samples"
    if high < 0.0:
        return f"Wrong labels cost less as n grows, {over}."
    if low > 0.0:
        return f"Wrong labels cost more as n grows, {over}."
    if low > -_ALIKE and high < _ALIKE:
        return f"They cost the same {over}."
    return f"Whether they cost less as n grows cannot be told {over}."
