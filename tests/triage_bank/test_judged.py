import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from triage.judged import QUESTIONS, Judged, judge
from triage.said import Said
from triage.truth import Truth

from tests.triage_bank.made import made

TRUTH = Truth(
    state="risen", rise=0.5, gain=-0.5, error_up=None, error_rise=math.nan, given_back=math.nan, descent="none",
    error_descent="none", train_rise=False, new_best={2: True, 5: None, 10: None}, events=frozenset(),
)  # fmt: skip
SAID = Said(
    state="risen", codes=frozenset(), error="undecided", descent="none", error_descent="none", odds={2: 0.5}, answers={}
)


def one(truth: dict[str, Any] | None = None, said: dict[str, Any] | None = None, **cut: Any) -> Judged:
    known: dict[str, Any] = {
        "training": "made-0", "family": "made", "linear": False, "points": 50, "samples": 1000, "has_error": True,
    }  # fmt: skip
    return Judged(truth=replace(TRUTH, **(truth or {})), said=replace(SAID, **(said or {})), **(known | cut))


@pytest.mark.parametrize("state", ["risen", "improving", "plateau", "diverged"])
@pytest.mark.parametrize(("said", "outcome"), [("same", "right"), ("undecided", "abstain"), ("other", "wrong")])
def test_states(state: str, said: str, outcome: str):
    word = {"same": state, "other": "plateau" if state != "plateau" else "risen"}.get(said, said)
    judged = one({"state": state}, {"state": word})
    assert {name: QUESTIONS[name](judged) for name in ("risen", "improving", "plateau", "diverged")} == {
        name: outcome if name == state else None for name in ("risen", "improving", "plateau", "diverged")
    }


@pytest.mark.parametrize("event", ["leak", "shift", "changed"])
def test_a_log_that_does_not_tell_of_the_population_is_not_asked(event: str):
    changed = one({"events": frozenset({event}), "error_up": True, "descent": "below"}, {"answers": {2: True}})
    healthy = one({"events": frozenset({event}), "state": "plateau"})
    assert all(ask(changed) is None for ask in QUESTIONS.values())
    assert all(ask(healthy) is None for ask in QUESTIONS.values())


OVERFITTING, OVERCONFIDENCE = {"overfitting"}, {"overconfidence"}


@pytest.mark.parametrize(
    ("is_up", "given_back", "codes", "outcome"),
    [
        (True, 0.2, OVERFITTING, "right"),
        (True, 0.9, OVERFITTING | OVERCONFIDENCE, "right"),
        (True, 0.9, OVERCONFIDENCE, "right"),
        (True, 0.2, OVERCONFIDENCE, "wrong"),
        (True, math.nan, OVERCONFIDENCE, "wrong"),
        (False, 0.9, OVERCONFIDENCE, "right"),
        (False, math.nan, OVERCONFIDENCE, "right"),
        (False, 0.9, OVERFITTING, "wrong"),
        (False, 0.9, OVERFITTING | OVERCONFIDENCE, "wrong"),
        (False, 0.9, {"rise-unknown-end"}, "abstain"),
        (None, 0.9, OVERFITTING, None),
    ],
)
def test_the_cause_of_a_rise(is_up: bool | None, given_back: float, codes: set[str], outcome: str | None):
    asked = one({"error_up": is_up, "given_back": given_back}, {"codes": frozenset(codes)})
    question = QUESTIONS["over-fitting or overconfidence"]
    assert question(asked) == outcome
    assert question(replace(asked, has_error=False)) is None
    assert question(replace(asked, truth=replace(asked.truth, state="ambiguous"))) is None


@pytest.mark.parametrize(("answer", "up", "not_up"), [
    ("up", "right", None), ("not up", "wrong", None), ("undecided", "abstain", None), (None, "abstain", None),
])  # fmt: skip
def test_whether_the_error_is_up(answer: str | None, up: str, not_up: str | None):
    asked = one({"error_up": True}, {"error": answer})
    assert QUESTIONS["error up, given risen"](asked) == up
    assert QUESTIONS["error not up, given risen"](asked) is not_up
    swapped = {"right": "wrong", "wrong": "right", "abstain": "abstain"}
    down = one({"error_up": False}, {"error": answer})
    assert QUESTIONS["error not up, given risen"](down) == swapped[up]


@pytest.mark.parametrize(
    ("truth", "said", "outcome"),
    [
        ({}, {}, "right"),
        ({}, {"state": "risen"}, "wrong"),
        ({}, {"codes": frozenset({"erratic"})}, "wrong"),
        ({}, {"codes": frozenset({"noise-only", "second-descent", "plateau"})}, "right"),
        ({"train_rise": False}, {"codes": frozenset({"instability"})}, "wrong"),
        ({"train_rise": None}, {"codes": frozenset({"instability"})}, "right"),
        ({"train_rise": None}, {"codes": frozenset({"instability", "overfitting"})}, "wrong"),
        ({"train_rise": True}, {}, None),
        ({"events": frozenset({"not-learning"})}, {}, None),
        ({"state": "risen"}, {}, None),
        ({"state": "ambiguous"}, {}, None),
    ],
)
def test_false_alarms(truth: dict[str, Any], said: dict[str, Any], outcome: str | None):
    judged = one({"state": "between", **truth}, {"state": "improving", **said})
    assert QUESTIONS["no alarm, healthy"](judged) == outcome


def test_second_descents():
    below, other = QUESTIONS["second descent below its best"], QUESTIONS["second descent to or above its best"]
    found = [one({"descent": "below"}, {"descent": said}) for said in ("below", "none", "to", "above")]
    assert [below(judged) for judged in found] == ["right", "abstain", "wrong", "wrong"]
    assert {other(judged) for judged in found} == {None}
    assert other(one({"descent": "to"}, {"descent": "above"})) == "wrong"
    artefact = one({"descent": "below", "events": frozenset({"evaluation-mode"})}, {"descent": "below"})
    assert below(artefact) is None


def test_second_descents_that_are_not_there():
    none, none_below = (
        QUESTIONS["no second descent: none claimed"],
        QUESTIONS["no second descent: none below claimed"],
    )
    said = [one({}, {"descent": claimed}) for claimed in ("none", "above", "below")]
    assert [none(judged) for judged in said] == ["right", "wrong", "wrong"]
    assert [none_below(judged) for judged in said] == ["right", "right", "wrong"]
    assert none(one({"descent": "ambiguous"}, {"descent": "below"})) is None


def test_second_descents_of_the_error():
    found, none = QUESTIONS["second descent of the error"], QUESTIONS["none of the error: none claimed"]
    assert found(one({"error_descent": "above"}, {"error_descent": "above"})) == "right"
    assert found(one({"error_descent": "above"})) == "abstain"
    assert none(one({}, {"error_descent": "below"})) == "wrong"
    assert none(one(has_error=False)) is None


def test_odds():
    asked = QUESTIONS["new best within 2 x"]
    assert [asked(one({}, {"answers": answers})) for answers in ({2: True}, {2: False}, {})] == [
        "right",
        "wrong",
        "abstain",
    ]
    assert QUESTIONS["new best within 5 x"](one({}, {"answers": {5: True}})) is None


def test_every_cut_is_judged_whatever_the_number_of_processes():
    falling = np.geomspace(2.0, 0.5, 120)
    trainings = [made(falling * (1 + number / 10), name=f"made-{number}") for number in range(60)]
    alone = judge(trainings)
    assert len(alone) > 150
    assert [(each.training, each.points) for each in alone] == [
        (each.training, each.points) for each in judge(trainings, workers=2)
    ]
    assert {QUESTIONS["improving"](each) for each in alone if each.points == 120} == {"right"}
