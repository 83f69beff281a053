"""What papers state of their models, from AlexNet to GPT-3: against the interpolation threshold, and how they err.

``published_models.csv`` holds the numbers, each with its source.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from benign.figures.figure import Picture
from benign.figures.network_drawing import bare
from benign.foundation.errors import invalid
from benign.foundation.number_words import format_number
from benign.foundation.numbers import checked_positive
from benign.plots import CurveDisplay, Mark, Role, StackedDisplay
from benign.plots.scatter import Point, RatioLine, ScatterDisplay

# By cross-entropy our networks fit from this share of samples × outputs on: the finding `cross_entropy_threshold`.
CROSS_ENTROPY_FITS = 0.203


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

    @property
    def short_name(self) -> str:
        """Without the data set."""
        return self.name.removesuffix(" (CIFAR-10)")


@cache
def all_models() -> tuple[PublishedModel, ...]:
    """The table, in its order."""
    text = files("benign.figures").joinpath("published_models.csv").read_text(encoding="utf-8")
    return tuple(_model(row) for row in csv.DictReader(text.splitlines()))


def _model(row: dict[str, Any]) -> PublishedModel:
    numbers = {name: float(row[name] or "nan") for name in ("parameters", "samples", "outputs", "test_error")}
    return PublishedModel(**row | numbers | {"year": int(row["year"])})


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
    return place_models(own or {}, CROSS_ENTROPY_FITS)


def place_models(own: Mapping[str, tuple[float, float, float]], cross_entropy: float | None) -> ScatterDisplay:
    """The same, with the line measured by cross-entropy where there is one."""
    points = []
    for model in published_models():
        label, group = f"{model.name}, {model.year}", f"{model.field}, by {model.loss}"
        points.append(Point(label=label, x=model.samples * model.outputs, y=model.parameters, group=group))
    for name, numbers in own.items():
        parameters, samples, outputs = _checked(name, numbers)
        points.append(Point(label=name, x=samples * outputs, y=parameters, group="own"))
    share = 0.0 if cross_entropy is None else cross_entropy
    words = f"cross-entropy, on our digits: {format_number(share, digits=2)} of it"
    return ScatterDisplay(
        title="Where models stand against the interpolation threshold",
        points=tuple(points),
        x_label="numbers to fit: samples × outputs",
        y_label="number of parameters",
        diagonal_label="squared loss: samples × outputs",
        above_label="more parameters than numbers to fit",
        below_label="fewer parameters than numbers to fit",
        lines=(RatioLine(ratio=share, label=words),) if share else (),
        caption="Numbers as the models' papers state them; language models count tokens × vocabulary. The dashed line "
        "is where networks of one hidden layer fit digits: no law for other data.",
    )


def _checked(name: str, numbers: tuple[float, float, float]) -> list[float]:
    if not isinstance(numbers, (tuple, list)) or len(numbers) != 3:
        raise invalid("own", f"must map a name to (parameters, samples, outputs), got {numbers!r} for {name!r}.")
    return [checked_positive("own", number, kind=f"positive numbers for {name!r}") for number in numbers]


def error_picture() -> Picture:
    """The published test errors, one panel a test set."""
    tested = [model for model in all_models() if not np.isnan(model.test_error)]
    sets = dict.fromkeys(model.test_set for model in tested)
    display = StackedDisplay(
        title="Published test errors by number of parameters",
        panels=tuple(_error_panel([model for model in tested if model.test_set == name]) for name in sets),
        caption="Rings off the lines: other papers, whose data, augmentation and training changed too. Perplexity: "
        "of the last word on LAMBADA, of masked words on text held out from BERT's training.",
    )
    error = {model.short_name: format_number(model.test_error) for model in tested}
    sentence = (
        f"Within one paper, mostly: EfficientNet-B0 to B7 {error['EfficientNet-B0']} to {error['EfficientNet-B7']} % "
        f"on ImageNet, GPT-3's perplexity {error['GPT-3 125M']} to {error['GPT-3']}; but ResNet-1202 errs more "
        f"({error['ResNet-1202']} %) than ResNet-110 ({error['ResNet-110']} %)."
    )
    return Picture("test_errors", "Did larger models get better?", display, sentence)


def _error_panel(models: Sequence[PublishedModel]) -> CurveDisplay:
    """One test set: the siblings of one paper as a line, whose ends and the famous models stand by name.

    The line's name is so long that it stands above the panels, once for all of them.
    """
    famous = next(model.sibling_of for model in models if model.sibling_of)
    line = sorted((m for m in models if famous in (m.name, m.sibling_of)), key=lambda model: model.parameters)
    sizes, errors = np.array([(model.parameters, model.test_error) for model in line]).T
    named = [model for model in models if not model.sibling_of or model in (line[0], line[-1])]
    return CurveDisplay(
        title="",
        series=(bare("one paper, on the same training data", sizes, errors, Role.TEST),),
        marks=tuple(Mark(position=model.parameters, value=model.test_error, label=model.short_name) for model in named),
        x_label="number of parameters",
        y_label=f"{models[0].test_set}: {models[0].test_metric}",
        y_log=False,
        y_limits=(0.0, 1.15 * max(model.test_error for model in models)),
    )
