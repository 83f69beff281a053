"""Trainings on the bench of a diagnosis, as the searches for thresholds take them: held-out risks come along."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import Criterion
from benign.curves.threshold_bracketing import PositionRefused, SearchLimits
from benign.diagnosis.fit_search import Cell, FitSearch, Trainings
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Trial
from benign.foundation.conventions import TOLERANCE
from benign.foundation.progress import silent

_DRAWS = 8  # at one n or size at most
_TRAININGS = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class BenchTrainings:
    """The folds of a bench as draws; see :class:`benign.diagnosis.fit_search.Trainings`.

    Attributes:
        bench: where trainings run, within its budget.
    """

    bench: Bench
    _spent: list[Trial] = field(default_factory=list)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Trainings]:
        """The bench is open."""
        yield self

    def seconds_left(self) -> float:
        """Of the bench; none once it has refused a training."""
        budget = self.bench.budget
        return 0.0 if self._spent or budget.trainings_left <= 0.0 else budget.seconds_left

    def trials(self, cell: Cell, draws: int) -> list[Trial]:
        """Those behind the draws."""
        size, times, rows = cell
        moments = None if times is None else tuple(times)
        return [
            replace(self.bench.user_trial(fold), rows=rows, size=size, times=moments, fold=fold)
            for fold in range(draws)
        ]

    def risks(
        self, what: str, cell: Cell, draws: int, *, criterion: Criterion, limits: SearchLimits, is_along_samples: bool
    ) -> Float[np.ndarray, "time R"]:
        """As :meth:`Trainings.risks`; draws that fail or that a constant fits are left out."""
        del what, limits, is_along_samples
        trials = self.trials(cell, draws)
        found = self.bench.measure(trials)
        why = [self.bench.failure_of(trial) for trial in trials]
        outcomes = zip(trials, found, why, strict=True)
        self._spent.extend(trial for trial, one, failure in outcomes if one is None and not failure)
        measured = [one for one in found if one is not None]
        if not measured and any(why):
            raise PositionRefused(next(filter(None, why)))
        risks = [one.train_error if criterion == "error" else one.relative_train_loss for one in measured]
        usable = [risk for risk in risks if np.isfinite(risk).all()]
        if measured and not usable and not self._spent:
            raise PositionRefused("No draw has a finite training risk: a constant fits each, or training diverged.")
        return np.array(usable).T if usable else np.zeros((len(cell[1] or [0]), 0))


def search_on(bench: Bench, *, tolerance: float = TOLERANCE) -> FitSearch:
    """A search whose trainings are a bench's."""
    trainings = BenchTrainings(bench=bench)
    return FitSearch(
        procedure=bench.subject.procedure,
        source=bench.source,
        tolerance=tolerance,
        criterion="objective",
        seed=bench.seed,
        limits=SearchLimits(
            smallest=1, largest=1, draws=_DRAWS, trainings=_TRAININGS, seconds_left=trainings.seconds_left
        ),
        trainings=trainings,
        progress=silent,
    )
