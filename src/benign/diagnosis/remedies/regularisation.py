"""Other strengths of the model's own regularisation: its ridge, weight decay, shrinkage."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import replace

from benign.diagnosis.paired_trials import Arm
from benign.diagnosis.remedies.candidate import Candidate, instead, is_number
from benign.diagnosis.trials.bench import Bench
from benign.procedures.known_estimators import regularisation_of
from benign.procedures.protocol import Retrainable


def other_strengths(bench: Bench) -> list[Candidate]:
    """Those nearest to the present one first; none where the model has none, or it is the size that was asked about."""
    size = bench.subject.size_parameter
    return [
        candidate
        for name, values in regularisation_of(bench.subject)
        if size is None or name != size.name
        for candidate in _of_one(bench, name, values)
    ]


def _of_one(bench: Bench, name: str, values: tuple[Hashable, ...]) -> list[Candidate]:
    now = _present(bench, name)
    others = sorted((value for value in values if value != now), key=lambda value: _distance(value, now))
    return [_candidate(bench, name, value, now) for value in others]


def _present(bench: Bench, name: str) -> object:
    """What the estimator, or a network's training, has it set to."""
    procedure = bench.subject.procedure
    if isinstance(procedure, Retrainable):
        return getattr(procedure.training, name)
    estimator = getattr(procedure, "estimator", None)
    return getattr(procedure, name, None) if estimator is None else estimator.get_params()[name]


def _distance(value: object, present: object) -> float:
    if is_number(value) and is_number(present) and value > 0.0 and present > 0.0:
        return abs(math.log(value / present))
    return 0.0  # in the order given


def _candidate(bench: Bench, name: str, value: Hashable, present: object) -> Candidate:
    return Candidate(
        what=instead(name, value, present),
        arms=lambda fold: (Arm(trial=replace(bench.user_trial(fold), parameters=((name, value),))),),
        settings={name: value},
        factor=value / present if is_number(value) and is_number(present) and present else math.nan,
    )
