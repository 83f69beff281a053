"""The answers to "will more data help or hurt?", from the methods that say most within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benign.diagnosis.answering import FACTORS, Tried, answers_of, not_reached, refuse_for
from benign.diagnosis.answers import Answer, DataFinding, RegimeAnswer, Unanswered
from benign.diagnosis.calibration import Prior
from benign.diagnosis.more_data.direct import direct_factors, direct_plan
from benign.diagnosis.more_data.rehearsal import FEWEST_SAMPLES, rehearsal_plan
from benign.diagnosis.more_data.twin import can_have_twin, disagreement, twin_plan, twins_of
from benign.diagnosis.more_data.zone import prior_of
from benign.diagnosis.paired_trials import Plan, run_plan
from benign.diagnosis.trials.bench import Bench

_QUARTER = 4
_PARTS = {"rehearsed": _QUARTER, "rehearsed at half": 2, "twin": 2, "full twin": 1, "tried": 1}
_ENOUGH = 4  # folds of a trial at the full number of samples: then neither rehearsal nor prior counts beside it
_NEAR, _FAR = FACTORS[:2], FACTORS[2:]


@dataclass(frozen=True, kw_only=True)
class _Step:
    """So many folds of one method."""

    method: str
    folds: int
    factors: tuple[float, ...] = FACTORS


# What says most for its cost, the dearest first: the first one that the budget holds is taken. One draw of a twin at
# the full number of samples was found to say more than any number of rehearsals: theirs is an error of scale.
_WITH_TWIN = (
    (
        _Step(method="rehearsed", folds=5),
        _Step(method="full twin", folds=2),
        _Step(method="twin", folds=4),
        _Step(method="rehearsed at half", folds=5, factors=_NEAR),
    ),
    (_Step(method="rehearsed", folds=5), _Step(method="full twin", folds=2)),
    (_Step(method="rehearsed", folds=3), _Step(method="full twin", folds=1)),
    (
        _Step(method="rehearsed", folds=3),
        _Step(method="full twin", folds=1, factors=_NEAR),
        _Step(method="twin", folds=2, factors=_FAR),
    ),
    (
        _Step(method="rehearsed", folds=1),
        _Step(method="full twin", folds=1, factors=_NEAR),
        _Step(method="twin", folds=1, factors=_FAR),
    ),
    (_Step(method="rehearsed", folds=2), _Step(method="twin", folds=2)),
    (_Step(method="rehearsed", folds=1), _Step(method="twin", folds=1)),
)
_WITHOUT_TWIN = (
    (_Step(method="rehearsed", folds=5), _Step(method="rehearsed at half", folds=5, factors=_NEAR)),
    (_Step(method="rehearsed", folds=4), _Step(method="rehearsed at half", folds=2, factors=_NEAR)),
)
_WITH_ROWS = (
    (_Step(method="tried", folds=5),),
    (_Step(method="rehearsed", folds=1), _Step(method="tried", folds=2)),
    (_Step(method="rehearsed", folds=1), _Step(method="tried", folds=1)),
    (_Step(method="rehearsed", folds=1), _Step(method="tried", folds=1, factors=_NEAR)),
)
_LAST = (_Step(method="rehearsed", folds=5),)  # as far as the budget goes


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
    tried = _run(_Methods(bench))
    if not tried:
        raise not_reached(bench, "more data", rehearsal_plan(bench, _QUARTER, FACTORS)(0)[FACTORS[0]])
    known = _known(tried)
    prior = _prior(bench, tried, regime)
    left = [one if one.method == "tried" else one.without(known) for one in tried]
    return answers_of(bench, "more_data", left, confidence, priors=dict.fromkeys(set(FACTORS) - known, prior))


class _Methods:
    """The methods that a bench allows, each with its plan."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.direct = direct_factors(bench, FACTORS)
        self.has_twin = not self.direct and can_have_twin(bench)
        self._worlds: tuple[int, ...] = ()

    def affords(self, steps: Sequence[_Step]) -> bool:
        """Whether the budget holds them all."""
        plans = [(step, self._plan(step)) for step in steps]
        return self.bench.affords(
            [
                trial
                for step, plan in plans
                for fold in range(step.folds)
                for one in plan(fold).values()
                for trial in one.trials
            ]
        )

    def measure(self, step: _Step) -> Tried:
        """As far as the budget goes."""
        start = self.bench.samples // _PARTS[step.method]
        return Tried(
            method=step.method,
            steps={k: f"from {start:,} to {round(k * start):,} samples" for k in step.factors},
            comparisons=run_plan(self.bench, self._plan(step), most=step.folds),
            variance=disagreement,
        )

    def _plan(self, step: _Step) -> Plan:
        parts = _PARTS[step.method]
        if step.method == "tried":
            return direct_plan(self.bench, tuple(k for k in step.factors if k in self.direct))
        if step.method in ("twin", "full twin"):
            self._worlds = self._worlds or tuple(self.bench.add_world(world) for world in twins_of(self.bench))
            return twin_plan(self.bench, self._worlds, parts, step.factors)
        return rehearsal_plan(self.bench, parts, step.factors)


def _run(methods: _Methods) -> list[Tried]:
    """What says most within the budget; what is left goes to rehearsals."""
    methods.measure(_Step(method="rehearsed", folds=1))  # cheap, and from then on the bench knows what time it takes
    portfolios = _WITH_ROWS if methods.direct else _WITH_TWIN if methods.has_twin else _WITHOUT_TWIN
    chosen = next((steps for steps in portfolios if methods.affords(steps)), ())
    kept = {(step.method, step.factors): step for step in (*chosen, *_LAST)}
    found = [methods.measure(step) for step in kept.values()]
    return _merged(found)


def _merged(tried: Sequence[Tried]) -> list[Tried]:
    """One entry for each method that measured something: rehearsals at whichever factors together."""
    merged: dict[str, Tried] = {}
    for one in tried:
        before = merged.get(one.method)
        merged[one.method] = one if before is None else before.joined(one)
    return [one for one in merged.values() if one.comparisons]


def _known(tried: Sequence[Tried]) -> set[float]:
    """The factors that were tried on folds enough."""
    return {
        factor
        for one in tried
        if one.method == "tried"
        for factor, found in one.comparisons.items()
        if len(found) >= _ENOUGH
    }


def _prior(bench: Bench, tried: Sequence[Tried], regime: RegimeAnswer | None) -> Prior:
    rehearsed = [
        one for each in tried if each.method == "rehearsed" for found in each.comparisons.values() for one in found
    ]
    return prior_of(bench, rehearsed, regime) if rehearsed else Prior()
