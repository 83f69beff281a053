"""What estimators are measured by: the objective that each minimises, from outputs that predict as it does."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benign import sources
from benign.foundation.errors import InvalidArgument, UnknownName
from benign.foundation.replicate import Replicate
from benign.foundation.split import class_indices
from benign.procedures import from_estimator, objectives
from benign.procedures.known_objectives import objective_of
from tests.procedures.cases import digits

AS_IT_STANDS = np.array([np.nan])


class OwnForest(RandomForestClassifier):  # type: ignore[misc]
    """Somebody's own, which trains as its base does."""


class OwnModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Somebody's own, which says nothing."""


def _threes_and_fives():
    images, labels = load_digits(return_X_y=True)
    kept = np.isin(labels, (3, 5))
    return sources.arrays(
        images[kept], labels[kept], name="threes and fives", label_noise=0.2, test_samples=30, task="classification"
    ).draw(60, Replicate())


KNOWN = [
    (RandomForestClassifier(), "squared"),
    (RandomForestClassifier(criterion="entropy"), "cross-entropy"),
    (OwnForest(criterion="log_loss"), "cross-entropy"),
    (DecisionTreeClassifier(), "squared"),
    (ExtraTreesClassifier(criterion="log_loss"), "cross-entropy"),
    (KNeighborsClassifier(), "squared"),
    (LogisticRegression(), "cross-entropy"),
    (make_pipeline(StandardScaler(), LogisticRegression()), "cross-entropy"),
    (GridSearchCV(make_pipeline(StandardScaler(), SVC()), {}), "pairwise hinge"),
    (MLPClassifier(), "cross-entropy"),
    (HistGradientBoostingClassifier(), "cross-entropy"),
    (GradientBoostingClassifier(), "cross-entropy"),
    (GradientBoostingClassifier(loss="exponential"), "exponential"),
    (GaussianProcessClassifier(), "cross-entropy"),
    (AdaBoostClassifier(), "exponential"),
    (SVC(), "pairwise hinge"),
    (LinearSVC(), "squared hinge"),
    (LinearSVC(loss="hinge"), "hinge"),
    (SGDClassifier(), "hinge"),
    (SGDClassifier(loss="log_loss"), "cross-entropy"),
    (RidgeClassifier(), "squared"),
    (StackingClassifier([("tree", DecisionTreeClassifier())]), "cross-entropy"),
    (StackingClassifier([("tree", DecisionTreeClassifier())], final_estimator=SVC()), "pairwise hinge"),
    (LinearRegression(), "squared"),
    (RandomForestRegressor(), "squared"),
    (DecisionTreeRegressor(criterion="absolute_error"), "absolute"),
    (RandomForestRegressor(criterion="poisson"), "poisson"),
    (GradientBoostingRegressor(), "squared"),
    (GradientBoostingRegressor(loss="quantile", alpha=0.75), "quantile 0.75"),
    (HistGradientBoostingRegressor(loss="quantile", quantile=0.2), "quantile 0.2"),
    (HistGradientBoostingRegressor(loss="gamma"), "gamma"),
    (SVR(epsilon=0.3), "epsilon-insensitive 0.3"),
    (LinearSVR(loss="squared_epsilon_insensitive", epsilon=0.2), "squared epsilon-insensitive 0.2"),
    (SGDRegressor(), "squared"),
    (SGDRegressor(loss="epsilon_insensitive"), "epsilon-insensitive 0.1"),
    (QuantileRegressor(), "quantile 0.5"),
    (PoissonRegressor(), "poisson"),
    (GammaRegressor(), "gamma"),
    (TweedieRegressor(power=1), "poisson"),
    (MLPRegressor(), "squared"),
    (TransformedTargetRegressor(make_pipeline(MinMaxScaler(), Ridge())), "squared"),
]


@pytest.mark.parametrize(("estimator", "objective"), KNOWN, ids=lambda value: repr(value)[:60])
def test_what_is_known_is_known_without_a_note(estimator, objective):
    found = objective_of(estimator)
    assert (found.name, found.note) == (objective, "")
    objectives.check_objective("objective", found.name)


@pytest.mark.parametrize(
    ("estimator", "note"),
    [
        (OwnModel(), "What OwnModel minimises is not known here"),
        (GradientBoostingRegressor(loss="huber"), "is not known here"),
        (SGDClassifier(loss="modified_huber"), "minimises no loss"),
        (TweedieRegressor(power=1.5), "is not known here"),
        (HuberRegressor(), "is not known here"),
        (BaggingClassifier(), "is not known here"),
        (CalibratedClassifierCV(), "is not known here"),
        (GaussianNB(), "GaussianNB is fitted by the likelihood of inputs and labels together"),
        (LinearDiscriminantAnalysis(), "is fitted by the likelihood"),
        (FixedThresholdClassifier(LogisticRegression()), "minimises no loss"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_is_not_is_squared_and_said(estimator, note):
    found = objective_of(estimator)
    assert found.name == "squared"
    assert note in found.note


def _outputs(procedure, split, inputs):
    (one,) = procedure.predict(split, inputs, AS_IT_STANDS)
    return one.values


CLASSIFIERS = [
    *(
        SVC(),
        SVC(C=100.0, kernel="linear"),
        LinearSVC(),
        LinearSVC(loss="hinge"),
        SGDClassifier(),
        AdaBoostClassifier(),
    ),
    *(LogisticRegression(), RidgeClassifier(), RidgeClassifierCV(), GradientBoostingClassifier(n_estimators=5)),
    *(AdaBoostClassifier(DecisionTreeClassifier(max_depth=3)), SGDClassifier(loss="modified_huber"), GaussianNB()),
    *(make_pipeline(StandardScaler(), SVC()), GridSearchCV(SVC(), {"C": [0.1, 10.0]}, cv=2)),
    *(
        LinearDiscriminantAnalysis(),
        make_pipeline(PCA(2), StandardScaler(), GaussianProcessClassifier()),
        MLPClassifier(max_iter=20),
        KNeighborsClassifier(),
    ),
    BaggingClassifier(SVC(), n_estimators=3),
]


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda value: repr(value)[:60])
def test_outputs_give_the_classes_that_the_estimator_predicts(estimator, classes):
    split = digits(samples=60, noise=0.1)
    if classes == 2:
        split = _threes_and_fives()
    procedure = from_estimator(estimator, size="features")
    model = procedure._seeded(split.replicate).fit(split.train_inputs, class_indices(split.train_targets))
    for inputs, targets in ((split.train_inputs, split.train_targets), (split.test_inputs, split.test_targets)):
        outputs = _outputs(procedure, split, inputs)
        found = objectives.predicted_classes(outputs, classes)
        np.testing.assert_array_equal(found, model.predict(inputs))
        losses = objectives.losses(procedure.objective, outputs, targets)
        assert losses.shape == (len(inputs),)
        assert np.isfinite(losses).all()
        assert (losses >= 0.0).all()


def test_the_margins_of_adaboost_are_those_that_its_weights_follow():
    """Each round multiplies the weights of the wrong by the exponential of the member's weight (SAMME)."""
    for split in (
        digits(samples=60),
        _threes_and_fives(),
    ):
        procedure = from_estimator(AdaBoostClassifier(n_estimators=7), size="features")
        y = class_indices(split.train_targets)
        model = procedure._seeded(split.replicate).fit(split.train_inputs, y)
        weights = np.ones(len(y))
        for member, weight in zip(model.estimators_, model.estimator_weights_, strict=True):
            weights *= np.exp(weight * (member.predict(split.train_inputs) != y))
        outputs = _outputs(procedure, split, split.train_inputs)
        losses = objectives.losses("exponential", outputs, split.train_targets)
        np.testing.assert_allclose(losses / losses.sum(), weights / weights.sum(), rtol=1e-8)
        assert losses.mean() < objectives.constant_loss("exponential", split.train_targets)


def test_the_stages_of_adaboost_have_the_margins_of_shorter_trainings():
    split, times = digits(samples=60), np.array([1.0, 3.0, 6.0])
    procedure = from_estimator(AdaBoostClassifier(), size="features", time="n_estimators")
    for one in procedure.predict(split, split.test_inputs, AS_IT_STANDS, times):
        short = from_estimator(AdaBoostClassifier(n_estimators=int(one.time)), size="features")
        np.testing.assert_allclose(one.values, _outputs(short, split, split.test_inputs), rtol=1e-10, atol=1e-12)


def test_a_ridge_classifier_has_the_squared_loss_of_its_scores():
    split = digits(samples=60)
    outputs = _outputs(from_estimator(RidgeClassifier(), size="features"), split, split.test_inputs)
    values = Ridge().fit(split.train_inputs, split.train_targets).predict(split.test_inputs)
    np.testing.assert_allclose(outputs, values, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "estimator", [SVC(), LinearSVC(), RidgeClassifier(), LogisticRegression(), AdaBoostClassifier()]
)
def test_classes_that_training_has_not_seen_are_never_predicted(estimator):
    split = digits(samples=60)
    kept = np.isin(class_indices(split.train_targets), (2, 5, 8))
    names = ("train_inputs", "train_targets", "train_targets_clean")
    split = replace(split, **{name: getattr(split, name)[kept] for name in names})
    procedure = from_estimator(estimator, size="features")
    outputs = _outputs(procedure, split, split.test_inputs)
    assert set(objectives.predicted_classes(outputs, 10).tolist()) <= {2, 5, 8}
    train = objectives.losses(procedure.objective, _outputs(procedure, split, split.train_inputs), split.train_targets)
    assert train.mean() < objectives.constant_loss(procedure.objective, split.train_targets)


def test_a_classifier_whose_classes_are_not_the_most_probable_is_asked_for_its_classes():
    split = _threes_and_fives()
    strict = FixedThresholdClassifier(LogisticRegression(), threshold=0.999)
    model = strict.fit(split.train_inputs, class_indices(split.train_targets))
    outputs = _outputs(from_estimator(strict, size="features"), split, split.test_inputs)
    np.testing.assert_array_equal(outputs, np.eye(2)[model.predict(split.test_inputs)])


class TestSaid:
    def test_another_objective_is_another_key(self):
        specs = [
            from_estimator(LogisticRegression(), size="C", objective=name).spec()
            for name in (None, "squared", "hinge", "cross-entropy")
        ]
        assert specs[0] == specs[3]
        assert "objective" not in specs[1]
        assert len({str(spec) for spec in specs}) == 3

    def test_the_squared_loss_of_probabilities_is_the_brier_score(self):
        split = digits(samples=60)
        procedure = from_estimator(LogisticRegression(max_iter=1000), size="C", objective="squared")
        outputs = _outputs(procedure, split, split.test_inputs)
        np.testing.assert_allclose(outputs.sum(axis=1), 1.0)
        assert procedure.objective == "squared"

    def test_what_the_estimator_has_no_outputs_for_is_refused(self):
        with pytest.raises(InvalidArgument, match=r"cross-entropy needs the method predict_proba, which SVC has not"):
            from_estimator(SVC(), size="C", objective="cross-entropy")
        with pytest.raises(InvalidArgument, match=r"hinge needs the method decision_function, which RandomForest"):
            from_estimator(RandomForestClassifier(), size="max_depth", objective="hinge")

    def test_what_there_is_not_is_refused_with_the_nearest(self):
        with pytest.raises(UnknownName, match=r"unknown objective 'squard'; did you mean 'squared'"):
            from_estimator(RandomForestClassifier(), size="max_depth", objective="squard")


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("estimator", "by_hand"),
    [
        (SVR(epsilon=0.3), lambda f, y: np.maximum(0.0, np.abs(f - y) - 0.3)),
        (GradientBoostingRegressor(loss="absolute_error"), lambda f, y: np.abs(f - y)),
        (QuantileRegressor(quantile=0.8, alpha=0.0), lambda f, y: np.maximum(0.8 * (y - f), 0.2 * (f - y))),
    ],
)
def test_losses_of_regressors(estimator, by_hand):
    split = sources.mml(test_samples=20).draw(30, Replicate())
    procedure = from_estimator(estimator, size="features")
    block = procedure.measure([split], np.array([1]), None, frozenset({"train_loss", "test_loss"}))
    model = procedure._seeded(split.replicate).fit(split.train_inputs, split.train_targets[:, 0])
    for metric, inputs, targets in (
        ("train_loss", split.train_inputs, split.train_targets),
        ("test_loss", split.test_inputs, split.test_targets),
    ):
        expected = by_hand(model.predict(inputs), targets[:, 0]).mean()
        assert block.metrics[metric][0, 0, 0] == pytest.approx(expected, rel=1e-9)


def test_quadratic_discriminants_that_cannot_be_trained_say_so():
    split = digits(samples=40)
    with pytest.raises(InvalidArgument, match=r"QuadraticDiscriminantAnalysis cannot be trained as it stands on 40"):
        _outputs(from_estimator(QuadraticDiscriminantAnalysis(), size="features"), split, split.test_inputs)


class OtherClasses(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A tree that says other classes than it was given, or fewer probabilities."""

    def __init__(self, depth=3, labels=None, columns=None):
        self.depth = depth
        self.labels = labels
        self.columns = columns

    def fit(self, X, y):
        self.tree_ = DecisionTreeClassifier(max_depth=self.depth, random_state=0).fit(X, y)
        self.classes_ = self.tree_.classes_ if self.labels is None else np.array(self.labels)
        return self

    def predict(self, X):
        return self.classes_[self.tree_.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        return self.tree_.predict_proba(X)[:, : self.columns]


@pytest.mark.parametrize("labels", [[1, 2], [-1, 1], ["three", "five"], [0.0, 1.0]])
def test_classes_of_another_name_stand_in_the_same_order(labels):
    split = _threes_and_fives()
    outputs = _outputs(from_estimator(OtherClasses(labels=labels), size="depth"), split, split.test_inputs)
    np.testing.assert_array_equal(
        outputs, _outputs(from_estimator(OtherClasses(), size="depth"), split, split.test_inputs)
    )


@pytest.mark.parametrize("settings", [{"columns": 1}, {"labels": [4, 5, 6], "columns": 1}])
def test_probabilities_of_fewer_classes_are_refused(settings):
    split = _threes_and_fives()
    with pytest.raises(
        InvalidArgument, match=r"predicts an array of shape \(30, 1\); it must be \(30, 2\), one score a"
    ):
        _outputs(from_estimator(OtherClasses(**settings), size="depth"), split, split.test_inputs)


def test_xgboost_is_given_classes_without_gaps():
    """It refuses others; what it numbers goes back to the classes that it stands for."""
    split = digits(samples=60)
    kept = np.isin(class_indices(split.train_targets), (2, 5, 8))
    names = ("train_inputs", "train_targets", "train_targets_clean")
    split = replace(split, **{name: getattr(split, name)[kept] for name in names})
    outputs = _outputs(from_estimator(XGBClassifier(), size="max_depth"), split, split.test_inputs)
    assert set(np.flatnonzero(outputs.sum(axis=0))) == {2, 5, 8}
    np.testing.assert_array_equal(
        outputs,
        _outputs(
            from_estimator(DecisionTreeClassifier(max_depth=2, random_state=0), size="max_leaf_nodes"),
            split,
            split.test_inputs,
        ),
    )


class XGBClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A tree with XGBoost's name and its refusal of classes that do not count from 0."""

    __module__ = "xgboost.sklearn"

    def __init__(self, max_depth=2, random_state=None):
        self.max_depth = max_depth
        self.random_state = random_state

    def fit(self, X, y):
        if not np.array_equal(np.unique(y), np.arange(len(np.unique(y)))):
            raise ValueError("Invalid classes inferred from unique values of `y`.")
        self.tree_ = DecisionTreeClassifier(max_depth=self.max_depth, random_state=self.random_state).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict(self, X):
        return self.tree_.predict(X)

    def predict_proba(self, X):
        return self.tree_.predict_proba(X)
