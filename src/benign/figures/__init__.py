"""Published figures, one module each: what is measured at each scale, what is claimed, and how it is drawn.

The public names are loaded on first use: the names of the figures are there before what measures them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.figures.claims import Surfaces as Surfaces
    from benign.figures.figure import SCALES as SCALES
    from benign.figures.figure import Figure as Figure
    from benign.figures.figure import Picture as Picture
    from benign.figures.figure import Results as Results
    from benign.figures.measurement import Edition as Edition
    from benign.figures.registry import DEMO as DEMO
    from benign.figures.registry import NAMES as NAMES
    from benign.figures.registry import checked_scale as checked_scale
    from benign.figures.registry import find_figure as find_figure
    from benign.figures.registry import runs_of as runs_of

__all__ = list(load_on_first_use(globals()))
