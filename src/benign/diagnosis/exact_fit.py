"""Where the peak lies by what the searches for thresholds measured, and a few sizes beyond that bound it.

A threshold is the crossing of a tolerance, and its search stops there. The peak lies where the fit becomes exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np

from benign.curves.fitting_threshold import FittingThreshold
from benign.curves.peak_place import PeakPlace, peak_place, zeros
from benign.curves.threshold_search import LEAST_DRAWS
from benign.diagnosis.complexity import EffectiveModelComplexity

_DOUBLINGS = 2


def peak_size(found: FittingThreshold, objective: str) -> PeakPlace | None:
    """The sizes between which the test risk peaks, if it does.

    Read from the objective for squared loss, from the zero-one error for cross-entropy; None for the other criterion,
    and for a size that is read the wrong way round.
    """
    if found.note or (objective == "squared") != (found.criterion == "objective"):
        return None
    means = np.array([list(found.evidence.values())])
    kind: Literal["squared", "cross-entropy"] = "squared" if objective == "squared" else "cross-entropy"
    return peak_place(
        np.array(list(found.evidence)),
        means,
        error=means,
        objective=kind,
        tolerance=found.tolerance,
        unit=found.unit,
        is_fitted_below=found.is_inverse,
    )


def peak_samples(found: EffectiveModelComplexity, objective: str) -> PeakPlace | None:
    """The numbers of samples between which the test risk peaks, if it does; read from the squared loss alone."""
    if objective != "squared" or found.criterion != "objective":
        return None
    means = np.array([[one.mean for one in found.evidence]])
    samples = np.array([float(one.samples) for one in found.evidence])
    return peak_place(samples, means, tolerance=found.tolerance, unit="samples", is_fitted_below=True)


def look_beyond(
    found: FittingThreshold, objective: str, risk_at: Callable[[int], float], *, largest: float, looks: int
) -> FittingThreshold:
    """The threshold with the risks of a few larger sizes among its evidence.

    First where the risk extrapolates to zero, which pure noise reaches there, then where its root does; twice and four
    times that size only while nothing bounds the place.

    Args:
        found: the threshold.
        objective: of the procedure.
        risk_at: the mean training risk of one size over ``LEAST_DRAWS`` trainings.
        largest: no larger size is asked for.
        looks: nor more of them.
    """
    for size in _sizes_beyond(found):
        place = peak_size(found, objective)
        if place is None or not looks or size > largest:
            break
        if size in found.evidence or size >= place.interval[1]:
            continue
        evidence = {**found.evidence, float(size): risk_at(size)}
        found = replace(found, evidence=dict(sorted(evidence.items())), trainings=found.trainings + LEAST_DRAWS)
        looks -= 1
    return found


def _sizes_beyond(found: FittingThreshold) -> Iterator[int]:
    risks = np.array(list(found.evidence.values()))
    ends = zeros(np.array(list(found.evidence)), risks, found.tolerance) or (found.value, found.value)
    yield from sorted({math.ceil(end) for end in ends})
    for doubling in range(1, 1 + _DOUBLINGS):
        yield math.ceil(ends[1]) * 2**doubling
