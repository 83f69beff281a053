"""The risk over n, size and time, as far as a diagnosis happens to have measured it: what its pictures show."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import numpy as np

from benign.diagnosis.answers import Estimate, RiskCurve
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Measured

Axis = Literal["samples", "size", "time"]
_Point = tuple[Measured, int]  # a training, and which of its times
_SIGMAS = 1.96


def curves_of(bench: Bench) -> tuple[RiskCurve, ...]:
    """A curve for each axis along which three or more positions were measured, and for n always.

    Only trainings of the user's model as it is set, on their data and labels, count. All positions of a curve are
    tested on the same held-out samples where that is possible: those of few folds are left out, then the folds that
    some position lacks.
    """
    plain = [one for one in bench.measured if _is_plain(one)]
    user, time = bench.user_trial(), bench.end
    at_the_end = [(one, _time_row(one, time)) for one in plain]
    known = [(one, row) for one, row in at_the_end if row is not None]
    over_samples = [point for point in known if point[0].trial.size == user.size]
    found = [
        _curve("samples", _by(_rows, over_samples), math.nan, float(bench.samples)),
        _most("size", [point for point in known if point[0].trial.size is not None], _size, user.size),
        _most("time", list(_all_times(plain, user.size)), lambda point: _time(point, time), time),
    ]
    return tuple(curve for curve in found if curve is not None)


def _is_plain(one: Measured) -> bool:
    trial = one.trial
    return not trial.parameters and not trial.world and trial.label_noise is None


def _time_row(one: Measured, time: float | None) -> int | None:
    """Which row of a training is at the user's time, as one is that ends by itself; None where it was not recorded."""
    if one.trial.times is None:
        return -1
    if time not in one.trial.times:
        return None
    row = one.trial.times.index(time)
    return row if one.is_reached[row] else None


def _all_times(plain: Iterable[Measured], size: float | None) -> Iterator[_Point]:
    for one in plain:
        if one.trial.size == size:
            yield from ((one, row) for row in np.flatnonzero(one.is_reached).tolist())


def _rows(point: _Point) -> float:
    return float(point[0].trial.rows)


def _size(point: _Point) -> float:
    return math.nan if point[0].trial.size is None else float(point[0].trial.size)


def _time(point: _Point, time: float | None) -> float:
    """A training that ends by itself ends at the user's."""
    return math.nan if time is None else (point[0].trial.times or (time,))[point[1]]


def _by(position: Callable[[_Point], float], points: Iterable[_Point]) -> dict[float, list[_Point]]:
    at: dict[float, list[_Point]] = defaultdict(list)
    for point in points:
        at[position(point)].append(point)
    return at


def _most(axis: Axis, points: list[_Point], position: Callable[[_Point], float], own: float | None) -> RiskCurve | None:
    """The curve at the n at which most positions were measured, the larger of equals; None without three of them."""
    by_rows = _by(_rows, (point for point in points if not math.isnan(position(point))))
    if not by_rows:
        return None
    samples = max(by_rows, key=lambda rows: (len(_by(position, by_rows[rows])), rows))
    curve = _curve(axis, _by(position, by_rows[samples]), samples, own)
    return curve if curve is not None and len(curve.positions) > 2 else None


def _curve(axis: Axis, at: dict[float, list[_Point]], samples: float, own: float | None) -> RiskCurve | None:
    if not at:
        return None
    at = _on_common_folds(at, own)
    places = sorted(at)
    return RiskCurve(
        axis=axis,
        positions=tuple(places),
        samples=samples,
        train_loss=tuple(_mean([float(one.train_loss[row]) for one, row in at[place]]) for place in places),
        held_out_loss=tuple(_over_folds(at[place], lambda one: one.held_out_losses) for place in places),
        held_out_error=tuple(_over_folds(at[place], _wrong) for place in places),
        trainings=tuple(len({one.trial for one, _ in at[place]}) for place in places),
    )


def _on_common_folds(at: dict[float, list[_Point]], own: float | None) -> dict[float, list[_Point]]:
    """The points of the folds that all positions have, without positions of few folds; all where there are none.

    The user's own position stays.
    """
    folds = {place: {one.trial.fold for one, _ in points} for place, points in at.items()}
    most = max(map(len, folds.values()))
    many = [place for place in at if 2 * len(folds[place]) >= most or place == own]
    kept = many if len(many) > 2 else list(at)
    common = set[int].intersection(*(folds[place] for place in kept))
    if not common:
        return at
    return {place: [point for point in at[place] if point[0].trial.fold in common] for place in kept}


def _wrong(one: Measured) -> np.ndarray:
    """Whether each held-out sample is mistaken (time, m); NaN for regressions, whose training error is none."""
    return np.where(np.isnan(one.train_error)[:, None], np.nan, one.held_out_wrong)


def _mean(values: list[float]) -> Estimate:
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Estimate(value=mean, interval=(mean - _SIGMAS * error, mean + _SIGMAS * error))


def _over_folds(points: list[_Point], losses: Callable[[Measured], np.ndarray]) -> Estimate:
    """Mean held-out risk; its standard error is the larger of that over samples and that over folds."""
    by_fold: dict[int, list[np.ndarray]] = defaultdict(list)
    for one, row in points:
        by_fold[one.trial.fold].append(losses(one)[row])
    folds = [np.mean(group, axis=0) for group in by_fold.values()]
    across = _mean([float(fold.mean()) for fold in folds])
    within = math.sqrt(sum(float(fold.var(ddof=1)) / len(fold) if len(fold) > 1 else 0.0 for fold in folds))
    error = within / len(folds)
    if len(folds) > 2:
        error = max(error, (across.interval[1] - across.value) / _SIGMAS)
    return Estimate(value=across.value, interval=(across.value - _SIGMAS * error, across.value + _SIGMAS * error))
