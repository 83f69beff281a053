"""Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020 (ICLR), Figure 2: test error over width and epochs at once.

Paper: ResNet18 of widths 1 to 64, CIFAR-10 with 15 % label noise, Adam, 4,000 epochs. The peak runs along the line
where the training error is about 0.1: their effective model complexity is the largest n at which it is eps = 0.1. At
the last epoch the peak is at width 10, where the training error first is below 0.1 (0.083; 0.121 at width 9). "Optimal
early stopping" removes the peak over width; it is the smallest test error over epochs, so it is chosen on the test set.

Ours, in small: multilayer perceptrons on MNIST-1D, n = 4,000, 20 % label noise at ``quick``; the surface is the one
that the figure greydanus2024_mnist1d measures, and its scales are that figure's. Stopping is chosen on a validation
set (half of the test set, its labels as noisy as in training) and judged on the other half; the paper's oracle stands
beside it. Widths 24, 64 and the widest were fixed beforehand as before, at and beyond the peak. In zero-one error such
peaks are low, about 10 % above their higher side, so that one of 5 % counts.

After the first run no test of a claim was changed; sentences take medians over the trainings that have a number.

Runtime on two cores: smoke a few seconds, quick about a minute and a half, nothing where the store has that surface.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Landmarks, find_landmarks
from benign.curves.claims import RELEVANT_FACTOR_OF_ERRORS
from benign.curves.early_stopping import mean_intervals
from benign.curves.threshold_search import Regime
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Surfaces, higher, peak_at, primary, secondary
from benign.figures.courses import Course, Stopping, over_sizes, stopping_over_sizes
from benign.figures.figure import Figure, Picture, Results
from benign.figures.greydanus2024_mnist1d import SCALES, Scale, curve
from benign.figures.network_drawing import diverged_words, listed, stopping_curve
from benign.foundation.conventions import REGIME_BAND
from benign.foundation.number_words import format_number as number
from benign.plots import Contour, HeatMapDisplay, Region, Role, Series, StackedDisplay, Trace
from benign.surface.displays import size_label
from benign.surface.regimes import regimes_of_surface
from benign.surface.sections import median_of, over_size_and_time, seed_of, sizes_of, stopping_of, times_of

EPS = 0.1  # the paper's, "heuristically"
CLASSES = 10
NARROW, CRITICAL = 24, 64
_PAPER = "Nakkiran et al. 2020"


def _experiments(at: Scale) -> Iterator[Experiment]:
    """Every width at epochs that are evenly spread on a logarithmic scale."""
    yield curve(at, "widths", at.label_noise)


def _told(at: Scale) -> tuple[int, int, int]:
    """The measured widths nearest to those of the claims, and the widest."""
    widths = at.networks.widths
    narrow, critical = (min(widths, key=lambda width: abs(width - told)) for told in (NARROW, CRITICAL))
    return narrow, critical, widths[-1]


def _epochs(surface: xr.Dataset) -> Float[np.ndarray, "replicates sizes"]:
    """The best ones on validation."""
    return stopping_of(surface).chosen_times(times_of(surface))


def _claims(at: Scale) -> Iterator[Claim]:
    narrow, critical, wide = _told(at)
    last, stopped = stopping_over_sizes("widths", "last"), stopping_over_sizes("widths", "stopped")
    reached = f"After the last epoch the test error peaks where the training error falls below {EPS:g}"
    band, crossing = ((1 - 1e-9) / REGIME_BAND, (1 + 1e-9) * REGIME_BAND), "the width of the crossing"
    at_crossing = partial(peak_at, _in_widths_of_the_crossing, 1.0, band, scale_word=crossing, unit=f"times {crossing}")
    yield primary(
        "peak_where_training_reaches_eps",
        f"{reached}, within a factor {REGIME_BAND:g}",
        at_crossing(factor=RELEVANT_FACTOR_OF_ERRORS),
        f"peak at width 10, the first with a training error below 0.1 ({_PAPER}, Fig. 1)",
    )
    removed = f"optimal early stopping removes the peak in most settings ({_PAPER}; an exception is Fig. 19)"
    text = "Stopped early on validation, no peak of 5 % or more is left over width"
    yield primary("stopped_no_peak", text, to_eps(stopped).has_no_peak(RELEVANT_FACTOR_OF_ERRORS), removed)
    text = f"Stopping early on validation lowers the error by a larger factor at width {critical} than at {wide}"
    factors = [last.at(width) / stopped.at(width) for width in (critical, wide)]
    judge = higher(factors[0], than=factors[1], unit="factor of the error")
    yield secondary("gains_more_when_critical", text, judge, removed)
    text = f"Stopping early on validation gains at width {wide}"
    paper = f"wide networks are best at an early epoch too ({_PAPER}, Fig. 2)"
    yield secondary("gains_when_wide", text, last.higher(wide, wide, on=stopped), paper)
    text = f"The best epoch on validation comes earlier at width {wide} than at {narrow}"
    epochs = Course(of="widths", unit="epochs", positions=sizes_of, values=_epochs)
    paper = f"the wider the network, the earlier it is best ({_PAPER}, Fig. 2)"
    yield primary("wider_is_best_earlier", text, epochs.higher(narrow, wide), paper)


def to_eps(course: Course) -> Course:
    """An error over width, its threshold the first width whose median training error is at most eps."""

    def landmarks(surface: xr.Dataset, level: float) -> Landmarks:
        train, sizes = over_size_and_time(surface, "train_error")[:, :, -1], sizes_of(surface)
        told = partial(find_landmarks, tolerance=EPS, estimator="median", level=level, seed=seed_of(surface))
        return told(sizes, course.values(surface), train, np.ones(len(train)))

    return replace(course, landmarks=landmarks)


def _in_widths_of_the_crossing(surfaces: Surfaces, level: float) -> Landmarks:
    """After the last epoch, the peak's place over that of the crossing of eps: both intervals, the wide way round."""
    found = to_eps(over_sizes("widths", "test_error")).landmarks_at(surfaces, level)
    place, ends = math.nan, (math.nan, math.nan)
    if found.peak is None:
        return found
    if found.threshold is not None:
        place, (low, high) = found.peak.position / found.threshold.value, found.peak.position_interval
        ends = low / found.threshold.interval[1], high / found.threshold.interval[0]
    return replace(found, peak=replace(found.peak, position=place, position_interval=ends))


def _medians(results: Results[Scale], what: Stopping, word: Callable[[float], str] = number) -> str:
    """At the critical and at the widest width."""
    course = stopping_over_sizes("widths", what)
    return listed(word(course.median(results.surfaces, width)) for width in _told(results.at)[1:])


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    surface, (_, critical, wide) = results["widths"], _told(results.at)
    narrowest, at_last = results.at.networks.widths[0], f"After {results.at.networks.training.epochs} epochs"
    first, last = (number(median_of(epochs)) for epochs in _epochs(surface).T[[0, -1]])
    landmarks = to_eps(stopping_over_sizes("widths", "last")).landmarks_at(results.surfaces)
    fitted = "no width" if landmarks.threshold is None else f"{landmarks.threshold.value:.0f} units and more"
    yield Picture(
        "width_and_epochs",
        "Is longer training the same as a larger model?",
        _heat_map(surface),
        f"{at_last} the training error is {EPS:g} or less at {fitted}; the best epoch on validation is {first} at "
        f"{narrowest} units and {last} at {wide}.",
        ("peak_where_training_reaches_eps", "wider_is_best_earlier"),
    )
    words = f"training error {EPS:g} at"
    error = stopping_curve(surface, title="Error", y_label="test error", landmarks=landmarks, words=words)
    caption = f"Error saved: mean of {surface.sizes['replicate']} replicates; band: its 95 % interval (Student t)."
    gain = replace(
        error,
        title="Gain",
        series=tuple(_gains(surface)),
        marks=(),
        threshold=None,
        y_label="error saved",
        caption=caption,
    )
    saved, claimed = (_medians(results, what, _points) for what in ("gain", "oracle_gain"))
    yield Picture(
        "early_stopping",
        "How much does stopping early save, and where?",
        StackedDisplay(title="What stopping early saves at each width", panels=(error, gain)),
        f"Stopping where validation is best saves, in the median, {saved} points of test error at {critical} and "
        f"{wide} units; the oracle, which chooses on the data that are judged, would claim {claimed}.",
        ("stopped_no_peak", "gains_more_when_critical", "gains_when_wide"),
    )


def _points(error: float) -> str:
    return number(100.0 * error, digits=2)


def _gains(surface: xr.Dataset) -> Iterator[Series]:
    """The mean that each choice saves, with its interval, each width for itself."""
    stopping = stopping_of(surface)
    saved = {"best on validation": (stopping.gain, Role.REMEDY), "oracle": (stopping.oracle_gain, Role.REFERENCE)}
    for name, (gain, role) in saved.items():
        mean, low, high = mean_intervals(gain)
        yield Series(name=name, positions=sizes_of(surface), median=mean, low=low, high=high, role=role)


def _heat_map(surface: xr.Dataset) -> HeatMapDisplay:
    test, train = (np.median(over_size_and_time(surface, metric), axis=0) for metric in ("test_error", "train_error"))
    low, best, high = np.quantile(_epochs(surface), [0.1, 0.5, 0.9], axis=0)
    told = surface.assign_attrs(classes=CLASSES)
    # One n: how EMC grows with the width is not known.
    regimes = regimes_of_surface(told, tolerance=EPS, criterion="error", basis="size / threshold size")
    band, is_decided = regimes.band, regimes.label[:, :, 0] != Regime.UNDECIDED
    sizes, ratio = sizes_of(surface), regimes.ratio[:, :, 0]
    return HeatMapDisplay(
        title="Test error over width and epochs",
        sizes=sizes,
        times=times_of(surface),
        values=test,
        contours=(Contour(label=f"training error {EPS:g}", values=train, level=EPS),),
        traces=(Trace(label="best epoch on validation", positions=sizes, values=best, low=low, high=high),),
        region=Region(label="critical regime", values=ratio, low=1.0 / band, high=band, is_decided=is_decided),
        x_label=size_label(surface),
        y_label="epochs (time)",
        caption=f"Colour: median of {surface.sizes['replicate']} replicates; best epoch: median and 10 % to 90 %. "
        f"Hatched band: critical regime, {regimes.rule}, where the threshold size is the smallest with a mean training "
        f"error of {EPS:g} or less.",
    )


def _headline(results: Results[Scale]) -> str:
    is_there, is_removed = results.holds("peak_where_training_reaches_eps"), results.holds("stopped_no_peak")
    if is_there and is_removed:
        return f"The peak lies where the training error falls to {EPS:g}; stopping early on validation removes it."
    if is_there:
        return f"The peak lies where the training error falls to {EPS:g}; stopping early did not surely remove it."
    if is_removed:
        return "Stopped early on validation there is no peak; without stopping its place was not confirmed."
    return "Neither a peak over width nor its removal by early stopping was confirmed here."


def _lede(results: Results[Scale]) -> str:
    networks, (_, *widths) = results.at.networks, _told(results.at)
    return (
        f"Two hidden layers on MNIST-1D, n = {networks.samples:,}, {100 * results.at.label_noise:.3g} % of labels "
        f"flipped, {len(networks.widths)} widths, {networks.training.epochs} epochs, {networks.replicates} replicates. "
        f"Median test error at {listed(widths)} units: {_medians(results, 'last')} after the last epoch, "
        f"{_medians(results, 'stopped')} stopped early on validation.{diverged_words(results.surfaces.values())}"
    )


FIGURE = Figure(
    name="nakkiran2020_size_and_time",
    title="Test error over width and training time",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figure 2",
    revision=2,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
