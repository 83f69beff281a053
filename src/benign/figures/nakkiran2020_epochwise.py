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

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, higher_claim, paired_claim
from benign.curves.claims import below_margin_claim, more_than_half_claim
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import Line, curve_of, diverged_words, in_order
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import Band, CurveDisplay, Role
from benign.procedures import MLP
from benign.sources import mnist1d
from benign.surface.sections import along_time, at, median_of, samples_of, sizes_of, times_of


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run. Widths: small, critical and large."""

    samples: int
    widths: tuple[int, int, int]
    epochs: int
    replicates: int


SETTINGS = {
    "smoke": Settings(samples=250, widths=(4, 6, 8), epochs=40, replicates=4),
    "quick": Settings(samples=4000, widths=(8, 64, 256), epochs=100, replicates=12),
    "standard": Settings(samples=4000, widths=(8, 64, 256), epochs=200, replicates=24),
    "paper": Settings(samples=4000, widths=(8, 64, 512), epochs=800, replicates=24),
}
NOISE = 0.3
METRICS = ("test_error_averaged", "train_error_averaged", "train_error_flipped", "train_error_unflipped")
FIRST_MINIMUM, PEAK, LAST = (6, 10), (22, 30), 3
MARGIN = 0.015  # a change of the error below this counts as none
ORDER_MARGIN = 0.3
MEMORISED = 0.05
_MINIMUM_WORDS, _PEAK_WORDS = (f"epochs {low} to {high}" for low, high in (FIRST_MINIMUM, PEAK))
_PAPER = "Nakkiran et al. 2020, Fig. 9"
_OURS = "not in the paper, which measures raw iterates"


def recorded_epochs(epochs: int) -> tuple[int, ...]:
    """Every epoch up to 40, then every fourth."""
    return (*range(1, min(epochs, 40) + 1), *range(44, epochs + 1, 4))


def large_networks(scale: str) -> Measurement:
    """The large networks, densely in time; asked for by another figure too: the store has them then."""
    at = SETTINGS[scale]
    training = Training(optimizer="momentum", learning_rate=0.1, batch_size=125, epochs=at.epochs)
    return Measurement(
        procedure=MLP(depth=2, training=training), source=mnist1d(label_noise=NOISE), samples=[at.samples],
        sizes=at.widths[-1:], times=recorded_epochs(at.epochs), replicates=at.replicates, metrics=METRICS,
    )  # fmt: skip


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """The surface ``epochs``: three widths, densely in time."""
    yield "epochs", replace(large_networks(scale), sizes=SETTINGS[scale].widths)


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """A metric averaged over each window of epochs, one number a replicate."""

    first_minimum: Float[np.ndarray, " replicates"]
    peak: Float[np.ndarray, " replicates"]
    end: Float[np.ndarray, " replicates"]

    @property
    def drop(self) -> Float[np.ndarray, " replicates"]:
        """From the peak to the end: the second descent."""
        return self.peak - self.end

    @property
    def growth(self) -> Float[np.ndarray, " replicates"]:
        """From the first minimum to the end."""
        return self.end - self.first_minimum


def windows_of(surface: xr.Dataset, metric: str, width: int) -> Windows:
    """The metric of one width in the windows."""
    epochs, values = times_of(surface), along_time(surface, metric, width)
    inside = [(epochs >= low) & (epochs <= high) for low, high in (FIRST_MINIMUM, PEAK)]
    return Windows(
        first_minimum=values[:, inside[0]].mean(axis=1),
        peak=values[:, inside[1]].mean(axis=1),
        end=values[:, -LAST:].mean(axis=1),
    )


def _widths(surface: xr.Dataset) -> tuple[int, int, int]:
    """Small, critical and large."""
    small, critical, large = (int(width) for width in sizes_of(surface))
    return small, critical, large


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    surface = surfaces["epochs"]
    return (
        *_large_findings(surface),
        *_noise_findings(surface),
        *_narrower_findings(surface),
        *_memory_findings(surface),
    )


def _large_findings(surface: xr.Dataset) -> tuple[Finding, ...]:
    large = _widths(surface)[2]
    raw = windows_of(surface, "test_error", large)
    return (
        higher_claim(
            name="large_rises",
            claim=f"The large network's test error rises from its first minimum ({_MINIMUM_WORDS}) to a peak in time "
            f"({_PEAK_WORDS})",
            higher=raw.peak, lower=raw.first_minimum, unit="zero-one error",
            paper=f"17.3 % at epoch 23, 21.9 % at 400 ({_PAPER})",
        ),
        higher_claim(
            name="large_falls_again",
            claim=f"The large network's test error falls again beyond the peak ({_PEAK_WORDS})",
            higher=raw.peak, lower=raw.end, unit="zero-one error",
            paper=f"21.9 % at epoch 400, 19.6 % at the end ({_PAPER})",
        ),
        higher_claim(
            name="large_ends_above_first_minimum",
            claim=f"The large network's test error ends above its first minimum ({_MINIMUM_WORDS})",
            higher=raw.end, lower=raw.first_minimum, unit="zero-one error",
            paper=f"19.6 % at the end, 17.3 % at epoch 23 ({_PAPER})",
        ),
    )  # fmt: skip


def _noise_findings(surface: xr.Dataset) -> tuple[Finding, ...]:
    large = _widths(surface)[2]
    raw, averaged = (windows_of(surface, metric, large) for metric in ("test_error", "test_error_averaged"))
    return (
        _averaged_claim(surface),
        more_than_half_claim(
            name="descent_is_mostly_iterate_noise",
            claim="Averaging the weights takes away more than half of the second descent in time",
            part=raw.drop - averaged.drop, whole=raw.drop, unit="zero-one error", paper=_OURS,
        ),
        higher_claim(
            name="averaged_is_better_at_the_peak",
            claim="At the peak in time averaged weights have a lower test error than raw ones",
            higher=raw.peak, lower=averaged.peak, unit="zero-one error", paper=_OURS,
        ),
    )  # fmt: skip


def _averaged_claim(surface: xr.Dataset) -> Finding:
    return below_margin_claim(
        name="averaged_does_not_fall",
        claim=f"With averaged weights the large network's error falls by less than {MARGIN:g} beyond the peak",
        differences=windows_of(surface, "test_error_averaged", _widths(surface)[2]).drop, margin=MARGIN,
        unit="zero-one error", paper=_OURS, opposite="it rises",
    )  # fmt: skip


def _rise_words(finding: Finding) -> str:
    """By how much the error of averaged weights rises beyond the peak, if it does; else nothing."""
    high, low = (-100.0 * end for end in finding.interval)
    if not low > 0.0:
        return ""
    rise, low_words, high_words = (number(points, digits=2) for points in (-100.0 * finding.effect, low, high))
    return f"by {rise} points ({low_words} to {high_words})"


def _narrower_findings(surface: xr.Dataset) -> tuple[Finding, ...]:
    small, critical, _ = (windows_of(surface, "test_error", width) for width in _widths(surface))
    return (
        below_margin_claim(
            name="small_does_not_rise",
            claim=f"The small network's test error ends less than {MARGIN:g} above that at {_MINIMUM_WORDS}",
            differences=small.growth, margin=MARGIN, unit="zero-one error", opposite="it falls",
            paper=f"29.6 % at epoch 400, 24.6 % at the end, monotone ({_PAPER})",
        ),
        higher_claim(
            name="critical_stays_high",
            claim=f"The critical network's test error ends above its first minimum ({_MINIMUM_WORDS})",
            higher=critical.end, lower=critical.first_minimum, unit="zero-one error",
            paper=f"a U that stays high, 34.1 % at epoch 400 and 34.6 % at the end ({_PAPER})",
        ),
    )  # fmt: skip


def _memory_findings(surface: xr.Dataset) -> tuple[Finding, ...]:
    flipped, correct = _memory(surface)
    return (
        paired_claim(
            name="correct_labels_are_learned_first",
            claim="At the first minimum the training error on flipped labels exceeds that on correct ones "
            f"by more than {ORDER_MARGIN:g}",
            differences=flipped.first_minimum - correct.first_minimum, margin=ORDER_MARGIN, unit="zero-one error",
            paper="not measured there",
        ),
        paired_claim(  # the median: where all are memorised no replicate differs, which decides nothing of a mean
            name="all_labels_are_memorised", statistic="median", side="below",
            claim=f"At the end the training error on flipped and on correct labels is below {MEMORISED:g}",
            differences=np.maximum(flipped.end, correct.end), margin=MEMORISED, unit="zero-one error (larger of both)",
            paper="the large network's training error reaches zero (Nakkiran et al. 2020, Fig. 9)",
        ),
    )  # fmt: skip


def _memory(surface: xr.Dataset) -> tuple[Windows, Windows]:
    """The large network's training error on flipped and on correct labels."""
    large = _widths(surface)[2]
    return (
        windows_of(surface, "train_error_flipped", large),
        windows_of(surface, "train_error_unflipped", large),
    )


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    surface = surfaces["epochs"]
    return _widths_picture(surface), _averaging_picture(surface), _memory_picture(surface)


def _over_epochs(surface: xr.Dataset, lines: list[Line], title: str, y_label: str) -> CurveDisplay:
    """The lines, with the windows that the findings are about."""
    display = curve_of(lines, "time", title=title, x_label="epochs (time)", y_label=y_label)
    last = times_of(surface)[-LAST:]
    bands = (
        Band(low=FIRST_MINIMUM[0], high=FIRST_MINIMUM[1], label="minimum"),
        Band(low=PEAK[0], high=PEAK[1], label="peak", is_critical=True),
        Band(low=float(last[0]), high=float(last[-1]), label="end"),
    )
    windows = (
        f"Findings compare the means over epochs {FIRST_MINIMUM[0]} to {FIRST_MINIMUM[1]}, {PEAK[0]} to {PEAK[1]} and "
        f"the last {LAST} recorded."
    )
    return replace(display, regimes=bands, caption=f"{display.caption} {windows}")


def _widths_picture(surface: xr.Dataset) -> Picture:
    widths = _widths(surface)
    named = zip(("small", "critical", "large"), widths, strict=True)
    lines = in_order({f"{word}: {width} units": at(surface, size=width) for word, width in named}, "test_error")
    small, critical, large = (windows_of(surface, "test_error", width) for width in widths)
    sentence = (
        "From the first window of epochs to the last, the median test error goes from "
        f"{_median(small.first_minimum)} to {_median(small.end)} in the small network, from "
        f"{_median(critical.first_minimum)} to {_median(critical.end)} in the critical one, and from "
        f"{_median(large.first_minimum)} over {_median(large.peak)} to {_median(large.end)} in the large one."
    )
    return Picture(
        name="three_widths", heading="Can longer training first harm and then help?",
        display=_over_epochs(surface, lines, "Test error over training time", "test error"), sentence=sentence,
        claims=(
            "large_rises", "large_falls_again", "large_ends_above_first_minimum", "small_does_not_rise",
            "critical_stays_high",
        ),
    )  # fmt: skip


def _averaging_picture(surface: xr.Dataset) -> Picture:
    large = _widths(surface)[2]
    section = at(surface, size=large)
    lines = [
        Line(section=section, metric="test_error", name="test"),
        Line(section=section, metric="test_error_averaged", name="test, averaged weights", role=Role.REMEDY),
        Line(section=section, metric="train_error", name="train", role=Role.TRAIN),
    ]
    raw, averaged = (windows_of(surface, metric, large) for metric in ("test_error", "test_error_averaged"))
    rise = _rise_words(_averaged_claim(surface))
    sentence = (
        f"The same networks of {large} units, read twice: from the peak to the end the median error of the weights "
        f"themselves goes from {_median(raw.peak)} to {_median(raw.end)}, that of their moving average from "
        f"{_median(averaged.peak)} to {_median(averaged.end)}{f': in the mean it rises on, {rise}' if rise else ''}."
    )
    return Picture(
        name="raw_and_averaged", heading="Is the second descent in time only the noise of the last steps?",
        display=_over_epochs(surface, lines, f"Raw and averaged weights, {large} units", "error"), sentence=sentence,
        claims=("averaged_does_not_fall", "descent_is_mostly_iterate_noise", "averaged_is_better_at_the_peak"),
    )  # fmt: skip


def _memory_picture(surface: xr.Dataset) -> Picture:
    large = _widths(surface)[2]
    section = at(surface, size=large)
    lines = [
        Line(section=section, metric="test_error", name="test"),
        Line(section=section, metric="train_error_flipped", name="train, flipped labels", role=Role.NORM),
        Line(section=section, metric="train_error_unflipped", name="train, correct labels", role=Role.TRAIN),
    ]
    flipped, correct = _memory(surface)
    sentence = (
        f"At the first minimum of the test error networks of {large} units get, in the median, "
        f"{_median(correct.first_minimum)} of their correct training labels wrong and "
        f"{_median(flipped.first_minimum)} of their flipped ones; at the end {_median(correct.end)} and "
        f"{_median(flipped.end)}."
    )
    return Picture(
        name="memorisation", heading="What is learned while the test error rises?",
        display=_over_epochs(surface, lines, f"What is memorised when, {large} units", "error"), sentence=sentence,
        claims=("correct_labels_are_learned_first", "all_labels_are_memorised"),
    )  # fmt: skip


def _median(values: Float[np.ndarray, " replicates"]) -> str:
    median = median_of(values)
    return number(0.0 if abs(median) < 5e-4 else median, digits=3 if abs(median) >= 0.1 else 2)


def _answer(judged: Judged) -> str:
    if not judged.holds("large_rises", "large_falls_again"):
        return "A second descent over training time was not confirmed in this measurement."
    if rise := _rise_words(_averaged_claim(judged.surfaces["epochs"])):
        return f"The error rises and falls again over training; with averaged weights it rises on, {rise}."
    if judged.holds("descent_is_mostly_iterate_noise"):
        return "The error rises and falls again over training time; averaging the weights takes away most of that fall."
    return "The error of a large network rises and falls again over training time."


def _lede(surfaces: Surfaces) -> str:
    surface = surfaces["epochs"]
    large = _widths(surface)[2]
    raw, averaged = (windows_of(surface, metric, large) for metric in ("test_error", "test_error_averaged"))
    return (
        f"Two hidden layers on MNIST-1D, n = {samples_of(surface):,}, {100 * NOISE:.0f} % of labels flipped, "
        f"{times_of(surface)[-1]:.0f} epochs, {surface.sizes['replicate']} replicates. Median test error of "
        f"{large} units: {_median(raw.first_minimum)} at the first minimum, {_median(raw.peak)} at the peak, "
        f"{_median(raw.end)} at the end; with averaged weights {_median(averaged.first_minimum)}, "
        f"{_median(averaged.peak)} and {_median(averaged.end)}.{diverged_words(surfaces.values())}"
    )


FIGURE = Figure(
    name="nakkiran2020_epochwise",
    title="Double descent over training time",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figures 9 and 10",
    revision=2,
    primary_claims=(
        "large_rises",
        "large_falls_again",
        "large_ends_above_first_minimum",
        "small_does_not_rise",
        "critical_stays_high",
    ),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
