"""Greydanus & Kobak 2024 (ICML, "Scaling down deep learning with MNIST-1D"): double descent of a small MLP.

Paper: MNIST-1D, n = 4,000, 12,000 test samples, two hidden layers of h ReLU units, cross-entropy, SGD (learning rate
0.01, momentum 0.9, batches of 100), 500 epochs, one run a width. With 15 % of the labels redrawn from all ten classes
(13.5 % wrong) the test error goes from 47.2 % at h = 16 to 54.1 % at h = 47, where the training error reaches 5.5 %,
and to 45.5 % at h = 300; the loss from 1.32 over 5.79 (h = 61) to 2.63. Without label noise there is no peak in the
error (44.6, 41.0, 37.3 %), but one in the loss (4.42 at h = 47).

Ours at ``quick``: Adam in place of SGD, 150 epochs, 20 % of labels flipped to another class; ``standard`` is the
same with twice the replicates. ``paper`` is the notebook's protocol, with paired replicates in place of one run and its
printed numbers beside ours.

Beside each curve stand the error at the best epoch, chosen on validation data (half of the test set, its labels as
noisy as in training) or by an oracle that looks at the half that is judged, and the error of the averaged weights.

After the first run, ``below_the_first_minimum`` and ``oracle_falls`` were corrected: the first compares the widest
width with the best of all that are narrower than ``peak``, cross-fitted, in place of ``narrow`` alone; the second takes
the oracle's error on the held-out half, as validation's is, in place of the whole test set. Then ``loss_stays_up``
was asked against the best of all that are narrower than ``peak``, in place of ``narrow`` alone.

Runtime on two cores: smoke 5 s, quick about two and a half minutes, standard five; paper about half an hour, two
minutes on one GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import (
    Finding,
    interval_claim,
    mean_interval,
)
from benign.curves.claims import (
    RELEVANT_FACTOR,
    RELEVANT_FACTOR_OF_ERRORS,
    no_peak_claim,
    peak_position_claim,
)
from benign.curves.findings import LEVEL
from benign.figures.comparisons import Course, over_sizes
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import (
    Line,
    bare,
    curve_of,
    diverged_words,
    loss_limits,
    percent,
    stopping_series,
    test_and_train,
)
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, StackedDisplay, spread_sentence
from benign.procedures import MLP
from benign.sources import mnist1d
from benign.surface.displays import size_label
from benign.surface.sections import (
    along_size,
    at_end,
    at_size,
    landmarks_along_size,
    median_at_size,
    median_of,
    samples_of,
    sizes_of,
    stopping_of,
)

METRICS = (
    "test_error_averaged",
    "train_error_averaged",
    "train_error_flipped",
    "train_error_unflipped",
    "validation_error",
    "test_error_held_out",
    "validation_error_averaged",
    "test_error_held_out_averaged",
)
"""What this figure and the heat map ask of one measurement that they share."""

RECORDINGS = 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run.

    ``narrow``, ``peak`` and ``wide`` are the widths that the claims are about, and ``peak_range`` is where the peak is
    claimed to be: fixed beforehand, from pilots on other seeds at ``quick`` and from the notebook's table at
    ``paper``. ``clean`` says whether the curve without label noise is measured too.
    """

    samples: int
    test_samples: int
    label_noise: float
    clean: bool
    widths: tuple[int, ...]
    training: Training
    replicates: int
    narrow: int
    peak: int
    wide: int
    peak_range: tuple[int, int]


_QUICK = Settings(
    samples=4000, test_samples=3000, label_noise=0.2, clean=False,
    widths=(4, 8, 12, 16, 24, 32, 40, 48, 64, 96, 128, 192, 256),
    training=Training(learning_rate=2e-3, batch_size=125, epochs=150),
    replicates=6, narrow=24, peak=64, wide=256, peak_range=(40, 96),
)  # fmt: skip
_NOTEBOOK = Settings(
    samples=4000, test_samples=12_000, label_noise=0.135, clean=True,
    widths=(2, 3, 4, 5, 7, 9, 12, 16, 21, 27, 36, 47, 61, 80, 104, 135, 177, 230, 300),
    training=Training(optimizer="momentum", learning_rate=0.01, momentum=0.9, batch_size=100, epochs=500),
    replicates=6, narrow=16, peak=47, wide=300, peak_range=(36, 80),
)  # fmt: skip
SETTINGS = {
    "smoke": Settings(
        samples=100, test_samples=100, label_noise=0.2, clean=False, widths=(5, 6, 8),
        training=Training(batch_size=50, epochs=4), replicates=4, narrow=5, peak=6, wide=8, peak_range=(5, 8),
    ),
    "quick": _QUICK,
    "standard": replace(_QUICK, replicates=12),
    "paper": _NOTEBOOK,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Published:
    """The table that the notebook prints: one run a width; errors as shares of the test samples."""

    test_error: Float[np.ndarray, " widths"]
    test_loss: Float[np.ndarray, " widths"]


PUBLISHED_WIDTHS = np.array([2, 9, 12, 16, 21, 27, 36, 47, 61, 80, 104, 135, 177, 230, 300])
PUBLISHED = {
    "noisy": Published(
        test_error=0.01 * np.array(
            [69.6, 49.0, 50.3, 47.2, 50.8, 50.7, 52.8, 54.1, 54.0, 52.1, 50.2, 48.4, 47.9, 46.5, 45.5]
        ),
        test_loss=np.array([1.76, 1.34, 1.37, 1.32, 1.53, 1.66, 2.50, 5.70, 5.79, 4.72, 3.92, 3.49, 3.12, 2.89, 2.63]),
    ),
    "clean": Published(
        test_error=0.01 * np.array(
            [68.5, 49.3, 50.1, 44.6, 42.6, 41.0, 41.7, 41.0, 41.2, 39.6, 38.6, 38.6, 38.1, 37.1, 37.3]
        ),
        test_loss=np.array([1.68, 1.31, 1.36, 1.39, 1.60, 2.31, 4.16, 4.42, 3.78, 3.40, 3.07, 2.83, 2.72, 2.41, 2.34]),
    ),
}  # fmt: skip
# A single run may lie this far from the mean of many.
PUBLISHED_MARGIN = 0.02


def curve(scale: str, *, part: str = "", label_noise: float | None = None) -> Measurement:
    """The grid over width and time, asked for by another figure too: the store has it then.

    Args:
        scale: whose settings.
        part: what it is of the figure that asks.
        label_noise: in place of the scale's own.
    """
    at = SETTINGS[scale]
    noise = at.label_noise if label_noise is None else label_noise
    return Measurement(
        procedure=MLP(depth=2, activation="relu", training=at.training), part=part, samples=[at.samples],
        source=mnist1d(label_noise=noise, test_samples=at.test_samples), sizes=at.widths, replicates=at.replicates,
        times=at.training.log_spaced(RECORDINGS), metrics=METRICS,
    )  # fmt: skip


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """The surface ``noisy`` and, at the notebook's scales, ``clean``."""
    yield "noisy", curve(scale)
    if SETTINGS[scale].clean:
        yield "clean", curve(scale, part="clean labels", label_noise=0.0)


def _settings_of(surface: xr.Dataset) -> Settings:
    """The settings that a surface was measured with, as far as the claims need them: those of its widths."""
    widths = tuple(sizes_of(surface).astype(int).tolist())
    return next(settings for settings in SETTINGS.values() if settings.widths == widths)


def _is_notebook(surface: xr.Dataset) -> bool:
    return _settings_of(surface).widths == _NOTEBOOK.widths


def _column(surface: xr.Dataset, width: int) -> int:
    return int(np.flatnonzero(sizes_of(surface) == width)[0])


# Findings ------------------------------------------------------------------------------------------------------------


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    noisy = surfaces["noisy"]
    findings = [
        *_error_findings(noisy),
        *_best_epoch_findings(noisy),
        *_average_findings(noisy),
        *_loss_findings(noisy),
    ]
    if "clean" in surfaces:
        findings.extend(_clean_findings(surfaces["clean"]))
    for name, surface in surfaces.items():
        if _is_notebook(surface):
            findings.extend(_published_findings(name, surface))
    return tuple(findings)


def _error_findings(noisy: xr.Dataset) -> tuple[Finding, ...]:
    at, error = _settings_of(noisy), over_sizes(at_end(noisy), "test_error")
    level = FIGURE.level_of("peak_position")
    return (
        error.rises(
            "rises", f"The test error rises from its best narrower width to {at.peak} hidden units", at.peak,
            paper="47.2 % to 54.1 %",
        ),
        error.higher(
            "second_descent", f"The test error falls from {at.peak} to {at.wide} hidden units", at.peak, at.wide,
            paper="54.1 % to 45.5 %",
        ),
        error.falls_below_the_best(
            "below_the_first_minimum",
            f"The test error at {at.wide} hidden units is below that at the best width narrower than {at.peak}",
            at.wide, before=at.peak, paper="45.5 % at h = 300, 47.2 % at h = 16",
        ),
        _peaks_between(
            "peak_position", "The test error peaks between", noisy, "test_error", at.peak_range, level=level,
            factor=RELEVANT_FACTOR_OF_ERRORS, paper="at h = 47, where the training error reaches 5.5 %",
        ),
    )  # fmt: skip


def _peaks_between(
    name: str, start: str, surface: xr.Dataset, metric: str, widths: tuple[int, int], *, paper: str,
    factor: float = RELEVANT_FACTOR, level: float = LEVEL,
) -> Finding:  # fmt: skip
    """That a metric peaks between two widths, at the end of training."""
    low, high = widths
    return peak_position_claim(
        name=name, claim=f"{start} {low} and {high} hidden units", scale=1.0, allowed=(float(low), float(high)),
        landmarks=landmarks_along_size(at_end(surface), metric, level=level), scale_word="hidden units", paper=paper,
        factor=factor, level=level,
    )  # fmt: skip


def _best_epoch_findings(noisy: xr.Dataset) -> tuple[Finding, ...]:
    at, stopping = _settings_of(noisy), stopping_of(noisy)
    oracle, stopped, last = (
        Course(positions=sizes_of(noisy), values=values, unit="zero-one error", paper="not in the paper")
        for values in (stopping.oracle, stopping.stopped, stopping.last)
    )
    return (
        oracle.higher(
            "oracle_falls",
            "At each network's best epoch, which an oracle reads off the held-out half of the test set, the error on "
            f"that half falls from {at.narrow} to {at.peak} hidden units",
            at.narrow, at.peak, paper="optimal early stopping removes the peak (Nakkiran et al. 2020)",
        ),
        stopped.higher(
            "stopped_falls",
            "At the epoch that validation data choose, the error on other test data falls from "
            f"{at.narrow} to {at.peak} hidden units",
            at.narrow, at.peak,
        ),
        last.higher(
            "stopping_helps",
            f"Stopping where validation data say lowers the error of {at.peak} hidden units on other data",
            at.peak, at.peak, on=stopped,
        ),
    )  # fmt: skip


def _average_findings(noisy: xr.Dataset) -> tuple[Finding, ...]:
    at = _settings_of(noisy)
    raw, averaged = (
        over_sizes(at_end(noisy), metric, paper="not in the paper") for metric in ("test_error", "test_error_averaged")
    )
    return (
        raw.higher(
            "averaging_helps",
            f"Averaging the weights along training lowers the test error of {at.peak} hidden units",
            at.peak, at.peak, on=averaged,
        ),
        averaged.rises(
            "averaged_rises",
            f"With averaged weights the test error rises from its best narrower width to {at.peak} hidden units",
            at.peak,
        ),
    )  # fmt: skip


def _loss_findings(noisy: xr.Dataset) -> tuple[Finding, ...]:
    at, loss = _settings_of(noisy), over_sizes(at_end(noisy), "test_loss", unit="loss (nats)")
    return (
        peak_position_claim(
            name="loss_peaks_as_wide",
            claim=f"The test loss peaks at {at.peak} hidden units or more",
            landmarks=landmarks_along_size(at_end(noisy), "test_loss"), scale=1.0,
            allowed=(float(at.peak), float(at.wide)), scale_word="hidden units", paper="loss 5.79 at h = 61",
        ),
        loss.rises(
            "loss_stays_up",
            f"The test loss at {at.wide} hidden units is above that at the best width narrower than {at.peak}",
            at.wide, before=at.peak, paper="2.63 at h = 300, 1.32 at h = 16",
        ),
    )  # fmt: skip


def _clean_findings(clean: xr.Dataset) -> tuple[Finding, ...]:
    at = _settings_of(clean)
    return (
        no_peak_claim(
            name="clean_error_no_peak", claim="Without label noise, the test error has no peak of 5 % or more",
            landmarks=landmarks_along_size(at_end(clean), "test_error"), factor=RELEVANT_FACTOR_OF_ERRORS,
            paper="44.6, 41.0, 37.3 % at h = 16, 47, 300",
        ),
        _peaks_between(
            "clean_loss_peaks", "Without label noise, the test loss peaks between", clean, "test_loss", at.peak_range,
            paper="4.42 at h = 47",
        ),
    )  # fmt: skip


def _published_findings(name: str, surface: xr.Dataset) -> list[Finding]:
    at, words = _settings_of(surface), {"noisy": "13.5 % wrong labels", "clean": "clean labels"}[name]
    findings = []
    for width in (at.narrow, at.peak, at.wide):
        published = float(PUBLISHED[name].test_error[width == PUBLISHED_WIDTHS][0])
        error = at_size(at_end(surface), "test_error", width)
        findings.append(
            interval_claim(
                name=f"{name}_as_published_at_{width}",
                claim=f"With {words}, the test error at {width} hidden units is the notebook's, to within 2 points",
                estimate=float(np.mean(error)), interval=mean_interval(error),
                allowed=(published - PUBLISHED_MARGIN, published + PUBLISHED_MARGIN), unit="zero-one error",
                test="Student t interval of the mean, level 0.95, inside 2 points of the published run",
                replicates=len(error), paper=f"{100 * published:.1f} %, one run",
            )
        )  # fmt: skip
    return findings


# Pictures ------------------------------------------------------------------------------------------------------------


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    noisy = surfaces["noisy"]
    pictures = [_error_picture(noisy), _best_epoch_picture(noisy), _average_picture(noisy), _loss_picture(noisy)]
    if "clean" in surfaces:
        pictures.append(_clean_picture(surfaces["clean"]))
    return tuple(pictures)


def _curve(name: str, surface: xr.Dataset, kind: str) -> CurveDisplay:
    """Test and train over width at the end of training, with landmarks; the notebook's run beside it where it is."""
    end = at_end(surface)
    display = curve_of(
        test_and_train(end, kind), "size", title=f"Test and train {kind} after the last epoch",
        x_label=size_label(surface), y_log=kind == "loss",
        y_label="zero-one error" if kind == "error" else "loss (cross-entropy, nats)",
        landmarks=landmarks_along_size(end, f"test_{kind}", estimator="median"),
        y_limits=loss_limits(along_size(end, "test_loss")) if kind == "loss" else None,
    )  # fmt: skip
    if not _is_notebook(surface):
        return display
    values = getattr(PUBLISHED[name], f"test_{kind}")
    return replace(
        display, series=(*display.series, bare("notebook, one run", PUBLISHED_WIDTHS, values, Role.REFERENCE))
    )


def _last(surface: xr.Dataset, metric: str, width: int) -> float:
    """Median after the last epoch."""
    return median_at_size(at_end(surface), metric, width)


def _errors_in_words(surface: xr.Dataset, metric: str = "test_error") -> str:
    at = _settings_of(surface)
    parts = [f"{percent(_last(surface, metric, width))} at {width}" for width in (at.narrow, at.peak, at.wide)]
    return f"{parts[0]}, {parts[1]} and {parts[2]} hidden units"


def _error_picture(noisy: xr.Dataset) -> Picture:
    at = _settings_of(noisy)
    train = [percent(_last(noisy, "train_error", width)) for width in (at.narrow, at.peak, at.wide)]
    sentence = (
        f"After the last epoch the median test error is {_errors_in_words(noisy)}, and the error on the training "
        f"labels goes from {train[0]} over {train[1]} to {train[2]}."
    )
    return Picture(
        name="error", heading="Does the test error of a network peak as it grows wider?",
        display=_curve("noisy", noisy, "error"), sentence=sentence,
        claims=("rises", "second_descent", "below_the_first_minimum", "peak_position"),
    )  # fmt: skip


def _best_epoch_picture(noisy: xr.Dataset) -> Picture:
    at, stopping = _settings_of(noisy), stopping_of(noisy)
    display = CurveDisplay(
        title="Test error after the last epoch and at the best one",
        series=stopping_series(stopping, sizes_of(noisy)),
        x_label=size_label(noisy),
        y_label="zero-one error, held-out half",
        y_log=False,
        caption=spread_sentence(noisy.sizes["replicate"]),
        position_name="widths",
    )
    column = _column(noisy, at.peak)
    last, chosen, best = (
        percent(median_of(values[:, column])) for values in (stopping.last, stopping.stopped, stopping.oracle)
    )
    sentence = (
        f"At {at.peak} hidden units, on the half of the test set that no validation saw, the last epoch has an error "
        f"of {last}, the epoch chosen on validation data {chosen}, and the best epoch {best}: an oracle, since it is "
        "chosen on that half itself."
    )
    return Picture(
        name="best_epoch", heading="Does the peak remain if each network stops at its best epoch?", display=display,
        sentence=sentence, claims=("oracle_falls", "stopped_falls", "stopping_helps"),
    )  # fmt: skip


def _average_picture(noisy: xr.Dataset) -> Picture:
    end = at_end(noisy)
    display = curve_of(
        [
            Line(section=end, metric="test_error", name="last weights"),
            Line(section=end, metric="test_error_averaged", name="averaged weights", role=Role.REMEDY),
        ],
        "size", title="Test error of the last weights and of their moving average", x_label=size_label(noisy),
        y_label="zero-one error",
    )  # fmt: skip
    sentence = (
        f"With the moving average of the weights in place of the last ones the median test error is "
        f"{_errors_in_words(noisy, 'test_error_averaged')}; with the last ones it is {_errors_in_words(noisy)}."
    )
    return Picture(
        name="averaged_weights", heading="How much of the peak is the jitter of the last steps?", display=display,
        sentence=sentence, claims=("averaging_helps", "averaged_rises"),
    )  # fmt: skip


def _loss_picture(noisy: xr.Dataset) -> Picture:
    at = _settings_of(noisy)
    losses = [number(_last(noisy, "test_loss", width)) for width in (at.narrow, at.peak, at.wide)]
    sentence = (
        f"The median test loss is {losses[0]}, {losses[1]} and {losses[2]} at {at.narrow}, {at.peak} and {at.wide} "
        "hidden units: cross-entropy counts how sure a wrong answer is, so it need not follow the error."
    )
    return Picture(
        name="loss", heading="Does the loss tell the same story?", display=_curve("noisy", noisy, "loss"),
        sentence=sentence, claims=("loss_peaks_as_wide", "loss_stays_up"),
    )  # fmt: skip


def _clean_picture(clean: xr.Dataset) -> Picture:
    panels = tuple(_curve("clean", clean, kind) for kind in ("error", "loss"))
    sentence = f"Without label noise the median test error is {_errors_in_words(clean)}."
    return Picture(
        name="clean", heading="And without label noise?",
        display=StackedDisplay(title="Clean labels: error and loss", panels=panels), sentence=sentence,
        claims=("clean_error_no_peak", "clean_loss_peaks"),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    if not judged.holds("rises"):
        return "No rise of the test error with width was confirmed in this measurement."
    if not judged.holds("second_descent"):
        return "The test error rises with width; that it falls again was not confirmed."
    if judged.holds("below_the_first_minimum"):
        return "Wider is worse, then better: past its peak the test error falls below the first minimum."
    return "Wider is worse, then better; that the widest beats the best narrow one was not confirmed."


def _lede(surfaces: Surfaces) -> str:
    noisy = surfaces["noisy"]
    level = _settings_of(noisy).label_noise
    return (
        f"MNIST-1D, n = {samples_of(noisy):,}, {100 * level:g} % of the training labels wrong, two hidden layers, "
        f"cross-entropy, {noisy.sizes['replicate']} replicates. Median test error after the last epoch: "
        f"{_errors_in_words(noisy)}.{diverged_words(surfaces.values())}"
    )


FIGURE = Figure(
    name="greydanus2024_mnist1d",
    title="Double descent of a small network on MNIST-1D",
    paper="Greydanus, Kobak 2024",
    number="deep double descent notebook",
    revision=2,
    primary_claims=("rises", "second_descent", "below_the_first_minimum", "peak_position"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
