"""Scoring, on items whose answers are known by hand."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from diagnosis.case import Item
from diagnosis.fit import Estimates, loss_of, methods_of, pools_of, spread_of
from diagnosis.run import read_said, write_said
from diagnosis.scores import (
    FLOORS,
    Judged,
    calibration,
    judge,
    main,
    outcomes,
    outcomes_of_refusals,
    ratio,
    rule,
    scores,
)
from diagnosis.truth import Truth, write_truths
from diagnosis.users import Said

from benign.diagnosis.calibration import OVERCONFIDENCE, SPREADS, Evidence, pooled
from benign.diagnosis.risk_change import RiskChange
from benign.foundation.randomness import generator
from tests.diagnosis_bank.made import LINEAR


def truth(case: str, change: float, factor: float = 2.0) -> Truth:
    item = Item(case=case, axis="more_data", factor=factor, metric="loss")
    return Truth(item=item, draws=24, change=change, error=0.001, base=1.0, changed=math.exp(change))


def said(case: str, answer: str, *, user: int = 0, confidence: float = math.nan, who: str = "benign 10x") -> Said:
    return Said(
        who=who, case=case, user=user, axis="more_data", factor=2.0, metric="loss", answer=answer,
        confidence=confidence, change=math.nan,
    )  # fmt: skip


def judged(change: float, answer: str, *, confidence: float = math.nan, case: str = "a") -> Judged:
    one = said(case, answer, confidence=confidence)
    return Judged(said=one, truth=truth(case, change), case=replace(LINEAR, name=case))


@pytest.mark.parametrize(
    ("change", "answer", "outcome"),
    [
        (0.3, "hurts", "right"),
        (0.3, "helps", "wrong"),
        (0.3, "cannot tell", "abstain"),
        (0.3, "makes no difference", "wrong"),
        (0.03, "makes no difference", "abstain"),
        (-0.3, "helps", "right"),
        (-0.3, "hurts", "wrong"),
        (-0.04, "makes no difference", "abstain"),
        (0.001, "makes no difference", "right"),
        (0.001, "helps", "wrong"),
        (0.001, "cannot tell", "abstain"),
    ],
)
def test_outcomes(change, answer, outcome):
    assert judged(change, answer).outcome == outcome


def test_users_of_an_item_are_averaged_and_items_weigh_the_same():
    cases = {name: replace(LINEAR, name=name) for name in "ab"}
    answers = [("a", 0, "hurts"), ("a", 1, "helps"), ("a", 2, "hurts"), ("a", 3, "cannot tell"), ("b", 0, "hurts")]
    found = judge(cases, [truth("a", 0.3), truth("b", 0.3)], [said(c, answer, user=u) for c, u, answer in answers])
    table = outcomes(found)
    assert (table["items"], table["cases"]) == (2, 2)
    assert table["right"][0] == pytest.approx(0.75)  # (1/2 + 1) / 2
    assert table["wrong"][0] == pytest.approx(0.125)
    assert table["right when answered"][0] == pytest.approx(0.75 / 0.875, abs=1e-4)


def test_what_is_said_of_items_without_truth_is_left_out():
    assert judge({"a": LINEAR}, [truth("a", 0.3, factor=4.0)], [said("a", "hurts")]) == []


def test_an_interval_covers_the_share_it_is_of():
    """Cases that agree within: 30 of them, each right with probability .8; 200 repetitions."""
    owners, inside = np.repeat(np.arange(30), 4), 0
    for repetition in range(200):
        hits = np.repeat((generator(0, "hits", repetition).random(30) < 0.8).astype(float), 4)
        _, low, high = ratio(hits, np.ones_like(hits), owners)
        inside += low is not None and high is not None and low <= 0.8 <= high
    assert 0.88 <= inside / 200 <= 0.99


def test_the_interval_of_a_share_that_all_agree_on_is_the_exact_one():
    ones = np.ones(20)
    value, low, high = ratio(ones, ones, np.repeat(np.arange(10), 2))
    assert (value, high) == (1.0, 1.0)
    assert low == pytest.approx(0.025 ** (1 / 10), abs=1e-4)


def test_calibration_counts_significant_effects_and_says_which_bins_exclude():
    many = [judged(0.3, "hurts", confidence=0.97, case=f"c{k}") for k in range(110)]
    many += [judged(0.3, "helps", confidence=0.97, case=f"w{k}") for k in range(30)]
    many += [judged(0.001, "helps", confidence=0.97), judged(0.3, "cannot tell")]
    (found,) = calibration(many)
    assert found["answers"] == 140
    assert found["right"][0] == pytest.approx(110 / 140, abs=1e-4)
    assert found["excluded"]
    assert not calibration(many[:110])[0]["excluded"]


def test_rows_that_are_not_independent_count_as_answered_or_refused_alone():
    refused = [judged(0.3, "cannot tell"), judged(0.3, "hurts", case="b")]
    assert outcomes_of_refusals(refused)["answered"][0] == 0.5
    stratum = [replace(one, case=replace(one.case, stratum="refuse")) for one in refused]
    table = scores(stratum)["benign 10x"]["more_data"]
    assert table["hurts"]["items"] == 0
    assert table["must refuse"]["items"] == 2


def test_floors_are_missed_where_they_should_be():
    many = [judged(0.3, "hurts", case=f"c{k}") for k in range(6)] + [judged(0.3, "cannot tell", case="d")] * 3
    half = {"scores": scores([*many, *(judged(-0.3, "helps", case=f"h{k}") for k in range(9))])}
    reached = {floor.name: floor.is_reached(half) for floor in FLOORS if floor.budget == 10.0}
    assert reached["hurts: right when answered"]
    assert reached["hurts: answered"]  # 6 of 7 items
    worse = {
        "scores": scores(
            [*many, judged(0.3, "helps", case="w"), *(judged(0.3, "cannot tell", case=f"x{k}") for k in range(5))]
        )
    }
    reached = {floor.name: floor.is_reached(worse) for floor in FLOORS if floor.budget == 10.0}
    assert not reached["hurts: right when answered"]
    assert not reached["hurts: answered"]
    assert reached["helps: answered"] is None


@pytest.fixture
def files(tmp_path):
    cases = [replace(LINEAR, name="a"), replace(LINEAR, name="b", half="untouched")]
    write_truths(tmp_path / "truth.parquet", cases, [truth("a", 0.3), truth("b", -0.3)], {})
    write_said(tmp_path / "said.parquet", [said("a", "hurts", confidence=0.9), said("b", "helps", confidence=0.9)])

    def run(half: str, *more: str):
        path = tmp_path / f"{half}.json"
        main(
            [
                half,
                str(tmp_path / "said.parquet"),
                "--truth",
                str(tmp_path / "truth.parquet"),
                "--scores",
                str(path),
                *more,
            ]
        )
        return json.loads(path.read_text()) if path.exists() else None

    return run


def test_a_half_is_scored_printed_and_written(files, capsys):
    table = files("development")
    assert (table["cases"], table["rule"]) == (1, rule())
    assert table["scores"]["benign 10x"]["more_data"]["hurts"]["right"][0] == 1.0
    printed = capsys.readouterr().out
    assert all(floor.name in printed for floor in FLOORS)


def test_the_untouched_half_is_opened_once(files):
    assert len(files("untouched")["opened"]) == 1
    with pytest.raises(SystemExit, match="opened once"):
        files("untouched")
    assert len(files("untouched", "--again")["opened"]) == 2
    with pytest.raises(SystemExit, match="nobody looks"):
        files("untouched", "--wrong", "0.05")


def test_what_was_said_comes_back(tmp_path):
    rows = [said("a", "hurts", confidence=0.9), said("b", "helps", confidence=0.8)]
    write_said(tmp_path / "a.parquet", rows[:1])
    write_said(tmp_path / "b.parquet", rows[1:])
    assert [replace(one, change=0.0) for one in read_said(tmp_path)] == [replace(one, change=0.0) for one in rows]


# ------------------------------------------------------------------------------------------------------------- fitting


def test_a_spread_is_found_again():
    random = generator(0, "estimates")
    d = random.standard_normal(2000)
    missed = np.sqrt(0.05**2 + 0.1**2 + (0.5 * d) ** 2) * random.standard_normal(2000)
    made = Estimates(d=d, variance=np.full(2000, 0.05**2), truth=d + missed, truth_variance=np.zeros(2000))
    fixed, share = spread_of(made)
    assert fixed in (0.05, 0.1)
    assert share in (0.375, 0.5)


def test_pools_are_those_of_the_rule():
    evidence = {"shift": -1.5, "twin d": 0.4, "twin se": 0.1, "twin added variance": 0.01, "twin folds": 3.0}
    evidence |= {"rehearsed d": 0.1, "rehearsed se": 0.2, "rehearsed added variance": 0.0, "rehearsed folds": 3.0}
    one = judged(0.3, "hurts")
    one = replace(one, said=replace(one.said, evidence=json.dumps(evidence)))
    pools = pools_of([one], SPREADS["more_data"])
    found = pooled(
        [
            Evidence(question="more_data", method=name, words="", variance=added, change=_change(d, se))
            for name, d, se, added in (("twin", 0.4, 0.1, 0.01), ("rehearsed", 0.1, 0.2, 0.0))
        ]
    )
    assert pools.z[0] == pytest.approx(found.d / found.deviation * OVERCONFIDENCE["more_data"])
    assert (pools.is_zone[0], pools.hurts[0]) == (1.0, 1.0)
    assert len(list(methods_of(evidence))) == 2


def _change(d: float, se: float) -> RiskChange:
    return RiskChange(d=d, se=se, folds=3)


def test_harmful_and_helpful_effects_weigh_the_same():
    many = [judged(-0.3, "helps", case=f"c{k}") for k in range(50)]
    few = [judged(0.3, "hurts", case="w")]
    evidence = {"shift": 0.0, "twin d": 0.4, "twin se": 0.1}
    rows = [replace(one, said=replace(one.said, evidence=json.dumps(evidence))) for one in [*many, *few]]
    spreads = {"twin": (0.02, 0.0)}
    alone = loss_of(pools_of(rows[-1:], spreads), 1.0, 0.0), loss_of(pools_of(rows[:-1], spreads), 1.0, 0.0)
    assert loss_of(pools_of(rows, spreads), 1.0, 0.0) == pytest.approx(sum(alone) / 2)
