"""Other sizes of the user's model: a logarithmic grid about the present one."""

from __future__ import annotations

import math
from dataclasses import replace

from benign.diagnosis.paired_trials import Arm
from benign.diagnosis.remedies.candidate import Candidate, instead
from benign.diagnosis.trials.bench import Bench
from benign.procedures.known_estimators import SizeParameter

_WHOLE_FACTORS = (0.5, 2.0, 0.25, 4.0, 0.125, 8.0)
_REAL_FACTORS = (0.1, 10.0, 0.01, 100.0)
_REAL_VALUES = (1.0, 0.01, 100.0, 1e-4)  # ordinary strengths: the present one may be far from any
_LIMITS = (32, 8, 128, 4, 16, 64, 2, 512)  # where there is none at present, and ever more would be none again


def other_sizes(bench: Bench) -> list[Candidate]:
    """The nearest sizes first; none where the model has no size."""
    parameter, size = bench.subject.size_parameter, bench.subject.size
    if parameter is None or size is None or math.isnan(size):
        return []
    return [_candidate(bench, parameter, value) for value in sizes_about(parameter, size, bench.samples)]


def sizes_about(parameter: SizeParameter, size: float, samples: int) -> list[float]:
    """What to try in place of a size, the nearest first, within what the model takes.

    Args:
        parameter: what the size is.
        size: the present one; infinity for no limit.
        samples: n; a limit beyond it is none.
    """
    if math.isinf(size):
        wanted = [float(limit) for limit in _LIMITS if limit < samples]
    elif parameter.is_real:
        wanted = [float(f"{value:.6g}") for value in (*(factor * size for factor in _REAL_FACTORS), *_REAL_VALUES)]
    else:
        wanted = [float(round(factor * size)) for factor in _WHOLE_FACTORS]
    allowed = [min(max(value, parameter.least), parameter.largest) for value in wanted]
    return [value for value in dict.fromkeys(allowed) if value != size and math.isfinite(value)]


def _candidate(bench: Bench, parameter: SizeParameter, value: float) -> Candidate:
    size = bench.subject.size
    assert size is not None  # the caller has asked
    return Candidate(
        what=instead(parameter.name, value, size),
        arms=lambda fold: (Arm(trial=replace(bench.user_trial(fold), size=value)),),
        settings={parameter.name: value if parameter.is_real else int(value)},
        factor=value / size if size else math.nan,
    )
