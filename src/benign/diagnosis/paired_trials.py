"""Trials that are compared with each other, fold by fold, as far as a budget goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benign.diagnosis.answers import Metric
from benign.diagnosis.risk_change import NO_LOSS, FoldLosses, RiskChange, risk_change
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Measured, Trial
from benign.sources.protocol import SupportsFolds


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A training at one of its times.

    Attributes:
        trial: the training.
        moment: which of its times; the last one unless said.
    """

    trial: Trial
    moment: int = -1


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Trainings of one fold before and after a change; several of a kind are averaged.

    Attributes:
        before: one or more; ``after``: likewise.
    """

    before: tuple[Arm, ...]
    after: tuple[Arm, ...]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All that it needs."""
        return tuple(dict.fromkeys(arm.trial for arm in (*self.before, *self.after)))


Plan = Callable[[int], Mapping[float, Comparison]]
"""Of a fold, the comparison by factor."""


def run_plan(bench: Bench, plan: Plan, *, most: int) -> dict[float, list[Comparison]]:
    """Measure the folds of a plan one after another, as far as the budget goes, at most so many.

    What of a fold the budget does not reach is left out, the dearest first. A factor whose trainings fail is missing.

    Returns:
        The comparisons whose every training was measured, by factor.
    """
    done: dict[float, list[Comparison]] = {}
    for fold in range(most):
        planned = _affordable(bench, plan(fold))
        bench.measure([trial for one in planned.values() for trial in one.trials])
        for factor, comparison in planned.items():
            if _is_usable(bench, comparison):
                done.setdefault(factor, []).append(comparison)
        if not planned:
            break
    return {factor: done[factor] for factor in sorted(done)}


def _affordable(bench: Bench, planned: Mapping[float, Comparison]) -> dict[float, Comparison]:
    """The comparisons that the budget allows, the cheapest first."""
    kept: dict[float, Comparison] = {}
    for factor, comparison in sorted(planned.items(), key=lambda item: _cost(bench, item[1])):
        wanted = [trial for one in (*kept.values(), comparison) for trial in one.trials]
        if bench.affords(list(dict.fromkeys(wanted))):
            kept[factor] = comparison
    return kept


def _cost(bench: Bench, comparison: Comparison) -> float:
    return sum(bench.cost(trial) for trial in comparison.trials)


def _is_usable(bench: Bench, comparison: Comparison) -> bool:
    """Whether all of it was measured, up to its times, with finite losses."""
    arms = (*comparison.before, *comparison.after)
    measured = bench.measure([arm.trial for arm in arms])
    return all(
        found is not None and bool(np.isfinite(found.held_out_losses[arm.moment]).all())
        for found, arm in zip(measured, arms, strict=True)
    )


def change_of(bench: Bench, comparisons: Sequence[Comparison], metric: Metric, *, spread: float = 0.1) -> RiskChange:
    """How a risk changed, over folds."""
    folds = [_fold_losses(bench, one, metric) for one in comparisons]
    samples = sum(fold.before.shape[1] for fold in folds)
    floor = 0.5 / samples if metric == "error" else NO_LOSS * _constant(bench, comparisons[0])
    world = comparisons[0].before[0].trial.world
    is_finite = isinstance(bench.source, SupportsFolds) and not world
    return risk_change(
        folds,
        floor=floor,
        spread=spread,
        is_geometric=metric == "loss",
        rounds=math.ceil(len(folds) / bench.folds) if is_finite else 1,
    )


def _constant(bench: Bench, comparison: Comparison) -> float:
    constant = _found(bench, comparison.before[0]).train_loss_constant
    return constant if constant > 0.0 else 1.0


def _fold_losses(bench: Bench, comparison: Comparison, metric: Metric) -> FoldLosses:
    return FoldLosses(before=_losses(bench, comparison.before, metric), after=_losses(bench, comparison.after, metric))


def _losses(bench: Bench, arms: Sequence[Arm], metric: Metric) -> Float[np.ndarray, "trainings m"]:
    found = [(_found(bench, arm), arm.moment) for arm in arms]
    if metric == "error":
        return np.array([one.held_out_wrong[moment] for one, moment in found], dtype=np.float64)
    return np.array([one.held_out_losses[moment] for one, moment in found])


def _found(bench: Bench, arm: Arm) -> Measured:
    found = bench.measure([arm.trial])[0]
    assert found is not None  # comparisons are kept only where all was measured
    return found


def train_loss_of(bench: Bench, arm: Arm) -> float:
    """Training loss over the best constant's."""
    return float(_found(bench, arm).relative_train_loss[arm.moment])


def scaled_size(bench: Bench, scale: float, factor: float = 1.0) -> float | None:
    """The user's size at a smaller scale of the whole problem, and so many times that; None where there is no size.

    Whole sizes are rounded before they are multiplied, so that small ones keep the factor.
    """
    parameter, size = bench.subject.size_parameter, bench.subject.size
    if size is None or parameter is None or not math.isfinite(size):
        return size
    scaled = size * scale if parameter.grows else size
    if not parameter.is_real:
        scaled = float(round(factor * max(round(scaled), parameter.least)))
    else:
        scaled *= factor
    return min(max(scaled, parameter.least), parameter.largest)
