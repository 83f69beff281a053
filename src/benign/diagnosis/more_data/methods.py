"""The answers to "will more data help or hurt?", from as many methods as the budget pays, cheapest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from benign.diagnosis.answering import FACTORS, METHODS, Tried, answers_of, not_reached, refuse_for
from benign.diagnosis.answers import Answer, DataFinding, RegimeAnswer, Unanswered
from benign.diagnosis.calibration import Prior
from benign.diagnosis.more_data.direct import direct_factors, direct_plan
from benign.diagnosis.more_data.rehearsal import FEWEST_SAMPLES, rehearsal_plan
from benign.diagnosis.more_data.twin import can_have_twin, disagreement, twin_plan, twins_of
from benign.diagnosis.more_data.zone import prior_of
from benign.diagnosis.paired_trials import run_plan
from benign.diagnosis.trials.bench import Bench

_QUARTER, _HALF = 4, 2
_FOLDS = 5  # of a rehearsal
_TWINS = 4  # draws of the twins, two of each world
_ENOUGH = 4  # folds of a trial at the full number of samples: then no rehearsal counts beside it
_SHARE = 0.3  # of the budget, for rehearsals, where more data can be tried


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
    tried = [one for one in _trials(bench) if one.comparisons]
    if not tried:
        cheapest = rehearsal_plan(bench, _QUARTER, FACTORS, disjoint=False)(0)[FACTORS[0]]
        raise not_reached(bench, "more data", cheapest)
    return answers_of(bench, "more_data", _enough(tried), confidence, prior=_prior(bench, tried, regime))


def _trials(bench: Bench) -> Iterator[Tried]:
    """All that the budget pays, cheapest first."""
    direct = direct_factors(bench, FACTORS)
    yield _rehearsed(bench.share(_SHARE) if direct else bench, _QUARTER, FACTORS)
    if direct:
        yield _directly(bench, direct)
    elif can_have_twin(bench):
        numbers = tuple(bench.add_world(world) for world in twins_of(bench))
        yield _on_twins(bench, numbers, _HALF)
        yield _on_twins(bench, numbers, 1)
    else:
        yield _rehearsed(bench, _HALF, FACTORS[:2])


def _directly(bench: Bench, factors: tuple[float, ...]) -> Tried:
    return Tried(
        method="tried",
        steps=_steps(bench.samples, factors),
        comparisons=run_plan(bench, direct_plan(bench, factors), most=bench.folds),
    )


def _rehearsed(bench: Bench, parts: int, factors: tuple[float, ...]) -> Tried:
    plan = rehearsal_plan(bench, parts, factors)
    pays = bench.affords([trial for fold in range(3) for one in plan(fold).values() for trial in one.trials])
    if not pays:  # one subset each, of more folds
        plan = rehearsal_plan(bench, parts, factors, disjoint=False)
    return Tried(
        method=METHODS[parts],
        steps=_steps(bench.samples // parts, factors),
        comparisons=run_plan(bench, plan, most=_FOLDS),
    )


def _on_twins(bench: Bench, worlds: tuple[int, ...], parts: int) -> Tried:
    return Tried(
        method="twin" if parts == _HALF else "full twin",
        steps=_steps(bench.samples // parts, FACTORS),
        comparisons=run_plan(bench, twin_plan(bench, worlds, parts, FACTORS), most=_TWINS),
        variance=disagreement,
    )


def _steps(start: int, factors: tuple[float, ...]) -> dict[float, str]:
    return {factor: f"from {start:,} to {round(factor * start):,} samples" for factor in factors}


def _prior(bench: Bench, tried: Sequence[Tried], regime: RegimeAnswer | None) -> Prior:
    rehearsed = [
        one for each in tried if each.method == "rehearsed" for found in each.comparisons.values() for one in found
    ]
    return prior_of(bench, rehearsed, regime) if rehearsed else Prior()


def _enough(tried: Sequence[Tried]) -> list[Tried]:
    """The trials, each factor's rehearsals left out where it was tried on folds enough."""
    known = {
        factor
        for one in tried
        if one.method == "tried"
        for factor, found in one.comparisons.items()
        if len(found) >= _ENOUGH
    }
    kept = []
    for one in tried:
        left = {f: found for f, found in one.comparisons.items() if one.method == "tried" or f not in known}
        kept.append(replace(one, comparisons=left))
    return kept
