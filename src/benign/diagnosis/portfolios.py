"""What to spend a budget on: of several portfolios of methods, the one that says most and can be paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from benign.diagnosis.answers import Metric
from benign.diagnosis.paired_trials import Comparison, Plan, run_plan
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.verdict import FACTORS

PARTS = {"tried": 1, "rehearsed at half": 2, "rehearsed": 4, "full twin": 1, "twin": 2}
"""Into how many parts the samples are cut for a method."""

Variance = Callable[[Bench, Sequence[Comparison], Metric], float]


def no_variance(bench: Bench, comparisons: Sequence[Comparison], metric: Metric) -> float:
    """Nothing beyond the standard error."""
    del bench, comparisons, metric
    return 0.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """So many folds of one method.

    Attributes:
        method: a key of :data:`PARTS`.
        folds: how many.
        factors: for which factors.
    """

    method: str
    folds: int
    factors: tuple[float, ...] = FACTORS


Portfolio = tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What one method tried.

    Attributes:
        method: a key of :data:`PARTS`.
        steps: from what to what, by factor: "from 50 to 100 samples".
        comparisons: by factor; empty where the budget did not reach it.
        variance: of what the method knows that it cannot tell.
    """

    method: str
    steps: Mapping[float, str]
    comparisons: Mapping[float, Sequence[Comparison]]
    variance: Variance = no_variance

    def joined(self, other: Tried) -> Tried:
        """With the factors of another of the same method."""
        comparisons = {**self.comparisons, **other.comparisons}
        return replace(self, steps={**self.steps, **other.steps}, comparisons=comparisons)

    def without(self, factors: set[float]) -> Tried:
        """The same without some factors."""
        return replace(self, comparisons={k: found for k, found in self.comparisons.items() if k not in factors})


@dataclass(frozen=True, kw_only=True)
class Methods:
    """How the methods are carried out for one question.

    Attributes:
        bench: with the budget.
        plan: of a step.
        told: from what to what a method takes a factor: "from 50 to 100 samples".
        variance: see :class:`Tried`.
    """

    bench: Bench
    plan: Callable[[Step], Plan]
    told: Callable[[str, float], str]
    variance: Variance = no_variance

    def spend(self, portfolios: Sequence[Portfolio], last: Portfolio) -> list[Tried]:
        """Carry out the first portfolio that the budget holds, and ``last`` as far as what is left goes.

        Returns:
            One entry for each method that measured something.
        """
        chosen = next((steps for steps in portfolios if self._affords(steps)), ())
        merged: dict[str, Tried] = {}
        for step in (*chosen, *last):
            found = self.measure(step)
            before = merged.get(step.method)
            merged[step.method] = found if before is None else before.joined(found)
        return [one for one in merged.values() if one.comparisons]

    def measure(self, step: Step) -> Tried:
        """A step, as far as the budget goes."""
        return Tried(
            method=step.method,
            steps={factor: self.told(step.method, factor) for factor in step.factors},
            comparisons=run_plan(self.bench, self.plan(step), most=step.folds),
            variance=self.variance,
        )

    def _affords(self, steps: Portfolio) -> bool:
        planned = [self.plan(step)(fold) for step in steps for fold in range(step.folds)]
        return self.bench.affords([trial for fold in planned for one in fold.values() for trial in one.trials])
