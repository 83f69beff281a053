"""Nakkiran et al. 2020 (ICLR, "Deep Double Descent"), Figure 4 in small: model-wise double descent and label noise.

Paper: ResNet18 on CIFAR-10 with 0, 5, 10, 15, 20 % label noise (each flipped to a wrong class), Adam, 4,000 epochs:
without noise a plateau, with more noise a higher peak, farther right, where the training error reaches zero. With 15 %
the error goes from 0.340 (width 4) over 0.413 (width 10) to 0.291 (width 64), noisy test labels.

Ours: digits in place of CIFAR-10, a perceptron of two hidden layers in place of ResNet18, cross-entropy, Adam at a
constant rate, 0, 10 and 20 % label noise, paired in images, initial weights and mini-batches; clean test labels. And
the squared loss, which the paper does not have: one hidden layer, 10 % noise, Adam with a cosine schedule; there the
peak is claimed near parameters = n K, as in Belkin et al. 2019.

``standard`` is the same with twice the replicates, ``paper`` 4,000 MNIST images; the widths that the claims are about
have there about as many parameters a sample as at ``quick``.

After the first run no test of a claim was changed; the words of ``noise_20_second_descent``, ``noise_raises_the_peak``,
``squared_error_rises`` and ``squared_error_falls`` were corrected to what they test, and the headline calls label noise
the cause of a peak only if ``noise_0_no_peak`` holds too. Then ``noise_20_second_descent`` and
``squared_second_descent`` were corrected, which compared the widest width with one narrow width, not with the best of
all below that of the peak; and ``noise_moves_the_threshold`` takes the threshold that the pictures show, of the median.

Runtime on two cores: smoke 5 s, quick about two and a half minutes, standard five; paper is for one GPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Landmarks, higher_claim, interval_claim
from benign.curves.claims import (
    RELEVANT_FACTOR_OF_ERRORS,
    no_peak_claim,
    peak_position_claim,
)
from benign.figures.comparisons import over_sizes
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import Line, curve_of, diverged_words, exactly, in_order, percents, test_and_train
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, StackedDisplay
from benign.procedures import MLP
from benign.sources import digits, mnist
from benign.surface.displays import size_label
from benign.surface.sections import (
    along_size,
    at_end,
    at_size,
    landmarks_along_size,
    median_at_size,
    over_parameters,
    samples_of,
    sizes_of,
)

CLASSES = 10
NOISE = {"noise_0": 0.0, "noise_10": 0.1, "noise_20": 0.2}
SQUARED_NOISE = 0.1
WORDS = {"noise_0": "0 % noise", "noise_10": "10 % noise", "noise_20": "20 % noise"}
_PLATEAU = "a plateau on CIFAR-10 without noise"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One training on one number of samples; claims are about widths below ``peak``, that and the widest.

    ``narrow`` is the width from which the rises of two levels of noise are compared.
    """

    samples: int
    widths: tuple[int, ...]
    training: Training
    replicates: int
    narrow: int
    peak: int


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run. Widths follow pilots on other seeds."""

    images: Literal["digits", "mnist"]
    noise: Part
    squared: Part


_QUICK = Settings(
    images="digits",
    noise=Part(
        samples=500, widths=(4, 6, 8, 10, 12, 14, 16, 32, 64, 128, 256),
        training=Training(learning_rate=2e-3, batch_size=50, epochs=400), replicates=10, narrow=8, peak=12,
    ),
    squared=Part(
        samples=300, widths=(4, 8, 12, 16, 32, 40, 48, 56, 64, 128, 256, 512),
        training=Training(loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=25, epochs=500),
        replicates=8, narrow=12, peak=48,
    ),
)  # fmt: skip
SETTINGS = {
    "smoke": Settings(
        images="digits",
        noise=Part(
            samples=50, widths=(5, 6, 8), training=Training(batch_size=25, epochs=4), replicates=4, narrow=5, peak=6,
        ),
        squared=Part(
            samples=50, widths=(5, 6, 8), training=Training(loss="squared", batch_size=25, epochs=4), replicates=4,
            narrow=5, peak=6,
        ),
    ),
    "quick": _QUICK,
    "standard": replace(
        _QUICK, noise=replace(_QUICK.noise, replicates=20), squared=replace(_QUICK.squared, replicates=16)
    ),
    "paper": Settings(
        images="mnist",
        noise=Part(
            samples=4000, widths=(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 32, 64, 128, 256),
            training=Training(learning_rate=1e-3, batch_size=128, epochs=1000), replicates=10, narrow=7, peak=11,
        ),
        squared=Part(
            samples=4000, widths=(4, 8, 12, 15, 20, 30, 40, 45, 50, 55, 60, 80, 120, 250, 500, 1000),
            training=Training(loss="squared", learning_rate=1e-3, schedule="cosine", batch_size=128, epochs=1000),
            replicates=10, narrow=15, peak=60,
        ),
    ),
}  # fmt: skip


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """The surfaces ``noise_0``, ``noise_10``, ``noise_20`` (cross-entropy) and ``squared``, after the last epoch."""
    settings = SETTINGS[scale]
    for name, noise in {**NOISE, "squared": SQUARED_NOISE}.items():
        at, depth = (settings.squared, 1) if name == "squared" else (settings.noise, 2)
        yield name, Measurement(
            procedure=MLP(depth=depth, training=at.training), part=WORDS.get(name, "squared loss"),
            source=digits(label_noise=noise) if settings.images == "digits" else mnist(label_noise=noise),
            samples=[at.samples], sizes=at.widths, replicates=at.replicates,
        )  # fmt: skip


def _part_of(surfaces: Surfaces, name: str) -> Part:
    """The part that a surface was measured as: the first of its widths (those of ``standard`` are ``quick``'s)."""
    widths = tuple(sizes_of(surfaces[name]).astype(int).tolist())
    parts = [settings.squared if name == "squared" else settings.noise for settings in SETTINGS.values()]
    return next(part for part in parts if part.widths == widths)


# Findings ------------------------------------------------------------------------------------------------------------


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    return (*_peak_findings(surfaces), *_noise_findings(surfaces), *_squared_findings(surfaces))


def _rise(surfaces: Surfaces, name: str) -> Float[np.ndarray, " replicates"]:
    """Error at the width of the peak over that at the narrow one."""
    part = _part_of(surfaces, name)
    return at_size(surfaces[name], "test_error", part.peak) / at_size(surfaces[name], "test_error", part.narrow)


def _peak_findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    part, noisy = _part_of(surfaces, "noise_20"), over_sizes(surfaces["noise_20"], "test_error")
    return (
        noisy.rises(
            "noise_20_rises",
            f"With 20 % label noise, the test error rises from its best narrower width to {part.peak} hidden units",
            part.peak, paper="0.340 to 0.413 with 15 % noise",
        ),
        noisy.falls_below_the_best(
            "noise_20_second_descent",
            f"With 20 % label noise, the test error at {part.widths[-1]} hidden units is below that at the best "
            f"width narrower than {part.peak}",
            part.widths[-1], before=part.peak, paper="0.291 against 0.340 with 15 % noise",
        ),
    )  # fmt: skip


def _noise_findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    part = _part_of(surfaces, "noise_20")
    return (
        higher_claim(
            name="noise_raises_the_peak",
            claim=f"From {part.narrow} to {part.peak} hidden units the test error rises by a larger factor with 20 % "
            "label noise than without",
            higher=_rise(surfaces, "noise_20"), lower=_rise(surfaces, "noise_0"), unit="factor of the error",
            paper="the more label noise, the higher the peak",
        ),
        over_sizes(surfaces["noise_0"], "test_error").higher(
            "noise_0_falls",
            f"Without label noise, the test error falls from {part.narrow} to {part.peak} hidden units",
            part.narrow, part.peak, paper=_PLATEAU,
        ),
        no_peak_claim(
            name="noise_0_no_peak", claim="Without label noise, the test error has no peak of 5 % or more",
            landmarks=landmarks_along_size(surfaces["noise_0"], "test_error"), factor=RELEVANT_FACTOR_OF_ERRORS,
            paper=_PLATEAU,
        ),
        _threshold_claim(surfaces),
    )  # fmt: skip


def _threshold_claim(surfaces: Surfaces) -> Finding:
    """Each threshold lies somewhere between two measured widths; the intervals of both enter, the wide way round."""
    name = "noise_moves_the_threshold"
    level = FIGURE.level_of(name)
    noisy, clean = (_threshold(surfaces[name], level) for name in ("noise_20", "noise_0"))
    return interval_claim(
        name=name, claim="With 20 % label noise it takes wider networks to fit the training set than without",
        estimate=noisy[0] / clean[0], interval=(noisy[1] / clean[2], noisy[2] / clean[1]),
        allowed=(1.0 + 1e-9, math.inf), unit="times the width",
        test=f"intervals of level {level:.3g} of both thresholds, the wide way round, above 1", level=level,
        is_place=True,
        replicates=surfaces["noise_20"].sizes["replicate"],
        paper="what makes fitting harder moves the threshold to the right",
    )  # fmt: skip


def _threshold(surface: xr.Dataset, level: float) -> tuple[float, float, float]:
    """The threshold in hidden units and its interval: beyond all widths where none fits, nowhere without a number."""
    if not np.isfinite(along_size(surface, "train_loss")).all():
        return math.nan, math.nan, math.nan
    found = landmarks_along_size(surface, "test_error", level=level, estimator="median").threshold
    return (math.nan, float(sizes_of(surface)[-1]), math.inf) if found is None else (
        found.value, *found.interval
    )  # fmt: skip


def _squared_findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    part, surface = _part_of(surfaces, "squared"), surfaces["squared"]
    wide, start = part.widths[-1], "With the squared loss, the"
    loss = over_sizes(surface, "test_loss", paper="not in the paper, which has cross-entropy alone")
    error = over_sizes(surface, "test_error")
    rises = f"rises from its best narrower width to {part.peak} hidden units"
    return (
        loss.rises("squared_rises", f"{start} test loss {rises}", part.peak),
        loss.falls_below_the_best(
            "squared_second_descent",
            f"{start} test loss at {wide} hidden units is below that at the best width narrower than {part.peak}",
            wide, before=part.peak,
        ),
        peak_position_claim(
            name="squared_peak_at_threshold", claim=f"{start} test loss peaks at 0.7 to 2 times n K parameters",
            landmarks=_squared_landmarks(surface, "test_loss"), scale=float(CLASSES * samples_of(surface)),
            allowed=(0.7, 2.0), scale_word="n K", paper="parameters = n K (Belkin et al. 2019)",
        ),
        error.rises("squared_error_rises", f"{start} zero-one error {rises}", part.peak),
        error.higher(
            "squared_error_falls", f"{start} zero-one error falls from {part.peak} to {wide} hidden units", part.peak,
            wide,
        ),
    )  # fmt: skip


def _squared_landmarks(surface: xr.Dataset, metric: str) -> Landmarks:
    return landmarks_along_size(over_parameters(surface), metric, estimator="median")


# Pictures ------------------------------------------------------------------------------------------------------------


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (_noise_picture(surfaces), _fit_picture(surfaces), _squared_picture(surfaces))


def _noise_lines(surfaces: Surfaces, metric: str) -> list[Line]:
    return in_order({WORDS[name]: at_end(surfaces[name]) for name in NOISE}, metric)


def _percents(surface: xr.Dataset, widths: tuple[int, ...]) -> str:
    return percents([median_at_size(surface, "test_error", width) for width in widths])


def _noise_picture(surfaces: Surfaces) -> Picture:
    part, x_label = _part_of(surfaces, "noise_20"), size_label(surfaces["noise_20"])
    widths = (part.narrow, part.peak, part.widths[-1])
    display = curve_of(
        _noise_lines(surfaces, "test_error"),
        "size",
        title="Test error by label noise",
        x_label=x_label,
        y_label="test error (clean labels)",
    )
    sentence = (
        f"At {widths[0]}, {widths[1]} and {widths[2]} hidden units the median test error is "
        f"{_percents(surfaces['noise_20'], widths)} with 20 % of the training labels flipped, "
        f"{_percents(surfaces['noise_10'], widths)} with 10 %, and {_percents(surfaces['noise_0'], widths)} with none."
    )
    return Picture(
        name="label_noise", heading="Does label noise make the peak?", display=display, sentence=sentence,
        claims=(
            "noise_20_rises", "noise_20_second_descent", "noise_raises_the_peak", "noise_0_falls", "noise_0_no_peak",
        ),
    )  # fmt: skip


def _fit_picture(surfaces: Surfaces) -> Picture:
    x_label = size_label(surfaces["noise_20"])
    error = curve_of(
        _noise_lines(surfaces, "train_error"),
        "size",
        title="Train error",
        x_label=x_label,
        y_label="train error",
    )
    loss = curve_of(
        _noise_lines(surfaces, "test_loss"), "size", title="Test loss", x_label=x_label,
        y_label="test loss (nats)", y_log=True,
    )  # fmt: skip
    thresholds = {
        name: landmarks_along_size(surfaces[name], "test_error", estimator="median").threshold for name in NOISE
    }
    words = [
        f"{'none of the widths' if mark is None else format(mark.value, ',.0f')} ({WORDS[name]})"
        for name, mark in thresholds.items()
    ]
    sentence = (
        f"The training set is first fitted, to within 2 % of the best constant's loss, at {', '.join(words)} hidden "
        "units; the test loss, unlike the error, counts how sure a wrong answer is."
    )
    return Picture(
        name="fit", heading="When is the training set fitted, and what does the loss say?",
        display=StackedDisplay(title="Train error and test loss by label noise", panels=(error, loss)),
        sentence=sentence, claims=("noise_moves_the_threshold",),
    )  # fmt: skip


def _squared_picture(surfaces: Surfaces) -> Picture:
    part, surface = _part_of(surfaces, "squared"), surfaces["squared"]
    widths = (part.narrow, part.peak, part.widths[-1])
    *losses, last = (number(median_at_size(surface, "test_loss", width)) for width in widths)
    display = StackedDisplay(
        title="Squared loss: loss and zero-one error over the number of parameters",
        panels=(_squared_curve(surface, "loss"), _squared_curve(surface, "error")),
    )
    sentence = (
        f"With the squared loss and 10 % of the labels flipped the median test loss is {', '.join(losses)} and {last} "
        f"at {widths[0]}, {widths[1]} and {widths[2]} hidden units, and the share of wrong test labels "
        f"{_percents(surface, widths)}; {_threshold_words(surface)}."
    )
    return Picture(
        name="squared", heading="Is the peak where parameters = samples x classes?", display=display,
        sentence=sentence,
        claims=(
            "squared_rises", "squared_second_descent", "squared_peak_at_threshold", "squared_error_rises",
            "squared_error_falls",
        ),
    )  # fmt: skip


def _threshold_words(surface: xr.Dataset) -> str:
    mark = _squared_landmarks(surface, "test_loss").threshold
    if mark is None:
        return "none of the widths fits the training labels to within 2 %"
    share = mark.value / (CLASSES * samples_of(surface))
    return f"the training labels are first fitted, to within 2 %, at {number(share)} n K parameters"


def _squared_curve(surface: xr.Dataset, kind: str) -> CurveDisplay:
    section = over_parameters(surface)
    return curve_of(
        test_and_train(section, kind), "size", title=f"Test and train {kind}", x_label="number of parameters",
        y_label="zero-one error" if kind == "error" else "loss (squared error)",
        landmarks=_squared_landmarks(surface, f"test_{kind}"),
        threshold=exactly(CLASSES * samples_of(surface), "parameters = n K:"),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    if not judged.holds("noise_20_rises"):
        if judged.holds("squared_peak_at_threshold", "squared_second_descent"):
            return "The squared loss peaks over width and falls below; that the error peaks too was not confirmed."
        return "No peak of the test error over width was confirmed in this measurement."
    if not judged.holds("noise_20_second_descent"):
        return (
            "With label noise the test error rises with width; that it falls below its first minimum was not confirmed."
        )
    if judged.holds("noise_raises_the_peak", "noise_0_no_peak"):
        return "Label noise makes the peak; the widest network beats the best one before it."
    return "The test error peaks over width; that label noise makes the peak was not confirmed."


def _lede(surfaces: Surfaces) -> str:
    part, surface = _part_of(surfaces, "noise_20"), surfaces["noise_20"]
    widths = (part.narrow, part.peak, part.widths[-1])
    return (
        f"Two hidden layers, cross-entropy, n = {samples_of(surface):,}, {surface.sizes['replicate']} replicates. "
        f"Median test error at {widths[0]}, {widths[1]} and {widths[2]} hidden units: {_percents(surface, widths)} "
        f"with 20 % label noise, {_percents(surfaces['noise_0'], widths)} without."
        f"{diverged_words(surfaces.values())}"
    )


FIGURE = Figure(
    name="nakkiran2020_modelwise",
    title="Model-wise double descent: label noise and the peak",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figure 4",
    revision=2,
    primary_claims=("noise_20_rises", "noise_20_second_descent", "noise_raises_the_peak", "noise_moves_the_threshold"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
