"""Published figures, one module each: what is measured at each scale, what is claimed, and how it is drawn."""

from benign.figures.claims import Surfaces
from benign.figures.figure import SCALES, Figure, Picture, Results
from benign.figures.measurement import Edition
from benign.figures.registry import DEMO, NAMES, checked_scale, find_figure, runs_of

__all__ = [
    "DEMO",
    "NAMES",
    "SCALES",
    "Edition",
    "Figure",
    "Picture",
    "Results",
    "Surfaces",
    "checked_scale",
    "find_figure",
    "runs_of",
]
