"""More data, rehearsed: the step from n to m n is taken on a part of the user's samples, with a model as much smaller.

Trainings on a quarter of the samples stand for the user's n, where the model's size is a quarter too if it counts what
samples do; trainings on m quarters, at the same smaller size, for m n.
"""

from __future__ import annotations

from benign.diagnosis.paired_trials import Arm, Comparison, Plan, scaled_size
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Trial

FEWEST_SAMPLES = 40
"""Below, a quarter is too few to train on."""


def rehearsal_scales(bench: Bench) -> bool:
    """Whether the model is made smaller with the samples: else a rehearsal is a learning curve of the user's model."""
    return scaled_size(bench, 0.25) != bench.subject.size


def rehearsal_plan(bench: Bench, parts: int, factors: tuple[float, ...]) -> Plan:
    """Of each fold, the comparisons at 1 / ``parts`` of the samples.

    Where the model is smaller too, and so its trainings cheap, two disjoint subsets of a fold are trained on where they
    fit.

    Args:
        bench: whose user's trial is rehearsed.
        parts: 4 for a quarter.
        factors: at most ``parts``.
    """
    rows = bench.samples // parts
    disjoint = scaled_size(bench, 1.0 / parts) != bench.subject.size

    def comparisons(fold: int) -> dict[float, Comparison]:
        return {factor: _comparison(bench, fold, rows, factor, disjoint=disjoint) for factor in factors}

    return comparisons


def _comparison(bench: Bench, fold: int, rows: int, factor: float, *, disjoint: bool) -> Comparison:
    more, apart = round(factor * rows), bench.samples // 2
    starts = (0, apart) if disjoint and rows <= apart else (0,)
    fitting = starts if more <= apart else (0,)
    return Comparison(
        before=tuple(_arm(bench, fold, rows, start, rows) for start in starts),
        after=tuple(_arm(bench, fold, more, start, rows) for start in fitting),
    )


def _arm(bench: Bench, fold: int, rows: int, start: int, stands_for_n: int) -> Arm:
    user = bench.user_trial(fold)
    size = scaled_size(bench, stands_for_n / bench.samples)
    return Arm(trial=Trial(rows=rows, fold=fold, start=start, size=size, times=user.times))
