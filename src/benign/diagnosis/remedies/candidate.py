"""Something that may better the model: its words, and the trainings that show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np
from jaxtyping import Float

from benign.diagnosis.answers import Metric
from benign.diagnosis.paired_trials import Arm
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Measured
from benign.foundation.number_words import format_position
from benign.foundation.size_words import amount
from benign.procedures import objectives


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """Something to try.

    Attributes:
        what: in words: "alpha = 10 instead of 1".
        arms: of a fold, the trainings whose outputs are averaged; one where nothing is.
        settings: the parameters that make it, where parameters do.
        factor: how many times the present value it is; NaN where that says nothing.
    """

    what: str
    arms: Callable[[int], tuple[Arm, ...]]
    settings: Mapping[str, object] = field(default_factory=dict)
    factor: float = math.nan


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOut:
    """What one fold's held-out samples cost, one number a sample.

    Attributes:
        loss: the training objective; ``error``: 1 where the class is mistaken, 0 for regressions.
        loss_constant: of the best constant on the training set.
    """

    loss: Float[np.ndarray, " m"]
    error: Float[np.ndarray, " m"]
    loss_constant: float

    def of(self, metric: Metric) -> Float[np.ndarray, " m"]:
        """By name."""
        return self.error if metric == "error" else self.loss


def instead(name: str, value: object, present: object) -> str:
    """A parameter's value beside the present one; of a nested name the last part.

    >>> instead("ridge__alpha", 10.0, 1), instead("max_leaf_nodes", 32, math.inf), instead("features", 50, 100)
    ('alpha = 10 instead of 1', 'max_leaf_nodes = 32 instead of no limit', '50 features instead of 100')
    """
    last = name.rpartition("__")[2]
    told = amount(value, last) if is_number(value) else f"{last} = {worded(value)}"
    return f"{told} instead of {worded(present)}"


def worded(value: object) -> str:
    """A parameter's value; infinity is no limit."""
    if not is_number(value):
        return str(value)
    return "no limit" if math.isinf(value) else format_position(value)


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number, and no boolean."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def present(bench: Bench) -> Candidate:
    """The model as it is."""
    return Candidate(what="as it is", arms=lambda fold: (Arm(trial=bench.user_trial(fold)),))


def trained(bench: Bench, candidate: Candidate, folds: int) -> list[HeldOut] | None:
    """What a candidate costs on each fold; None where a training failed, or the budget did not reach it."""
    bench.measure([arm.trial for fold in range(folds) for arm in candidate.arms(fold)])
    found = [_held_out(bench, candidate.arms(fold), fold) for fold in range(folds)]
    usable = [one for one in found if one is not None]
    return usable if len(usable) == folds else None


def _held_out(bench: Bench, arms: Sequence[Arm], fold: int) -> HeldOut | None:
    measured = [(found, arm.moment) for found, arm in zip(bench.measure([a.trial for a in arms]), arms, strict=True)]
    usable = [(found, moment) for found, moment in measured if found is not None]
    if len(usable) < len(arms):
        return None
    first, moment = usable[0]
    held_out = HeldOut(
        loss=first.held_out_losses[moment],
        error=first.held_out_wrong[moment].astype(np.float64),
        loss_constant=first.train_loss_constant,
    )
    held_out = held_out if len(usable) == 1 else _averaged(bench, usable, fold)
    return held_out if np.isfinite(held_out.loss).all() else None


def _averaged(bench: Bench, fits: Sequence[tuple[Measured, int]], fold: int) -> HeldOut:
    """The mean of several fits' outputs, in the unit that the objective takes."""
    outputs = np.mean([found.outputs[moment] for found, moment in fits], axis=0)
    targets = bench.split(fold).test_targets
    wrong = objectives.wrong(outputs, targets) if bench.is_classification else np.zeros(len(targets), dtype=np.bool_)
    return HeldOut(
        loss=objectives.losses(bench.subject.procedure.objective, outputs, targets),
        error=wrong.astype(np.float64),
        loss_constant=fits[0][0].train_loss_constant,
    )
