"""Famous models against two thresholds: verdicts follow from planted ones, pictures show what the papers state."""

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import benign
from benign.curves import Verdict
from benign.figures import Picture, Results
from benign.figures import published_models as module
from benign.figures.published_models import FIGURE, Scale
from benign.figures.table_of_models import CROSS_ENTROPY_FITS, all_models, published_models
from benign.foundation.errors import InvalidArgument
from benign.plots import CurveDisplay, ScatterDisplay, StackedDisplay
from tests.figures.test_network_figures_a import planted

COMMITTED = Path(__file__).parents[2] / "figures" / "published_models"
HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
PRIMARY = ("rule_of_thumb", "cross_entropy_threshold", "cross_entropy_needs_fewer")
WIDTHS = module.SCALES["quick"].widths


def surface(threshold: float, *, noise: float = 0.01) -> xr.Dataset:
    """Networks that fit from this share of samples × outputs on: the training loss falls steeply through 2 % there."""

    def train(width: float, _: float) -> float:
        return float(0.9 * 0.02 * (threshold * 3000.0 / (75 * width + 10)) ** 8)

    curves = {"train_loss": train, "test_loss": train}
    return planted(WIDTHS, curves, samples=300, replicates=6, noise=noise, parameters=lambda width: 75 * width + 10)


@cache
def surfaces(squared: float, cross_entropy: float) -> dict[str, xr.Dataset]:
    return {"squared": surface(squared), "cross_entropy": surface(cross_entropy)}


@cache
def results(squared: float, cross_entropy: float) -> Results[Scale]:
    return FIGURE.results("quick", surfaces(squared, cross_entropy))


@cache
def pictures(squared: float, cross_entropy: float) -> list[Picture]:
    return list(FIGURE.pictures(results(squared, cross_entropy)))


@pytest.mark.parametrize(
    ("squared", "cross_entropy", "expected"),
    [
        (0.95, 0.19, [HOLDS, HOLDS, HOLDS]),
        (0.95, 0.95, [HOLDS, FAILS, UNDECIDED]),
        (0.19, 0.95, [FAILS, FAILS, FAILS]),
        (0.95, 0.48, [HOLDS, UNDECIDED, HOLDS]),
        (99.0, 0.19, [UNDECIDED, HOLDS, UNDECIDED]),
    ],
    ids=["as published", "same place", "exchanged", "at the edge", "never fitted"],
)
def test_the_verdicts_follow_from_where_each_loss_fits(
    squared: float, cross_entropy: float, expected: list[Verdict]
) -> None:
    found = results(squared, cross_entropy)
    assert [found.verdict(name) for name in PRIMARY] == expected


def test_thresholds_are_counted_in_parameters_for_each_number_to_fit() -> None:
    first, second, paired = (results(0.95, 0.19).findings[name] for name in PRIMARY)
    assert first.effect == pytest.approx((75 * 40 + 10) / 3000)
    assert second.effect == pytest.approx((75 * 8 + 10) / 3000)
    assert paired.effect == pytest.approx((75 * 40 + 10) / (75 * 8 + 10))


def test_the_line_that_everybody_sees_is_the_committed_finding() -> None:
    stored = json.loads((COMMITTED / "findings.json").read_text(encoding="utf-8"))
    effect = next(one["effect"] for one in stored["findings"] if one["name"] == "cross_entropy_threshold")
    assert pytest.approx(effect, abs=5e-4) == CROSS_ENTROPY_FITS
    assert [line.ratio for line in benign.against_threshold().lines] == [CROSS_ENTROPY_FITS]


def test_every_famous_model_has_its_loss_and_its_test_error_with_a_source() -> None:
    names = {model.name for model in published_models()}
    assert len(names) == 11
    assert {model.loss for model in all_models()} == {"cross-entropy"}
    assert [model.name for model in all_models() if math.isnan(model.test_error)] == ["T5-11B"]
    for model in all_models():
        assert model.sibling_of in {"", *names}
        assert model.source
        assert bool(model.test_set) == bool(model.test_metric) == (not math.isnan(model.test_error))


@pytest.mark.parametrize("places", [(0.95, 0.19), (99.0, 99.0)], ids=["fitted", "never fitted"])
def test_the_story_gives_numbers_and_never_says_that_the_rule_holds(places: tuple[float, float]) -> None:
    found, drawn = results(*places), pictures(*places)
    told = [FIGURE.headline(found), FIGURE.lede(found), *(picture.sentence for picture in drawn)]
    for text in told:
        assert text.endswith(".")
        assert not {"rule", "holds", "nan", "None"} & set(text.replace(",", " ").replace(".", " ").split())
    assert told[0].startswith("3 of 11 famous models")
    assert "cross-entropy" in told[0]
    assert len(told[0].split()) <= 20
    assert {claim for picture in drawn for claim in picture.claims} == set(found.findings)


def test_both_lines_are_where_they_were_measured() -> None:
    models, losses, _ = (picture.display for picture in pictures(0.95, 0.19))
    assert isinstance(models, ScatterDisplay)
    assert [line.ratio for line in models.lines] == [pytest.approx((75 * 8 + 10) / 3000)]
    own = {point.label: point.y / point.x for point in models.points if point.group == "own"}
    assert own == {"ours, squared": pytest.approx(3010 / 3000), "ours, cross-entropy": pytest.approx(610 / 3000)}
    assert isinstance(losses, CurveDisplay)
    assert [line.name for line in losses.series] == ["squared loss", "cross-entropy", "fitted: 2 %"]


def test_a_line_joins_models_of_one_paper_alone() -> None:
    display = pictures(0.95, 0.19)[-1].display
    assert isinstance(display, StackedDisplay)
    drawn = {panel.y_label.split(":")[0]: panel for panel in display.panels}
    assert list(drawn) == ["ImageNet", "CIFAR-10", "held-out text", "LAMBADA"]
    assert drawn["CIFAR-10"].series[0].median.tolist() == [8.75, 7.51, 7.17, 6.97, 6.61, 7.93]
    marked = {mark.label: mark.value for mark in drawn["ImageNet"].marks}
    assert marked == {
        "AlexNet": 40.7, "VGG-16": 25.6, "ResNet-50": 22.85, "EfficientNet-B0": 22.9, "EfficientNet-B7": 15.7,
        "ViT-H/14 (JFT)": 11.45,
    }  # fmt: skip
    assert np.all(np.diff(drawn["LAMBADA"].series[0].median) < 0)


@pytest.mark.parametrize("numbers", [(0.0, 1.0, 1.0), (1.0, math.nan, 1.0)])
def test_own_models_need_positive_numbers(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidArgument, match="`own` must"):
        benign.against_threshold({"mine": numbers})
