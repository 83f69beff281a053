"""A bench for a model on rows, with nothing to spend but the caller's time."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import benign
from benign.diagnosis.trials.bench import Bench, opened
from benign.diagnosis.trials.budget import Budget, Ledger
from benign.foundation.progress import silent
from benign.procedures.known_estimators import subject_of
from benign.sources import FiniteSource


def table_of(X: ArrayLike, y: Any, **settings: Any) -> FiniteSource:
    """Floats are values, anything else classes."""
    y = np.asarray(y)
    task = "regression" if y.dtype.kind == "f" else "classification"
    return benign.sources.arrays(X, y, task=task, **settings)


def bench_of(
    model: Any,
    source: Any,
    *,
    samples: int | None = None,
    seconds: float = math.inf,
    trainings: float = math.inf,
    **settings: Any,
) -> AbstractContextManager[Bench]:
    return opened(
        subject=subject_of(model, source, **settings),
        source=source,
        samples=source.max_samples if samples is None else samples,
        seed=0,
        budget=Budget(ledger=Ledger(), seconds=seconds, trainings=trainings),
        executor="here",
        workers=None,
        progress=silent,
    )
