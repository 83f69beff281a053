"""Models from AlexNet (2012) to GPT-3 (2020), our own and yours, against the interpolation threshold.

Rule of thumb (Belkin et al. 2019): a network can fit its training set from about as many parameters as there are
numbers to fit, samples x outputs. ``published_models.csv`` holds what the models' papers state, each with its source.
For a language model the rule counts a number for every token and every entry of the vocabulary, which nobody would call
samples in the sense of the theory: the picture shows where the naive count puts it, no more.

Ours: one hidden layer on digits, n = 300, 10 % of labels flipped, squared loss. Its threshold is measured, which says
how far the rule can be trusted where it can be tested.

Runtime on two cores: smoke 5 s, quick about half a minute.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import xarray as xr

from benign.curves import Finding, Verdict, interval_claim, paired_claim
from benign.figures.claims import below_margin_claim
from benign.figures.figure import Figure, MeasureOptions, Picture, Surfaces
from benign.figures.network_measurement import measure_population
from benign.figures.sections import along_size, landmarks_along_size, samples_of
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
    "smoke": Settings(samples=40, epochs=20, widths=(5, 6, 7, 8), replicates=6),
    "quick": Settings(samples=300, epochs=500, widths=(4, 8, 12, 16, 24, 32, 40, 48, 64, 96, 128), replicates=6),
    "standard": Settings(
        samples=600, epochs=500, widths=(8, 16, 24, 32, 48, 64, 80, 96, 128, 192, 256), replicates=10
    ),
    "paper": Settings(
        samples=1000, epochs=1000, widths=(16, 32, 48, 64, 96, 112, 128, 144, 160, 192, 256, 384), replicates=20
    ),
}  # fmt: skip
OUTPUTS = 10
_WITHIN = 2.0


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
    """The surface ``own``: one hidden layer on digits over width."""
    settings = SETTINGS[options.scale]
    training = Training(
        loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=min(25, settings.samples),
        epochs=settings.epochs,
    )  # fmt: skip
    yield "own", measure_population(
        options, MLP(depth=1, training=training), digits(label_noise=0.1), samples=[settings.samples],
        sizes=settings.widths, replicates=settings.replicates, name=f"{FIGURE.name} {options.scale}",
    )  # fmt: skip


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    surface = surfaces["own"]
    share = along_size(surface, "train_loss") / surface["train_loss_constant"].isel(samples=0).values[:, None]
    to_fit = samples_of(surface) * OUTPUTS
    parameters = np.asarray(surface["parameters"].values, dtype=np.float64)
    threshold = landmarks_along_size(surface, "test_loss").threshold
    if threshold is None:
        estimate, interval = float("nan"), (float("nan"), float("nan"))
    else:
        sizes = surface["size"].values
        estimate, low, high = (
            float(np.interp(position, sizes, parameters) / to_fit) for position in
            (threshold.position, *threshold.position_interval)
        )  # fmt: skip
        interval = (low, high)
    rule = "parameters = samples x outputs (Belkin et al. 2019, section on neural networks)"
    return (
        interval_claim(
            name="rule_of_thumb", claim="A network fits its digits from about as many parameters as numbers to fit",
            estimate=estimate, interval=interval, allowed=(1.0 / _WITHIN, _WITHIN),
            unit="parameters / (samples x outputs)", is_place=True,
            replicates=surface.sizes["replicate"], paper=rule,
            test="first width whose median training loss is 2 % of the best constant's; bootstrap interval",
        ),
        paired_claim(
            name="too_few_cannot_fit", claim="The narrowest network leaves more than 2 % of the best constant's loss",
            differences=share[:, 0], margin=0.02, unit="share of the best constant's loss", paper=rule,
        ),
        below_margin_claim(
            name="enough_can_fit", claim="The widest network leaves less than 2 % of the best constant's loss",
            differences=share[:, -1], margin=0.02, unit="share of the best constant's loss", paper=rule,
        ),
    )  # fmt: skip


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    surface = surfaces["own"]
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
            sentence=sentence, claims=("rule_of_thumb", "too_few_cannot_fit", "enough_can_fit"),
        ),
    )  # fmt: skip


def _headline(surfaces: Surfaces, findings: tuple[Finding, ...]) -> str:
    del surfaces
    above = sum(model.ratio > 1.0 for model in published_models())
    rule = next(finding for finding in findings if finding.name == "rule_of_thumb").verdict
    words = {Verdict.HOLDS: "holds", Verdict.FAILS: "fails", Verdict.UNDECIDED: "stays undecided"}[rule]
    return f"{above} of {len(published_models())} famous models have more parameters than numbers; the rule {words}."


def _lede(surfaces: Surfaces) -> str:
    surface = surfaces["own"]
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
    revision=1,
    primary_claims=("rule_of_thumb",),
    measure=_measure,
    findings=_findings,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
