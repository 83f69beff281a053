"""Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020 (ICLR), Figures 11 and 12: more data can hurt.

Paper: where the number of samples reaches what a network just fits, more of them raise the test error or do not help.
With 20 % label noise four times the samples do not help a band of widths of a convolutional network on CIFAR-10
(Figs 11a and 12, zero-one error); Transformers on 18,000 sentences are worse than on 4,000 for some widths (Fig. 3,
cross-entropy). With optimal early stopping more data never hurt.

Ours, in small: one hidden layer of 16 units on the digits with 20 % label noise, squared loss, 6,000 steps for every n
from 25 to 800; and n = 50 and 110 over widths. The squared loss is what training minimises; the zero-one error of so
small a problem changes much less, and both are tested. 50 and 110 were fixed beforehand, and so were the bounds 75 and
180 of the peak (parameters / classes = 121). Early stopping is chosen on a validation set, half of the test set with
labels as noisy as in training, and judged on the other half.

After the first run no test of a claim was changed; the sentence on two sample sizes, which said "worse up to the
crossing, better beyond", now lists the widths whose intervals exclude zero, and a crossing has an interval.

Runtime on two cores: smoke a few seconds, quick about a minute and a half, mostly compiling a program for each n.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import (
    Finding,
    Landmarks,
    bootstrap_counts,
    bootstrap_medians,
    find_landmarks,
    interval_claim,
    percentile_interval,
)
from benign.curves.claims import no_peak_claim, peak_position_claim
from benign.curves.early_stopping import stop_early
from benign.figures.comparisons import Course, over_samples
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import (
    curve_of,
    diverged_words,
    in_order,
    loss_limits,
    percents,
    sign_words,
    test_and_train,
)
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Mark, Role, StackedDisplay, series_from_replicates
from benign.procedures import MLP
from benign.sources import digits
from benign.surface.displays import size_label
from benign.surface.sections import (
    along_samples,
    at,
    at_end,
    landmarks_along_samples,
    median_of,
    over_samples_and_time,
    over_size_and_samples,
    sample_counts_of,
    seed_of,
    sizes_of,
    times_of,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run."""

    samples: tuple[int, ...]
    width: int
    few_samples: tuple[int, int]
    widths: tuple[int, ...]
    steps: int
    times: tuple[int, ...]
    replicates: int


_SAMPLES = (25, 35, 50, 65, 80, 95, 110, 130, 160, 200, 280, 400, 560, 800)
_TIMES = (50, 100, 200, 400, 800, 1600, 3200)
SETTINGS = {
    "smoke": Settings(
        samples=(25, 50), width=8, few_samples=(25, 50), widths=(8,), steps=40, times=(10, 20), replicates=4
    ),
    "quick": Settings(
        samples=_SAMPLES, width=16, few_samples=(50, 110), widths=(4, 6, 8, 12, 16, 24, 32, 64, 128, 256), steps=6000,
        times=_TIMES, replicates=10,
    ),
    "standard": Settings(
        samples=_SAMPLES, width=16, few_samples=(50, 110),
        widths=(2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64, 128, 256, 512), steps=6000, times=_TIMES,
        replicates=20,
    ),
    "paper": Settings(
        samples=(25, 35, 50, 65, 80, 90, 100, 110, 120, 130, 145, 160, 180, 200, 240, 280, 400, 560, 800, 1200),
        width=16, few_samples=(50, 110),
        widths=(2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64, 128, 256, 512, 1024), steps=24_000,
        times=(*_TIMES, 6400, 12_800), replicates=30,
    ),
}  # fmt: skip
NOISE = 0.2
METRICS = ("validation_loss", "test_loss_held_out")
RESAMPLES = 1000
FEW, MORE = 50, 110
FEWEST, MOST = 25, 800
PEAK = (75.0, 180.0)
WORDS = {"loss": "squared loss", "error": "zero-one error"}
_HURTS = "more samples hurt near the threshold (Nakkiran et al. 2020, Figs 3 and 11)"
_NEVER_HURTS = "with optimal early stopping more data never hurt (Nakkiran et al. 2020, Figs 23 and 24)"
_HELPS = "beyond the threshold more samples help (Nakkiran et al. 2020, Fig. 11)"


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """The surfaces ``samples``, one width at every n, and ``widths``, two n at every width."""
    at = SETTINGS[scale]
    training = Training(loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=25, steps=at.steps)
    samples = Measurement(
        procedure=MLP(depth=1, training=training), source=digits(label_noise=NOISE), part="over samples",
        samples=at.samples, sizes=[at.width], times=(*at.times, at.steps), replicates=at.replicates, metrics=METRICS,
    )  # fmt: skip
    yield "samples", samples
    yield "widths", replace(samples, part="over widths", samples=at.few_samples, sizes=at.widths)


def stopped_loss(surface: xr.Dataset) -> Course:
    """Loss on one half of the test set, each network stopped at its smallest loss on the noisy labels of the other."""
    validation, held_out = (over_samples_and_time(surface, metric) for metric in METRICS)
    stopped = stop_early(validation, held_out).stopped
    return Course(positions=sample_counts_of(surface), values=stopped, unit=WORDS["loss"], paper=_NEVER_HURTS)


def harm(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates sizes"]:
    """What the larger one of two n adds to a risk at the end of training, at every width."""
    values = over_size_and_samples(surface, metric)
    return values[:, :, -1] - values[:, :, 0]


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    surface, widths = surfaces["samples"], surfaces["widths"]
    findings = [*_loss_findings(surface), *_stopped_findings(surface)]
    findings.append(_hurts(surface, "error"))
    findings.extend(_wide_claim(widths, word) for word in WORDS)
    return tuple(findings)


def _loss_findings(surface: xr.Dataset) -> tuple[Finding, ...]:
    loss = along_samples(surface, "test_loss")
    level = FIGURE.level_of("loss_peaks_over_samples")
    landmarks = landmarks_along_samples(surface, loss, level=level, estimator="median")
    position = peak_position_claim(
        name="loss_peaks_over_samples", claim="Over the number of samples the test loss peaks between 75 and 180",
        landmarks=landmarks, scale=1.0, allowed=PEAK, scale_word="samples", level=level,
        paper="the peak is where n is the number of samples that is just fitted (Nakkiran et al. 2020, Fig. 11)",
    )  # fmt: skip
    return (
        _hurts(surface, "loss"),
        replace(position, unit="samples"),
        _threshold_claim(landmarks, len(loss)),
        over_samples(surface, "test_loss", unit=WORDS["loss"]).higher(
            "many_samples_help", f"The test loss with {MOST} samples is less than half of that with {FEWEST}", FEWEST,
            MOST, factor=2.0, paper=_HELPS,
        ),
    )  # fmt: skip


def _hurts(surface: xr.Dataset, word: str) -> Finding:
    return over_samples(surface, f"test_{word}", unit=WORDS[word], paper=_HURTS).higher(
        f"more_data_hurts_{word}",
        f"At {int(sizes_of(surface)[0])} units {MORE} samples give a higher {WORDS[word]} than {FEW}", MORE, FEW,
    )  # fmt: skip


def _threshold_claim(landmarks: Landmarks, replicates: int) -> Finding:
    """That the largest n which is fitted lies where the peak was expected."""
    nowhere = (float("nan"), float("nan"))
    threshold = landmarks.threshold
    return interval_claim(
        name="training_loss_leaves_zero_there",
        claim="The training loss leaves zero (2 % of a constant's) between 75 and 180 samples",
        estimate=float("nan") if threshold is None else threshold.value,
        interval=nowhere if threshold is None else threshold.interval,
        allowed=PEAK, unit="samples", replicates=replicates, is_place=True,
        test="bootstrap interval of the largest n that is fitted inside 75 to 180 samples",
        paper="the peak is at the interpolation threshold (Nakkiran et al. 2020, Fig. 11)",
    )  # fmt: skip


def _stopped_findings(surface: xr.Dataset) -> tuple[Finding, ...]:
    stopped = stopped_loss(surface)
    return (
        stopped.higher(
            "stopped_more_data_helps",
            f"Stopped early on validation, {MORE} samples give a lower squared loss than {FEW}", FEW, MORE,
        ),
        no_peak_claim(
            name="stopped_no_peak", claim="Stopped early on validation, no peak of 25 % or more is left over samples",
            landmarks=find_landmarks(stopped.positions, stopped.values, None, None), paper=_NEVER_HURTS,
        ),
    )  # fmt: skip


def _wide_claim(widths: xr.Dataset, word: str) -> Finding:
    few, more = sample_counts_of(widths).astype(int).tolist()
    wide = sizes_of(widths)[-1]
    return over_samples(at(widths, size=wide), f"test_{word}", unit=WORDS[word], paper=_HELPS).higher(
        f"more_data_helps_wide_{word}", f"At {int(wide)} units {more} samples give a lower {WORDS[word]} than {few}",
        few, more,
    )  # fmt: skip


def crossings(sizes: Float[np.ndarray, "K"], harms: Float[np.ndarray, "K"]) -> Float[np.ndarray, " crossings"]:
    """Where a curve changes sign, between two widths in proportion on a logarithmic scale.

    >>> crossings(np.array([1.0, 4.0, 16.0, 64.0]), np.array([-2.0, 2.0, 2.0, -2.0]))
    array([ 2., 32.])
    """
    is_above = harms > 0.0
    left = np.flatnonzero(is_above[:-1] != is_above[1:])
    share = harms[left] / (harms[left] - harms[left + 1])
    return sizes[left] * (sizes[left + 1] / sizes[left]) ** share


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """The width where a median curve changes sign for the last time, with its bootstrap interval over replicates.

    An end is infinite where the curves of resamples have their sign everywhere, or change it beyond the widths.
    """

    position: float
    interval: tuple[float, float]
    is_only: bool


def last_crossing(
    sizes: Float[np.ndarray, "K"], harms: Float[np.ndarray, "replicates K"], *, seed: int = 0
) -> Crossing | None:
    """The last change of sign of the median over replicates; widths at which one has no number are left out."""
    usable = np.isfinite(harms).all(axis=0)
    sizes, harms = sizes[usable], harms[:, usable]
    median = np.median(harms, axis=0)
    places = crossings(sizes, median)
    if not len(places):
        return None
    resampled = bootstrap_medians(harms, bootstrap_counts(len(harms), RESAMPLES, seed=seed))
    moved = np.array([_last_change(sizes, row, ends_above=bool(median[-1] > 0.0)) for row in resampled])
    return Crossing(position=float(places[-1]), interval=percentile_interval(moved), is_only=len(places) == 1)


def _last_change(sizes: Float[np.ndarray, "K"], harms: Float[np.ndarray, "K"], *, ends_above: bool) -> float:
    """Where a curve takes the sign that it is to end with: minus infinity from the start, infinity never."""
    if bool(harms[-1] > 0.0) is not ends_above:
        return np.inf
    places = crossings(sizes, harms)
    return float(places[-1]) if len(places) else -np.inf


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (
        _loss_picture(surfaces["samples"]),
        _error_picture(surfaces["samples"]),
        _widths_picture(surfaces["widths"]),
    )


def _loss_picture(surface: xr.Dataset) -> Picture:
    width = int(sizes_of(surface)[0])
    loss, stopped = over_samples(surface, "test_loss", unit=WORDS["loss"]), stopped_loss(surface)
    landmarks = landmarks_along_samples(surface, along_samples(surface, "test_loss"), estimator="median")
    display = curve_of(
        test_and_train(at_end(surface), "loss"), "samples", title=f"Loss over the number of samples, {width} units",
        x_label="number of training samples (samples)", y_label="loss (squared error)", landmarks=landmarks, y_log=True,
        y_limits=loss_limits(loss.values),
    )  # fmt: skip
    remedy = series_from_replicates("test, stopped early", loss.positions, stopped.values, Role.REMEDY)
    few, more, most = (number(loss.median(n)) for n in (FEW, MORE, MOST))
    stopped_few, stopped_more = (number(stopped.median(n)) for n in (FEW, MORE))
    sentence = (
        f"With {width} units the median test loss goes from {few} with {FEW} samples to {more} with {MORE} and ends at "
        f"{most}; stopped where validation is best (dotted, on the other half of the test set) it goes from "
        f"{stopped_few} to {stopped_more}."
    )
    return Picture(
        name="loss_over_samples", heading="Can more data make a model worse?",
        display=replace(display, series=(*display.series, remedy)), sentence=sentence,
        claims=(
            "more_data_hurts_loss", "loss_peaks_over_samples", "training_loss_leaves_zero_there", "many_samples_help",
            "stopped_more_data_helps", "stopped_no_peak",
        ),
    )  # fmt: skip


def _error_picture(surface: xr.Dataset) -> Picture:
    error = over_samples(surface, "test_error", unit=WORDS["error"])
    display = curve_of(
        test_and_train(at_end(surface), "error"), "samples", title="Zero-one error over the number of samples",
        x_label="number of training samples (samples)", y_label="zero-one error",
    )  # fmt: skip
    shares = percents([error.median(n) for n in (FEW, MORE, MOST)])
    sentence = f"The median share of wrong test labels is {shares} with {FEW}, {MORE} and {MOST} samples."
    return Picture(
        name="error_over_samples", heading="Does it change the decisions?", display=display, sentence=sentence,
        claims=("more_data_hurts_error",),
    )  # fmt: skip


def _widths_picture(widths: xr.Dataset) -> Picture:
    few, more = sample_counts_of(widths).astype(int).tolist()
    panels = tuple(_widths_panel(widths, word) for word in WORDS)
    display = StackedDisplay(title=f"{few} and {more} samples over width", panels=panels)
    loss, error = (_harm_words(widths, word) for word in WORDS)
    sentence = (
        f"The paired 95 % interval of the squared loss with {more} samples minus that with {few}, taken for each width "
        f"alone, {loss}; that of the zero-one error {error}."
    )
    return Picture(
        name="two_sample_sizes", heading="Which models does more data harm?", display=display,
        sentence=sentence,
        claims=(
            "more_data_hurts_loss", "more_data_helps_wide_loss", "more_data_hurts_error", "more_data_helps_wide_error"
        ),
    )  # fmt: skip


def _widths_panel(widths: xr.Dataset, word: str) -> CurveDisplay:
    metric, counts = f"test_{word}", sample_counts_of(widths).astype(int).tolist()
    display = curve_of(
        in_order({f"{n} samples": at(at_end(widths), samples=n) for n in counts}, metric),
        "size",
        title=WORDS[word],
        x_label=size_label(widths),
        y_label=f"test {word}",
        y_log=word == "loss",
    )
    place = _crossing_of(widths, word)
    if place is None or not place.is_only:
        return display
    medians = np.array([median_of(row) for row in over_size_and_samples(widths, metric)[:, :, 0].T])
    value = float(np.interp(np.log(place.position), np.log(sizes_of(widths)), medians))
    mark = Mark(position=place.position, value=value, label=f"crossing at {_place_words(place)}:")
    return replace(display, marks=(mark,))


def _crossing_of(widths: xr.Dataset, word: str) -> Crossing | None:
    seed = seed_of(widths)
    return last_crossing(sizes_of(widths), harm(widths, f"test_{word}"), seed=seed)


def _place_words(place: Crossing) -> str:
    low, high = place.interval
    first, last = "the first width" if np.isinf(low) else f"{low:.0f}", "beyond" if np.isinf(high) else f"{high:.0f}"
    return f"{place.position:.0f} units ({first} to {last})"


def _harm_words(widths: xr.Dataset, word: str) -> str:
    """Where more data harm and where they help, and where the median of what they add changes sign."""
    signs, place = sign_words(sizes_of(widths), harm(widths, f"test_{word}")), _crossing_of(widths, word)
    if place is None:
        return f"{signs}, and the median nowhere changes sign"
    if not place.is_only:
        return f"{signs}, and the median changes sign more than once"
    return f"{signs}, and the median changes sign once, at about {_place_words(place)}"


def _answer(judged: Judged) -> str:
    if not judged.holds("more_data_hurts_loss"):
        return "That more data hurt near the threshold was not confirmed in this measurement."
    is_near = judged.holds("training_loss_leaves_zero_there")
    data = "Near the threshold more than twice the data" if is_near else "More than twice the data"
    if judged.holds("more_data_hurts_error"):
        return f"{data} give a worse model, in loss and in decisions."
    return f"{data} give a higher loss; that decisions get worse was not confirmed."


def _lede(surfaces: Surfaces) -> str:
    surface = surfaces["samples"]
    few, more, most = (
        [number(over_samples(surface, metric, unit="").median(n)) for metric in ("test_loss", "test_error")]
        for n in (FEW, MORE, MOST)
    )
    return (
        f"One hidden layer of {int(sizes_of(surface)[0])} units on the digits, {100 * NOISE:.0f} % of labels "
        f"flipped, {times_of(surface)[-1]:,.0f} steps, {surface.sizes['replicate']} replicates. Median test loss: "
        f"{few[0]} with {FEW} samples, {more[0]} with {MORE}, {most[0]} with {MOST}; test error {few[1]}, {more[1]} "
        f"and {most[1]}.{diverged_words(surfaces.values())}"
    )


FIGURE = Figure(
    name="nakkiran2020_samplewise",
    title="More data can hurt",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figures 11 and 12",
    revision=2,
    primary_claims=("more_data_hurts_loss", "loss_peaks_over_samples", "more_data_hurts_error", "many_samples_help"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
