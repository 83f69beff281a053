"""Trainings on the same rows under growing label noise, tested on clean labels, and the slopes that they show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from benign.diagnosis.answers import Metric, Unanswered
from benign.diagnosis.held_out_mean import HeldOutMean, held_out_mean
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Measured, Trial, split_of
from benign.procedures import objectives
from benign.sources.protocol import SupportsLabelNoise

_FEWEST_SAMPLES = 20  # of which two are flipped at the lower level

Table = Mapping[float, Sequence[Measured]]
"""By level of noise, beginning with 0, one training a fold."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How noise is given to a source.

    Attributes:
        is_rate: whether labels are flipped; else noise is added to values.
        outputs: number of columns of the targets.
        variance: of the targets, mean over outputs: a level of 1 is so much noise.
        none: what no noise is: the source's own level, where it has none, so that trainings are shared, else 0.
    """

    is_rate: bool
    outputs: int
    variance: float
    none: float | None

    def given(self, level: float) -> float | None:
        """What a trial is given for a level."""
        if level == 0.0:
            return self.none
        return level if self.is_rate else math.sqrt(level * self.variance)

    def bayes(self, level: float) -> float:
        r"""Squared loss of the Bayes predictor of flipped labels on clean ones, :math:`\rho^2 K / (K - 1)`."""
        return level**2 * self.outputs / (self.outputs - 1) if self.is_rate else 0.0


def noise_of(bench: Bench) -> Noise:
    """How the source is given noise.

    Raises:
        Unanswered: where it cannot be, or there is nothing that noise could spoil.
    """
    if not isinstance(bench.source, SupportsLabelNoise):
        raise Unanswered(f"{bench.source.name} cannot be given wrong labels.")
    if bench.samples < _FEWEST_SAMPLES:
        raise Unanswered(f"{bench.samples} samples are too few to make some of their labels wrong.")
    split = bench.split()
    clean = split.train_targets_clean
    variance = float(clean.var(axis=0).mean())
    if variance == 0.0 or (bench.is_classification and clean.shape[1] < 2):
        raise Unanswered("All targets are the same, so there is nothing that wrong labels could spoil.")
    return Noise(
        is_rate=bench.is_classification,
        outputs=clean.shape[1],
        variance=variance,
        none=None if np.array_equal(clean, split.train_targets) else 0.0,
    )


def noisy_trials(bench: Bench, noise: Noise, level: float, *, folds: int, rows: int) -> list[Trial]:
    """The user's training on so many rows of each fold under noise."""
    return [replace(bench.user_trial(fold), rows=rows, label_noise=noise.given(level)) for fold in range(folds)]


def measured_levels(bench: Bench, noise: Noise, levels: Sequence[float], *, folds: int, rows: int) -> Table:
    """Without noise and at each level, in this order, as far as the budget allows all folds; empty without a pair."""
    table: dict[float, Sequence[Measured]] = {}
    for level in (0.0, *levels):
        trials = noisy_trials(bench, noise, level, folds=folds, rows=rows)
        found = [one for one in bench.measure(trials) if one is not None] if bench.affords(trials) else []
        if len(found) == folds:
            table[level] = found
    return dict(sorted(table.items())) if 0.0 in table and len(table) > 1 else {}


def slope_of(bench: Bench, noise: Noise, table: Table, metric: Metric) -> HeldOutMean | None:
    """The slope of a clean risk with its error; None where the model's outputs do not give that risk."""
    slopes = slopes_of_samples(bench, noise, table, metric)
    if slopes is None:
        return None
    samples = sum(map(len, slopes))
    least = 1.0 / (max(table) * samples) if metric == "error" else 0.0  # one sample that turned wrong
    return held_out_mean(slopes, rounds=math.ceil(len(slopes) / bench.folds), least=least)


def slopes_of_samples(bench: Bench, noise: Noise, table: Table, metric: Metric) -> list[Float[np.ndarray, " m"]] | None:
    """Each held-out sample's slope, by fold: least squares through the origin over the levels."""
    risk = _error if metric == "error" else _squared_loss
    if (metric == "error" and not noise.is_rate) or (metric == "loss" and not _gives_squared_loss(bench, table)):
        return None
    levels = [level for level in table if level > 0.0]
    slopes = []
    for fold in range(len(table[0.0])):
        none = risk(bench, table[0.0][fold], fold)
        paid = {level: noise.bayes(level) if metric == "loss" else 0.0 for level in levels}
        rises = [level * (risk(bench, table[level][fold], fold) - none - paid[level]) for level in levels]
        unit = _unit(bench, noise, table[levels[-1]][fold], levels[-1])
        slopes.append(np.sum(rises, axis=0) / sum(level**2 for level in levels) / unit)
    return slopes


def _unit(bench: Bench, noise: Noise, found: Measured, level: float) -> float:
    """What a level of 1 is: all labels wrong, or the variance of the noise that was drawn, all outputs together."""
    if noise.is_rate:
        return 1.0
    split = split_of(bench.source, found.trial, bench.seed)
    return float(np.sum((split.train_targets - split.train_targets_clean) ** 2)) / len(split.train_targets) / level


Risk = Callable[[Bench, Measured, int], Float[np.ndarray, " m"]]


def _error(bench: Bench, found: Measured, fold: int) -> Float[np.ndarray, " m"]:
    del bench, fold
    return found.held_out_wrong[-1].astype(np.float64)


def _squared_loss(bench: Bench, found: Measured, fold: int) -> Float[np.ndarray, " m"]:
    return objectives.losses("squared", found.outputs[-1], bench.split(fold).test_targets)


def _gives_squared_loss(bench: Bench, table: Table) -> bool:
    """Whether outputs are values or probabilities, rather than scores that only their margin gives a meaning."""
    objective = bench.subject.procedure.objective
    if objective == "squared" or not bench.is_classification:
        return True
    outputs = [found.outputs[-1] for row in table.values() for found in row]
    return objective == "cross-entropy" and all(map(objectives.are_probabilities, outputs))
