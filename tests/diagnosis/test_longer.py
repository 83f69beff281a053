"""Will longer training help? Gradient descent on least squares, whose path is known."""

from __future__ import annotations

import numpy as np
import pytest

import benign
from benign.diagnosis.answers import Unanswered, Verdict
from benign.diagnosis.longer import longer
from tests.diagnosis.benches import on_bench, table


def descended(X, y, size, time, seed):
    """After so many steps from zero; at the end of training where no time is said."""
    X = X[:, :size]
    values, vectors = np.linalg.eigh(X.T @ X)
    rate = 1.0 / values[-1]
    reached = 1.0 - (1.0 - rate * np.maximum(values, 0.0)) ** (1000 if time is None else time)
    weights = vectors @ (reached / np.maximum(values, 1e-12) * (vectors.T @ (X.T @ y)))
    return lambda inputs: inputs[:, :size] @ weights


def asked(source, size, time, **settings):
    model = benign.from_callable(descended, name="descent", revision=1, size_name="columns", time_name="steps")
    with on_bench(source, size, model=model, time=time, **settings) as bench:
        answers = longer(bench, findings=(), confidence=0.85)
        return answers, bench.budget.ledger.trainings


def test_early_longer_training_helps():
    answers, _ = asked(table(100, 40), 30, 1)
    assert answers[4.0].answer is Verdict.HELPS
    assert answers[1.5].answer is not Verdict.HURTS
    assert "from 1 to 4 steps" in answers[4.0].reason


def test_near_the_peak_longer_training_hurts():
    """As many columns as samples: the end of training is the peak."""
    answers, _ = asked(table(100, 200), 100, 100)
    assert answers[4.0].answer is Verdict.HURTS
    assert answers[4.0].change.interval[0] > 0.0


def test_at_the_end_of_training_it_makes_no_difference():
    answers, _ = asked(table(100, 20), 5, 5000)
    assert {answer.answer for answer in answers.values()} == {Verdict.NO_DIFFERENCE}


@pytest.mark.parametrize("trainings", [3.0, 10.0])
def test_the_budget_is_obeyed(trainings):
    answers, spent = asked(table(100, 40), 30, 2, trainings=trainings)
    assert spent <= trainings + 1e-6
    assert sorted(answers) == [1.5, 2.0, 4.0]


def test_a_model_without_training_time_has_no_answer():
    with on_bench(table(60, 10), 5) as bench, pytest.raises(Unanswered, match="has no training time"):
        longer(bench, findings=(), confidence=0.85)


def test_a_training_time_that_was_not_said_is_asked_for():
    with pytest.raises(Unanswered, match="Say with `time` how many steps the model is trained for"):
        asked(table(60, 10), 5, None)


def test_a_part_of_the_samples_on_which_nothing_is_learned_shows_no_difference():
    """Fewer than 60 samples leave the model a constant: rehearsals see that nothing changes, and know nothing."""

    def timid(X, y, size, time, seed):
        if len(X) < 60:
            return lambda inputs: np.zeros(len(inputs))
        return descended(X, y, size, time, seed)

    model = benign.from_callable(timid, name="timid", revision=1, size_name="columns", time_name="steps")
    with on_bench(table(100, 40), 30, model=model, time=1, trainings=1.5) as bench:
        answers = longer(bench, findings=(), confidence=0.85)
    assert not any("tried" in answer.method for answer in answers.values())
    assert {answer.answer for answer in answers.values()} == {Verdict.CANNOT_TELL}
