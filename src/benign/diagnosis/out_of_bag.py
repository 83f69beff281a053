"""The error that a bagged model measures itself: of each training sample by the members that have not seen it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from benign.experiments.repeated_warnings import recorded
from benign.foundation.split import Split
from benign.procedures import adaptation
from benign.procedures.estimator import Estimator
from benign.procedures.nested_estimators import Part, chain_of
from benign.procedures.protocol import Procedure

_OPTION = "oob_score"


def has_out_of_bag(procedure: Procedure) -> bool:
    """Whether the model is a forest or a bag that resamples its rows, and nothing around it changes the targets."""
    return isinstance(procedure, Estimator) and _bag(procedure.estimator) is not None


def share_seen(procedure: Procedure, samples: int) -> float | None:
    r"""The share of different training rows that a member of a bag sees, :math:`1 - (1 - 1/n)^m` of m draws.

    None where the model is none, or nothing is resampled.

    Args:
        procedure: the user's.
        samples: n.
    """
    bag = _bag(procedure.estimator) if isinstance(procedure, Estimator) else None
    if bag is None:
        return None
    asked = bag.settings.get("max_samples")
    drawn = samples if asked is None else asked * samples if isinstance(asked, float) else asked
    return float(-math.expm1(drawn * math.log1p(-1.0 / samples))) if samples > 1 else 1.0


def out_of_bag_error(procedure: Estimator, split: Split, *, size: float | None, time: float | None) -> float:
    """The share of wrong labels, or of values the mean squared error; NaN where no member can tell.

    Costs one training, in this process.

    Args:
        procedure: one with :func:`has_out_of_bag`; it is not changed.
        split: its training set is trained on.
        size: None for the model as it stands.
        time: the number of members; None likewise.

    Raises:
        InvalidArgument: where it cannot be trained.
    """
    bag = _bag(procedure.estimator)
    if bag is None:
        return math.nan
    moments = {} if time is None or procedure.time_name is None else {procedure.time_name: int(time)}
    asked = procedure.with_parameters(**{f"{bag.prefix}{_OPTION}": True}, **moments)
    seeded = asked._seeded(split.replicate)  # the same training as all others of that replicate
    model = replace(asked, estimator=seeded).at_size(math.nan if size is None else size)
    targets = adaptation.training_targets(split)
    inputs = adaptation.handed_on(split.train_inputs.copy(), split)
    with recorded(), adaptation.guarded(f"{procedure.name} cannot be trained with {_OPTION}", "leave it out"):
        fitted = _bag(model.fit(inputs, targets))
    return math.nan if fitted is None else _error_of(fitted.estimator, targets)


def _bag(estimator: Any) -> Part | None:
    """The part of the estimator that has an out-of-bag error; None where what is around it changes its targets."""
    chain = chain_of(estimator)
    for part in chain:
        if part.kind and _OPTION in part.settings:
            return part if part.settings.get("bootstrap") else None
        if part.kind != "Pipeline":
            return None
    return None


def _error_of(fitted: Any, targets: np.ndarray) -> float:
    votes = getattr(fitted, "oob_decision_function_", None)
    if votes is None:
        predicted = np.asarray(fitted.oob_prediction_, dtype=np.float64).reshape(len(targets), -1)
        squares = np.sum((predicted - targets.reshape(len(targets), -1)) ** 2, axis=1)
        return float(np.mean(squares[np.isfinite(squares)])) if np.isfinite(squares).any() else math.nan
    told = np.isfinite(votes).all(axis=1) & (votes.sum(axis=1) > 0.0)
    if not told.any():
        return math.nan
    return float(np.mean(np.asarray(fitted.classes_)[votes[told].argmax(axis=1)] != targets[told]))
