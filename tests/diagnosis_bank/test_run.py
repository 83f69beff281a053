"""The tool and the rules of thumb on users of a case whose truth has a closed form."""

import json
from dataclasses import replace

import pytest
from diagnosis.case import FACTORS, Item
from diagnosis.run import asked, axes_of, read_said
from diagnosis.thumb_rules import RULES, said_by_rules
from diagnosis.truth import Truth, write_truths

from benign.foundation.errors import BenignError
from diagnosis import run
from tests.diagnosis_bank.made import LINEAR

AT_THE_PEAK = replace(LINEAR, size=57.0)  # of 60 samples: more data helps by far, and so does a model twice as large
BELOW = replace(LINEAR, size=20.0)
TRUTH = Truth(
    item=Item(case="a", axis="more_data", factor=2.0, metric="loss"),
    draws=24,
    change=-1.5,
    error=0.1,
    base=2.0,
    changed=0.5,
)


def test_the_tool_is_asked_and_its_answers_are_kept():
    said = list(asked(AT_THE_PEAK, 0, "more_data", 10.0))
    assert [(one.who, one.factor, one.metric) for one in said] == [("benign 10x", k, "loss") for k in FACTORS]
    assert {one.answer for one in said} == {"helps"}
    assert all(0.85 <= one.confidence <= 1.0 and one.reason for one in said)
    assert 0.0 < said[0].trainings <= 10.0
    assert any(key.endswith(" d") for key in json.loads(said[0].evidence))


def test_what_the_tool_refuses_is_an_answer(monkeypatch):
    def refuse(*_, **__):
        raise BenignError("No.")

    monkeypatch.setattr("benign.diagnose", refuse)
    (first, *_) = asked(AT_THE_PEAK, 0, "bigger", 3.0)
    assert (first.answer, first.reason, first.trainings) == ("cannot tell", "No.", 0.0)


def test_only_what_a_case_has_is_asked():
    assert axes_of(LINEAR) == ("more_data", "bigger")
    assert axes_of(replace(LINEAR, family="neighbours", size=None)) == ("more_data",)
    assert axes_of(replace(LINEAR, family="mlp", time=10.0)) == ("more_data", "bigger", "longer")


@pytest.mark.parametrize(
    ("case", "rule", "answer"),
    [
        (AT_THE_PEAK, "always better", "helps"),
        (AT_THE_PEAK, "slope", "hurts"),  # the climb to the peak, extrapolated
        (AT_THE_PEAK, "gap", "helps"),
        (BELOW, "zone", "helps"),  # 60 samples cannot be fitted by 20 columns
        (BELOW, "slope", "helps"),
        (replace(LINEAR, size=150.0), "zone", "cannot tell"),
        (replace(LINEAR, size=150.0), "slope", "hurts"),  # and it does
    ],
)
def test_rules_of_thumb(case, rule, answer):
    said = {(one.who, one.axis, one.factor): one.answer for one in said_by_rules(case, 0)}
    assert {who for who, _, _ in said} == set(RULES)
    assert said[rule, "more_data", 2.0] == answer


def test_a_run_goes_on_where_it_was_interrupted(tmp_path, monkeypatch, capsys):
    write_truths(tmp_path / "truth.parquet", [replace(AT_THE_PEAK, name="a"), replace(BELOW, name="b")], [TRUTH], {})
    monkeypatch.setattr(run, "BUDGETS", (1.5,))
    run.run("development", tmp_path / "said", ["more_data"], 1, tmp_path / "truth.parquet")
    (tmp_path / "said" / "b.parquet").unlink()
    run.run("development", tmp_path / "said", ["more_data"], 1, tmp_path / "truth.parquet")
    assert capsys.readouterr().out.count("linear dense") == 3
    said = read_said(tmp_path / "said")
    assert {one.case for one in said} == {"a", "b"}
    assert {one.who for one in said} == {*RULES, "benign 1.5x"}
