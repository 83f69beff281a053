"""A measured surface: what everybody holds, how it is sliced, and what is read from its training risk.

Only this package indexes the Dataset of a surface. The public names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benign.surface.curve import Curve
    from benign.surface.surface import Surface

_HOMES = {"Curve": "curve", "Surface": "surface"}

__all__ = ["Curve", "Surface"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'benign.surface' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"benign.surface.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
