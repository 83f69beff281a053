"""Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020 (ICLR), Figures 9 and 10: double descent over training time.

Paper: ResNet18, CIFAR-10, 20 % label noise, Adam, 4,000 epochs, test error of the raw iterates. Small (width 3): 29.6 %
at epoch 400, 24.6 % at the end, monotone. Critical (12): a U that stays high, 34.1 % and 34.6 %. Large (64): first
minimum 17.3 % at epoch 23, 21.9 % at epoch 400, 19.6 % at the end, so not below the first minimum.

Ours, in small: multilayer perceptrons on MNIST-1D with 30 % label noise, n = 4,000, momentum at a constant step size.
Each network is measured twice, on its weights and on their moving average, which removes the noise of the last steps
and leaves the training as it is; and on its flipped and its correct training labels apart. Windows of epochs and widths
were fixed before the first measurement: first minimum 6 to 10, peak 22 to 30, end the last three that are recorded; the
critical width by the training error of other replicates alone.

After the first run, ``descent_is_mostly_iterate_noise`` was corrected: it is undecided unless the fall of the raw error
is itself above zero.

Runtime on two cores: smoke a few seconds, quick about a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Values, above, below_margin, higher, more_than_half, primary, secondary
from benign.figures.figure import Figure, Picture, Results
from benign.figures.network_drawing import Line, curve_of, diverged_words, in_order
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import Band, CurveDisplay, Role
from benign.procedures import MLP
from benign.sources import mnist1d
from benign.surface.sections import along_time, at, median_of, times_of


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run. Widths: small, critical and large."""

    samples: int = 4000
    widths: tuple[int, int, int] = (8, 64, 256)
    epochs: int
    replicates: int = 24

    @property
    def recorded(self) -> tuple[int, ...]:
        """Every epoch up to 40, then every fourth."""
        return (*range(1, min(self.epochs, 40) + 1), *range(44, self.epochs + 1, 4))

    @property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """First minimum, peak and end, in epochs."""
        return FIRST_MINIMUM, PEAK, (self.recorded[-LAST], self.epochs)


SCALES = {
    "smoke": Scale(samples=250, widths=(4, 6, 8), epochs=40, replicates=4),
    "quick": Scale(epochs=100, replicates=12),
    "standard": Scale(epochs=200),
    "paper": Scale(epochs=800, widths=(8, 64, 512)),
}
NOISE = 0.3
WORDS = ("small", "critical", "large")
MEMORY = ("train_error_flipped", "train_error_unflipped")
FIRST_MINIMUM, PEAK, LAST = (6, 10), (22, 30), 3
MARGIN = 0.015  # a change of the error below this counts as none
ORDER_MARGIN = 0.3
MEMORISED = 0.05
UNIT = "zero-one error"
_FIGURE = "Nakkiran et al. 2020, Fig. 9"


def networks(at: Scale, widths: Sequence[int], name: str = "epochs") -> Experiment:
    """Densely in time; another figure asks for the large ones too: the store has them then."""
    training = Training(optimizer="momentum", learning_rate=0.1, batch_size=125, epochs=at.epochs)
    return Experiment(
        name=name,
        source=mnist1d(label_noise=NOISE),
        procedure=MLP(depth=2, training=training),
        samples=[at.samples],
        sizes=widths,
        times=at.recorded,
        replicates=at.replicates,
        metrics=("test_error_averaged", "train_error_averaged", *MEMORY),
    )


def _experiments(at: Scale) -> Iterator[Experiment]:
    yield networks(at, at.widths)


class Windows(NamedTuple):
    """A metric averaged over each window of epochs."""

    first_minimum: Values
    peak: Values
    end: Values


def windows_of(at: Scale, metric: str, width: int) -> Windows:
    """Of one metric of one width."""

    def mean(first: int, last: int, surfaces: Mapping[str, xr.Dataset]) -> Float[np.ndarray, " replicates"]:
        epochs, values = times_of(surfaces["epochs"]), along_time(surfaces["epochs"], metric, width)
        return values[:, (epochs >= first) & (epochs <= last)].mean(axis=1)

    return Windows(*(Values(partial(mean, *window), UNIT) for window in at.windows))


def _claims(at: Scale) -> Iterator[Claim]:
    small, critical, large = (windows_of(at, "test_error", width) for width in at.widths)
    minimum, peak = (f"epochs {first} to {last}" for first, last in (FIRST_MINIMUM, PEAK))
    rises = f"rises from its first minimum ({minimum}) to a peak in time ({peak})"
    falls, ends = f"falls again beyond the peak ({peak})", f"ends above its first minimum ({minimum})"
    for name, words, high, low, paper in (
        ("rises", rises, large.peak, large.first_minimum, "17.3 % at epoch 23, 21.9 % at 400"),
        ("falls_again", falls, large.peak, large.end, "21.9 % at epoch 400, 19.6 % at the end"),
        ("ends_above_first_minimum", ends, large.end, large.first_minimum, "19.6 % at the end, 17.3 % at epoch 23"),
    ):
        text = f"The large network's test error {words}"
        yield primary(f"large_{name}", text, higher(high, than=low), f"{paper} ({_FIGURE})")
    yield from _averaging_claims(large, windows_of(at, "test_error_averaged", at.widths[-1]))
    yield primary(
        "small_does_not_rise",
        f"The small network's test error ends less than {MARGIN:g} above that at {minimum}",
        below_margin(small.end - small.first_minimum, MARGIN, opposite="it falls"),
        f"29.6 % at epoch 400, 24.6 % at the end, monotone ({_FIGURE})",
    )
    yield primary(
        "critical_stays_high",
        f"The critical network's test error {ends}",
        higher(critical.end, than=critical.first_minimum),
        f"a U that stays high, 34.1 % at epoch 400 and 34.6 % at the end ({_FIGURE})",
    )
    yield from _memory_claims(*(windows_of(at, metric, at.widths[-1]) for metric in MEMORY))


def _averaging_claims(raw: Windows, averaged: Windows) -> Iterator[Claim]:
    """Of the large network."""
    ours = partial(secondary, paper="not in the paper, which measures raw iterates")
    raw_fall, averaged_fall = (windows.peak - windows.end for windows in (raw, averaged))
    yield ours(
        "averaged_does_not_fall",
        f"With averaged weights the large network's error falls by less than {MARGIN:g} beyond the peak",
        below_margin(averaged_fall, MARGIN, opposite="it rises"),
    )
    yield ours(
        "descent_is_mostly_iterate_noise",
        "Averaging the weights takes away more than half of the second descent in time",
        more_than_half(raw_fall - averaged_fall, raw_fall),
    )
    yield ours(
        "averaged_is_better_at_the_peak",
        "At the peak in time averaged weights have a lower test error than raw ones",
        higher(raw.peak, than=averaged.peak),
    )


def _memory_claims(flipped: Windows, correct: Windows) -> Iterator[Claim]:
    """Of the large network's training labels."""
    yield secondary(
        "correct_labels_are_learned_first",
        "At the first minimum the training error on flipped labels exceeds that on correct ones "
        f"by more than {ORDER_MARGIN:g}",
        above(flipped.first_minimum - correct.first_minimum, ORDER_MARGIN),
        paper="not measured there",
    )
    larger = Values(
        lambda surfaces: np.maximum(flipped.end.read(surfaces), correct.end.read(surfaces)), f"{UNIT} (larger of both)"
    )
    yield secondary(  # the median: where all are memorised no replicate differs, which decides nothing of a mean
        "all_labels_are_memorised",
        f"At the end the training error on flipped and on correct labels is below {MEMORISED:g}",
        above(larger, MEMORISED, statistic="median", side="below"),
        paper=f"the large network's training error reaches zero ({_FIGURE})",
    )


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    widths, large = results.at.widths, results.at.widths[-1]
    sections = {width: at(results["epochs"], size=width) for width in widths}
    named = {f"{word}: {width} units": sections[width] for word, width in zip(WORDS, widths, strict=True)}
    small, critical, raw = (_medians(results, "test_error", width) for width in widths)
    averaged, flipped, correct = (_medians(results, metric, large) for metric in ("test_error_averaged", *MEMORY))
    yield Picture(
        "three_widths",
        "Can longer training first harm and then help?",
        _over_epochs(results.at, in_order(named, "test_error"), "Test error over training time", "test error"),
        f"From the first window to the last the median test error goes from {small[0]} to {small[2]} (small), from "
        f"{critical[0]} to {critical[2]} (critical) and from {raw[0]} over {raw[1]} to {raw[2]} (large).",
        [claim.name for claim in _claims(results.at) if claim.is_primary],
    )
    line = partial(Line, section=sections[large])
    test, train = line(metric="test_error", name="test"), partial(line, role=Role.TRAIN)
    smoothed = line(metric="test_error_averaged", name="test, averaged weights", role=Role.REMEDY)
    lines = [test, smoothed, train(metric="train_error", name="train")]
    yield Picture(
        "raw_and_averaged",
        "Is the second descent in time only the noise of the last steps?",
        _over_epochs(results.at, lines, f"Raw and averaged weights, {large} units"),
        f"From the peak to the end the median test error of the weights themselves goes from {raw[1]} to {raw[2]}, "
        f"that of their moving average from {averaged[1]} to {averaged[2]}.",
        ("averaged_does_not_fall", "descent_is_mostly_iterate_noise", "averaged_is_better_at_the_peak"),
    )
    memorised = line(metric=MEMORY[0], name="train, flipped labels", role=Role.NORM)
    lines = [test, memorised, train(metric=MEMORY[1], name="train, correct labels")]
    yield Picture(
        "memorisation",
        "What is learned while the test error rises?",
        _over_epochs(results.at, lines, f"What is memorised when, {large} units"),
        f"At the first minimum {large} units get, in the median, {correct[0]} of their correct training labels wrong "
        f"and {flipped[0]} of their flipped ones; at the end {correct[2]} and {flipped[2]}.",
        ("correct_labels_are_learned_first", "all_labels_are_memorised"),
    )


def _over_epochs(at: Scale, lines: Sequence[Line], title: str, y_label: str = "error") -> CurveDisplay:
    """The lines, with the windows that the claims are about."""
    display = curve_of(lines, "time", title=title, y_label=y_label)
    bands = tuple(
        Band(low=first, high=last, label=name, is_critical=name == "peak")
        for name, (first, last) in zip(("minimum", "peak", "end"), at.windows, strict=True)
    )
    caption = (
        f"{display.caption} Findings compare the means over epochs {FIRST_MINIMUM[0]} to {FIRST_MINIMUM[1]}, {PEAK[0]} "
        f"to {PEAK[1]} and the last {LAST} recorded."
    )
    return replace(display, regimes=bands, caption=caption)


def _medians(results: Results[Scale], metric: str, width: int) -> list[str]:
    """In each window."""
    return [_number(median_of(window.read(results.surfaces))) for window in windows_of(results.at, metric, width)]


def _number(error: float) -> str:
    return number(0.0 if abs(error) < 5e-4 else error, digits=3 if abs(error) >= 0.1 else 2)


def _headline(results: Results[Scale]) -> str:
    if not results.holds("large_rises", "large_falls_again"):
        return "A second descent over training time was not confirmed in this measurement."
    falls = results.findings["averaged_does_not_fall"]
    if falls.interval[1] < 0.0:
        rise, high, low = (number(-100.0 * fall, digits=2) for fall in (falls.effect, *falls.interval))
        points = f"{rise} points ({low} to {high})"
        return f"The error rises and falls again over training; with averaged weights it rises on, by {points}."
    if results.holds("descent_is_mostly_iterate_noise"):
        return "The error rises and falls again over training time; averaging the weights takes away most of that fall."
    return "The error of a large network rises and falls again over training time."


def _lede(results: Results[Scale]) -> str:
    at, large = results.at, results.at.widths[-1]
    raw, averaged = (_medians(results, metric, large) for metric in ("test_error", "test_error_averaged"))
    return (
        f"Two hidden layers on MNIST-1D, n = {at.samples:,}, {100 * NOISE:.0f} % of labels flipped, {at.epochs} "
        f"epochs, {at.replicates} replicates. Median test error of {large} units: {raw[0]} at the first minimum, "
        f"{raw[1]} at the peak, {raw[2]} at the end; with averaged weights {averaged[1]} and {averaged[2]}."
        f"{diverged_words(results.surfaces.values())}"
    )


FIGURE = Figure(
    name="nakkiran2020_epochwise",
    title="Double descent over training time",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figures 9 and 10",
    revision=2,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
