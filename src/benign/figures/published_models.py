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

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, interval_claim, paired_claim
from benign.curves.claims import below_margin_claim
from benign.curves.findings import LEVEL
from benign.curves.fitting_threshold import FittingThreshold
from benign.curves.threshold_reading import read_threshold
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import level
from benign.foundation.conventions import TOLERANCE
from benign.foundation.errors import invalid
from benign.foundation.number_words import format_number as number
from benign.foundation.numbers import checked_number
from benign.networks.training import Training
from benign.plots import (
    CurveDisplay,
    Mark,
    Point,
    Role,
    ScatterDisplay,
    StackedDisplay,
    series_from_replicates,
    spread_sentence,
)
from benign.plots.scatter import RatioLine
from benign.procedures import MLP
from benign.sources import digits
from benign.surface.sections import parameters_of, samples_of, seed_of, share_along_size


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """One row of the table.

    ``sibling_of`` names the famous model of whose paper and training data it is; empty for the famous ones. NaN for a
    test error that the paper does not state.
    """

    name: str
    year: int
    field: str
    loss: str
    sibling_of: str
    parameters: float
    samples: float
    outputs: float
    counted: str
    test_error: float
    test_metric: str
    test_set: str
    source: str

    @property
    def ratio(self) -> float:
        """Parameters for each number to fit."""
        return self.parameters / (self.samples * self.outputs)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures of our own networks; committed before its first run."""

    samples: int
    epochs: int
    widths: tuple[int, ...]
    replicates: int


SETTINGS = {
    "smoke": Settings(samples=40, epochs=20, widths=(2, 4, 6, 8), replicates=6),
    "quick": Settings(
        samples=300, epochs=500, widths=(2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64, 96), replicates=6
    ),
    "standard": Settings(
        samples=600, epochs=500, widths=(4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192),
        replicates=10,
    ),
    "paper": Settings(
        samples=1000, epochs=1000, widths=(8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 112, 128, 144, 160, 192, 256),
        replicates=20,
    ),
}  # fmt: skip
OUTPUTS = 10
_WITHIN = 2.0
LOSSES: dict[str, Literal["squared", "cross-entropy"]] = {"squared": "squared", "cross_entropy": "cross-entropy"}
WORDS = {"squared": "the squared loss", "cross_entropy": "cross-entropy"}


# By cross-entropy our networks fit from this share of samples × outputs on: the finding `cross_entropy_threshold`.
CROSS_ENTROPY_FITS = 0.203


@cache
def all_models() -> tuple[PublishedModel, ...]:
    """The table, in its order."""
    text = files("benign.figures").joinpath("published_models.csv").read_text(encoding="utf-8")
    return tuple(
        PublishedModel(
            name=row["name"], year=int(row["year"]), field=row["field"], loss=row["loss"], sibling_of=row["sibling_of"],
            parameters=float(row["parameters"]), samples=float(row["samples"]), outputs=float(row["outputs"]),
            counted=row["counted"], test_error=float(row["test_error"] or "nan"), test_metric=row["test_metric"],
            test_set=row["test_set"], source=row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )  # fmt: skip


def published_models() -> tuple[PublishedModel, ...]:
    """The famous models, without their siblings."""
    return tuple(model for model in all_models() if not model.sibling_of)


def against_threshold(own: Mapping[str, tuple[float, float, float]] | None = None) -> ScatterDisplay:
    """Published models, and your own, against the counts at which networks fit their training sets.

    By the squared loss that is about parameters = samples × outputs, the diagonal. By cross-entropy, as the published
    models were trained, it is fewer: the second line is where networks of one hidden layer fitted 300 digits.

    Args:
        own: name -> (parameters, samples, outputs).

    Raises:
        InvalidArgument: for a number that is not positive.

    >>> against_threshold({"mine": (1e6, 5e4, 10)}).points[-1].label
    'mine'
    """
    return _against(own or {}, CROSS_ENTROPY_FITS)


def _against(own: Mapping[str, tuple[float, float, float]], cross_entropy: float | None) -> ScatterDisplay:
    """The picture, with the line measured by cross-entropy where there is one."""
    points = [
        Point(
            label=f"{model.name}, {model.year}", x=model.samples * model.outputs, y=model.parameters,
            group=f"{model.field}, by {model.loss}",
        )
        for model in published_models()
    ]  # fmt: skip
    for name, numbers in own.items():
        parameters, samples, outputs = _checked(name, numbers)
        points.append(Point(label=name, x=samples * outputs, y=parameters, group="own"))
    words = "" if cross_entropy is None else f"cross-entropy, on our digits: {number(cross_entropy, digits=2)} of it"
    return ScatterDisplay(
        title="Where models stand against the interpolation threshold",
        points=tuple(points),
        x_label="numbers to fit: samples × outputs",
        y_label="number of parameters",
        diagonal_label="squared loss: samples × outputs",
        above_label="more parameters than numbers to fit",
        below_label="fewer parameters than numbers to fit",
        lines=() if cross_entropy is None else (RatioLine(ratio=cross_entropy, label=words),),
        caption="Numbers as the models' papers state them; language models count tokens × vocabulary. The dashed line "
        "is where networks of one hidden layer fit digits: no law for other data.",
    )


def _checked(name: str, numbers: tuple[float, float, float]) -> tuple[float, float, float]:
    if not isinstance(numbers, (tuple, list)) or len(numbers) != 3:
        raise invalid("own", f"must map a name to (parameters, samples, outputs), got {numbers!r} for {name!r}.")
    parameters, samples, outputs = (checked_number("own", number) for number in numbers)
    if min(parameters, samples, outputs) <= 0.0:
        raise invalid("own", f"must hold positive numbers, got {numbers!r} for {name!r}.")
    return parameters, samples, outputs


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """The surfaces ``squared`` and ``cross_entropy``: one hidden layer on the same digits over width."""
    at = SETTINGS[scale]
    for name, loss in LOSSES.items():
        training = Training(
            loss=loss, learning_rate=3e-3, schedule="cosine", batch_size=min(25, at.samples), epochs=at.epochs
        )
        yield name, Measurement(
            procedure=MLP(depth=1, training=training), source=digits(label_noise=0.1), part=loss,
            samples=[at.samples], sizes=at.widths, replicates=at.replicates,
        )  # fmt: skip


# Findings ------------------------------------------------------------------------------------------------------------

_COUNT = "parameters = samples × outputs (Belkin et al. 2019, section on neural networks)"
_UNIT = "parameters / (samples × outputs)"


def _ratios(surface: xr.Dataset) -> Float[np.ndarray, " sizes"]:
    """Parameters for each number to fit, by width."""
    return parameters_of(surface) / (samples_of(surface) * OUTPUTS)


def _threshold(surface: xr.Dataset, *, level: float) -> FittingThreshold:
    """The threshold in parameters for each number to fit; infinite where no width fits."""
    share = share_along_size(surface).T
    return read_threshold(_ratios(surface), share, estimator="median", level=level, seed=seed_of(surface))


def _own_thresholds(surface: xr.Dataset) -> Float[np.ndarray, " replicates"]:
    """The threshold on each training set; NaN where no width fits it."""
    found = [read_threshold(_ratios(surface), row[:, None], estimator="median") for row in share_along_size(surface)]
    return np.array([one.value if one.value < np.inf else np.nan for one in found])


def _threshold_claim(surfaces: Surfaces, loss: str, *, name: str, claim: str, allowed: tuple[float, float]) -> Finding:
    level, surface = FIGURE.level_of(name), surfaces[loss]
    found = _threshold(surface, level=level)
    nowhere = (float("nan"), float("nan"))
    return interval_claim(
        name=name, claim=claim, estimate=found.value if found.value < np.inf else float("nan"),
        interval=found.interval if found.value < np.inf else nowhere, allowed=allowed,
        unit=_UNIT, is_place=True, replicates=surface.sizes["replicate"], paper=_COUNT, level=level,
        test="first width whose median training loss is 2 % of the best constant's; bootstrap interval of level "
        f"{level:.3g} inside {allowed[0]:g} to {allowed[1]:g}",
    )  # fmt: skip


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    squared, cross_entropy = (surfaces[name] for name in LOSSES)
    share = share_along_size(squared)
    return (
        _threshold_claim(
            surfaces, "squared", name="rule_of_thumb", allowed=(1.0 / _WITHIN, _WITHIN),
            claim="By the squared loss, a network fits its digits from about as many parameters as numbers to fit",
        ),
        _threshold_claim(
            surfaces, "cross_entropy", name="cross_entropy_threshold", allowed=(0.0, 1.0 / _WITHIN),
            claim="By cross-entropy, a network fits its digits from fewer than half as many parameters as numbers",
        ),
        paired_claim(
            name="cross_entropy_needs_fewer", statistic="median", margin=1.0,
            claim="By the squared loss, fitting the same digits takes more parameters than by cross-entropy",
            differences=_own_thresholds(squared) / _own_thresholds(cross_entropy), unit="times the parameters",
            paper="not in the paper, which has the squared loss alone",
        ),
        paired_claim(
            name="too_few_cannot_fit",
            claim="By the squared loss, the narrowest network leaves more than 2 % of the best constant's loss",
            differences=share[:, 0], margin=TOLERANCE, unit="share of the best constant's loss", paper=_COUNT,
        ),
        below_margin_claim(
            name="enough_can_fit",
            claim="By the squared loss, the widest network leaves less than 2 % of the best constant's loss",
            differences=share[:, -1], margin=TOLERANCE, unit="share of the best constant's loss", paper=_COUNT,
        ),
    )  # fmt: skip


# Pictures ------------------------------------------------------------------------------------------------------------


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (_models_picture(surfaces), _fit_picture(surfaces), _error_picture())


def _places(surfaces: Surfaces) -> dict[str, float | None]:
    """Each loss's threshold in parameters for each number to fit; None where no width fits."""
    found = {name: _threshold(surface, level=LEVEL).value for name, surface in surfaces.items()}
    return {name: place if place < np.inf else None for name, place in found.items()}


def _models_picture(surfaces: Surfaces) -> Picture:
    places, n = _places(surfaces), samples_of(surfaces["squared"])
    own = {
        f"ours, {LOSSES[name]}": (place * n * OUTPUTS, float(n), float(OUTPUTS))
        for name, place in places.items()
        if place is not None
    }
    models = published_models()
    above = [model for model in models if model.ratio > 1.0]
    sentence = (
        f"{len(above)} of {len(models)} models stand above the count for the squared loss, all on CIFAR-10 "
        f"({', '.join(model.name.removesuffix(' (CIFAR-10)') for model in above)}). But all {len(models)} were trained "
        "by cross-entropy"
    )
    lower = places["cross_entropy"]
    if lower is None:
        sentence += "."
    else:
        beyond = sum(model.ratio > lower for model in models)
        sentence += f", by which ours fit digits at {number(lower, digits=2)} of it: {beyond} stand above that line."
    return Picture(
        name="models", heading="Are the models that people use over-parameterised?", display=_against(own, lower),
        sentence=sentence, claims=("rule_of_thumb", "cross_entropy_threshold"),
    )  # fmt: skip


def _fit_picture(surfaces: Surfaces) -> Picture:
    lines = [
        series_from_replicates(
            WORDS[name].removeprefix("the "), _ratios(surface), 100.0 * share_along_size(surface), role
        )
        for (name, surface), role in zip(surfaces.items(), (Role.TEST, Role.TRAIN), strict=True)
    ]
    ends = _ratios(surfaces["squared"])[[0, -1]]
    fitted = level("fitted: 2 %", ends, 100.0 * TOLERANCE)
    display = CurveDisplay(
        title="From how many parameters each loss fits the same digits", series=(*lines, fitted),
        x_label="parameters / (samples × outputs)", y_label="training loss, % of the best constant's",
        y_limits=(5e-4, 150.0), position_name="widths",
        caption=spread_sentence(surfaces["squared"].sizes["replicate"]),
    )  # fmt: skip
    return Picture(
        name="both_losses", heading="From how many parameters do our own networks fit?", display=display,
        sentence=f"One hidden layer fits the same {samples_of(surfaces['squared'])} digits, 10 % of them mislabelled, "
        f"{_own_words(surfaces)}, in parameters / (samples × outputs).",
        claims=("cross_entropy_needs_fewer", "too_few_cannot_fit", "enough_can_fit"),
    )  # fmt: skip


def _own_words(surfaces: Surfaces) -> str:
    """From where on each loss fits: "from 1 on by the squared loss and from 0.2 on by cross-entropy"."""
    found = [
        f"{'at no width' if place is None else f'from {number(place, digits=2)} on'} by {WORDS[name]}"
        for name, place in _places(surfaces).items()
    ]
    return " and ".join(found)


def _error_picture() -> Picture:
    tested = [model for model in all_models() if not np.isnan(model.test_error)]
    panels = [
        _error_panel([model for model in tested if model.test_set == name])
        for name in dict.fromkeys(model.test_set for model in tested)
    ]
    error = {model.name: number(model.test_error) for model in tested}
    return Picture(
        name="test_errors", heading="Did larger models get better?",
        display=StackedDisplay(
            title="Published test errors by number of parameters", panels=tuple(panels),
            caption="Rings off the lines: other papers, whose data, augmentation and training changed too. Perplexity: "
            "of the last word on LAMBADA, of masked words on text held out from BERT's training.",
        ),
        sentence=f"Within one paper, mostly: EfficientNet-B0 to B7 {error['EfficientNet-B0']} to "
        f"{error['EfficientNet-B7']} % on ImageNet, GPT-3's perplexity {error['GPT-3 125M']} to {error['GPT-3']}; but "
        f"ResNet-1202 errs more ({error['ResNet-1202 (CIFAR-10)']} %) than ResNet-110 "
        f"({error['ResNet-110 (CIFAR-10)']} %). From paper to paper more than size changed: AlexNet, nearly as large "
        f"as EfficientNet-B7, has {error['AlexNet']} %.",
    )  # fmt: skip


def _error_panel(models: list[PublishedModel]) -> CurveDisplay:
    """One test set: the siblings of one paper as a line, whose ends and the famous models stand by name.

    The line's name is so long that it stands above the panels, once for all of them.
    """
    famous = next(model.sibling_of for model in models if model.sibling_of)
    line = sorted((m for m in models if famous in (m.name, m.sibling_of)), key=lambda model: model.parameters)
    return CurveDisplay(
        title="", x_label="number of parameters", y_label=f"{models[0].test_set}: {models[0].test_metric}", y_log=False,
        y_limits=(0.0, 1.15 * max(model.test_error for model in models)),
        series=(
            series_from_replicates(
                "one paper, on the same training data", np.array([model.parameters for model in line]),
                np.array([[model.test_error for model in line]]), Role.TEST,
            ),
        ),
        marks=tuple(
            Mark(position=model.parameters, value=model.test_error, label=model.name.removesuffix(" (CIFAR-10)"))
            for model in models
            if not model.sibling_of or model in (line[0], line[-1])
        ),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    models, place = published_models(), _places(judged.surfaces)["cross_entropy"]
    above = sum(model.ratio > 1.0 for model in models)
    ours = "fit at no width measured" if place is None else f"fit at {number(place, digits=2)} of it"
    return (
        f"{above} of {len(models)} famous models exceed samples × outputs; trained by cross-entropy like them, "
        f"ours {ours}."
    )


def _lede(surfaces: Surfaces) -> str:
    ratios = {model.name: model.ratio for model in published_models()}
    return (
        f"Parameters for each number to fit: AlexNet {ratios['AlexNet']:.2g}, WRN-28-10 on CIFAR-10 "
        f"{ratios['WRN-28-10 (CIFAR-10)']:.0f}, GPT-3 {ratios['GPT-3']:.1g}. Ours fit "
        f"{samples_of(surfaces['squared'])} digits {_own_words(surfaces)}."
    )


FIGURE = Figure(
    name="published_models",
    title="Famous models against the interpolation threshold",
    paper="Belkin, Hsu, Ma, Mandal 2019, and the papers of the models",
    number="rule of thumb",
    revision=2,
    primary_claims=("rule_of_thumb", "cross_entropy_threshold", "cross_entropy_needs_fewer"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
