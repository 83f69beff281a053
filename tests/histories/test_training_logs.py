"""The logs of *Reading a training curve* show what they were made for: the page says it of each."""

from pathlib import Path

import pytest

from benign.histories import Triage, triage

LOGS = Path(__file__).parents[2] / "examples" / "training_logs"
DIGITS = {"overfitting", "benign_interpolation", "dropout"}
MADE_FOR = {
    "improving": "improving",
    "plateau": "plateau",
    "underfitting": "underfitting",
    "benign_interpolation": "benign-interpolation",
    "overfitting": "overfitting",
    "overconfidence": "overconfidence",
    "instability": "instability",
    "divergence": "divergence",
    "not_learning": "not-learning",
    "batch_norm_start": "evaluation-mode",
}


def judged(name: str, classes: int | None = 10) -> Triage:
    answer = triage(LOGS / f"{name}.csv", classes=classes, validation_samples=500 if name in DIGITS else 1000)
    assert isinstance(answer, Triage)
    return answer


@pytest.mark.parametrize(("name", "code"), MADE_FOR.items())
def test_a_network_is_told_to_be_what_it_was_made_for(name, code):
    assert judged(name).codes[0] == code


@pytest.mark.parametrize("name", ["batch_norm_start", "not_learning"])
def test_the_number_of_classes_is_asked_for_where_it_would_decide(name):
    asked = "Tell the number of classes"
    assert any(text.startswith(asked) for text in judged(name, None).limits)
    assert not any(text.startswith(asked) for text in judged(name).limits)
    assert not any(text.startswith(asked) for text in judged("second_descent", None).limits)


def test_no_phenomenon_is_named_while_an_artefact_is_possible():
    answer = judged("batch_norm_start", None)
    assert "phenomenon" not in answer.headline
    assert "The number of classes would tell" in answer.findings[0].verdict
    assert "phenomenon" in judged("second_descent", None).headline


def test_a_model_that_only_guesses_is_not_called_too_small():
    assert "underfitting" not in judged("not_learning").codes
    assert "underfitting" in judged("not_learning", None).codes  # who knows of how many classes


def test_dropout_is_told_beside_what_the_curve_does():
    assert judged("dropout").codes == ("improving", "train-worse-than-validation")


def test_slow_features_descend_twice():
    answer = triage(LOGS / "second_descent.csv", validation_samples=2000)
    assert isinstance(answer, Triage)
    assert answer.codes[0] == "second-descent"
    assert (answer.findings[0].against_best, answer.findings[0].explained_by) == ("below", "")


def test_every_log_has_its_place():
    assert {path.stem for path in LOGS.glob("*.csv")} == {*MADE_FOR, "dropout", "second_descent"}
