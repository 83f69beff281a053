"""PartialFitRecorder, with real estimators."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.metrics import hinge_loss, log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor

import benign
from benign.foundation.errors import InvalidArgument
from benign.histories import PartialFitRecorder
from benign.histories.recorders.recording import DECAY

triage: Any = benign.triage

RANDOM = np.random.default_rng(0)
INPUTS, OTHERS = RANDOM.normal(size=(120, 5)), RANDOM.normal(size=(80, 5))


def labels(inputs):
    return np.array(["a", "b", "c"])[(inputs[:, 0] > 0).astype(int) + (inputs[:, 1] > 1)]


def train(estimator, targets, recorder=None, *, epochs=3, states=None, **first):
    for epoch in range(epochs):
        for start in range(0, 120, 30):
            told = first if not epoch and not start else {}
            estimator.partial_fit(INPUTS[start : start + 30], targets[start : start + 30], **told)
            if states is not None:
                states.append(copy.deepcopy(estimator))
            if recorder is not None:
                recorder.step()
        if recorder is not None:
            recorder.epoch()
    return estimator


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "estimator",
    [
        SGDClassifier(loss="log_loss", random_state=0),
        SGDClassifier(random_state=0),
        Perceptron(random_state=0),
        MLPClassifier(8, random_state=0),
        GaussianNB(),
    ],
    ids=["logistic", "hinge", "perceptron", "network", "naive Bayes"],
)
def test_a_classifier_is_recorded_and_not_disturbed(estimator, tmp_path):
    y, told = labels(INPUTS), {"classes": ["a", "b", "c"]}
    plain = train(copy.deepcopy(estimator), y, **told)
    watched = copy.deepcopy(estimator)
    states: list[Any] = []
    with PartialFitRecorder(watched, (INPUTS, y), (OTHERS, labels(OTHERS)), tmp_path / "log") as recorder:
        train(watched, y, recorder, states=states, **told)
    np.testing.assert_array_equal(plain.predict(OTHERS), watched.predict(OTHERS))
    for name in ("coef_", "coefs_", "theta_"):
        for one, other in zip(getattr(plain, name, []), getattr(watched, name, []), strict=True):
            np.testing.assert_array_equal(one, other)
    head, *lines = rows(tmp_path / "log")
    assert (head["classes"], head["train_samples"], head["validation_samples"]) == (3, 120, 80)
    for row in lines:
        then = states[row["step"] - 1]
        assert row["validation_error"] == pytest.approx(1 - then.score(OTHERS, labels(OTHERS)))
        assert row["train_error"] == pytest.approx(1 - then.score(INPUTS, y), rel=1e-6)
        if hasattr(then, "predict_proba"):
            assert row["train_loss"] == pytest.approx(log_loss(y, then.predict_proba(INPUTS)), rel=1e-5)
    assert ("averaged_validation_loss" in lines[0]) == (not isinstance(estimator, GaussianNB))
    assert triage(tmp_path / "log").history.classes == 3


def test_averaged_coefficients_are_the_exponential_average(tmp_path):
    estimator, y = MLPClassifier(8, random_state=0), labels(INPUTS)
    states: list[Any] = []
    path = tmp_path / "log"
    recorder = PartialFitRecorder(estimator, (INPUTS, y), (OTHERS, labels(OTHERS)), path)
    train(estimator, y, recorder, states=states, classes=["a", "b", "c"])
    for row in rows(path)[1:]:
        weights = DECAY ** np.arange(row["step"])[::-1]
        weights /= weights.sum()
        twin = copy.deepcopy(states[0])
        for name in ("coefs_", "intercepts_"):
            kept = zip(*(getattr(state, name) for state in states[: row["step"]]), strict=True)
            setattr(twin, name, [np.tensordot(weights, np.stack(parts), 1) for parts in kept])
        assert row["averaged_validation_loss"] == pytest.approx(
            log_loss(labels(OTHERS), twin.predict_proba(OTHERS)), rel=1e-5
        )
        assert row["learning_rate"] == 0.001


@pytest.mark.parametrize(
    "estimator",
    [SGDRegressor(random_state=0), MLPRegressor(hidden_layer_sizes=8, random_state=0)],
    ids=["linear", "network"],
)
def test_a_regressor_has_a_squared_loss_and_no_error(estimator, tmp_path):
    y, path = INPUTS[:, 0] * 2, tmp_path / "log"
    recorder = PartialFitRecorder(estimator, (INPUTS, y), (OTHERS, OTHERS[:, 0] * 2), path)
    train(estimator, y, recorder)
    recorder.close()
    last = rows(path)[-1]
    assert last["validation_loss"] == pytest.approx(
        np.mean((estimator.predict(OTHERS) - OTHERS[:, 0] * 2) ** 2), rel=1e-6
    )
    assert "validation_error" not in last
    assert "classes" not in rows(path)[0]


def test_two_classes_without_probabilities_have_the_hinge_loss(tmp_path):
    y, truth = np.where(INPUTS[:, 0] > 0, 1, -1), np.where(OTHERS[:, 0] > 0, 1, -1)
    estimator, path = SGDClassifier(random_state=0), tmp_path / "log"
    recorder = PartialFitRecorder(estimator, (INPUTS, y), (OTHERS, truth), path)
    train(estimator, y, recorder, epochs=1, classes=[-1, 1])
    recorder.close()
    assert rows(path)[-1]["validation_loss"] == pytest.approx(
        hinge_loss(truth, estimator.decision_function(OTHERS)), rel=1e-6
    )


def test_data_frames_are_taken_as_the_estimator_takes_them(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame, others = (pandas.DataFrame(part, columns=list("vwxyz")) for part in (INPUTS, OTHERS))
    estimator, y = SGDClassifier(loss="log_loss", random_state=0), pandas.Series(labels(INPUTS))
    recorder = PartialFitRecorder(
        estimator, (frame, y), (others, labels(OTHERS)), tmp_path / "log", relabelled=y == "c"
    )
    estimator.partial_fit(frame, y, classes=["a", "b", "c"])
    recorder.step()
    assert rows(tmp_path / "log")[1]["flipped_train_error"] == pytest.approx(
        1 - estimator.score(frame[y == "c"], y[y == "c"])
    )


def test_what_cannot_be_recorded_gets_a_sentence(tmp_path):
    y = labels(INPUTS)
    pair = (INPUTS, y)
    with pytest.raises(InvalidArgument, match="`estimator` must have a method `partial_fit`; float has none"):
        PartialFitRecorder(1.0, pair, pair, tmp_path / "1")
    with pytest.raises(
        InvalidArgument, match="`train_set` must hold as many inputs as targets, and some; got 120 and 3"
    ):
        PartialFitRecorder(GaussianNB(), (INPUTS, y[:3]), pair, tmp_path / "2")
    with pytest.raises(InvalidArgument, match=r"`validation_set` must be a pair \(inputs, targets\)"):
        PartialFitRecorder(GaussianNB(), pair, INPUTS, tmp_path / "3")
    estimator = GaussianNB()
    recorder = PartialFitRecorder(estimator, pair, pair, tmp_path / "4")
    with pytest.raises(InvalidArgument, match="cannot predict after its `partial_fit`"):
        recorder.step()
    estimator.partial_fit(INPUTS[y != "c"], y[y != "c"], classes=["a", "b"])
    with pytest.raises(InvalidArgument, match="tell it every class with its first `partial_fit`"):
        PartialFitRecorder(estimator, pair, pair, tmp_path / "5").step()
