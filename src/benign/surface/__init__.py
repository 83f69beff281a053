"""A measured surface: what everybody holds, how it is sliced, and what is read from its training risk.

Only this package indexes the Dataset of a surface. The public names are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.surface.curve import Curve as Curve
    from benign.surface.surface import Surface as Surface

__all__ = list(load_on_first_use(globals()))
