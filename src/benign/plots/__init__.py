"""Displays: numbers in, drawing out. Each holds its numbers, draws them with ``plot`` and gives them with ``frame``."""

from benign.plots.curve import CurveDisplay, spread_sentence
from benign.plots.display import Display
from benign.plots.fits import FitPanel, FitsDisplay
from benign.plots.heat_map import HeatMapDisplay
from benign.plots.heat_map_parts import Contour, Region, Trace
from benign.plots.output import save
from benign.plots.plane import PlaneDisplay, PlanePath, PlanePoint
from benign.plots.scatter import Point, ScatterDisplay
from benign.plots.series import Band, Mark, Series, Threshold, series_from_replicates
from benign.plots.stack import StackedDisplay
from benign.plots.style import Role

__all__ = [
    "Band",
    "Contour",
    "CurveDisplay",
    "Display",
    "FitPanel",
    "FitsDisplay",
    "HeatMapDisplay",
    "Mark",
    "PlaneDisplay",
    "PlanePath",
    "PlanePoint",
    "Point",
    "Region",
    "Role",
    "ScatterDisplay",
    "Series",
    "StackedDisplay",
    "Threshold",
    "Trace",
    "save",
    "series_from_replicates",
    "spread_sentence",
]
