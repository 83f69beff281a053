"""Models from AlexNet (2012) to GPT-3 (2020), our own and yours, against the interpolation threshold.

Belkin et al. 2019 count for the squared loss: a network fits its training set from about as many parameters as there
are numbers to fit, samples × outputs. ``published_models.csv`` holds what the models' papers state, each with its
source, the loss that it was trained by and its test error. For a language model the count has a number for every token
and every entry of the vocabulary, which nobody would call samples in the sense of the theory: the picture shows where
the naive count puts it, no more. And all of these models were trained by cross-entropy, for which it is not made.

Ours: one hidden layer on digits, n = 300, 10 % of labels flipped, trained by the squared loss and by cross-entropy, all
else equal and paired in images, initial weights and mini-batches. Both thresholds are measured: the width from which on
the median training objective is at most 2 % of the best constant predictor's. Claimed before the first run with both
losses: within a factor 2 of samples × outputs for the squared loss, below half of it for cross-entropy, and below that
of the squared loss on each training set. What one hidden layer does on digits in 500 epochs is no law for other data.

Runtime on two cores: smoke 8 s, quick about a minute and a half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves.threshold_reading import read_threshold
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Judge, Surfaces, above, below_margin, primary, read_from, secondary, within
from benign.figures.figure import Figure, Picture, Results
from benign.figures.network_drawing import level
from benign.figures.table_of_models import error_picture, place_models, published_models
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, series_from_replicates, spread_sentence
from benign.procedures import MLP
from benign.sources import digits
from benign.surface.sections import over_parameters, samples_of, share_along_size, sizes_of, threshold_along_size

number = partial(format_number, digits=2)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures of our own networks; committed before its first run."""

    samples: int
    epochs: int
    widths: tuple[int, ...]
    replicates: int


SCALES = {
    "smoke": Scale(samples=40, epochs=20, widths=(2, 4, 6, 8), replicates=6),
    "quick": Scale(
        samples=300, epochs=500, widths=(2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64, 96), replicates=6
    ),
    "standard": Scale(
        samples=600, epochs=500, widths=(4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192),
        replicates=10,
    ),
    "paper": Scale(
        samples=1000, epochs=1000, widths=(8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 112, 128, 144, 160, 192, 256),
        replicates=20,
    ),
}  # fmt: skip
OUTPUTS = 10
LOSSES: dict[str, Literal["squared", "cross-entropy"]] = {"squared": "squared", "cross_entropy": "cross-entropy"}
WORDS = {"squared": "the squared loss", "cross_entropy": "cross-entropy"}


def _experiments(at: Scale) -> Iterator[Experiment]:
    """The surfaces ``squared`` and ``cross_entropy``: one hidden layer on the same digits over width."""
    grid = partial(Experiment, source=digits(label_noise=0.1), samples=[at.samples], replicates=at.replicates)
    trained = partial(Training, learning_rate=3e-3, schedule="cosine", batch_size=min(25, at.samples))
    for name, loss in LOSSES.items():
        yield grid(name=name, procedure=MLP(depth=1, training=trained(loss=loss, epochs=at.epochs)), sizes=at.widths)


def _by_ratio(surface: xr.Dataset) -> xr.Dataset:
    """The surface with its sizes counted in parameters for each number to fit."""
    return over_parameters(surface, for_each_of=samples_of(surface) * OUTPUTS)


def _fits_within(loss: str, allowed: tuple[float, float]) -> Judge:
    """That the threshold, in parameters for each number to fit, lies within ``allowed``."""

    def read(surfaces: Surfaces, level: float) -> tuple[float, float, float]:
        found = threshold_along_size(_by_ratio(surfaces[loss]), level=level)
        return (found.value, *found.interval) if found.has_place else (np.nan, np.nan, np.nan)

    test = "first width whose median training loss is 2 % of the best constant's; bootstrap interval of level {level} "
    test += f"inside {allowed[0]:g} to {allowed[1]:g}"
    return within(allowed, read, of=loss, test=test, unit="parameters / (samples × outputs)")


def _own_thresholds(surface: xr.Dataset) -> Float[np.ndarray, " replicates"]:
    """The threshold on each training set; NaN where no width fits it."""
    ratios, shares = sizes_of(_by_ratio(surface)), share_along_size(surface)
    found = [read_threshold(ratios, share[:, None], estimator="median").value for share in shares]
    return np.where(np.isfinite(found), found, np.nan)


def _claims(_: Scale) -> Iterator[Claim]:
    paper = "parameters = samples × outputs (Belkin et al. 2019, section on neural networks)"
    text = "By the squared loss, a network fits its digits from about as many parameters as numbers to fit"
    yield primary("rule_of_thumb", text, _fits_within("squared", (0.5, 2.0)), paper)
    text = "By cross-entropy, a network fits its digits from fewer than half as many parameters as numbers"
    yield primary("cross_entropy_threshold", text, _fits_within("cross_entropy", (0.0, 0.5)), paper)
    squared, cross_entropy = (read_from(name, _own_thresholds, "times the parameters") for name in LOSSES)
    more = above(squared / cross_entropy, 1.0, statistic="median")
    not_there = "not in the paper, which has the squared loss alone"
    text = "By the squared loss, fitting the same digits takes more parameters than by cross-entropy"
    yield primary("cross_entropy_needs_fewer", text, more, not_there)
    unit, start = "share of the best constant's loss", "By the squared loss, the"
    narrowest = read_from("squared", lambda surface: share_along_size(surface)[:, 0], unit)
    widest = read_from("squared", lambda surface: share_along_size(surface)[:, -1], unit)
    text = f"{start} narrowest network leaves more than 2 % of the best constant's loss"
    yield secondary("too_few_cannot_fit", text, above(narrowest, TOLERANCE), paper)
    text = f"{start} widest network leaves less than 2 % of the best constant's loss"
    yield secondary("enough_can_fit", text, below_margin(widest, TOLERANCE), paper)


def _places(results: Results[Scale]) -> dict[str, float]:
    """The threshold of each loss that has one, in parameters for each number to fit."""
    found = {name: threshold_along_size(_by_ratio(results[name])) for name in LOSSES}
    return {name: threshold.value for name, threshold in found.items() if threshold.has_place}


def _own_words(results: Results[Scale]) -> str:
    """From where on each loss fits: "from 1 on by the squared loss and from 0.2 on by cross-entropy"."""
    places = {name: f"from {number(place)} on" for name, place in _places(results).items()}
    return " and ".join(f"{places.get(name, 'at no width')} by {words}" for name, words in WORDS.items())


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    n, places, models = results.at.samples, _places(results), published_models()
    own = {f"ours, {LOSSES[name]}": (place * n * OUTPUTS, float(n), float(OUTPUTS)) for name, place in places.items()}
    above = [model.short_name for model in models if model.ratio > 1.0]
    sentence = (
        f"{len(above)} of {len(models)} models stand above the count for the squared loss, all on CIFAR-10 "
        f"({', '.join(above)}). But all were trained by cross-entropy, by which ours fit digits {_place_words(places)}."
    )
    display, claims = place_models(own, places.get("cross_entropy")), results.claims("rule_of_thumb", "*_threshold")
    yield Picture("models", "Are the models that people use over-parameterised?", display, sentence, claims)
    sentence = (
        f"One hidden layer fits the same {n} digits, 10 % of them mislabelled, {_own_words(results)}, in parameters / "
        "(samples × outputs)."
    )
    claims = results.claims("*_needs_fewer", "*_fit")
    heading = "From how many parameters do our own networks fit?"
    yield Picture("both_losses", heading, _fit_display(results), sentence, claims)
    yield error_picture()


def _place_words(places: Mapping[str, float]) -> str:
    return f"at {number(places['cross_entropy'])} of it" if "cross_entropy" in places else "at no width measured"


def _fit_display(results: Results[Scale]) -> CurveDisplay:
    ratios = sizes_of(_by_ratio(results["squared"]))
    lines = [
        series_from_replicates(words.removeprefix("the "), ratios, 100.0 * share_along_size(results[name]), role)
        for (name, words), role in zip(WORDS.items(), (Role.TEST, Role.TRAIN), strict=True)
    ]
    return CurveDisplay(
        title="From how many parameters each loss fits the same digits",
        series=(*lines, level("fitted: 2 %", ratios[[0, -1]], 100.0 * TOLERANCE)),
        x_label="parameters / (samples × outputs)",
        y_label="training loss, % of the best constant's",
        y_limits=(5e-4, 150.0),
        position_name="widths",
        caption=spread_sentence(results.at.replicates),
    )


def _headline(results: Results[Scale]) -> str:
    exceeds = [model.ratio > 1.0 for model in published_models()]
    return (
        f"{sum(exceeds)} of {len(exceeds)} famous models exceed samples × outputs; trained by cross-entropy like them, "
        f"ours fit {_place_words(_places(results))}."
    )


def _lede(results: Results[Scale]) -> str:
    ratios = {model.short_name: model.ratio for model in published_models()}
    return (
        f"Parameters for each number to fit: AlexNet {ratios['AlexNet']:.2g}, WRN-28-10 on CIFAR-10 "
        f"{ratios['WRN-28-10']:.0f}, GPT-3 {ratios['GPT-3']:.1g}. Ours fit {results.at.samples} digits "
        f"{_own_words(results)}."
    )


FIGURE = Figure(
    name="published_models",
    title="Famous models against the interpolation threshold",
    paper="Belkin, Hsu, Ma, Mandal 2019, and the papers of the models",
    number="rule of thumb",
    revision=2,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
