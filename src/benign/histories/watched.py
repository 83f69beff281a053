"""Which recorded curve the rule watches, on which scale: the loss of the validation set if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from benign.histories.history import History
from benign.histories.noise import ASSUMED_SAMPLES, ERROR_SHARE, LOSS_GROWTH, Noise
from benign.histories.smoothing import Blur, Curve, blur, iterate_sd, level_sd, smoothed, window

Name = Literal["validation loss", "validation error", "validation metric", "train loss", "train error"]

_COARSE_TOLERANCE = 0.1  # what can still be told of a curve whose jitter was hidden before it was recorded
_LEAST_RISE_OF_ERROR, _RELATIVE_RISE_OF_ERROR = 0.0175, 0.035


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How values become what is compared: less is better there.

    Attributes:
        kind: "log"; "linear" for errors and metrics, and for losses that are not positive throughout, where a ratio of
            two of them means nothing: then the unit is how far the curve fell from its start.
        unit: of the linear scale; negative where more is better.
    """

    kind: Literal["log", "linear"]
    unit: float = 1.0

    def of(self, values: Curve) -> Curve:
        """The values on the scale."""
        return np.log(values) if self.kind == "log" else values / self.unit

    def back(self, compared: Curve) -> Curve:
        """The values again."""
        with np.errstate(over="ignore"):  # a band may end beyond all numbers
            return np.exp(compared) if self.kind == "log" else compared * self.unit


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """The curve that is watched, without the evaluations at which it was not recorded.

    Attributes:
        name: which curve it is.
        metric: the name of a metric; empty for losses and errors.
        rows: where it was recorded, among the times of the history.
        times: its times.
        values: as recorded.
        scale: on which it is compared.
        raw: the values on that scale.
        smooth: the same without its jitter.
        noise: what is chance in it.
    """

    name: Name
    metric: str = ""
    rows: Int[np.ndarray, " points"]
    times: Curve
    values: Curve
    scale: Scale
    raw: Curve
    smooth: Curve
    noise: Noise


def watched(history: History, *, paired_se: float | None = None) -> Watched | None:
    """The curve that says most; None where none was recorded at all.

    In this order: the loss of the validation set, its error, its first metric, the loss of the training set, its error.

    Args:
        history: what was recorded.
        paired_se: the standard error of the rise of the validation loss, from paired differences.
    """
    metric = history.metrics[0] if history.metrics else None
    curves: tuple[tuple[Name, Curve | None], ...] = (
        ("validation loss", history.validation_loss),
        ("validation error", history.validation_error),
        ("validation metric", metric.values if metric else None),
        ("train loss", history.train_loss),
        ("train error", history.train_error),
    )
    for name, curve in curves:
        if curve is not None and np.isfinite(curve).any():
            rows = np.flatnonzero(np.isfinite(curve))
            upwards = name == "validation metric" and metric is not None and metric.higher_is_better
            named = metric.name if metric and name == "validation metric" else ""
            return _watched(name, named, history, rows, curve[rows], upwards, paired_se)
    return None


def finite(times: Curve, curve: Curve | None) -> tuple[Float[np.ndarray, " kept"], Float[np.ndarray, " kept"]]:
    """The times at which a curve was recorded, and its values there; both empty where it was not."""
    if curve is None:
        return np.empty(0), np.empty(0)
    kept = np.isfinite(curve)
    return (times, curve) if kept.all() else (times[kept], curve[kept])


def rise_that_matters(lowest_error: float) -> float:
    """How much an error must rise to matter: 1.75 points, or 3.5 % of a large one."""
    return max(_LEAST_RISE_OF_ERROR, _RELATIVE_RISE_OF_ERROR * lowest_error)


def _watched(
    name: Name,
    metric: str,
    history: History,
    rows: Int[np.ndarray, " points"],
    values: Curve,
    upwards: bool,
    paired_se: float | None,
) -> Watched:
    scale = _scale(name, values, upwards)
    raw = scale.of(values)
    smooth = smoothed(raw)
    return Watched(
        name=name,
        metric=metric,
        rows=rows,
        times=history.times[rows],
        values=values,
        scale=scale,
        raw=raw,
        smooth=smooth,
        noise=_noise(name, history, values, scale, raw, smooth, paired_se),
    )


def _scale(name: Name, values: Curve, upwards: bool) -> Scale:
    if name.endswith("error"):
        return Scale(kind="linear")
    if name.endswith("loss") and values.min() > 0:
        return Scale(kind="log")
    start = float(np.median(values[:3]))
    fallen = float(values.max()) - start if upwards else start - float(values.min())
    span = fallen if fallen > 0 else float(np.ptp(values))
    unit = span if np.isfinite(span) and span > 0 else 1.0
    return Scale(kind="linear", unit=-unit if upwards else unit)


def _noise(
    name: Name, history: History, values: Curve, scale: Scale, raw: Curve, smooth: Curve, paired_se: float | None
) -> Noise:
    samples, base, growth = history.validation_samples, 0.0, LOSS_GROWTH
    hidden = blur(values)
    step, rise, gain = 0.0, 0.02, 0.01
    if hidden.step:
        step = hidden.step / float(np.median(np.abs(values))) if scale.kind == "log" else hidden.step / abs(scale.unit)
    if hidden.kind:
        rise = gain = _COARSE_TOLERANCE
    if name.endswith("error"):  # a share of n samples is a multiple of 1 / n, so it is never refused as rounded
        rise = rise_that_matters(float(smooth.min()))
        gain = rise / 2
        level = float(smooth.mean())
        base, growth = error_variance(level, level), 0.0
        hidden = Blur()
    if name.startswith("train"):  # measured on the same samples that it is about
        base = growth = 0.0
    return Noise(
        iterate_sd=iterate_sd(raw),
        window=window(raw.size),
        level_sd=level_sd(raw, smooth),
        base=base,
        growth=growth,
        validation_samples=samples or ASSUMED_SAMPLES,
        samples_told=samples is not None,
        refused=hidden.kind,
        step=step,
        paired_se=paired_se if name == "validation loss" else None,
        rise_tolerance=rise,
        gain_tolerance=gain,
    )


def error_variance(low: float, high: float) -> float:
    """Of the difference of two errors of one validation set, times the number of its samples."""
    share = min(max((low + high) / 2, 0.0), 1.0)
    return 2 * ERROR_SHARE * share * (1 - share)
