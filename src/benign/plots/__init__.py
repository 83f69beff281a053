"""Displays: numbers in, drawing out. Each holds its numbers, draws them with ``plot`` and gives them with ``frame``."""

from benign.plots.curve import CurveDisplay, spread_sentence
from benign.plots.fits import FitPanel, FitsDisplay
from benign.plots.output import Display, save
from benign.plots.series import Band, Mark, Series, Threshold, series_from_replicates
from benign.plots.stack import StackedDisplay
from benign.plots.style import Role

__all__ = [
    "Band",
    "CurveDisplay",
    "Display",
    "FitPanel",
    "FitsDisplay",
    "Mark",
    "Role",
    "Series",
    "StackedDisplay",
    "Threshold",
    "save",
    "series_from_replicates",
    "spread_sentence",
]
