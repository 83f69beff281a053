"""Will more data help? Least squares in Gaussian columns, whose risk peaks at as many samples as columns."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import benign
from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import DataFinding, Estimate, MeasuredPeak, RegimeAnswer, Unanswered, Verdict
from benign.diagnosis.more_data import more_data
from tests.diagnosis.benches import Columns, on_bench, risk, table


def asked(source, size, *, regime=None, findings=(), confidence=0.85, **settings):
    with on_bench(source, size, **settings) as bench:
        return more_data(bench, regime=regime, findings=findings, confidence=confidence)


def test_below_the_peak_more_data_hurts_and_far_more_helps():
    """100 samples, 150 columns: 150 samples are the worst, 600 are good."""
    answers = asked(table(100, 200), 150, trainings=10)
    assert answers[1.5].answer is Verdict.HURTS
    assert answers[1.5].change.interval[0] > 0.2
    assert answers[4.0].answer is not Verdict.HURTS


def test_beyond_the_peak_more_data_helps():
    answers = asked(table(100, 60), 50, trainings=10)
    for factor, answer in answers.items():
        assert answer.answer is Verdict.HELPS
        low, high = answer.change.interval
        assert low < risk(round(100 * factor), 50, 60) / risk(100, 50, 60) - 1.0 < high
        assert answer.confidence >= 0.85


def test_where_there_are_rows_it_is_tried():
    answers = asked(Columns(60), 50, samples=100)
    assert {answer.method for answer in answers.values()} == {"tried"}
    for factor, answer in answers.items():
        assert answer.answer is Verdict.HELPS
        low, high = answer.change.interval
        assert low < risk(round(100 * factor), 50, 60) / risk(100, 50, 60) - 1.0 < high


def test_what_cannot_change_makes_no_difference():
    def constant(X, y, size, time, seed):
        return lambda inputs: np.full(len(inputs), 3.0)

    model = benign.from_callable(constant, name="constant", revision=1)
    for answer in asked(table(100, 3), 1, model=model).values():
        assert answer.answer is Verdict.NO_DIFFERENCE
        assert answer.change.value == 0.0


@pytest.mark.parametrize("trainings", [0.5, 3.0, 10.0])
def test_the_budget_is_obeyed_and_what_is_known_by_then_is_answered(trainings):
    with on_bench(table(100, 200), 150, trainings=trainings) as bench:
        answers = more_data(bench, regime=None, findings=(), confidence=0.85)
        assert bench.budget.ledger.trainings <= trainings + 1e-6
    assert 1.5 in answers
    assert (4.0 in answers) == (trainings > 1.0)


def test_a_budget_for_nothing_says_what_is_needed():
    with pytest.raises(Unanswered, match=r"budget ended before more data could be tried, which takes 0\.\d+ trainings"):
        asked(table(100, 200), 150, trainings=0.01)


def test_answers_do_not_depend_on_the_executor():
    here, there = (asked(table(60, 30), 20, trainings=3.0, executor=name) for name in ("here", "processes"))
    assert here == there


def test_sureness_decides_what_is_said():
    source = table(60, 40, seed=4)
    sure, unsure = (asked(source, 35, trainings=1.0, confidence=level) for level in (0.999, 0.5))
    for factor, answer in unsure.items():
        assert answer.answer in (Verdict.HELPS, Verdict.HURTS, Verdict.NO_DIFFERENCE)
        assert sure[factor].answer is Verdict.CANNOT_TELL or sure[factor].confidence >= 0.999
        assert sure[factor].evidence == answer.evidence


def test_findings_and_few_samples_refuse():
    groups = DataFinding(code="groups", sentence="Rows come in groups.", refuses=("more_data",))
    with pytest.raises(Unanswered, match="Rows come in groups"):
        asked(table(100, 10), 5, findings=(groups,))
    with pytest.raises(Unanswered, match="36 samples are too few"):
        asked(table(36, 10), 5)


def test_a_regime_or_a_peak_that_contradicts_takes_the_prior_away():
    source = table(80, 20)
    free = asked(source, 18, trainings=1.0)
    assert "zone" in free[2.0].method  # 20 samples in 4 columns: not fitted
    over = RegimeAnswer(
        regime=Regime.OVER, ratio=Estimate(), peak=None, decided_by="training risk", would_decide="", sentence=""
    )
    peak = MeasuredPeak(axis="samples", position=120.0, interval=(100.0, 160.0), metric="loss", height=2.0)
    before = dataclasses.replace(over, regime=Regime.UNDER, peak=peak, decided_by="peak")
    for regime in (over, before):
        held = asked(source, 18, trainings=1.0, regime=regime)
        assert "zone" not in held[2.0].method
        assert held[2.0].evidence["rehearsed d"] == free[2.0].evidence["rehearsed d"]


def test_zero_one_error_is_answered_apart():
    random = np.random.default_rng(0)
    inputs = random.standard_normal((150, 40))
    labels = (inputs[:, :5].sum(axis=1) > 0.0).astype(int)
    source = benign.sources.arrays(inputs, labels, test_samples=30, scale="none")
    answers = asked(source, 40, trainings=10)
    for answer in answers.values():
        assert answer.metric == "loss"
        assert answer.error is not None
        assert answer.error.metric == "error"
        assert answer.error.evidence["rehearsed d"] != answer.evidence["rehearsed d"]


def test_the_reason_tells_what_was_done():
    answer = asked(table(100, 60), 50, trainings=4.0)[2.0]
    assert "ehearsed with a quarter of your samples, from 25 to 50 samples, the loss fell by" in answer.reason
    assert answer.reason[0].isupper()


def test_where_nothing_changes_a_direction_is_rarely_claimed():
    """A model that learns nothing but its seed: its risk is the same at every n; 15 users."""

    def guess(X, y, size, time, seed):
        weights = 0.3 + 0.2 * np.random.default_rng([seed, len(X)]).standard_normal(X.shape[1])
        return lambda inputs: inputs @ weights

    claims = []
    for user in range(15):
        model = benign.from_callable(guess, name="guess", revision=1)
        answers = asked(table(60, 6, seed=user), 1, model=model, trainings=2.0, regime=_over(), seed=user)
        claims += [answer.answer in (Verdict.HELPS, Verdict.HURTS) for answer in answers.values()]
    assert np.mean(claims) < 0.4  # 2 x 15 % at a confidence of .85


def _over():
    return RegimeAnswer(
        regime=Regime.OVER, ratio=Estimate(), peak=None, decided_by="nothing", would_decide="", sentence=""
    )


def test_a_learning_curve_that_climbs_to_a_peak_below_n_is_no_answer():
    """A penalty does not shrink with the rows: on a quarter of them the model is on its way to a peak at 110 of 120."""
    from sklearn.linear_model import Ridge

    random = np.random.default_rng(0)
    inputs = random.normal(size=(150, 110))
    values = inputs @ random.normal(size=110) / 10.0 + 0.5 * random.normal(size=150)
    source = benign.sources.arrays(inputs, values, test_samples=30)
    found = benign.diagnose(Ridge(alpha=1e-6), source, only=["more_data"], max_trainings=6.0, executor="here")
    rehearsed = [one for one in found.more_data.values() if one.evidence["rehearsed d"] > 0.0]
    assert rehearsed  # which see the loss climb
    assert all(one.answer is not Verdict.HURTS for one in found.more_data.values())
    assert any("a peak that you are past" in one.reason for one in rehearsed)
