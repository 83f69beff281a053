import warnings

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, LearningCurveDisplay, learning_curve
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benign.foundation.errors import InvalidArgument
from benign.histories.readers.opening import read_logs
from benign.histories.recorded import history_of
from benign.histories.roles import assigned
from tests.histories.readers.shown import points

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(120, 4))
TARGETS = INPUTS[:, 0] + RANDOM.normal(size=120)
LABELS = (TARGETS > 0).astype(int)


def fitted(estimator, targets=LABELS):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(INPUTS, targets)


def history(estimator):
    (log,) = read_logs(estimator)
    assignment = assigned(log)
    assert assignment.questions == ()
    return log, history_of(log, assignment)[0]


NETWORK = {"hidden_layer_sizes": (4,), "max_iter": 12, "random_state": 0}


def test_a_network_classifier_keeps_a_loss_and_accuracies():
    network = fitted(MLPClassifier(early_stopping=True, n_iter_no_change=20, **NETWORK))
    log, read = history(network)
    assert (log.format, log.axis) == ("scikit-learn MLPClassifier", "epoch")
    assert read.times.tolist() == list(range(1, 13))
    assert read.train_loss.tolist() == network.loss_curve_
    np.testing.assert_allclose(read.validation_error, 1 - np.array(network.validation_scores_))
    assert read.validation_loss is None


def test_a_network_regressor_keeps_r2():
    network = fitted(MLPRegressor(early_stopping=True, n_iter_no_change=20, **NETWORK), TARGETS)
    _, read = history(network)
    (metric,) = read.metrics
    assert metric.values.tolist() == network.validation_scores_
    assert metric.higher_is_better
    assert read.validation_error is None


BOOSTING = {"early_stopping": True, "max_iter": 8, "n_iter_no_change": 20, "max_leaf_nodes": 3, "random_state": 0}


def test_boosting_keeps_negative_losses_and_a_score_before_the_first_round():
    boosted = fitted(HistGradientBoostingClassifier(**BOOSTING))
    log, read = history(boosted)
    assert log.axis == "round"
    assert read.times.tolist() == list(range(1, 9))
    np.testing.assert_allclose(read.validation_loss, -np.array(boosted.validation_score_[1:]))
    np.testing.assert_allclose(read.train_loss, -np.array(boosted.train_score_[1:]))


def test_boosting_scored_by_accuracy_keeps_accuracies():
    boosted = fitted(HistGradientBoostingClassifier(scoring="accuracy", **BOOSTING))
    _, read = history(boosted)
    np.testing.assert_allclose(read.validation_error, 1 - np.array(boosted.validation_score_[1:]))
    assert read.validation_loss is None


@pytest.mark.parametrize(("scoring", "is_loss"), [("neg_mean_squared_error", True), (None, False), ("r2", False)])
def test_boosted_regression_is_read_as_it_was_scored(scoring, is_loss):
    boosted = fitted(HistGradientBoostingRegressor(scoring=scoring, **BOOSTING), TARGETS)
    _, read = history(boosted)
    scores = np.array(boosted.validation_score_[1:])
    if is_loss:
        np.testing.assert_allclose(read.validation_loss, -scores)
    else:
        assert read.validation_loss is None
        assert read.metrics[0].values.tolist() == scores.tolist()


def test_gradient_boosting_keeps_a_positive_loss():
    boosted = fitted(GradientBoostingClassifier(n_estimators=5))
    log, read = history(boosted)
    assert read.train_loss.tolist() == boosted.train_score_.tolist()
    assert log.columns[0].positions.tolist() == [1, 2, 3, 4, 5]


def test_the_estimator_within_a_pipeline_and_a_search_is_read():
    search = fitted(make_pipeline(StandardScaler(), GridSearchCV(MLPClassifier(**NETWORK), {"alpha": [0.1]}, cv=2)))
    (log,) = read_logs(search)
    assert points(log)["loss_curve_"] == list(enumerate(search[-1].best_estimator_.loss_curve_, 1))


def test_a_learning_curve_is_no_curve_of_one_training():
    curve = learning_curve(HistGradientBoostingClassifier(max_iter=2), INPUTS, LABELS, train_sizes=[20, 60], cv=2)
    for held in (curve, LearningCurveDisplay(train_sizes=curve[0], train_scores=curve[1], test_scores=curve[2])):
        with pytest.raises(InvalidArgument, match="several trainings"):
            read_logs(held)


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(n_estimators=2), HistGradientBoostingClassifier(max_iter=2), MLPClassifier()]
)
def test_an_estimator_without_a_curve_gets_a_sentence(estimator):
    if not isinstance(estimator, MLPClassifier):
        fitted(estimator)
    with pytest.raises(InvalidArgument, match="kept its curve"):
        read_logs(estimator)
