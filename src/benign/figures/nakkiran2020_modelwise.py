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

from benign.curves.claims import RELEVANT_FACTOR_OF_ERRORS
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Surfaces, higher, primary, secondary, within
from benign.figures.courses import Course, over_sizes
from benign.figures.figure import Figure, Picture, Results
from benign.figures.network_drawing import curve_of, diverged_words, exactly, in_order, listed, test_and_train
from benign.figures.over_width import UNITS, Networks, OverWidth
from benign.networks.training import Training
from benign.plots import CurveDisplay, StackedDisplay
from benign.procedures import MLP
from benign.sources import digits, mnist
from benign.surface.sections import along_size, over_parameters, threshold_along_size

CLASSES = 10
NOISE = {"noise_0": 0.0, "noise_10": 0.1, "noise_20": 0.2}
SQUARED_NOISE = 0.1
_PLATEAU = "a plateau on CIFAR-10 without noise"
_HARDER = "what makes fitting harder moves the threshold to the right"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run. Widths follow pilots on other seeds."""

    noise: Networks
    squared: Networks
    images: Literal["digits", "mnist"] = "digits"


_TINY = Networks(
    samples=50, widths=(5, 6, 8), narrow=5, peak=6, replicates=4, training=Training(batch_size=25, epochs=4)
)
_QUICK = Scale(
    noise=Networks(
        samples=500, widths=(4, 6, 8, 10, 12, 14, 16, 32, 64, 128, 256), narrow=8, peak=12, replicates=10,
        training=Training(learning_rate=2e-3, batch_size=50, epochs=400),
    ),
    squared=Networks(
        samples=300, widths=(4, 8, 12, 16, 32, 40, 48, 56, 64, 128, 256, 512), narrow=12, peak=48, replicates=8,
        training=Training(loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=25, epochs=500),
    ),
)  # fmt: skip
SCALES = {
    "smoke": Scale(noise=_TINY, squared=replace(_TINY, training=replace(_TINY.training, loss="squared"))),
    "quick": _QUICK,
    "standard": Scale(noise=replace(_QUICK.noise, replicates=20), squared=replace(_QUICK.squared, replicates=16)),
    "paper": Scale(
        images="mnist",
        noise=Networks(
            samples=4000, widths=(*range(2, 13), 14, 16, 24, 32, 64, 128, 256), narrow=7, peak=11, replicates=10,
            training=Training(learning_rate=1e-3, batch_size=128, epochs=1000),
        ),
        squared=Networks(
            samples=4000, widths=(4, 8, 12, 15, 20, 30, 40, 45, 50, 55, 60, 80, 120, 250, 500, 1000),
            narrow=15, peak=60, replicates=10,
            training=Training(loss="squared", learning_rate=1e-3, schedule="cosine", batch_size=128, epochs=1000),
        ),
    ),
}  # fmt: skip


def _experiments(at: Scale) -> Iterator[Experiment]:
    """Cross-entropy at three levels of noise, and the squared loss; after the last epoch."""
    images = digits if at.images == "digits" else mnist
    for name, noise in NOISE.items():
        procedure = MLP(depth=2, training=at.noise.training)
        yield at.noise.grid(name=name, source=images(label_noise=noise), procedure=procedure)
    procedure = MLP(depth=1, training=at.squared.training)
    yield at.squared.grid(name="squared", source=images(label_noise=SQUARED_NOISE), procedure=procedure)


def _claims(at: Scale) -> Iterator[Claim]:
    narrow, peak, _ = at.noise.told
    noisy, clean = over_sizes("noise_20", "test_error"), over_sizes("noise_0", "test_error")
    with_noise = OverWidth("With 20 % label noise, the test error", noisy, at.noise)
    without = OverWidth("Without label noise, the test error", clean, at.noise)
    yield primary("noise_20_rises", *with_noise.rises(), "0.340 to 0.413 with 15 % noise")
    yield primary("noise_20_second_descent", *with_noise.ends("below"), "0.291 against 0.340 with 15 % noise")
    rises = [error.at(peak) / error.at(narrow) for error in (noisy, clean)]
    text = f"From {narrow} to {peak} {UNITS} the test error rises by a larger factor with 20 % label noise than without"
    judge = higher(rises[0], than=rises[1], unit="factor of the error")
    yield primary("noise_raises_the_peak", text, judge, "the more label noise, the higher the peak")
    yield secondary("noise_0_falls", *without.falls(narrow, peak), _PLATEAU)
    yield secondary("noise_0_no_peak", *without.has_no_peak(RELEVANT_FACTOR_OF_ERRORS), _PLATEAU)
    test = "intervals of level {level} of both thresholds, the wide way round, above 1"
    text = "With 20 % label noise it takes wider networks to fit the training set than without"
    judge = within((1.0 + 1e-9, math.inf), _moved_threshold, of="noise_20", test=test, unit="times the width")
    yield primary("noise_moves_the_threshold", text, judge, _HARDER)
    yield from _squared_claims(at.squared)


def _moved_threshold(surfaces: Surfaces, level: float) -> tuple[float, float, float]:
    """With noise over without; each lies somewhere between two widths: both intervals enter, the wide way round."""
    both = [surfaces[name] for name in ("noise_20", "noise_0")]
    if not all(np.isfinite(along_size(surface, "train_loss")).all() for surface in both):
        return math.nan, math.nan, math.nan
    noisy, clean = (threshold_along_size(surface, estimator="median", level=level) for surface in both)
    (low, high), (first, last) = noisy.interval, clean.interval
    is_found = math.isfinite(noisy.value) and math.isfinite(clean.value)
    return noisy.value / clean.value if is_found else math.nan, low / last, high / first


def _squared_claims(at: Networks) -> Iterator[Claim]:
    ours, start = "not in the paper, which has cross-entropy alone", "With the squared loss, the"
    loss = OverWidth(f"{start} test loss", over_sizes("squared", "test_loss"), at)
    error = OverWidth(f"{start} zero-one error", over_sizes("squared", "test_error"), at)
    yield secondary("squared_rises", *loss.rises(), ours)
    yield secondary("squared_second_descent", *loss.ends("below"), ours)
    text = f"{start} test loss peaks at 0.7 to 2 times n K parameters"
    judge = _in_parameters("test_loss").peaks_at(CLASSES * at.samples, (0.7, 2.0), scale_word="n K")
    yield secondary("squared_peak_at_threshold", text, judge, "parameters = n K (Belkin et al. 2019)")
    yield secondary("squared_error_rises", *error.rises())
    yield secondary("squared_error_falls", *error.falls(at.peak, at.widths[-1]))


def _in_parameters(metric: str) -> Course:
    return over_sizes("squared", metric, estimator="median", in_parameters=True)


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    networks, noise = results.at.noise, {f"{100 * rate:.0f} % noise": results[name] for name, rate in NOISE.items()}
    none, some, most = (networks.medians(surface, "test_error") for surface in noise.values())
    yield Picture(
        "label_noise",
        "Does label noise make the peak?",
        curve_of(in_order(noise, "test_error"), title="Test error by label noise", y_label="test error (clean labels)"),
        f"The median test error {networks.words} is {most} with 20 % of the training labels flipped, {some} with 10 %, "
        f"and {none} with none.",
        ("noise_20_rises", "noise_20_second_descent", "noise_raises_the_peak", "noise_0_falls", "noise_0_no_peak"),
    )
    error = curve_of(in_order(noise, "train_error"), title="Train error", y_label="train error")
    loss = curve_of(in_order(noise, "test_loss"), title="Test loss", y_label="test loss (nats)", y_log=True)
    fitted = listed(f"{_threshold_words(surface)} ({name})" for name, surface in noise.items())
    yield Picture(
        "fit",
        "When is the training set fitted, and what does the loss say?",
        StackedDisplay(title="Train error and test loss by label noise", panels=(error, loss)),
        f"The training set is first fitted, to within 2 % of the best constant's loss, at {fitted} {UNITS}; the test "
        "loss, unlike the error, counts how sure a wrong answer is.",
        ("noise_moves_the_threshold",),
    )
    yield _squared_picture(results)


def _threshold_words(surface: xr.Dataset) -> str:
    width = threshold_along_size(surface, estimator="median").value
    return f"{width:,.0f}" if math.isfinite(width) else "none of the widths"


def _squared_picture(results: Results[Scale]) -> Picture:
    networks = results.at.squared
    losses, errors = (networks.medians(results["squared"], metric) for metric in ("test_loss", "test_error"))
    claims = ("rises", "second_descent", "peak_at_threshold", "error_rises", "error_falls")
    return Picture(
        "squared",
        "Is the peak where parameters = samples x classes?",
        StackedDisplay(
            title="Squared loss: loss and zero-one error over the number of parameters",
            panels=(_squared_curve(results, "loss"), _squared_curve(results, "error")),
        ),
        f"With the squared loss and 10 % of the labels flipped the median test loss is {losses} {networks.words}, and "
        f"the share of wrong test labels {errors}.",
        [f"squared_{claim}" for claim in claims],
    )


def _squared_curve(results: Results[Scale], kind: str) -> CurveDisplay:
    return curve_of(
        test_and_train(over_parameters(results["squared"]), kind),
        title=f"Test and train {kind}",
        x_label="number of parameters",
        landmarks=_in_parameters(f"test_{kind}").landmarks_at(results.surfaces),
        threshold=exactly(CLASSES * results.at.squared.samples, "parameters = n K:"),
    )


def _headline(results: Results[Scale]) -> str:
    if not results.holds("noise_20_rises"):
        if results.holds("squared_peak_at_threshold", "squared_second_descent"):
            return "The squared loss peaks over width and falls below; that the error peaks too was not confirmed."
        return "No peak of the test error over width was confirmed in this measurement."
    if not results.holds("noise_20_second_descent"):
        return (
            "With label noise the test error rises with width; that it falls below its first minimum was not confirmed."
        )
    if results.holds("noise_raises_the_peak", "noise_0_no_peak"):
        return "Label noise makes the peak; the widest network beats the best one before it."
    return "The test error peaks over width; that label noise makes the peak was not confirmed."


def _lede(results: Results[Scale]) -> str:
    networks = results.at.noise
    noisy, clean = (networks.medians(results[name], "test_error") for name in ("noise_20", "noise_0"))
    return (
        f"Two hidden layers, cross-entropy, n = {networks.samples:,}, {networks.replicates} replicates. Median test "
        f"error {networks.words}: {noisy} with 20 % label noise, {clean} without."
        f"{diverged_words(results.surfaces.values())}"
    )


FIGURE = Figure(
    name="nakkiran2020_modelwise",
    title="Model-wise double descent: label noise and the peak",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figure 4",
    revision=2,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
