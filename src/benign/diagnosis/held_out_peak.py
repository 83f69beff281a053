"""A peak of the held-out risk along samples or size, or the way up to one, where it stands out of its noise.

A peak is a position whose risk exceeds by a factor the lowest on either side, each surely, fold by fold on the same
held-out samples. Where the risk rises up to the last position, only its near side was seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benign.diagnosis.answers import MeasuredPeak, Metric
from benign.diagnosis.paired_trials import Arm, Comparison, change_of
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Measured, Trial
from benign.foundation.conventions import REGIME_BAND
from benign.foundation.number_words import format_number, format_position
from benign.foundation.size_words import amount, is_counted

_FACTOR = 1.25
_SURE = 3.0  # standard errors: several positions are looked at
_LEAST_FOLDS = 3

Trials = Mapping[float, list[Trial]]
"""Of each position the trials, fold by fold."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """What was seen along an axis.

    Attributes:
        peak: with both sides; None where one was not seen.
        rises_from: a position from which the risk surely rises to the last one, or to one near it that is no lower;
            None where it does not.
        metric: of which risk.
    """

    peak: MeasuredPeak | None = None
    rises_from: float | None = None
    metric: Metric = "loss"


def find_peak(bench: Bench, axis: str, trials: Trials) -> Peak:
    """What the held-out risks that were measured show; the loss first, then the zero-one error.

    Args:
        bench: where the trials were measured.
        axis: ``"samples"``, or the name of the size.
        trials: whatever of them has no number is left out.
    """
    metrics: tuple[Metric, ...] = ("loss", "error") if bench.is_classification else ("loss",)
    found = [_of_metric(bench, axis, trials, metric) for metric in metrics]
    return next((one for one in found if one.peak), next((one for one in found if one.rises_from), found[0]))


def _of_metric(bench: Bench, axis: str, trials: Trials, metric: Metric) -> Peak:
    arms, means = _usable(bench, trials, metric)
    order = sorted(means)
    if len(order) < 2:
        return Peak(metric=metric)

    def change(before: float, after: float) -> tuple[float, float]:
        """The log ratio of risks and whether it is sure and large enough, as a number of standard errors."""
        folds = sorted(arms[before].keys() & arms[after].keys())
        if len(folds) < _LEAST_FOLDS:
            return 0.0, 0.0
        pairs = [Comparison(before=(arms[before][fold],), after=(arms[after][fold],)) for fold in folds]
        found = change_of(bench, pairs, metric)
        return found.d, found.d / max(found.se, 1e-12)

    def is_higher(before: float, after: float) -> bool:
        d, ratio = change(before, after)
        return d > math.log(_FACTOR) and ratio > _SURE

    hills = [
        at
        for low, at, high in zip(order, order[1:], order[2:], strict=False)
        if means[at] >= max(means[low], means[high])
    ]
    for top in sorted(hills, key=lambda at: -means[at]):
        left = min((position for position in order if position < top), key=lambda position: means[position])
        right = min((position for position in order if position > top), key=lambda position: means[position])
        if is_higher(left, top) and is_higher(right, top):
            height = math.exp(min(change(left, top)[0], change(right, top)[0]))
            return Peak(peak=_peak(axis, order, top, height, metric), metric=metric)
    top = max((position for position in order[1:] if position * REGIME_BAND >= order[-1]), key=lambda at: means[at])
    lowest = min((position for position in order if position < top), key=lambda at: means[at])
    return Peak(rises_from=lowest if is_higher(lowest, top) else None, metric=metric)


def _usable(bench: Bench, trials: Trials, metric: Metric) -> tuple[dict[float, dict[int, Arm]], dict[float, float]]:
    """The arms by position and fold, and their mean risk, where there are enough."""
    arms: dict[float, dict[int, Arm]] = {}
    means: dict[float, float] = {}
    for position, wanted in trials.items():
        known = {one.trial: one for one in bench.measured}
        found = [known[trial] for trial in wanted if trial in known]
        risks = {one.trial.fold: _risk(one, metric) for one in found}
        finite = {fold: risk for fold, risk in risks.items() if math.isfinite(risk)}
        if len(finite) >= _LEAST_FOLDS:
            arms[position] = {one.trial.fold: Arm(trial=one.trial) for one in found if one.trial.fold in finite}
            means[position] = float(np.mean(list(finite.values())))
    return arms, means


def _risk(found: Measured, metric: Metric) -> float:
    return float((found.held_out_loss if metric == "loss" else found.held_out_error)[-1])


def _peak(axis: str, order: list[float], top: float, height: float, metric: Metric) -> MeasuredPeak:
    at = order.index(top)
    low, high = order[at - 1], order[at + 1]
    what = "loss" if metric == "loss" else "error"
    if axis == "samples":
        where, between = f"{int(top):,} samples", f"{int(low):,} and {int(high):,}"
    else:
        where = amount(top, axis) if is_counted(axis) else f"{axis} = {format_position(top)}"
        between = f"{format_position(low)} and {format_position(high)}"
    sentence = f"The held-out {what} peaks at about {where} (between {between})"
    return MeasuredPeak(
        axis=axis,
        position=top,
        interval=(low, high),
        metric=metric,
        height=height,
        sentence=f"{sentence}, {format_number(height, digits=2)} times what it is on the lower of its sides.",
    )
