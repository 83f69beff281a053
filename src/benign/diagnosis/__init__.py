"""What a training procedure can fit: searches that train it."""

from __future__ import annotations

import importlib
import warnings

from benign.curves.fitting_threshold import FittingThreshold
from benign.diagnosis.complexity import EffectiveModelComplexity, Evidence, effective_model_complexity
from benign.diagnosis.fitting_thresholds import threshold_size, threshold_time
from benign.diagnosis.peak_location import PeakLocation, locate_peak

__all__ = [
    "EffectiveModelComplexity",
    "Evidence",
    "FittingThreshold",
    "PeakLocation",
    "effective_model_complexity",
    "locate_peak",
    "threshold_size",
    "threshold_time",
]

# What is read from a surface stands with it now; the old names go with 0.3.
_MOVED = {
    **dict.fromkeys(("Basis", "CriticalRange", "RegimeMap", "critical_range", "regimes_of_surface"), "regimes"),
    **dict.fromkeys(("ComplexitySurface", "emc_on_surface", "shortest_time", "smallest_size"), "complexity"),
}


def __getattr__(name: str) -> object:
    if name not in _MOVED:
        raise AttributeError(f"module 'benign.diagnosis' has no attribute {name!r}")
    home = f"benign.surface.{_MOVED[name]}"
    warnings.warn(f"benign.diagnosis.{name} is now {home}.{name}.", DeprecationWarning, stacklevel=2)
    return getattr(importlib.import_module(home), name)
