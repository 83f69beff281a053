"""Will a bigger model help? Least squares in Gaussian columns, whose risk is known on either side of its peak."""

from __future__ import annotations

import numpy as np
import pytest

import benign
from benign.diagnosis.answers import DataFinding, Unanswered, Verdict
from benign.diagnosis.bigger import bigger
from benign.diagnosis.trials.bench import opened
from benign.diagnosis.trials.budget import Budget, Ledger
from benign.foundation.progress import silent
from benign.procedures.known_estimators import subject_of
from tests.diagnosis.benches import Columns, on_bench, risk, table


def asked(source, size, *, findings=(), **settings):
    with on_bench(source, size, **settings) as bench:
        return bigger(bench, findings=findings, confidence=0.85)


def of_estimator(estimator, source, **settings):
    """Answers about a scikit-learn estimator."""
    with opened(
        subject=subject_of(estimator, source, **settings),
        source=source,
        samples=source.max_samples,
        seed=0,
        budget=Budget(ledger=Ledger(), seconds=np.inf, trainings=20.0),
        executor="here",
        workers=None,
        progress=silent,
    ) as bench:
        return bigger(bench, findings=(), confidence=0.85)


def test_up_to_the_peak_a_bigger_model_hurts_and_far_beyond_it_helps():
    """100 samples: 60 columns against 90 are near the peak; 110 against 440 far beyond it."""
    answer = asked(table(100, 400), 60)[1.5]
    assert answer.answer is Verdict.HURTS
    assert answer.change.interval[0] < risk(100, 90, 400) / risk(100, 60, 400) - 1.0
    assert asked(table(100, 400), 110)[4.0].answer is Verdict.HELPS


def test_the_interval_holds_what_theory_says():
    """Rehearsals see fewer samples of the same 20 columns: where they disagree, the interval is wide."""
    answer = asked(Columns(20), 4, samples=200)[4.0]
    assert answer.answer is Verdict.HELPS
    low, high = answer.change.interval
    assert low < risk(200, 16, 20) / risk(200, 4, 20) - 1.0 < high
    assert "tried" in answer.method


def test_more_columns_than_there_are_cannot_be_had():
    model = benign.from_callable(_first_columns, name="columns", revision=1, size_name="columns", max_size=30)
    assert sorted(asked(table(80, 30), 18, model=model, trainings=10)) == [1.5, 2.0, 4.0]  # as many as there are
    with pytest.raises(Unanswered, match="columns = 30 is the largest model there is"):
        asked(table(80, 30), 30, model=model)


def _first_columns(X, y, size, time, seed):
    weights = np.linalg.lstsq(X[:, :size], y, rcond=None)[0]
    return lambda inputs: inputs[:, :size] @ weights


@pytest.mark.parametrize("trainings", [3.0, 10.0])
def test_the_budget_is_obeyed(trainings):
    with on_bench(table(100, 60), 20, trainings=trainings) as bench:
        answers = bigger(bench, findings=(), confidence=0.85)
        assert bench.budget.ledger.trainings <= trainings + 1e-6
    assert sorted(answers) == [1.5, 2.0, 4.0]


def test_of_an_inverse_size_bigger_is_a_smaller_value():
    from sklearn.neighbors import KNeighborsRegressor

    random = np.random.default_rng(0)
    inputs = random.uniform(-3.0, 3.0, size=(120, 1))
    source = benign.sources.arrays(inputs, np.sin(3.0 * inputs[:, 0]) + 0.1 * random.standard_normal(120))
    answers = of_estimator(KNeighborsRegressor(n_neighbors=24), source)
    assert answers[4.0].answer is Verdict.HELPS
    assert "from n_neighbors = 24 to 6" in answers[4.0].reason
    with pytest.raises(Unanswered, match="n_neighbors = 1 is the largest model there is"):
        of_estimator(KNeighborsRegressor(n_neighbors=1), source)


def test_a_model_without_limit_has_none_bigger():
    from sklearn.tree import DecisionTreeRegressor

    with pytest.raises(Unanswered, match="max_leaf_nodes has no limit already"):
        of_estimator(DecisionTreeRegressor(), table(60, 3))


def test_findings_refuse():
    finding = DataFinding(code="leak", sentence="A column gives the label away.", refuses=("bigger",))
    with pytest.raises(Unanswered, match="A column gives the label away"):
        asked(table(60, 5), 3, findings=(finding,))
