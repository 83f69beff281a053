"""The users of a case: independent data sets of exactly its n training rows and a quarter as many to test on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from diagnosis.case import Axis, Case, Metric
from diagnosis.design import SEEDS
from diagnosis.populations import POPULATIONS, Sample, sample

from benign.foundation.randomness import generator
from benign.sources.checks import frozen
from benign.sources.finite import FiniteData, FiniteSource, source_of


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody said of an item to one user.

    Attributes:
        who: said it: the tool with its budget, ``"benign 3x"``, or a rule of thumb.
        case: where; ``user``: to whom; ``axis``, ``factor``, ``metric``: of what.
        answer: "helps", "hurts", "makes no difference", "cannot tell".
        confidence: as stated; NaN where none was.
        change: relative, as stated; NaN where none was.
        method: how it is known.
        reason: in words.
        evidence: what was measured, as JSON.
        seconds: that all answers of this axis took together.
        trainings: that they cost.
    """

    who: str
    case: str
    user: int
    axis: Axis
    factor: float
    metric: Metric
    answer: str
    confidence: float
    change: float
    method: str = ""
    reason: str = ""
    evidence: str = "{}"
    seconds: float = 0.0
    trainings: float = 0.0


def rows_of(case: Case, user: int) -> Sample:
    """A user's rows: n, and the others as the test rows."""
    random = generator(SEEDS[case.half], "user", case.number, user)
    return sample(POPULATIONS[case.population], case.noise, case.samples, -(-case.samples // 4), random)


def source_for(case: Case, user: int) -> FiniteSource:
    """The same rows as the user gives them to the tool: it does not know which of them are the n."""
    rows, classes = rows_of(case, user), POPULATIONS[case.population].classes
    data = FiniteData(
        inputs=frozen(np.concatenate([rows.inputs, rows.test_inputs])),
        targets=frozen(np.concatenate([rows.targets, rows.test_targets])),
        classes=tuple(map(str, range(classes))) if classes else None,
    )
    return source_of(data, name=case.population, label_noise=0.0, test_samples=len(rows.test_inputs), scale="none")
