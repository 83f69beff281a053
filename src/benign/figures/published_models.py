"""Models from AlexNet (2012) to GPT-3 (2020), our own and yours, against the interpolation threshold.

Belkin et al. 2019 count for the squared loss: a network fits its training set from about as many parameters as there
are numbers to fit, samples x outputs. ``published_models.csv`` holds what the models' papers state, each with its
source, the loss that it was trained by and its test error. For a language model the count has a number for every token
and every entry of the vocabulary, which nobody would call samples in the sense of the theory: the picture shows where
the naive count puts it, no more. And all of these models were trained by cross-entropy, for which it is not made.

Ours: one hidden layer on digits, n = 300, 10 % of labels flipped, trained by the squared loss and by cross-entropy, all
else equal and paired in images, initial weights and mini-batches. Both thresholds are measured: the width from which on
the median training objective is at most 2 % of the best constant predictor's. Claimed before the first run with both
losses: within a factor 2 of samples x outputs for the squared loss, below half of it for cross-entropy, and below that
of the squared loss on each training set. What holds for one hidden layer on digits is no law for other data.

Runtime on two cores: smoke 8 s, quick about a minute and a half.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Landmark, interval_claim, paired_claim
from benign.curves.findings import LEVEL
from benign.curves.landmarks import interpolation_threshold
from benign.figures.claims import below_margin_claim
from benign.figures.figure import Figure, MeasureOptions, Picture, Surfaces
from benign.figures.network_measurement import measure_population
from benign.figures.sections import along_size, samples_of
from benign.foundation.errors import InvalidArgument
from benign.foundation.numbers import checked_number
from benign.networks.training import Training
from benign.plots import Point, ScatterDisplay
from benign.procedures import MLP
from benign.sources import digits


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """One row of the table."""

    name: str
    year: int
    field: str
    parameters: float
    samples: float
    outputs: float
    counted: str
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


def published_models() -> tuple[PublishedModel, ...]:
    """The table, in its order."""
    text = files("benign.figures").joinpath("published_models.csv").read_text(encoding="utf-8")
    return tuple(
        PublishedModel(
            name=row["name"], year=int(row["year"]), field=row["field"], parameters=float(row["parameters"]),
            samples=float(row["samples"]), outputs=float(row["outputs"]), counted=row["counted"], source=row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )  # fmt: skip


def against_threshold(own: Mapping[str, tuple[float, float, float]] | None = None) -> ScatterDisplay:
    """Published models, and your own, against the line on which parameters equal samples x outputs.

    Args:
        own: name -> (parameters, samples, outputs).

    Raises:
        InvalidArgument: for a number that is not positive.

    >>> against_threshold({"mine": (1e6, 5e4, 10)}).points[-1].label
    'mine'
    """
    points = [
        Point(
            label=f"{model.name}, {model.year}", x=model.samples * model.outputs, y=model.parameters, group=model.field
        )
        for model in published_models()
    ]
    for name, numbers in (own or {}).items():
        parameters, samples, outputs = _checked(name, numbers)
        points.append(Point(label=name, x=samples * outputs, y=parameters, group="own"))
    return ScatterDisplay(
        title="Where models stand against the interpolation threshold",
        points=tuple(points),
        x_label="numbers to fit: samples x outputs",
        y_label="number of parameters",
        diagonal_label="parameters = samples x outputs",
        above_label="more parameters than numbers to fit",
        below_label="fewer parameters than numbers to fit",
        caption="Numbers as the models' papers state them; language models count tokens x vocabulary.",
    )


def _checked(name: str, numbers: tuple[float, float, float]) -> tuple[float, float, float]:
    if not isinstance(numbers, (tuple, list)) or len(numbers) != 3:
        raise InvalidArgument(f"`own` must map a name to (parameters, samples, outputs), got {numbers!r} for {name!r}.")
    parameters, samples, outputs = (checked_number("own", number) for number in numbers)
    if min(parameters, samples, outputs) <= 0.0:
        raise InvalidArgument(f"`own` must hold positive numbers, got {numbers!r} for {name!r}.")
    return parameters, samples, outputs


def _measure(options: MeasureOptions) -> Iterator[tuple[str, xr.Dataset]]:
    """The surfaces ``squared`` and ``cross_entropy``: one hidden layer on the same digits over width."""
    settings = SETTINGS[options.scale]
    for name, loss in LOSSES.items():
        training = Training(
            loss=loss, learning_rate=3e-3, schedule="cosine", batch_size=min(25, settings.samples),
            epochs=settings.epochs,
        )  # fmt: skip
        yield name, measure_population(
            options, MLP(depth=1, training=training), digits(label_noise=0.1), samples=[settings.samples],
            sizes=settings.widths, replicates=settings.replicates, name=f"{FIGURE.name} {options.scale}, {loss}",
        )  # fmt: skip


# Findings ------------------------------------------------------------------------------------------------------------

_COUNT = "parameters = samples x outputs (Belkin et al. 2019, section on neural networks)"
_UNIT = "parameters / (samples x outputs)"


def _share(surface: xr.Dataset) -> Float[np.ndarray, "replicates sizes"]:
    """What training leaves of the best constant predictor's objective."""
    return along_size(surface, "train_loss") / surface["train_loss_constant"].isel(samples=0).values[:, None]


def _ratios(surface: xr.Dataset) -> Float[np.ndarray, " sizes"]:
    """Parameters for each number to fit, by width."""
    return np.asarray(surface["parameters"].values / (samples_of(surface) * OUTPUTS), dtype=np.float64)


def _threshold(surface: xr.Dataset, *, level: float) -> Landmark | None:
    """The threshold in parameters for each number to fit."""
    return interpolation_threshold(
        _ratios(surface), _share(surface), np.ones(surface.sizes["replicate"]), level=level,
        seed=int(surface.attrs.get("seed", 0)),
    )  # fmt: skip


def _own_thresholds(surface: xr.Dataset) -> Float[np.ndarray, " replicates"]:
    """The threshold on each training set; NaN where no width fits it."""
    found = [interpolation_threshold(_ratios(surface), row[None], np.ones(1)) for row in _share(surface)]
    return np.array([np.nan if one is None else one.position for one in found])


def _threshold_claim(surfaces: Surfaces, loss: str, *, name: str, claim: str, allowed: tuple[float, float]) -> Finding:
    level, surface = FIGURE.level_of(name), surfaces[loss]
    found = _threshold(surface, level=level)
    return interval_claim(
        name=name, claim=claim, estimate=float("nan") if found is None else found.position,
        interval=(float("nan"), float("nan")) if found is None else found.position_interval, allowed=allowed,
        unit=_UNIT, is_place=True, replicates=surface.sizes["replicate"], paper=_COUNT, level=level,
        test="first width whose median training loss is 2 % of the best constant's; bootstrap interval of level "
        f"{level:.3g} inside {allowed[0]:g} to {allowed[1]:g}",
    )  # fmt: skip


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    squared, cross_entropy = (surfaces[name] for name in LOSSES)
    share = _share(squared)
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
            differences=share[:, 0], margin=0.02, unit="share of the best constant's loss", paper=_COUNT,
        ),
        below_margin_claim(
            name="enough_can_fit",
            claim="By the squared loss, the widest network leaves less than 2 % of the best constant's loss",
            differences=share[:, -1], margin=0.02, unit="share of the best constant's loss", paper=_COUNT,
        ),
    )  # fmt: skip


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    surface = surfaces["squared"]
    n, widths = samples_of(surface), surface["size"].values
    shown = sorted({0, len(widths) // 2, len(widths) - 1})
    own = {
        f"ours, {int(widths[i])} units": (float(surface["parameters"].values[i]), float(n), float(OUTPUTS))
        for i in shown
    }
    models = published_models()
    above = sum(model.ratio > 1.0 for model in models)
    small = [model for model in models if model.ratio > 1.0]
    sentence = (
        f"Of {len(models)} published models {above} have more parameters than numbers to fit, all of them on small "
        f"data sets ({', '.join(model.name for model in small)}); by this count the large ones stand below the line."
    )
    return (
        Picture(
            name="models", heading="Are the models that people use over-parameterised?", display=against_threshold(own),
            sentence=sentence, claims=(
                "rule_of_thumb", "cross_entropy_threshold", "cross_entropy_needs_fewer", "too_few_cannot_fit",
                "enough_can_fit",
            ),
        ),
    )  # fmt: skip


def _headline(surfaces: Surfaces, findings: tuple[Finding, ...]) -> str:
    del findings
    above = sum(model.ratio > 1.0 for model in published_models())
    places = [_threshold(surface, level=LEVEL) for surface in surfaces.values()]
    ours = " and ".join("nowhere" if place is None else f"{place.position:.2g}" for place in places)
    return (
        f"{above} of {len(published_models())} famous models exceed samples x outputs; ours fit from {ours} of it "
        "(squared, cross-entropy)."
    )


def _lede(surfaces: Surfaces) -> str:
    surface = surfaces["squared"]
    ratios = {model.name: model.ratio for model in published_models()}
    n = samples_of(surface)
    ours = surface["parameters"].values / (n * OUTPUTS)
    return (
        f"Parameters for each number to fit: AlexNet {ratios['AlexNet']:.2g}, WRN-28-10 on CIFAR-10 "
        f"{ratios['WRN-28-10 (CIFAR-10)']:.0f}, GPT-3 {ratios['GPT-3']:.1g}. Our networks on {n} digits run from "
        f"{ours[0]:.2g} to {ours[-1]:.2g}."
    )


FIGURE = Figure(
    name="published_models",
    title="Famous models against the interpolation threshold",
    paper="Belkin, Hsu, Ma, Mandal 2019, and the papers of the models",
    number="rule of thumb",
    revision=2,
    primary_claims=("rule_of_thumb", "cross_entropy_threshold", "cross_entropy_needs_fewer"),
    measure=_measure,
    findings=_findings,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
