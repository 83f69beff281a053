"""More data, tried: where the source has the rows, the model is trained on m n of them."""

from __future__ import annotations

from dataclasses import replace

from benign.diagnosis.paired_trials import Arm, Comparison, Plan
from benign.diagnosis.trials.bench import Bench


def direct_factors(bench: Bench, factors: tuple[float, ...]) -> tuple[float, ...]:
    """How many times the user's n the source has, of those asked for."""
    most = bench.source.max_samples
    return tuple(factor for factor in factors if most is None or round(factor * bench.samples) <= most)


def direct_plan(bench: Bench, factors: tuple[float, ...]) -> Plan:
    """Of each fold, the user's training against those on more rows."""

    def comparisons(fold: int) -> dict[float, Comparison]:
        user = bench.user_trial(fold)
        return {
            factor: Comparison(
                before=(Arm(trial=user),), after=(Arm(trial=replace(user, rows=round(factor * bench.samples))),)
            )
            for factor in factors
        }

    return comparisons
