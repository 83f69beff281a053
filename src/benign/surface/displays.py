"""From sections of a surface to a curve's Display: series with their spread, landmarks, threshold and regimes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Landmarks
from benign.curves.fitting_threshold import FittingThreshold
from benign.curves.place import Place
from benign.foundation.conventions import REGIME_BAND
from benign.foundation.errors import InvalidArgument
from benign.foundation.size_words import is_counted
from benign.plots import Band, CurveDisplay, Mark, Role, Series, Threshold, series_from_replicates, spread_sentence
from benign.schema import DIMENSIONS, LABEL_NOISE
from benign.surface.regimes import CriticalRange, critical_range
from benign.surface.size_direction import is_read_inversely

MOST_MISSING = 0.02
AXIS_WORDS = {"time": "time", "samples": "number of training samples (samples)"}
METRIC_WORDS = {
    "loss": "loss (squared error)",
    "cross-entropy": "loss (cross-entropy, nats)",
    "error": "zero-one error",
    "norm": "norm of the weights",
    "scaled_norm": "norm of the weights, features scaled by 1 / sqrt(size)",
}


def size_label(surface: xr.Dataset) -> str:
    """Axis label of the size: what is counted, or the parameter."""
    name = str(surface.attrs.get("size_name", "units"))
    kind = "inverse of size" if is_read_inversely(surface) else "size"
    return f"number of {name} ({kind})" if is_counted(name) else f"{name} ({kind})"


def axis_label(section: xr.Dataset, dim: str) -> str:
    """What is counted along an axis of a surface."""
    if dim == "size":
        return size_label(section)
    return (
        f"{section.attrs['time_name']} (time)" if dim == "time" and section.attrs.get("time_name") else AXIS_WORDS[dim]
    )


def metric_label(metric: str, objective: str = "squared") -> str:
    """Axis label of a metric; ``objective`` says what a loss is."""
    if "loss" in metric and not metric.startswith("leave_one_out") and objective != "squared":
        return METRIC_WORDS.get(objective, f"loss ({objective})")
    if metric in METRIC_WORDS:
        return METRIC_WORDS[metric]
    kind = next((kind for kind in ("loss", "error") if kind in metric), None)
    return METRIC_WORDS[kind] if kind else metric.replace("_", " ")


def metric_series(
    section: xr.Dataset, metric: str, dim: str, *, name: str | None = None, role: Role | None = None
) -> Series:
    """One metric along ``dim``, as median and band over replicates; the other axes have one value."""
    others = [axis for axis in DIMENSIONS if axis in section[metric].dims and axis not in (dim, "replicate")]
    values = section[metric].squeeze(others).transpose("replicate", dim).values.astype(np.float64)
    return replicate_series(
        name or _series_name(metric), section[dim].values.astype(np.float64), values, role or _role(metric)
    )


def replicate_series(
    name: str, positions: Float[np.ndarray, " K"], values: Float[np.ndarray, "replicates K"], role: Role
) -> Series:
    """Median and band over replicates, with gaps where too many have no number; see :func:`quantiles_with_gaps`."""
    if np.isfinite(values).all():
        return series_from_replicates(name, positions, values, role)
    low, median, high = quantiles_with_gaps(values)
    return Series(name=name, positions=positions, median=median, low=low, high=high, role=role)


def quantiles_with_gaps(values: Float[np.ndarray, "replicates K"]) -> Float[np.ndarray, "3 K"]:
    """10 %, 50 % and 90 % quantiles; a replicate without a number counts as above all numbers, up to 2 % of them.

    So few cannot move the median or the band's lower edge past a neighbouring replicate. Beyond 2 % there is a gap.
    """
    missing = np.isnan(values)
    ranked = np.quantile(np.where(missing, np.inf, values), [0.1, 0.5, 0.9], axis=0, method="inverted_cdf")
    ranked[:, missing.mean(axis=0) > MOST_MISSING] = np.nan
    return np.asarray(ranked)


def _role(metric: str) -> Role:
    if metric.startswith("train"):
        return Role.TRAIN
    return Role.NORM if metric in ("norm", "scaled_norm") else Role.TEST


def _series_name(metric: str) -> str:
    words = metric.split("_")
    rest = [word for word in words if word not in ("loss", "error")]
    return ", ".join(rest) if words[0] in ("train", "test") else " ".join(words)


def landmark_marks(landmarks: Landmarks) -> tuple[Mark, ...]:
    """The landmarks that exist, in the words of the field."""
    return tuple(
        Mark(
            position=mark.position,
            value=mark.value,
            label=f"{name} ({landmarks.comparison}) to" if mark is landmarks.second_descent else name,
        )
        for name, mark in landmarks.named
    )


def threshold_line(threshold: FittingThreshold | Place | None, *, words: str = "threshold") -> Threshold | None:
    """The interpolation threshold with its interval, if there is one."""
    if threshold is None or not 0.0 < threshold.value < np.inf:
        return None
    low, high = threshold.interval
    if not 0.0 < low <= high < np.inf:
        low = high = threshold.value
    return Threshold(position=threshold.value, low=low, high=high, label=words)


def regime_bands(samples: float, positions: Float[np.ndarray, " K"]) -> tuple[Band, ...]:
    """Regimes of a family whose effective model complexity is its size: critical within a factor 1.5 of n."""
    edges = [positions[0], samples / REGIME_BAND, samples * REGIME_BAND, positions[-1]]
    labels = ("under-parameterised", "critical", "over-parameterised")
    return tuple(
        Band(low=low, high=high, label=label, is_critical=label == "critical")
        for low, high, label in zip(edges, edges[1:], labels, strict=False)
        if low < high
    )


def read_bands(section: xr.Dataset, dim: str) -> tuple[tuple[Band, ...], str]:
    """Regimes of a section along ``dim``, read from its training risk, and the sentence that says how.

    Nothing where they cannot be read: too few replicates, no number, or targets that do not vary.
    """
    try:
        found = critical_range(section, dim)
    except InvalidArgument:
        return (), ""
    if found is None:
        return (), ""
    bands = bands_of(found)
    hatched = "" if all(band.is_decided for band in bands) else "; hatched: undecided"
    return bands, f"Shaded: critical regime, {found.rule}{hatched}."


def bands_of(found: CriticalRange) -> tuple[Band, ...]:
    """The regimes along an axis: what lies within the interval of an edge is undecided."""
    (first, start), (stop, last) = found.start, found.stop
    outer = ["under-parameterised", "over-parameterised"]
    before, after = outer[::-1] if found.is_over_first else outer
    if start < stop:
        middle = [(first, start, "undecided"), (start, stop, "critical"), (stop, last, "undecided")]
    else:
        middle = [(first, last, "undecided")]
    return tuple(
        Band(low=low, high=high, label=label, is_critical=label == "critical", is_decided=label != "undecided")
        for low, high, label in [(0.0, first, before), *middle, (last, np.inf, after)]
        if low < high
    )


def curve_display(section: xr.Dataset, metric: str, dim: str, landmarks: Landmarks) -> CurveDisplay:
    """The Display of one metric along one axis; a test metric gets its train twin beside it."""
    series = [metric_series(section, metric, dim)]
    twin = metric.replace("test", "train").removesuffix("_noisy")
    if metric.startswith("test") and twin in section:
        series.append(metric_series(section, twin, dim))
    regimes, how = read_bands(section, dim)
    n = section["samples"].item() if dim != "samples" else None
    title = section.attrs.get("title", "Risk") + (f", n = {n:,}" if n is not None else "")
    if LABEL_NOISE in section.coords:
        title += f", label noise {section[LABEL_NOISE].item():g}"
    return CurveDisplay(
        title=title,
        series=tuple(series),
        marks=landmark_marks(landmarks),
        threshold=threshold_line(landmarks.threshold),
        x_label=axis_label(section, dim),
        y_label=metric_label(metric, str(section.attrs.get("objective", "squared"))),
        y_log="error" not in metric,
        caption=" ".join(filter(None, [spread_sentence(section.sizes["replicate"]), how])),
        regimes=regimes,
        position_name="sizes" if dim == "size" else dim,
    )


def size_display(
    surface: xr.Dataset,
    metrics: tuple[str, ...],
    *,
    title: str,
    y_label: str,
    landmarks: Landmarks | None = None,
    remedies: Mapping[str, tuple[xr.Dataset, str]] | None = None,
    x_log: bool = True,
    y_log: bool = True,
    y_limits: tuple[float, float] | None = None,
    with_regimes: bool = False,
) -> CurveDisplay:
    """Several metrics of a one-n surface over size; ``remedies`` maps a name to (surface, metric)."""
    series = [metric_series(surface, metric, "size") for metric in metrics]
    for name, (other, metric) in (remedies or {}).items():
        series.append(metric_series(other, metric, "size", name=name, role=Role.REMEDY))
    n = int(surface["samples"].values[0])
    positions = surface["size"].values.astype(float)
    return CurveDisplay(
        title=title,
        series=tuple(series),
        marks=landmark_marks(landmarks) if landmarks is not None else (),
        threshold=Threshold(
            position=float(n), low=float(n), high=float(n), label=f"{surface.attrs['size_name']} = samples:"
        ),
        x_label=size_label(surface),
        y_label=y_label,
        x_log=x_log,
        y_log=y_log,
        y_limits=y_limits,
        caption=spread_sentence(surface.sizes["replicate"]),
        regimes=regime_bands(n, positions) if with_regimes else (),
    )
