"""Rules of thumb, put to the same users: always better, the zone, the slope of the learning curve, the gap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from diagnosis.case import AXES, FACTORS, Axis, Case, Metric
from diagnosis.families import FAMILIES, Training, losses, objective_of
from diagnosis.populations import POPULATIONS, Sample
from diagnosis.users import Said, rows_of
from jaxtyping import Float

from benign.foundation.randomness import generator
from benign.procedures import objectives

RULES = ("always better", "zone", "slope", "slope, size scaled", "gap")
_FOLDS = 5
_FITTED, _NOTHING = 0.02, 1e-6
_ZONE = -0.4  # octaves of n over what can be fitted
_GAP = 0.25  # of the held-out loss: over-fitting


@dataclass(frozen=True, kw_only=True)
class _Risks:
    """Of each fold: training loss over the best constant's, and held-out risks."""

    relative: Float[np.ndarray, " folds"]
    train: Float[np.ndarray, " folds"]
    held_out: dict[Metric, Float[np.ndarray, " folds"]]


def said_by_rules(case: Case, user: int) -> list[Said]:
    """What each rule says of each item of a case."""
    tried = _Tried(case, rows_of(case, user))
    said = []
    for rule in RULES:
        for axis, factor, metric in _items(case):
            answer = {
                "always better": "helps",
                "zone": _zone(tried, axis),
                "slope": _slope(tried, axis, metric, 1.0),
                "slope, size scaled": _slope(tried, axis, metric, 0.8),
                "gap": _gap(tried, axis),
            }[rule]
            said.append(
                Said(
                    who=rule,
                    case=case.name,
                    user=user,
                    axis=axis,
                    factor=factor,
                    metric=metric,
                    answer=answer,
                    confidence=math.nan,
                    change=math.nan,
                )
            )
    return said


def _items(case: Case) -> Iterator[tuple[Axis, float, Metric]]:
    metrics: tuple[Metric, ...] = ("loss", "error") if POPULATIONS[case.population].classes else ("loss",)
    for axis in AXES:
        for factor in FACTORS:
            for metric in metrics:
                yield axis, factor, metric


class _Tried:
    """Trainings on a user's rows, each once."""

    def __init__(self, case: Case, rows: Sample) -> None:
        self.case = case
        self._inputs = np.concatenate([rows.inputs, rows.test_inputs])
        self._targets = np.concatenate([rows.targets, rows.test_targets])
        self._orders = [generator(case.number, "fold", fold).permutation(len(self._inputs)) for fold in range(_FOLDS)]
        self._known: dict[tuple[int, float | None], _Risks] = {}

    def risks(self, share: float = 1.0, scale: float = 1.0) -> _Risks:
        """At a share of the n and a multiple of the size."""
        case, size = self.case, self.case.size
        size = max(2.0, float(round(size * scale))) if size is not None and FAMILIES[case.family].has_size else size
        key = (round(share * case.samples), size)
        if key not in self._known:
            self._known[key] = self._trained(*key)
        return self._known[key]

    def _trained(self, rows: int, size: float | None) -> _Risks:
        case, folds = self.case, []
        for fold, order in enumerate(self._orders):
            train, test = order[:rows], order[case.samples :]
            asked = (self._inputs[train], self._inputs[test])
            targets = self._targets[train]
            one = Training(inputs=asked[0], targets=targets, seed=fold, asked=asked)
            (((fitted, predicted),),) = FAMILIES[case.family].train(case, [one], size, [case.time])
            loss = float(losses(case, fitted, targets).mean())
            constant = objectives.constant_loss(objective_of(case), targets)
            held_out = losses(case, predicted, self._targets[test]).mean()
            wrong = objectives.wrong(predicted, self._targets[test]).mean()
            folds.append((loss, loss / constant if constant > 0 else 0.0, held_out, wrong))
        train_loss, relative, held_out_loss, error = np.array(folds, float).T
        return _Risks(relative=relative, train=train_loss, held_out={"loss": held_out_loss, "error": error})


def _zone(tried: _Tried, axis: Axis) -> str:
    """More data helps where n is near, or beyond, what can be fitted; nothing else is said."""
    if axis != "more_data" or not FAMILIES[tried.case.family].has_size or tried.case.size is None:
        return "cannot tell"
    places = [(octaves, float(tried.risks(1.0, 2.0**-octaves).relative.mean())) for octaves in (0.0, 1.0, 2.0)]
    if places[0][1] >= _FITTED:
        return "helps"
    for (before, fitted), (after, loss) in pairwise(places):
        if loss >= _FITTED:  # an interpolator's loss rises by many powers of ten on the way: so interpolate these
            low, edge, high = (math.log(max(one, _NOTHING)) for one in (fitted, _FITTED, loss))
            beyond = before + (edge - low) / (high - low) * (after - before)
            return "helps" if -beyond > _ZONE else "cannot tell"
    return "cannot tell"


def _slope(tried: _Tried, axis: Axis, metric: Metric, scale: float) -> str:
    """The last segment of the learning curve goes on."""
    if axis != "more_data":
        return "cannot tell"
    early, late = (tried.risks(share * scale, scale).held_out[metric] for share in (0.5, 1.0))
    ratios = np.log((late + 1e-3) / (early + 1e-3))
    if abs(ratios.mean()) <= ratios.std(ddof=1) / math.sqrt(_FOLDS):
        return "cannot tell"
    return "helps" if ratios.mean() < 0 else "hurts"


def _gap(tried: _Tried, axis: Axis) -> str:
    """Held-out far above training: over-fitting, more data; else a bigger model, trained for longer."""
    risks = tried.risks()
    held_out = float(risks.held_out["loss"].mean())
    is_over = held_out - float(risks.train.mean()) > _GAP * held_out
    if axis == "more_data":
        return "helps" if is_over else "makes no difference"
    return "hurts" if is_over else "helps"
