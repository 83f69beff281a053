"""What a training procedure can fit, and which regime a training set is in."""

from benign.diagnosis.complexity import (
    EffectiveModelComplexity,
    Evidence,
    effective_model_complexity,
)
from benign.diagnosis.complexity_of_surface import ComplexitySurface, emc_on_surface, shortest_time, smallest_size
from benign.diagnosis.fitting_thresholds import FittingThreshold, threshold_size, threshold_time
from benign.diagnosis.regimes_of_surface import Basis, CriticalRange, RegimeMap, critical_range, regimes_of_surface

__all__ = [
    "Basis",
    "ComplexitySurface",
    "CriticalRange",
    "EffectiveModelComplexity",
    "Evidence",
    "FittingThreshold",
    "RegimeMap",
    "critical_range",
    "effective_model_complexity",
    "emc_on_surface",
    "regimes_of_surface",
    "shortest_time",
    "smallest_size",
    "threshold_size",
    "threshold_time",
]
