"""What is said, drawn and handed on of a diagnosis, on diagnoses made by hand."""

import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from benign.curves.threshold_search import Regime
from benign.diagnosis import diagnosing, json_schema
from benign.diagnosis.answers import ANSWERS, DataFinding, MeasuredPeak
from benign.diagnosis.codes import CODES
from benign.diagnosis.wording import MOST_WORDS, TITLES, change_words, line
from benign.foundation.errors import InvalidArgument
from benign.plots import CurveDisplay, StackedDisplay
from tests.diagnosis.hand_made import (
    HELPS,
    HURTS,
    LEAK,
    SAME,
    UNKNOWN,
    answer,
    benign_forest,
    curve,
    estimate,
    fitted,
    nothing_known,
    regime,
    remedy,
    standing,
)

SRC = Path(diagnosing.__file__).parent
MIXED = {
    1.5: answer(HURTS, 0.4, 0.2, 0.6, factor=1.5),
    2.0: answer(UNKNOWN, 0.02, -0.1, 0.1),
    4.0: answer(HELPS, -0.3, -0.4, -0.2, factor=4.0, confidence=0.998),
}


def test_the_answer_comes_first():
    found = benign_forest()
    assert found.headline == (
        "Over-parameterised, and it does not hurt: more data will help, a bigger model makes no difference."
    )
    assert str(found) == found.sentence
    assert found.sentence.startswith(
        "Over-parameterised, and it does not hurt: max_leaf_nodes = 32 instead of no limit"
    )
    assert "More data will help (2x: 18 % less loss, 12 to 24 %; 97 % sure)." in found.sentence
    assert "A bigger model makes no difference (2x: 2 % less to 2 % more loss; 97 % sure)." in found.sentence
    assert "Whether longer training helps cannot be told: the trials disagree." in found.sentence
    assert "wrong on 5 % of new samples (4 to 6 %; the best constant: 60 %) and on none of its own" in found.sentence


@pytest.mark.parametrize(
    ("change", "told"), [((-0.1, -0.2, -0.05), False), ((-0.1, -0.2, 0.05), True), ((math.nan,) * 3, True)]
)
def test_an_answer_that_was_not_seen_says_by_what_it_is_sure(change, told):
    sure = replace(answer(HELPS, *change), method="rehearsed + zone")
    found = benign_forest(more_data={2.0: sure})
    assert ("97 % sure since its training loss stays above zero)" in found.sentence) is told


def test_a_factor_that_says_another_thing_is_named():
    found = benign_forest(regime=regime(Regime.CRITICAL), more_data=MIXED, remedies=())
    assert found.headline.startswith("Critical: more data hurts at 1.5x and helps at 4x")
    told = "More data hurts at 1.5x (40 % more loss, 20 to 60 %; 97 % sure) and helps at 4x (30 % less loss, 20 to 40 %"
    assert f"{told}; more than 99 % sure); at 2x this cannot be told." in found.sentence


def test_the_zero_one_error_is_told_where_it_says_another_thing():
    alike = answer(HELPS, -0.2, -0.3, -0.1, error=answer(HELPS, -0.1, -0.2, -0.05, metric="error"))
    other = answer(HELPS, -0.2, -0.3, -0.1, error=answer(HURTS, 0.1, 0.05, 0.2, metric="error"))
    silent = answer(HELPS, -0.2, -0.3, -0.1, error=answer(UNKNOWN, metric="error"))
    error_alone = answer(UNKNOWN, error=answer(HELPS, -0.1, -0.2, -0.05, metric="error"))
    told = [benign_forest(more_data={2.0: one}).sentence for one in (alike, other, silent, error_alone)]
    assert "zero-one" not in told[0]
    assert "for the zero-one error it hurts, 10 % more error, 5 to 20 %" in told[1]
    assert "of the zero-one error this cannot be told" in told[2]
    assert "Whether more data helps cannot be told (for the zero-one error it helps, 10 % less error" in told[3]


@pytest.mark.parametrize(
    ("verdict", "words"), [(HELPS, "and it hurts"), (SAME, "and it does not hurt"), (HURTS, "and it does not hurt")]
)
def test_whether_it_hurts_is_what_fitting_less_gains(verdict, words):
    found = benign_forest(remedies=(remedy("size", "max_leaf_nodes = 8", verdict, -0.2, -0.3, -0.1),))
    assert found.headline.startswith(f"Over-parameterised, {words}")


@pytest.mark.parametrize("remedies", [(), (remedy("averaging", "averaging 5 fits", SAME),)], ids=["none", "averaging"])
def test_without_a_trial_of_fitting_less_nothing_is_said_of_harm(remedies):
    assert benign_forest(remedies=remedies).headline.startswith("Over-parameterised: more data")
    unsure = (remedy("size", "max_leaf_nodes = 8", UNKNOWN),)
    assert "hurt" not in benign_forest(remedies=unsure).sentence


@pytest.mark.parametrize("code", ["few_rows", "rare_classes"])
def test_rows_that_compare_nothing_are_the_answer(code):
    refusing = DataFinding(code=code, sentence="So few.", refuses=ANSWERS[3:7])
    found = benign_forest(findings=(refusing,), more_data={}, unanswered={"more_data": refusing.sentence})
    assert found.headline.startswith("Look at the data first: ")
    assert found.sentence.startswith("So few.")
    assert not benign_forest(findings=(replace(refusing, refuses=()),)).headline.startswith("Look")


def test_a_leak_comes_before_everything():
    found = benign_forest(findings=(LEAK,), more_data={}, unanswered={"more_data": LEAK.sentence})
    assert found.headline == "Look at the data first: a column seems to give the label away."
    assert found.sentence.startswith(LEAK.sentence)
    assert found.sentence.count(LEAK.sentence) == 1
    assert "Not answered: more data." in found.sentence
    assert "leak" in found.codes


def test_what_is_unknown_is_said_with_what_would_decide():
    found = benign_forest(
        regime=regime(Regime.UNDECIDED, decide="rows"), longer={}, is_budget_spent=True,
        unanswered={"longer": "it has no training time."},
    )  # fmt: skip
    assert "Not answered: longer training (it has no training time)." in found.sentence
    assert found.regime is not None
    assert found.regime.sentence in found.sentence  # which says what would decide it
    assert found.sentence.endswith("The budget ended it: a larger one may tell more; one training takes 0.05 s.")
    assert "interrupted" in replace(found, is_interrupted=True).sentence


def test_a_name_keeps_its_capital_within_a_sentence():
    told = {"longer": "Ridge has no training time.", "bigger": "The budget ended before it."}
    words = nothing_known(unanswered=told).sentence
    assert (
        words
        == "Not answered: longer training (Ridge has no training time); bigger model (the budget ended before it)."
    )
    some = (remedy("size", "alpha = 1 instead of 10", UNKNOWN), remedy("averaging", "averaging 5 fits", HURTS))
    told_of = benign_forest(remedies=some).sentence
    assert "alpha = 1 instead of 10 may or may not gain" in told_of
    assert "Averaging 5 fits would hurt" in told_of


def test_criteria_that_disagree_are_both_told_the_minimised_one_first():
    assert "It is right on every training label" not in benign_forest().sentence
    bagged = benign_forest(fitted=fitted(False)).sentence
    assert "Its training objective is not fitted. It is right on every training label." in bagged


def test_a_regression_is_told_by_its_loss():
    found = benign_forest(
        standing=standing(
            train_error=math.nan, held_out_error=estimate(math.nan), held_out_loss=estimate(0.1, 0.09, 0.12)
        )
    )
    assert "Its loss is 20 % of the best constant's on new samples (18 to 24 %) and 2 % on its own." in found.sentence


def test_a_measured_peak_is_told():
    peak = MeasuredPeak(
        axis="samples", position=100.0, interval=(80.0, 120.0), metric="loss", height=3.0,
        sentence="The held-out loss peaks at 100 samples.",
    )  # fmt: skip
    assert peak.sentence in benign_forest(regime=regime(Regime.CRITICAL, peak=peak)).sentence


def test_nothing_known_is_said_so():
    found = nothing_known(unanswered={"standing": "one training takes longer than the budget."}, is_budget_spent=True)
    assert found.headline == "No question could be answered within this budget."
    assert found.sentence.startswith("Not answered: where it stands (one training takes longer than the budget).")
    assert "<svg" not in found._repr_html_()


VERDICTS = (HELPS, HURTS, SAME, UNKNOWN)


@pytest.mark.parametrize("found_regime", [None, *Regime], ids=str)
def test_every_combination_is_said_in_full_sentences(found_regime):
    for more, big, gain in itertools.product(VERDICTS, repeat=3):
        found = benign_forest(
            regime=None if found_regime is None else regime(found_regime),
            more_data={k: answer(more, 0.1, 0.05, 0.2, factor=k) for k in (1.5, 2.0, 4.0)} | {2.0: answer(big)},
            bigger={2.0: answer(big, question="bigger")},
            remedies=(remedy("size", "max_leaf_nodes = 8", gain), remedy("averaging", "averaging 5 fits", more)),
        )
        assert 1 <= len(found.headline.split()) <= MOST_WORDS
        for text in (found.headline, found.sentence, *(line(found, name) for name in ANSWERS)):
            assert "nan" not in text
            assert not re.search(r"\.\.|  | \.|\(\)|: \.|,\.", text), text
        assert found.headline.endswith(".")
        assert found.sentence.endswith(".")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((-0.18, -0.24, -0.12), "18 % less loss, 12 to 24 %"),
        ((0.5, 0.1, 1.5), "50 % more loss, 10 to 150 %"),
        ((0.5, 0.1, 3.0), "50 % more loss, 10 % to 4 times"),
        ((0.14, -0.96, 29.34), "14 % more loss, 96 % less to 30 times as much"),
        ((2.4, 0.5, 5.0), "3.4 times the loss, 1.5 to 6"),
        ((2.3, -0.37, 17.0), "3.3 times the loss, 37 % less to 18 times as much"),
        ((-0.9996, -0.99999, -0.97), "99.9 % less loss, 97 to 99.9 %"),
        ((0.00001, -0.004, 0.006), "0 % more loss, 0.4 % less to 0.6 % more"),
        ((-0.2,), "20 % less loss"),
        ((math.nan,), ""),
    ],
)
def test_changes_in_words(change, words):
    assert change_words(estimate(*change)) == words


def test_a_part_that_has_no_answer_says_why_on_its_line():
    assert line(nothing_known(unanswered={"bigger": "it has no size."}), "bigger") == "not answered: it has no size."
    assert set(TITLES) == set(ANSWERS)


def test_json_holds_all_that_the_schema_says():
    for found in (benign_forest(findings=(LEAK,)), nothing_known()):
        plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        jsonschema.validate(plain, json_schema())
        assert set(plain) == set(json_schema()["properties"])
    assert benign_forest().to_dict()["more_data"]["2.0"]["answer"] == "helps"
    assert benign_forest().to_dict()["size"] is None  # no limit


def test_codes_say_what_hurts():
    assert benign_forest().codes == ("over",)
    hurt = benign_forest(
        longer={2.0: answer(HELPS, error=answer(HURTS, metric="error"), question="longer")},
        remedies=(remedy("averaging", "averaging", HELPS),),
        standing=standing(held_out_loss=estimate(0.7, 0.6, 0.8)),
    )
    assert hurt.codes == ("over", "hurts", "longer_hurts", "remedy_helps", "worse_than_constant")


def test_every_code_of_the_data_is_explained():
    text = "\n".join(path.read_text("utf-8") for path in SRC.rglob("*.py"))
    found = set(re.findall(r'DataFinding\(\s*code="(\w+)"', text))
    assert len(found) >= 8
    assert found <= set(CODES)


def test_the_picture_shows_where_one_stands_and_what_is_expected():
    found = benign_forest()
    drawn = found.display
    assert isinstance(drawn, CurveDisplay)
    held_out, training, ahead, constant = drawn.series
    assert [one.name for one in drawn.series] == ["held out", "training", "if n grows", "best constant"]
    np.testing.assert_allclose(ahead.positions, [143, 214.5, 286, 572])
    np.testing.assert_allclose(ahead.median / held_out.median[-1], [1.0, 0.9, 0.82, 0.7])
    np.testing.assert_allclose(ahead.high[2] / held_out.median[-1], 0.88)
    assert (training.median < held_out.median).all()
    assert set(constant.median) == {0.5}
    assert [(mark.position, mark.label) for mark in drawn.marks] == [(143.0, "yours:")]
    assert "Beyond yours: what is expected" in drawn.full_caption
    assert "number of training samples" in drawn.alternative_text
    assert found.plot().ax_ is not None


def test_each_axis_that_was_measured_has_a_picture():
    displays = benign_forest().displays
    assert list(displays) == ["samples", "size", "time"]
    assert all(isinstance(one, StackedDisplay) for one in displays.values())  # of a classifier: the error below
    size = displays["size"]
    assert isinstance(size, StackedDisplay)
    assert "No limit is drawn at twice the largest" in size.full_caption
    np.testing.assert_allclose(size.panels[0].series[0].positions, [16, 32, 64, 128])
    assert len(size.panels[0].marks) == 1  # the present size, no limit


def test_a_size_that_was_scaled_with_the_samples_is_found_again():
    found = benign_forest(size=100.0, curves=(curve("size", (40.0, 80.0, 160.0), samples=114.4),))
    drawn = found.displays["size"]
    assert isinstance(drawn, StackedDisplay)
    assert [mark.position for mark in drawn.panels[0].marks] == [80.0]


def test_without_a_curve_there_is_nothing_to_draw():
    with pytest.raises(InvalidArgument, match="measured nothing that could be drawn"):
        nothing_known().plot()


def test_the_table_has_a_row_for_each_answer_and_metric():
    table = benign_forest().frame()
    row = table[(table.question == "more_data") & (table.factor == 2.0)]
    assert row.metric.tolist() == ["loss", "error"]
    assert row.answer.tolist() == ["helps", "helps"]
    np.testing.assert_allclose(row.change, [-0.18, -0.1])
    assert nothing_known().frame().empty


def test_a_notebook_shows_words_table_and_picture_escaped():
    told = benign_forest(findings=(replace(LEAK, sentence="The column '<b>' tells."),))._repr_html_()
    assert "&lt;b&gt;" in told
    assert "<table>" in told
    assert "<svg" in told or "<img" in told
