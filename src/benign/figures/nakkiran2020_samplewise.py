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
from functools import partial

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves.early_stopping import stop_early
from benign.curves.sign_changes import Crossing, last_crossing
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Surfaces, primary, secondary, within
from benign.figures.courses import Course, over_samples, over_sizes
from benign.figures.figure import Figure, Picture, Results
from benign.figures.network_drawing import curve_of, diverged_words, in_order, loss_limits, sign_words, test_and_train
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Mark, Role, StackedDisplay, series_from_replicates
from benign.procedures import MLP
from benign.sources import digits
from benign.surface.sections import at, at_end, median_of, over_samples_and_time, seed_of, sizes_of

FEW, MORE = 50, 110


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run.

    ``width`` is trained on all ``samples``, and all ``widths`` on the ``two_samples``.
    """

    samples: tuple[int, ...] = (25, 35, 50, 65, 80, 95, 110, 130, 160, 200, 280, 400, 560, 800)
    width: int = 16
    two_samples: tuple[int, int] = (FEW, MORE)
    widths: tuple[int, ...] = (2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64, 128, 256, 512)
    steps: int = 6000
    times: tuple[int, ...] = (50, 100, 200, 400, 800, 1600, 3200)
    replicates: int


SCALES = {
    "smoke": Scale(
        samples=(25, 50), width=8, two_samples=(25, 50), widths=(8,), steps=40, times=(10, 20), replicates=4
    ),
    "quick": Scale(widths=(4, 6, 8, 12, 16, 24, 32, 64, 128, 256), replicates=10),
    "standard": Scale(replicates=20),
    "paper": Scale(
        samples=(25, 35, 50, 65, 80, 90, 100, 110, 120, 130, 145, 160, 180, 200, 240, 280, 400, 560, 800, 1200),
        widths=(*Scale.widths, 1024), steps=24_000, times=(*Scale.times, 6400, 12_800), replicates=30,
    ),
}  # fmt: skip
NOISE = 0.2
FEWEST, MOST = 25, 800
TOLD = (FEW, MORE, MOST)
PEAK = (75.0, 180.0)
WORDS = {"loss": "squared loss", "error": "zero-one error"}
_NEVER_HURTS = "with optimal early stopping more data never hurt (Nakkiran et al. 2020, Figs 23 and 24)"
_LARGEST = "the largest n that is fitted inside 75 to 180 samples"
_HELPS = "beyond the threshold more samples help (Nakkiran et al. 2020, Fig. 11)"


def _experiments(at: Scale) -> Iterator[Experiment]:
    """One width at every n, and two n at every width."""
    training = Training(loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=25, steps=at.steps)
    trained = partial(
        Experiment,
        source=digits(label_noise=NOISE),
        procedure=MLP(depth=1, training=training),
        times=(*at.times, at.steps),
        replicates=at.replicates,
        metrics=("validation_loss", "test_loss_held_out"),
    )
    yield trained(name="samples", samples=at.samples, sizes=[at.width])
    yield trained(name="widths", samples=at.two_samples, sizes=at.widths)


def _stopped(surface: xr.Dataset) -> Float[np.ndarray, "replicates samples"]:
    """Loss on one half of the test set, each network stopped at its smallest loss on the noisy labels of the other."""
    validation, held_out = (over_samples_and_time(surface, name) for name in ("validation_loss", "test_loss_held_out"))
    return stop_early(validation, held_out).stopped


COURSES = {word: over_samples("samples", f"test_{word}", unit=unit, estimator="median") for word, unit in WORDS.items()}
LOSS = COURSES["loss"]
STOPPED = replace(LOSS, values=_stopped, landmarks=None)


def _claims(at: Scale) -> Iterator[Claim]:
    yield _hurts(at, "loss")
    yield primary(
        "loss_peaks_over_samples",
        "Over the number of samples the test loss peaks between 75 and 180",
        LOSS.peaks_at(1.0, PEAK, scale_word="samples"),
        "the peak is where n is the number of samples that is just fitted (Nakkiran et al. 2020, Fig. 11)",
    )
    yield secondary(
        "training_loss_leaves_zero_there",
        "The training loss leaves zero (2 % of a constant's) between 75 and 180 samples",
        within(PEAK, _fitted, of="samples", test=f"bootstrap interval of {_LARGEST}", unit="samples"),
        "the peak is at the interpolation threshold (Nakkiran et al. 2020, Fig. 11)",
    )
    yield primary(
        "many_samples_help",
        f"The test loss with {MOST} samples is less than half of that with {FEWEST}",
        LOSS.higher(FEWEST, MOST, factor=2.0),
        _HELPS,
    )
    yield secondary(
        "stopped_more_data_helps",
        f"Stopped early on validation, {MORE} samples give a lower squared loss than {FEW}",
        STOPPED.higher(FEW, MORE),
        _NEVER_HURTS,
    )
    yield secondary(
        "stopped_no_peak",
        "Stopped early on validation, no peak of 25 % or more is left over samples",
        STOPPED.has_no_peak(),
        _NEVER_HURTS,
    )
    yield _hurts(at, "error")
    (few, more), wide = at.two_samples, at.widths[-1]
    for word, unit in WORDS.items():
        yield secondary(
            f"more_data_helps_wide_{word}",
            f"At {wide} units {more} samples give a lower {unit} than {few}",
            over_samples("widths", f"test_{word}", size=wide, unit=unit).higher(few, more),
            _HELPS,
        )


def _hurts(at: Scale, word: str) -> Claim:
    return primary(
        f"more_data_hurts_{word}",
        f"At {at.width} units {MORE} samples give a higher {WORDS[word]} than {FEW}",
        COURSES[word].higher(MORE, FEW),
        "more samples hurt near the threshold (Nakkiran et al. 2020, Figs 3 and 11)",
    )


def _fitted(surfaces: Surfaces, level: float) -> tuple[float, float, float]:
    """The largest n that is fitted, with its interval."""
    threshold = LOSS.landmarks_at(surfaces, level).threshold
    return (np.nan, np.nan, np.nan) if threshold is None else (threshold.value, *threshold.interval)


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    samples, width, (few, more) = at_end(results["samples"]), results.at.width, results.at.two_samples
    losses, stopped = (_medians(results, course) for course in (LOSS, STOPPED))
    fitted = ("loss_peaks_over_samples", "training_loss_leaves_zero_there", "many_samples_help")
    yield Picture(
        "loss_over_samples",
        "Can more data make a model worse?",
        _loss_display(results, f"Loss over the number of samples, {width} units"),
        f"With {width} units the median test loss goes from {losses[0]} with {FEW} samples to {losses[1]} with {MORE} "
        f"and ends at {losses[2]}; stopped where validation is best (dotted, on the other half of the test set) it "
        f"goes from {stopped[0]} to {stopped[1]}.",
        ("more_data_hurts_loss", *fitted, "stopped_more_data_helps", "stopped_no_peak"),
    )
    errors, title = _medians(results, COURSES["error"]), "Zero-one error over the number of samples"
    yield Picture(
        "error_over_samples",
        "Does it change the decisions?",
        curve_of(test_and_train(samples, "error"), "samples", title=title, y_label=WORDS["error"]),
        f"The median zero-one error is {errors[0]} with {FEW} samples, {errors[1]} with {MORE} and {errors[2]} with "
        f"{MOST}.",
        ("more_data_hurts_error",),
    )
    panels, (loss, error) = zip(*(_harm_over_widths(results, word) for word in WORDS), strict=True)
    yield Picture(
        "two_sample_sizes",
        "Which models does more data harm?",
        StackedDisplay(title=f"{few} and {more} samples over width", panels=panels),
        f"The paired 95 % interval of the squared loss with {more} samples minus that with {few}, taken for each width "
        f"alone, {loss}; that of the zero-one error {error}.",
        ("more_data_hurts_loss", "more_data_helps_wide_loss", "more_data_hurts_error", "more_data_helps_wide_error"),
    )


def _loss_display(results: Results[Scale], title: str) -> CurveDisplay:
    """Beside the loss at the end that of networks that are stopped early."""
    surface = results["samples"]
    display = curve_of(
        test_and_train(at_end(surface), "loss"),
        "samples",
        title=title,
        y_label="loss (squared error)",
        landmarks=LOSS.landmarks_at(results.surfaces),
        y_log=True,
        y_limits=loss_limits(LOSS.values(surface)),
    )
    stopped = series_from_replicates("test, stopped early", LOSS.positions(surface), _stopped(surface), Role.REMEDY)
    return replace(display, series=(*display.series, stopped))


def _medians(results: Results[Scale], course: Course) -> list[str]:
    return [number(course.median(results.surfaces, n)) for n in TOLD]


def _harm_over_widths(results: Results[Scale], word: str) -> tuple[CurveDisplay, str]:
    """Both curves, with the one place where they cross; and where more data harm and where they help, in words."""
    surface, metric, counts = results["widths"], f"test_{word}", results.at.two_samples
    lines = in_order({f"{n} samples": at(at_end(surface), samples=n) for n in counts}, metric)
    display = curve_of(lines, "size", title=WORDS[word], y_label=f"test {word}", y_log=word == "loss")
    few, more = (over_sizes("widths", metric, samples=n).values(surface) for n in counts)
    signs = sign_words(sizes_of(surface), more - few)
    place = last_crossing(sizes_of(surface), more - few, seed=seed_of(surface))
    if place is None:
        return display, f"{signs}, and the median nowhere changes sign"
    if not place.is_only:
        return display, f"{signs}, and the median changes sign more than once"
    medians = [median_of(row) for row in few.T]
    value = float(np.interp(np.log(place.position), np.log(sizes_of(surface)), medians))
    mark = Mark(position=place.position, value=value, label=f"crossing at {_place_words(place)}:")
    words = f"{signs}, and the median changes sign once, at about {_place_words(place)}"
    return replace(display, marks=(mark,)), words


def _place_words(place: Crossing) -> str:
    low, high = place.interval
    first, last = "the first width" if np.isinf(low) else f"{low:.0f}", "beyond" if np.isinf(high) else f"{high:.0f}"
    return f"{place.position:.0f} units ({first} to {last})"


def _headline(results: Results[Scale]) -> str:
    if not results.holds("more_data_hurts_loss"):
        return "That more data hurt near the threshold was not confirmed in this measurement."
    is_near = results.holds("training_loss_leaves_zero_there")
    data = "Near the threshold more than twice the data" if is_near else "More than twice the data"
    if results.holds("more_data_hurts_error"):
        return f"{data} give a worse model, in loss and in decisions."
    return f"{data} give a higher loss; that decisions get worse was not confirmed."


def _lede(results: Results[Scale]) -> str:
    at, loss = results.at, _medians(results, LOSS)
    return (
        f"One hidden layer of {at.width} units on the digits, {100 * NOISE:.0f} % of labels flipped, {at.steps:,} "
        f"steps, {at.replicates} replicates. Median test loss: {loss[0]} with {FEW} samples, {loss[1]} with {MORE}, "
        f"{loss[2]} with {MOST}.{diverged_words(results.surfaces.values())}"
    )


FIGURE = Figure(
    name="nakkiran2020_samplewise",
    title="More data can hurt",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figures 11 and 12",
    revision=2,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
