"""Diagnoses made by hand, as the parts would fill them: what is said and drawn of them is tested on these."""

from __future__ import annotations

import math
from typing import Any

from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import (
    Answer,
    DataFinding,
    Diagnosis,
    Estimate,
    Fitted,
    MeasuredPeak,
    NoiseSlope,
    RegimeAnswer,
    Remedy,
    RiskCurve,
    Standing,
    Verdict,
)

HELPS, HURTS, SAME, UNKNOWN = Verdict.HELPS, Verdict.HURTS, Verdict.NO_DIFFERENCE, Verdict.CANNOT_TELL
LEAK = DataFinding(
    code="leak",
    sentence="The column 'ward' gives the label away: alone it is right on 99 % of the rows. Leave it out.",
    refuses=("more_data", "bigger"),
)


def estimate(value: float, low: float = math.nan, high: float = math.nan) -> Estimate:
    return Estimate(value=value, interval=(low, high))


def answer(
    verdict: Verdict,
    *change: float,
    factor: float = 2.0,
    question: str = "more_data",
    confidence: float = 0.97,
    error: Answer | None = None,
    metric: Any = "loss",
) -> Answer:
    told = verdict is not UNKNOWN
    return Answer(
        question=question,
        factor=factor,
        metric=metric,
        answer=verdict,
        confidence=confidence if told else math.nan,
        change=estimate(*change) if change else Estimate(),
        method="rehearsed" if told else "",
        reason="" if told else "the trials disagree.",
        evidence={"d": -0.2},
        error=error,
    )


def remedy(kind: str, what: str, verdict: Verdict, *change: float) -> Remedy:
    found = answer(verdict, *change, factor=1.0, question=kind)
    settings = {"max_leaf_nodes": 32, "alpha": math.inf}
    return Remedy(kind=kind, what=what, settings=settings, answer=found, fits_less=True)


def regime(found: Regime, *, decide: str = "", peak: MeasuredPeak | None = None) -> RegimeAnswer:
    return RegimeAnswer(
        regime=found,
        ratio=estimate(2.2, 1.8, math.inf),
        peak=peak,
        decided_by="training risk",
        would_decide=decide,
        sentence=f"{found.sentence.capitalize()}.",
    )


def curve(axis: Any, positions: tuple[float, ...], *, samples: float = math.nan) -> RiskCurve:
    falling = [1.2 / math.sqrt(place) for place in positions]
    return RiskCurve(
        axis=axis,
        positions=positions,
        samples=samples,
        train_loss=tuple(estimate(value / 10) for value in falling),
        held_out_loss=tuple(estimate(value, 0.9 * value, 1.1 * value) for value in falling),
        held_out_error=tuple(estimate(value / 2, 0.4 * value, 0.6 * value) for value in falling),
        trainings=tuple(3 for _ in positions),
    )


def standing(**changes: Any) -> Standing:
    parts: dict[str, Any] = {
        "objective": "squared",
        "train_loss": 0.01,
        "train_loss_constant": 0.5,
        "train_error": 0.0,
        "train_error_constant": 0.6,
        "held_out_loss": estimate(0.1, 0.09, 0.11),
        "held_out_loss_constant": 0.5,
        "held_out_error": estimate(0.05, 0.04, 0.06),
        "held_out_error_constant": 0.6,
        "out_of_bag_error": math.nan,
        "held_out_samples": 178,
        "trainings": 3,
        "seconds": 0.05,
        "sentence": "Wrong on 5 % of new samples.",
    }
    return Standing(**(parts | changes))


def fitted(is_fitted: bool, *, by_error: bool = True) -> dict[Any, Fitted]:
    loss = Fitted(
        criterion="loss", is_fitted=is_fitted, risk=estimate(0.02, 0.01, 0.03), tolerance=0.02, is_minimised=True,
        sentence=f"Its training objective is {'' if is_fitted else 'not '}fitted.",
    )  # fmt: skip
    error = Fitted(
        criterion="error", is_fitted=by_error, risk=estimate(0.0, 0.0, 0.0), tolerance=0.0, is_minimised=False,
        sentence="It is right on every training label.",
    )  # fmt: skip
    return {"loss": loss, "error": error}


def benign_forest(**changes: Any) -> Diagnosis:
    """A classifier for which everything was answered."""
    more = {
        1.5: answer(HELPS, -0.10, -0.15, -0.05, factor=1.5),
        2.0: answer(HELPS, -0.18, -0.24, -0.12, error=answer(HELPS, -0.1, -0.15, -0.05, metric="error")),
        4.0: answer(HELPS, -0.30, -0.40, -0.20, factor=4.0),
    }
    same = {k: answer(SAME, 0.0, -0.02, 0.02, factor=k, question="bigger") for k in (1.5, 2.0, 4.0)}
    parts: dict[str, Any] = {
        "model": "ExtraTreesClassifier",
        "source": "wine",
        "samples": 143,
        "size": math.inf,
        "size_name": "max_leaf_nodes",
        "time": 100.0,
        "time_name": "n_estimators",
        "inferred": ("Its size is max_leaf_nodes, which is not limited; choose another with --size-parameter.",),
        "standing": standing(),
        "fitted": fitted(True),
        "regime": regime(Regime.OVER),
        "more_data": more,
        "bigger": same,
        "longer": {k: answer(UNKNOWN, factor=k, question="longer") for k in (1.5, 2.0, 4.0)},
        "remedies": (remedy("size", "max_leaf_nodes = 32 instead of no limit", SAME, 0.01, -0.03, 0.02),),
        "noise_slope": NoiseSlope(
            error=estimate(0.2, 0.1, 0.3), loss=estimate(0.2, 0.1, 0.3), levels=(0.0, 0.1), is_fitted=True,
            exponent=Estimate(), samples=(), sentence="One per cent more wrong labels costs 0.2 points of error.",
        ),
        "curves": (
            curve("samples", (36.0, 71.0, 143.0)),
            curve("size", (16.0, 32.0, 64.0, math.inf), samples=143.0),
            curve("time", (10.0, 50.0, 100.0), samples=143.0),
        ),
        "minutes": 0.5,
        "trainings": 40.0,
        "seconds_per_training": 0.05,
    }  # fmt: skip
    return Diagnosis(**(parts | changes))


def nothing_known(**changes: Any) -> Diagnosis:
    """What there is before the first training."""
    parts: dict[str, Any] = {
        "model": "Ridge", "source": "table", "samples": 50, "size": None, "size_name": "", "time": None,
        "time_name": "",
    }  # fmt: skip
    return Diagnosis(**(parts | changes))
