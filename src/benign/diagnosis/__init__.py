"""The user's own model: where it stands, what would help, and what it can fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.curves.fitting_threshold import FittingThreshold as FittingThreshold
    from benign.diagnosis.answers import Diagnosis as Diagnosis
    from benign.diagnosis.codes import CODES as CODES
    from benign.diagnosis.complexity import EffectiveModelComplexity as EffectiveModelComplexity
    from benign.diagnosis.complexity import Evidence as Evidence
    from benign.diagnosis.complexity import effective_model_complexity as effective_model_complexity
    from benign.diagnosis.diagnosing import DiagnosisInterrupted as DiagnosisInterrupted
    from benign.diagnosis.diagnosing import diagnose as diagnose
    from benign.diagnosis.fitting_thresholds import threshold_size as threshold_size
    from benign.diagnosis.fitting_thresholds import threshold_time as threshold_time
    from benign.diagnosis.peak_location import PeakLocation as PeakLocation
    from benign.diagnosis.peak_location import locate_peak as locate_peak
    from benign.diagnosis.schema import json_schema as json_schema

# What is read from a surface stands with it now; the old names go with 0.3.
_REGIMES = ("Basis", "CriticalRange", "RegimeMap", "critical_range", "regimes_of_surface")
_COMPLEXITY = ("ComplexitySurface", "emc_on_surface", "shortest_time", "smallest_size")
_MOVED = {
    **dict.fromkeys(_REGIMES, "benign.surface.regimes"),
    **dict.fromkeys(_COMPLEXITY, "benign.surface.complexity"),
}

__all__ = list(load_on_first_use(globals(), moved=_MOVED))
