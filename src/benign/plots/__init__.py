"""Displays: numbers in, drawing out. Each holds its numbers, draws them with ``plot`` and gives them with ``frame``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.plots.curve import CurveDisplay as CurveDisplay
    from benign.plots.curve import StackedDisplay as StackedDisplay
    from benign.plots.curve import spread_sentence as spread_sentence
    from benign.plots.display import Display as Display
    from benign.plots.fits import FitPanel as FitPanel
    from benign.plots.fits import FitsDisplay as FitsDisplay
    from benign.plots.heat_map import HeatMapDisplay as HeatMapDisplay
    from benign.plots.heat_map_parts import Contour as Contour
    from benign.plots.heat_map_parts import Region as Region
    from benign.plots.heat_map_parts import Trace as Trace
    from benign.plots.output import save as save
    from benign.plots.plane import PlaneDisplay as PlaneDisplay
    from benign.plots.plane import PlanePath as PlanePath
    from benign.plots.plane import PlanePoint as PlanePoint
    from benign.plots.scatter import Point as Point
    from benign.plots.scatter import ScatterDisplay as ScatterDisplay
    from benign.plots.series import Band as Band
    from benign.plots.series import Mark as Mark
    from benign.plots.series import Series as Series
    from benign.plots.series import Threshold as Threshold
    from benign.plots.series import series_from_replicates as series_from_replicates
    from benign.plots.style import Role as Role

__all__ = list(load_on_first_use(globals()))
