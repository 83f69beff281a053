"""Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020 (ICLR), Figure 2: test error over width and epochs at once.

Paper: ResNet18 of widths 1 to 64, CIFAR-10 with 15 % label noise, Adam, 4,000 epochs. The peak runs along the line
where the training error is about 0.1: their effective model complexity is the largest n at which it is eps = 0.1. At
the last epoch the peak is at width 10, where the training error first is below 0.1 (0.083; 0.121 at width 9). "Optimal
early stopping" removes the peak over width; it is the smallest test error over epochs, so it is chosen on the test set.

Ours, in small: multilayer perceptrons on MNIST-1D, n = 4,000, 20 % label noise at ``quick``; the surface is the one
that the figure greydanus2024_mnist1d measures, and its settings are that figure's. Stopping is chosen on a validation
set (half of the test set, its labels as noisy as in training) and judged on the other half; the paper's oracle stands
beside it. Widths 24, 64 and the widest were fixed beforehand as before, at and beyond the peak. In zero-one error such
peaks are low, about 10 % above their higher side, so that one of 5 % counts.

After the first run no test of a claim was changed; sentences take medians over the trainings that have a number.

Runtime on two cores: smoke a few seconds, quick about a minute and a half, nothing where the store has that surface.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Landmarks, find_landmarks, higher_claim
from benign.curves.claims import RELEVANT_FACTOR_OF_ERRORS, no_peak_claim, peak_position_claim
from benign.curves.early_stopping import mean_intervals
from benign.curves.findings import LEVEL
from benign.curves.threshold_search import Regime
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.greydanus2024_mnist1d import SETTINGS, curve
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import diverged_words, sign_words, stopping_series
from benign.foundation.conventions import REGIME_BAND
from benign.foundation.number_words import format_number as number
from benign.plots import (
    Contour,
    CurveDisplay,
    HeatMapDisplay,
    Region,
    Role,
    Series,
    StackedDisplay,
    Trace,
    spread_sentence,
)
from benign.surface.displays import landmark_marks, size_label, threshold_line
from benign.surface.regimes import Basis, RegimeMap, regimes_of_surface
from benign.surface.sections import median_of, over_size_and_time, samples_of, seed_of, sizes_of, stopping_of, times_of

EPS = 0.1  # the paper's, "heuristically"
CLASSES = 10
BASIS: Basis = "size / threshold size"  # one n: how EMC grows with the width is not known
NARROW, CRITICAL = 24, 64


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """The surface ``widths``: every width at epochs that are evenly spread on a logarithmic scale."""
    yield "widths", curve(scale)


def landmarks_at_end(
    surface: xr.Dataset, error: Float[np.ndarray, "replicates sizes"], *, level: float = LEVEL
) -> Landmarks:
    """Landmarks of an error over width; the threshold is the first width whose median training error is at most eps."""
    train = over_size_and_time(surface, "train_error")[:, :, -1]
    return find_landmarks(
        sizes_of(surface), error, train, np.ones(len(train)), tolerance=EPS, estimator="median", level=level,
        seed=seed_of(surface),
    )  # fmt: skip


def _last(surface: xr.Dataset, level: float = LEVEL) -> Landmarks:
    return landmarks_at_end(surface, over_size_and_time(surface, "test_error")[:, :, -1], level=level)


def _column(surface: xr.Dataset, width: int) -> int:
    """Of the measured width nearest to ``width``."""
    return int(np.abs(sizes_of(surface) - width).argmin())


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    surface = surfaces["widths"]
    stopping = stopping_of(surface)
    narrow, critical, wide = _column(surface, NARROW), _column(surface, CRITICAL), -1
    names = sizes_of(surface).astype(int)
    epochs = stopping.chosen_times(times_of(surface))
    factor, level = stopping.last / stopping.stopped, FIGURE.level_of("stopped_no_peak")
    early = "optimal early stopping removes the peak in most settings (Nakkiran et al. 2020; an exception is Fig. 19)"
    return (
        peak_at_crossing_claim(_last(surface, FIGURE.level_of("peak_where_training_reaches_eps"))),
        no_peak_claim(
            name="stopped_no_peak", claim="Stopped early on validation, no peak of 5 % or more is left over width",
            landmarks=landmarks_at_end(surface, stopping.stopped, level=level), factor=RELEVANT_FACTOR_OF_ERRORS,
            paper=early, level=level,
        ),
        higher_claim(
            name="gains_more_when_critical",
            claim=f"Stopping early on validation lowers the error by a larger factor at width {names[critical]} than "
            f"at {names[wide]}",
            higher=factor[:, critical], lower=factor[:, wide], unit="factor of the error", paper=early,
        ),
        higher_claim(
            name="gains_when_wide", claim=f"Stopping early on validation gains at width {names[wide]}",
            higher=stopping.last[:, wide], lower=stopping.stopped[:, wide], unit="zero-one error",
            paper="wide networks are best at an early epoch too (Nakkiran et al. 2020, Fig. 2)",
        ),
        higher_claim(
            name="wider_is_best_earlier",
            claim=f"The best epoch on validation comes earlier at width {names[wide]} than at {names[narrow]}",
            higher=epochs[:, narrow], lower=epochs[:, wide], unit="epochs",
            paper="the wider the network, the earlier it is best (Nakkiran et al. 2020, Fig. 2)",
        ),
    )  # fmt: skip


def peak_at_crossing_claim(landmarks: Landmarks) -> Finding:
    """That the peak lies where the training error falls below eps; the interval of both enters, the wide way round."""
    threshold, peak = landmarks.threshold, landmarks.peak
    scale = np.nan if threshold is None else threshold.value
    if threshold is not None and peak is not None:
        (low, high), (first, last) = peak.position_interval, threshold.interval
        ends = (low * scale / last, high * scale / first)
        landmarks = replace(landmarks, peak=replace(peak, position_interval=ends))
    return peak_position_claim(
        name="peak_where_training_reaches_eps",
        claim=f"After the last epoch the test error peaks where the training error falls below {EPS:g}, "
        f"within a factor {REGIME_BAND:g}",
        landmarks=landmarks, scale=float(scale), allowed=((1 - 1e-9) / REGIME_BAND, (1 + 1e-9) * REGIME_BAND),
        scale_word="the width of the crossing", factor=RELEVANT_FACTOR_OF_ERRORS,
        level=FIGURE.level_of("peak_where_training_reaches_eps"),
        paper="peak at width 10, the first with a training error below 0.1 (Nakkiran et al. 2020, Fig. 1)",
    )  # fmt: skip


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    surface = surfaces["widths"]
    return _surface_picture(surface), _stopping_picture(surface)


def _surface_picture(surface: xr.Dataset) -> Picture:
    test, train = (np.median(over_size_and_time(surface, metric), axis=0) for metric in ("test_error", "train_error"))
    times, sizes = times_of(surface), sizes_of(surface)
    chosen = stopping_of(surface).chosen_times(times)
    regimes = regimes_of_surface(surface.assign_attrs(classes=CLASSES), tolerance=EPS, criterion="error", basis=BASIS)
    low, best, high = np.quantile(chosen, [0.1, 0.5, 0.9], axis=0)
    display = HeatMapDisplay(
        title="Test error over width and epochs",
        sizes=sizes,
        times=times,
        values=test,
        value_label="test error",
        contours=(Contour(label=f"training error {EPS:g}", values=train, level=EPS),),
        traces=(Trace(label="best epoch on validation", positions=sizes, values=best, low=low, high=high),),
        region=critical_region(regimes),
        x_label=size_label(surface),
        y_label="epochs (time)",
        caption=f"Colour: median of {surface.sizes['replicate']} replicates; best epoch: median and 10 % to 90 %. "
        f"Hatched band: critical regime, {regimes.rule}, where the threshold size is "
        f"the smallest with a mean training error of {EPS:g} or less.",
    )
    sentence = (
        f"{_last_epoch_words(_last(surface), times[-1])}; the best epoch on validation is "
        f"{number(median_of(chosen[:, 0]))} at {sizes[0]:.0f} units and {number(median_of(chosen[:, -1]))} at "
        f"{sizes[-1]:.0f}."
    )
    return Picture(
        name="width_and_epochs", heading="Is longer training the same as a larger model?", display=display,
        sentence=sentence, claims=("peak_where_training_reaches_eps", "wider_is_best_earlier"),
    )  # fmt: skip


def critical_region(regimes: RegimeMap) -> Region:
    """The critical regime over size and time, at the one n of the surface."""
    return Region(
        label="critical regime",
        values=regimes.ratio[:, :, 0],
        low=1.0 / regimes.band,
        high=regimes.band,
        is_decided=regimes.label[:, :, 0] != Regime.UNDECIDED,
    )


def _last_epoch_words(landmarks: Landmarks, last: float) -> str:
    threshold, peak = landmarks.threshold, landmarks.peak
    line = (
        f"after {last:.0f} epochs no width has a training error of {EPS:g} or less"
        if threshold is None
        else f"the training error after {last:.0f} epochs is {EPS:g} or less from {threshold.value:.0f} units on"
    )
    top = "no peak of the test error is confirmed" if peak is None else f"the test error peaks at {peak.position:.0f}"
    return f"{line[0].upper()}{line[1:]}, and {top}"


def _stopping_picture(surface: xr.Dataset) -> Picture:
    display = StackedDisplay(
        title="What stopping early saves at each width",
        panels=(_error_panel(surface), _gain_panel(surface)),
    )
    return Picture(
        name="early_stopping", heading="How much does stopping early save, and where?", display=display,
        sentence=_stopping_sentence(surface),
        claims=("stopped_no_peak", "gains_more_when_critical", "gains_when_wide"),
    )  # fmt: skip


def _error_panel(surface: xr.Dataset) -> CurveDisplay:
    stopping, sizes = stopping_of(surface), sizes_of(surface)
    landmarks = landmarks_at_end(surface, stopping.last)
    return CurveDisplay(
        title="Error",
        series=stopping_series(stopping, sizes),
        marks=landmark_marks(landmarks),
        threshold=threshold_line(landmarks.threshold, words=f"training error {EPS:g} at"),
        x_label=size_label(surface),
        y_label="test error",
        y_log=False,
        caption=spread_sentence(surface.sizes["replicate"]),
        position_name="widths",
    )


def _gain_panel(surface: xr.Dataset) -> CurveDisplay:
    stopping, sizes = stopping_of(surface), sizes_of(surface)
    lines = (
        ("best on validation", stopping.gain, Role.REMEDY),
        ("oracle", stopping.oracle_gain, Role.REFERENCE),
    )
    return CurveDisplay(
        title="Gain",
        series=tuple(_mean_series(name, sizes, gain, role) for name, gain, role in lines),
        x_label=size_label(surface),
        y_label="error saved",
        y_log=False,
        caption=f"Error saved: mean of {surface.sizes['replicate']} replicates; band: its 95 % interval (Student t).",
        position_name="widths",
    )


def _mean_series(name: str, sizes: Float[np.ndarray, "K"], gain: Float[np.ndarray, "R K"], role: Role) -> Series:
    mean, low, high = mean_intervals(gain)
    return Series(name=name, positions=sizes, median=mean, low=low, high=high, role=role)


def _stopping_sentence(surface: xr.Dataset) -> str:
    stopping, sizes = stopping_of(surface), sizes_of(surface)
    column = _column(surface, CRITICAL)
    return (
        f"Stopping where validation is best saves, in the median, {_points(stopping.gain[:, column])} points of test "
        f"error at {sizes[column]:.0f} units and {_points(stopping.gain[:, -1])} at {sizes[-1]:.0f}; the 95 % interval "
        f"of the mean, taken for each width alone, {sign_words(sizes, stopping.gain)}; choosing the epoch on the data "
        f"that are judged, as the oracle does, would claim {_points(stopping.oracle_gain)} points in the median over "
        f"widths and replicates instead of {_points(stopping.gain)}."
    )


def _points(errors: Float[np.ndarray, "..."]) -> str:
    return number(100.0 * median_of(errors), digits=2)


def _answer(judged: Judged) -> str:
    is_there, is_removed = judged.holds("peak_where_training_reaches_eps"), judged.holds("stopped_no_peak")
    if is_there and is_removed:
        return f"The peak lies where the training error falls to {EPS:g}; stopping early on validation removes it."
    if is_there:
        return f"The peak lies where the training error falls to {EPS:g}; stopping early did not surely remove it."
    if is_removed:
        return "Stopped early on validation there is no peak; without stopping its place was not confirmed."
    return "Neither a peak over width nor its removal by early stopping was confirmed here."


def _lede(surfaces: Surfaces) -> str:
    surface = surfaces["widths"]
    stopping, sizes = stopping_of(surface), sizes_of(surface)
    at, end = _column(surface, CRITICAL), -1
    last, stopped = (
        [number(median_of(values[:, column])) for column in (at, end)] for values in (stopping.last, stopping.stopped)
    )
    noise = json.loads(surface.attrs["source"])["label_noise"]
    return (
        f"Two hidden layers on MNIST-1D, n = {samples_of(surface):,}, {100 * noise:.3g} % of labels flipped, "
        f"{len(sizes)} widths, {times_of(surface)[-1]:.0f} epochs, {surface.sizes['replicate']} replicates. "
        f"Median test error after the last epoch: {last[0]} at {sizes[at]:.0f} units, {last[1]} at {sizes[end]:.0f}; "
        f"stopped early on validation: {stopped[0]} and {stopped[1]}.{diverged_words(surfaces.values())}"
    )


__all__ = ["FIGURE", "SETTINGS", "landmarks_at_end", "peak_at_crossing_claim"]

FIGURE = Figure(
    name="nakkiran2020_size_and_time",
    title="Test error over width and training time",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figure 2",
    revision=2,
    primary_claims=("peak_where_training_reaches_eps", "stopped_no_peak", "wider_is_best_earlier"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
