"""Published figures, one module each: what is measured at each scale, what is claimed, and how it is drawn."""

from benign.figures.figure import SCALES, Figure, Picture, Surfaces
from benign.figures.registry import DEMO, NAMES, checked_scale, find_figure

__all__ = ["DEMO", "NAMES", "SCALES", "Figure", "Picture", "Surfaces", "checked_scale", "find_figure"]
