"""The answers to "will more data help or hurt?", from the methods that say most within the budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from benign.diagnosis.answering import answers_of, not_reached, refuse_for
from benign.diagnosis.answers import Answer, DataFinding, Metric, RegimeAnswer, Unanswered
from benign.diagnosis.calibration import ENOUGH_FOLDS, WHOLE, Prior
from benign.diagnosis.more_data.direct import direct_factors, direct_plan
from benign.diagnosis.more_data.rare_columns import doubt
from benign.diagnosis.more_data.rehearsal import FEWEST_SAMPLES, rehearsal_plan, rehearsal_scales
from benign.diagnosis.more_data.twin import can_have_twin, disagreement, twin_plan, twins_of
from benign.diagnosis.more_data.zone import prior_of
from benign.diagnosis.paired_trials import Comparison, Plan
from benign.diagnosis.portfolios import PARTS, Methods, Portfolio, Step, Tried
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.verdict import FACTORS, Verdict

_NEAR, _FAR = FACTORS[:2], FACTORS[2:]


# What says most for its cost, the dearest first: the first one that the budget holds is taken. One draw of a twin at
# the full number of samples was found to say more than any number of rehearsals: theirs is an error of scale.
_WITH_TWIN = (
    (
        Step(method="rehearsed", folds=5),
        Step(method="full twin", folds=2),
        Step(method="twin", folds=4),
        Step(method="rehearsed at half", folds=5, factors=_NEAR),
    ),
    (Step(method="rehearsed", folds=5), Step(method="full twin", folds=2)),
    (Step(method="rehearsed", folds=3), Step(method="full twin", folds=1)),
    (
        Step(method="rehearsed", folds=3),
        Step(method="full twin", folds=1, factors=_NEAR),
        Step(method="twin", folds=2, factors=_FAR),
    ),
    (
        Step(method="rehearsed", folds=1),
        Step(method="full twin", folds=1, factors=_NEAR),
        Step(method="twin", folds=1, factors=_FAR),
    ),
    (Step(method="rehearsed", folds=2), Step(method="twin", folds=2)),
    (Step(method="rehearsed", folds=1), Step(method="twin", folds=1)),
)
_WITHOUT_TWIN = (
    (Step(method="rehearsed", folds=5), Step(method="rehearsed at half", folds=5, factors=_NEAR)),
    (Step(method="rehearsed", folds=4), Step(method="rehearsed at half", folds=2, factors=_NEAR)),
)
_WITH_ROWS = (
    (Step(method="tried", folds=5),),
    (Step(method="rehearsed", folds=1), Step(method="tried", folds=2)),
    (Step(method="rehearsed", folds=1), Step(method="tried", folds=1)),
    (Step(method="rehearsed", folds=1), Step(method="tried", folds=1, factors=_NEAR)),
)
_LAST = (Step(method="rehearsed", folds=5),)  # as far as the budget goes


def more_data(
    bench: Bench, *, regime: RegimeAnswer | None, findings: Sequence[DataFinding], confidence: float
) -> dict[float, Answer]:
    """What 1.5, 2 and 4 times the samples do to the risk on new samples.

    Args:
        bench: the model, the data and the budget.
        regime: as far as it is known.
        findings: what is known of the data.
        confidence: how sure an answer must be.

    Raises:
        Unanswered: where the data allow no answer, or the budget no trial.
    """
    refuse_for("more_data", findings)
    if bench.samples < FEWEST_SAMPLES:
        raise Unanswered(
            f"{bench.samples} samples are too few to rehearse with a part of them; {FEWEST_SAMPLES} are needed."
        )
    plans = _Plans(bench)
    methods = Methods(bench=bench, plan=plans.plan, told=plans.told, variance=_unknown)
    methods.measure(Step(method="rehearsed", folds=1))  # cheap, and from then on the bench knows what time it takes
    tried = methods.spend(plans.portfolios, _LAST)
    if not tried:
        raise not_reached(bench, "more data", rehearsal_plan(bench, PARTS["rehearsed"], FACTORS)(0)[FACTORS[0]])
    known = _known(tried)
    prior = _prior(bench, tried, regime)
    if any(doubt(bench, found, "loss") for one in tried for found in one.comparisons.values()):
        prior = Prior()
    left = [one if one.method == "tried" else one.without(known) for one in tried]
    answers = answers_of(bench, "more_data", left, confidence, priors=dict.fromkeys(set(FACTORS) - known, prior))
    if rehearsal_scales(bench):
        return answers
    return {factor: _without_climb(one) for factor, one in answers.items()}


def _without_climb(found: Answer) -> Answer:
    """The answer, if it is not a learning curve of fewer samples that climbs: its peak may lie below the user's n."""
    error = None if found.error is None else _without_climb(found.error)
    if found.answer is not Verdict.HURTS or any(method in WHOLE for method in found.method.split(" + ")):
        return replace(found, error=error)
    why = "the model is no smaller there, so that this may be the way up to a peak that you are past"
    return replace(
        found,
        answer=Verdict.CANNOT_TELL,
        confidence=math.nan,
        reason=f"{found.reason.rstrip('.')}; {why}.",
        error=error,
    )


def _unknown(bench: Bench, comparisons: Sequence[Comparison], metric: Metric) -> float:
    """The variance of what the methods know that they cannot tell."""
    return disagreement(bench, comparisons, metric) + doubt(bench, comparisons, metric)


class _Plans:
    """The plans of the methods that a bench allows."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._direct = direct_factors(bench, FACTORS)

    @property
    def portfolios(self) -> tuple[Portfolio, ...]:
        """What to choose from."""
        if self._direct:
            return _WITH_ROWS
        return _WITH_TWIN if can_have_twin(self._bench) else _WITHOUT_TWIN

    @cached_property
    def _worlds(self) -> tuple[int, ...]:
        return tuple(self._bench.add_world(world) for world in twins_of(self._bench))

    def plan(self, step: Step) -> Plan:
        parts = PARTS[step.method]
        if step.method == "tried":
            return direct_plan(self._bench, tuple(k for k in step.factors if k in self._direct))
        if step.method in ("twin", "full twin"):
            return twin_plan(self._bench, self._worlds, parts, step.factors)
        return rehearsal_plan(self._bench, parts, step.factors)

    def told(self, method: str, factor: float) -> str:
        start = self._bench.samples // PARTS[method]
        return f"from {start:,} to {round(factor * start):,} samples"


def _known(tried: Sequence[Tried]) -> set[float]:
    """The factors that were tried on folds enough: then neither rehearsal nor prior counts."""
    return {
        factor
        for one in tried
        if one.method == "tried"
        for factor, found in one.comparisons.items()
        if len(found) >= ENOUGH_FOLDS
    }


def _prior(bench: Bench, tried: Sequence[Tried], regime: RegimeAnswer | None) -> Prior:
    rehearsed = [
        one for each in tried if each.method == "rehearsed" for found in each.comparisons.values() for one in found
    ]
    return prior_of(bench, rehearsed, regime)
