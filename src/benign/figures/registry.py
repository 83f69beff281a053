"""The figures by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from benign.foundation.arguments import checked_name

if TYPE_CHECKING:
    from benign.experiments.declaration import Experiment
    from benign.figures.figure import Figure
    from benign.figures.measurement import Edition

# The module of each figure, by its name, in the order of `benign figures`.
MODULES = {
    name: f"{__package__}.{name}"
    for name in (
        "mml_polynomial",
        "belkin2019_fourier",
        "belkin2019_network",
        "greydanus2024_mnist1d",
        "nakkiran2020_modelwise",
        "nakkiran2020_size_and_time",
        "nakkiran2020_epochwise",
        "nakkiran2020_samplewise",
        "nakkiran2020_complexity",
        "nakkiran2020_resnet18",
        "belkin2019_trees",
        "published_models",
        "barrett2021_trajectories",
        "barrett2021_predictions",
        "barrett2021_explicit",
        "jiang2020_norms",
        "similar_solutions",
    )
}
NAMES = MODULES.keys()

# The story that `benign demo` tells: linear models alone, which need no extra and a minute.
DEMO = ("mml_polynomial", "belkin2019_fourier")


def find_figure(name: str) -> Figure[Any]:
    """The figure of this name.

    Raises:
        UnknownName: if there is none, with the nearest.
    """
    from benign.figures.figure import Figure

    checked_name("figure", name, NAMES, argument="name")
    figure = importlib.import_module(MODULES[name]).FIGURE
    assert isinstance(figure, Figure)
    return figure


def runs_of(edition: Edition) -> list[Experiment]:
    """The experiments of a figure at a scale and root seed, each named as its run.

    Raises:
        UnknownName: if there is no such figure or scale, or no longer.
    """
    return find_figure(edition.figure).runs(checked_scale(edition.scale), edition.seed)


def checked_scale(scale: str) -> str:
    """The scale, if it is one.

    Raises:
        UnknownName: otherwise, with the nearest.
    """
    from benign.figures.figure import SCALES

    return checked_name("scale", scale, SCALES)
