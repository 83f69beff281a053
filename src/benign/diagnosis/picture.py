"""Where the model stands on the curve: what was measured, the critical regime, and what more of it may do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from benign.diagnosis.verdict import Verdict
from benign.foundation.conventions import REGIME_BAND
from benign.foundation.errors import invalid
from benign.foundation.number_words import format_position
from benign.plots import Band, CurveDisplay, Display, Mark, Role, Series, StackedDisplay, Threshold

if TYPE_CHECKING:
    from benign.diagnosis.answers import Answer, Diagnosis, Estimate, Metric, RiskCurve

_ANSWERS = {"samples": "more_data", "size": "bigger", "time": "longer"}
_MOST_ON_LINEAR = 20.0  # beyond this ratio of the largest to the smallest risk the axis is logarithmic
_LARGEST = 1e12  # a position beyond it is "no limit"


def displays(diagnosis: Diagnosis) -> dict[str, Display]:
    """A picture for each axis that was measured: over ``"samples"``, ``"size"`` and ``"time"``.

    The loss that training minimises, and below it the zero-one error of a classifier.
    """
    found: dict[str, Display] = {}
    for curve in diagnosis.curves:
        panels = [display(diagnosis, curve, "loss")]
        if not math.isnan(curve.held_out_error[0].value):
            panels.append(display(diagnosis, curve, "error"))
        stacked = StackedDisplay(title=panels[0].title, panels=tuple(panels), caption=panels[0].caption)
        found[curve.axis] = stacked if len(panels) > 1 else panels[0]
    return found


def main_display(diagnosis: Diagnosis) -> CurveDisplay:
    """The loss over n.

    Raises:
        InvalidArgument: where nothing was measured.
    """
    for curve in diagnosis.curves:
        if curve.axis == "samples":
            return display(diagnosis, curve, "loss")
    raise invalid("diagnosis", "measured nothing that could be drawn; give it a larger budget.")


def display(diagnosis: Diagnosis, curve: RiskCurve, metric: Metric) -> CurveDisplay:
    """One metric over one axis."""
    positions = _finite(curve)
    estimates = curve.held_out_loss if metric == "loss" else curve.held_out_error
    series = [_series("held out", positions, estimates, Role.TEST)]
    if metric == "loss":
        series.append(_series("training", positions, curve.train_loss, Role.TRAIN))
    here = _here(diagnosis, curve, positions)
    ahead = None if here is None else _ahead(diagnosis, curve, metric, here)
    series += [] if ahead is None else [ahead]
    series += _constant(diagnosis, series, metric)
    return CurveDisplay(
        title=f"Where {diagnosis.model} stands on {diagnosis.source}",
        series=tuple(series),
        marks=() if here is None else (_mark(positions[here], estimates[here]),),
        threshold=_threshold(diagnosis, curve),
        regimes=tuple(_bands(diagnosis, curve)),
        x_label=_x_label(diagnosis, curve),
        y_label="loss" if metric == "loss" else "zero-one error",
        x_log=bool(positions[0] > 0),
        y_log=metric == "loss" and _is_wide(estimates),
        caption=_caption(diagnosis, curve, is_ahead=ahead is not None),
        position_name={"samples": "n", "size": "sizes", "time": "times"}[curve.axis],
    )


def _finite(curve: RiskCurve) -> np.ndarray:
    """The positions (K,), no limit drawn at twice the largest that is one."""
    positions = np.array(curve.positions, dtype=np.float64)
    bounded = positions[positions < _LARGEST]
    top = 2.0 * bounded.max() if len(bounded) else 1.0
    return np.minimum(positions, top)


def _series(name: str, positions: np.ndarray, estimates: tuple[Estimate, ...], role: Role) -> Series:
    middle = np.array([one.value for one in estimates])
    ends = np.array([one.interval for one in estimates])
    ends = np.where(np.isfinite(ends), ends, middle[:, None])
    return Series(
        name=name,
        positions=positions,
        median=middle,
        low=np.clip(ends[:, 0], 0.0, middle),
        high=np.maximum(ends[:, 1], middle),
        role=role,
    )


def _here(diagnosis: Diagnosis, curve: RiskCurve, positions: np.ndarray) -> int | None:
    """Which position is the user's; at fewer samples, where a trial scaled n and size alike, the scaled one."""
    own = {"samples": float(diagnosis.samples), "size": diagnosis.size, "time": diagnosis.time}[curve.axis]
    if own is None:
        return None
    if own in curve.positions:
        return curve.positions.index(own)
    scale = curve.samples / diagnosis.samples if curve.axis == "size" else 1.0
    near = int(np.argmin(np.abs(np.log(positions / (own * scale))))) if own * scale > 0 and positions[0] > 0 else None
    return near if near is not None and abs(math.log(positions[near] / (own * scale))) < 0.05 else None


def _ahead(diagnosis: Diagnosis, curve: RiskCurve, metric: Metric, row: int) -> Series | None:
    """The risk that is expected at 1.5, 2 and 4 times as much, with its interval; None where nothing is."""
    answers: Mapping[float, Answer] = getattr(diagnosis, _ANSWERS[curve.axis])
    here, position = (curve.held_out_loss if metric == "loss" else curve.held_out_error)[row], curve.positions[row]
    known = {factor: one if metric == "loss" else one.error for factor, one in sorted(answers.items())}
    changes = {factor: one.change for factor, one in known.items() if one is not None}
    changes = {factor: one for factor, one in changes.items() if not math.isnan(one.value)}
    if not changes or math.isinf(position):
        return None
    factors = np.array([1.0, *changes])
    values = [here.value, *(here.value * (1.0 + one.value) for one in changes.values())]
    ends = [(here.value, here.value), *(_times(here.value, one) for one in changes.values())]
    low, high = np.array(ends).T
    name = {"samples": "if n grows", "size": "if it grows", "time": "if it trains on"}[curve.axis]
    median = np.array(values)
    return Series(
        name=name,
        positions=position * factors,
        median=median,
        low=np.clip(low, 0.0, median),
        high=np.maximum(high, median),
        role=Role.NORM,
    )


def _times(value: float, change: Estimate) -> tuple[float, float]:
    low, high = (change.value if math.isnan(end) else end for end in change.interval)
    return value * (1.0 + low), value * (1.0 + high)


def _constant(diagnosis: Diagnosis, series: list[Series], metric: Metric) -> Iterator[Series]:
    """The best constant's risk on new samples, where it is not far above all that was measured."""
    if diagnosis.standing is None:
        return
    standing = diagnosis.standing
    level = standing.held_out_loss_constant if metric == "loss" else standing.held_out_error_constant
    tops = [float(one.median[np.isfinite(one.median)].max(initial=0.0)) for one in series]
    if not math.isfinite(level) or level > 5.0 * max(tops):
        return
    positions = np.array([min(one.positions[0] for one in series), max(one.positions[-1] for one in series)])
    if positions[1] > positions[0]:
        flat = np.full(2, level)
        yield Series(name="best constant", positions=positions, median=flat, low=flat, high=flat, role=Role.REFERENCE)


def _mark(position: float, here: Estimate) -> Mark:
    return Mark(position=float(position), value=here.value, label="yours:")


def _threshold(diagnosis: Diagnosis, curve: RiskCurve) -> Threshold | None:
    """Along n the effective model complexity with its interval, where it is bounded."""
    emc = diagnosis.emc
    if curve.axis != "samples" or emc is None or not emc.value or math.isinf(emc.interval[1]):
        return None
    value, (low, high) = float(emc.value), emc.interval
    return Threshold(position=value, low=min(low, value), high=max(high, value), label="it can just fit")


def _bands(diagnosis: Diagnosis, curve: RiskCurve) -> Iterator[Band]:
    """Along n, from where to where it is critical: EMC / n within the band."""
    emc = diagnosis.emc
    if curve.axis != "samples" or emc is None or not emc.value or math.isinf(emc.interval[1]):
        return
    yield Band(low=emc.value / REGIME_BAND, high=emc.value * REGIME_BAND, label="critical", is_critical=True)


def _is_wide(estimates: tuple[Estimate, ...]) -> bool:
    values = [one.value for one in estimates if one.value > 0]
    return len(values) == len(estimates) and max(values) > _MOST_ON_LINEAR * min(values)


def _x_label(diagnosis: Diagnosis, curve: RiskCurve) -> str:
    if curve.axis == "samples":
        return "number of training samples"
    name = diagnosis.size_name if curve.axis == "size" else diagnosis.time_name
    return f"{name}, at n = {format_position(curve.samples)}"


def _caption(diagnosis: Diagnosis, curve: RiskCurve, *, is_ahead: bool) -> str:
    """What line, band and prediction are."""
    count = sum(curve.trainings)
    told = f"Line: mean of held-out samples from {count:,} training{'s' if count > 1 else ''}; band: its 95 % interval."
    if math.inf in curve.positions:
        told += " No limit is drawn at twice the largest that was tried."
    if is_ahead:
        answers: Mapping[float, Answer] = getattr(diagnosis, _ANSWERS[curve.axis])
        unsure = [f"{one.factor:g}x" for one in answers.values() if one.answer is Verdict.CANNOT_TELL]
        told += " Beyond yours: what is expected, with its 95 % interval"
        told += f"; not sure enough to be an answer at {', '.join(unsure)}." if unsure else "."
    return told
