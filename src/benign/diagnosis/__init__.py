"""What a training procedure can fit, and which regime a training set is in."""

from benign.diagnosis.complexity import (
    EffectiveModelComplexity,
    Evidence,
    effective_model_complexity,
)
from benign.diagnosis.complexity_of_surface import ComplexitySurface, emc_on_surface, shortest_time, smallest_size

__all__ = [
    "ComplexitySurface",
    "EffectiveModelComplexity",
    "Evidence",
    "effective_model_complexity",
    "emc_on_surface",
    "shortest_time",
    "smallest_size",
]
