"""What a training procedure can fit: searches that train it."""

from benign.diagnosis.complexity import EffectiveModelComplexity, Evidence, effective_model_complexity
from benign.diagnosis.fitting_thresholds import FittingThreshold, threshold_size, threshold_time

__all__ = [
    "EffectiveModelComplexity",
    "Evidence",
    "FittingThreshold",
    "effective_model_complexity",
    "threshold_size",
    "threshold_time",
]
