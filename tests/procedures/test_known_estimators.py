"""What is diagnosed of an estimator: size, time, ridge and memory, inferred or named; nothing of the user's changes."""

import math
import pickle
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.kernel_approximation import RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import benign
from benign import sources
from benign.foundation.errors import InvalidArgument, NotEnoughMemory, UnknownName
from benign.foundation.replicate import Replicate
from benign.procedures import RandomFourier, from_callable, from_estimator
from benign.procedures.adaptation import handed_on, training_targets
from benign.procedures.estimator import Estimator
from benign.procedures.estimator_memory import polynomial_columns
from benign.procedures.known_estimators import SizeParameter, least_bytes, regularisation_of, subject_of

N = 60
_cancer, _diabetes = load_breast_cancer(), load_diabetes()
CANCER = sources.arrays(_cancer.data, _cancer.target, name="cancer", test_samples=40, task="classification")
DIABETES = sources.arrays(_diabetes.data, _diabetes.target, name="diabetes", test_samples=40)


def _of_cancer(model, **settings):
    return subject_of(model, CANCER, samples=N, **settings)


def _of_diabetes(model, **settings):
    return subject_of(model, DIABETES, samples=N, **settings)


def _answers(procedure, split, size, time=None):
    times = None if time is None else np.array([time])
    (one,) = procedure.predict(split, split.test_inputs, np.array([size]), times)
    return one.values


INFERRED = [
    # estimator, of classes; parameter, least, largest, value, grows; time and its name
    (RandomForestClassifier(9), True, ("max_leaf_nodes", 2, N, math.inf, True), ("n_estimators", 9)),
    (HistGradientBoostingClassifier(max_iter=7), True, ("max_leaf_nodes", 2, N, 31, True), ("max_iter", 7)),
    (GradientBoostingRegressor(n_estimators=5), False, ("max_depth", 1, N - 1, 3, False), ("n_estimators", 5)),
    (KNeighborsClassifier(), True, ("n_neighbors", 1, N, 5, False), None),
    (SVC(kernel="linear"), True, ("C", 1e-12, 1e12, 1, False), None),
    (make_pipeline(StandardScaler(), SVC()), True, ("svc__gamma", 1e-12, 1e12, 1 / 30, False), None),
    (SVC(gamma="auto"), True, ("gamma", 1e-12, 1e12, 1 / 30, False), None),
    (KernelRidge(kernel="rbf"), False, ("gamma", 1e-12, 1e12, 0.1, False), None),
    (LinearRegression(), False, ("features", 1, 10, 10, True), None),
    (GaussianNB(), True, ("features", 1, 30, 30, True), None),
    (Ridge(alpha=3), False, ("alpha", 1e-12, 1e12, 3, False), None),
    (Lasso(), False, ("alpha", 1e-12, 1e12, 1, False), None),
    (MLPClassifier((20, 10), max_iter=5), True, ("hidden_layer_sizes", 1, math.inf, 20, True), ("max_iter", 5)),
    (AdaBoostClassifier(n_estimators=4), True, ("estimator__max_depth", 1, N - 1, 1, False), ("n_estimators", 4)),
    (BaggingRegressor(n_estimators=3), False, ("estimator__max_leaf_nodes", 2, N, math.inf, True), ("n_estimators", 3)),
    (CalibratedClassifierCV(), True, ("estimator__C", 1e-12, 1e12, 1, False), None),
    (
        TransformedTargetRegressor(
            make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=7, max_iter=3)),
            transformer=StandardScaler(),
        ),
        False,
        ("regressor__mlpregressor__hidden_layer_sizes", 1, math.inf, 7, True),
        ("regressor__mlpregressor__max_iter", 3),
    ),
    (TransformedTargetRegressor(), False, ("features", 1, 10, 10, True), None),
    (make_pipeline(PCA(4), LogisticRegression()), True, ("pca__n_components", 1, 30, 4, True), None),
    (make_pipeline(PCA(), LogisticRegression()), True, ("pca__n_components", 1, 30, 30, True), None),
    (
        make_pipeline(VarianceThreshold(), RBFSampler(n_components=50), RidgeClassifier(alpha=1e-8)),
        True,
        ("rbfsampler__n_components", 1, math.inf, 50, True),
        None,
    ),
    (
        make_pipeline(PolynomialFeatures(2), LogisticRegression()),
        True,
        ("polynomialfeatures__degree", 1, math.inf, 2, False),
        None,
    ),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("model", "of_classes", "size", "time"), INFERRED, ids=lambda value: repr(value)[:50])
def test_what_is_inferred_is_the_estimator_as_it_stands(model, of_classes, size, time):
    """Set to its present value, the size changes nothing."""
    source = CANCER if of_classes else DIABETES
    subject = subject_of(model, source, samples=N)
    found = subject.size_parameter
    assert found is not None
    assert (found.name, found.least, found.largest, found.grows) == (*size[:3], size[4])
    assert found.value == subject.size == pytest.approx(size[3], rel=1e-6)
    assert (subject.procedure.time_name, subject.time) == (time or (None, None))
    assert subject.notes[0].startswith("It has no size of its own" if found.name == "features" else "Its size is ")
    split = source.draw(N, Replicate())
    whole = _answers(subject.procedure, split, np.nan)
    plain = _answers(
        from_estimator(model, size="features") if found.name == "features" else subject.procedure, split, np.nan
    )
    np.testing.assert_array_equal(whole, plain)
    at_size = _answers(subject.procedure, split, subject.size)
    np.testing.assert_allclose(at_size, whole, rtol=1e-3, atol=1e-3 * np.abs(whole).max())
    if found.name != "features":  # columns in another order are added up in another order
        np.testing.assert_array_equal(at_size, whole)


def test_a_search_is_diagnosed_as_it_stands():
    subject = _of_cancer(GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=2))
    assert (subject.size, subject.size_parameter, subject.time) == (None, None, None)
    assert "a search chooses its settings anew" in subject.notes[0]
    assert regularisation_of(subject) == ()
    split = CANCER.draw(N, Replicate())
    assert _answers(subject.procedure, split, np.nan).shape == (40, 2)
    with pytest.raises(InvalidArgument, match=r"`size` must be left out: GridSearchCV has no size here"):
        _of_cancer(GridSearchCV(SVC(), {}), size=3)


def test_a_share_of_components_is_no_number_of_them():
    subject = _of_cancer(make_pipeline(PCA(0.9), LogisticRegression()))
    assert subject.size is None
    assert subject.size_parameter is not None
    assert subject.size_parameter.value is None


def test_text_columns_reach_the_model_encoded():
    table = load_breast_cancer(as_frame=True).frame.rename(columns={"mean radius": "radius"})
    table["radius"] = np.where(table["radius"] > 14.0, "large", "small")
    source = sources.frame(table, target="target", test_samples=40)
    encoder = make_column_transformer((OneHotEncoder(), ["radius"]), remainder="passthrough")
    subject = subject_of(make_pipeline(encoder, StandardScaler(with_mean=False), SVC()), source, samples=N)
    split = source.draw(N, Replicate())
    assert isinstance(subject.procedure, Estimator)
    fitted = subject.procedure.at_size(np.nan).fit(handed_on(split.train_inputs, split), training_targets(split))
    assert subject.size == pytest.approx(fitted[-1]._gamma, rel=1e-9)
    forest = subject_of(make_pipeline(encoder, RandomForestClassifier(3)), source, samples=N)
    split = source.draw(N, Replicate())
    assert _answers(forest.procedure, split, math.inf).shape == (40, 2)
    linear = subject_of(make_pipeline(encoder, LinearDiscriminantAnalysis()), source, samples=N)
    assert linear.size_parameter is None
    assert "It has no size here" in linear.notes[0]


class TestNamed:
    def test_the_user_names_another(self):
        subject = _of_cancer(RandomForestClassifier(5, min_samples_leaf=2), size_parameter="min_samples_leaf")
        found = subject.size_parameter
        assert found == SizeParameter(
            name="min_samples_leaf", is_inverse=True, is_real=False, least=1.0, largest=N // 2, value=2.0, grows=False
        )
        assert subject.procedure.is_inverse
        assert subject.notes == ()

    def test_a_short_name_is_enough_where_it_is_one(self):
        pipeline = make_pipeline(StandardScaler(), SVC())
        assert _of_cancer(pipeline, size_parameter="C").procedure.size_name == "svc__C"
        with pytest.raises(InvalidArgument, match=r"C is a parameter of several parts; name 'svc-1__C' or 'svc-2__C'"):
            _of_cancer(make_pipeline(SVC(), SVC()), size_parameter="C")

    def test_a_name_that_there_is_not(self):
        with pytest.raises(UnknownName, match=r"'max_leaf_node'; did you mean 'max_leaf_nodes'"):
            _of_cancer(RandomForestClassifier(), size_parameter="max_leaf_node")

    def test_columns_of_what_has_a_size_too(self):
        subject = _of_cancer(RandomForestClassifier(3), size_parameter="features", size=7)
        assert (subject.size, subject.procedure.max_size) == (7.0, 30.0)

    def test_a_parameter_of_its_own_class(self):
        subject = _of_cancer(Depths(depth=4), size_parameter="depth")
        assert subject.size == 4.0
        assert subject.notes == (
            "What Depths minimises is not known here: its squared loss is measured; say another with `objective`.",
        )
        with pytest.raises(
            InvalidArgument, match=r"`size_parameter` label changes nothing: 4 values give the same pred"
        ):
            _of_cancer(Depths(), size_parameter="label")

    @pytest.mark.parametrize(
        ("model", "name", "why"),
        [
            (RandomForestClassifier(), "verbose", "verbose changes nothing of it"),
            (RandomForestClassifier(), "n_jobs", "n_jobs changes nothing of it"),
            (RandomForestClassifier(), "random_state", "random_state changes nothing of it"),
            (Ridge(), "copy_X", "copy_X changes nothing of it"),
            (SVC(), "kernel", "kernel of SVC is str"),
            (LogisticRegression(), "fit_intercept", "fit_intercept of LogisticRegression is bool"),
            (
                AdaBoostClassifier(DecisionTreeClassifier()),
                "estimator",
                "estimator of AdaBoostClassifier is DecisionTreeC",
            ),
        ],
    )
    def test_what_cannot_be_a_size(self, model, name, why):
        with pytest.raises(InvalidArgument, match=why):
            from_estimator(model, size=name)
        with pytest.raises(InvalidArgument, match=why):
            _of_cancer(model, size_parameter=name)


class Depths(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A tree behind parameters of its own."""

    def __init__(self, depth=3, label=1):
        self.depth = depth
        self.label = label

    def fit(self, X, y):
        self.tree_ = DecisionTreeClassifier(max_depth=self.depth, random_state=0).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict(self, X):
        return self.tree_.predict(X)


class TestGiven:
    def test_a_size_and_a_time(self):
        subject = _of_cancer(RandomForestClassifier(), size=8, time=3)
        assert (subject.size, subject.time) == (8.0, 3.0)
        assert subject.notes == ()

    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            ({"size": 0}, "`size` must be a positive integer, got 0"),
            ({"size": 2.5}, "`size` must be a positive integer, got 2.5"),
            ({"size": math.nan}, "`size` must be a positive integer, got nan"),
            ({"size_parameter": "features", "size": 31}, "`size` must be at most 30, the number of columns, got 31"),
            ({"size_parameter": "ccp_alpha", "size": -1.0}, "`size` must be a positive number"),
            ({"time": 0}, "`time` must be a positive integer"),
            ({"time": 1.5}, "`time` must be a positive integer"),
        ],
    )
    def test_what_cannot_be_one(self, settings, why):
        with pytest.raises(InvalidArgument, match=why):
            _of_cancer(RandomForestClassifier(), **settings)

    def test_a_time_that_there_is_not(self):
        with pytest.raises(InvalidArgument, match=r"`time` must be left out: SVC has no training time"):
            _of_cancer(SVC(), time=3)

    def test_an_adapted_estimator_keeps_what_was_said_of_it(self):
        adapted = from_estimator(RandomForestClassifier(7), size="max_depth", objective="cross-entropy", revision=3)
        subject = _of_cancer(adapted, size=2)
        assert isinstance(subject.procedure, Estimator)
        assert (subject.procedure.objective, subject.procedure.revision) == ("cross-entropy", 3)
        assert (subject.size, subject.procedure.size_name, subject.time) == (2.0, "max_depth", None)
        timed = from_estimator(RandomForestClassifier(7), size="max_depth", time="n_estimators")
        assert _of_cancer(timed).time == 7.0

    def test_our_own_procedures_must_be_given_a_size(self):
        with pytest.raises(
            InvalidArgument, match=r"`size` must be given: the 'features' that you train random_fourier with"
        ):
            _of_cancer(RandomFourier())
        subject = _of_cancer(RandomFourier(), size=30)
        assert subject.size_parameter is not None
        assert (subject.size, subject.size_parameter.grows, subject.columns) == (30.0, True, 30)
        with pytest.raises(InvalidArgument, match="`time` must be left out"):
            _of_cancer(RandomFourier(), size=30, time=2)

    @pytest.mark.parametrize(
        ("model", "why"), [(RandomForestClassifier, "got the class"), (3, "must have the method fit")]
    )
    def test_what_is_no_model(self, model, why):
        with pytest.raises(InvalidArgument, match=why):
            _of_cancer(model)


def test_nothing_of_the_users_changes():
    state = np.random.RandomState(3)
    model = make_pipeline(StandardScaler(copy=False), AdaBoostClassifier(n_estimators=3, random_state=state))
    before, drawn = pickle.dumps(model), state.get_state(legacy=False)["state"]["key"].copy()
    inputs = CANCER.draw(N, Replicate()).train_inputs.copy()
    subject = _of_cancer(model)
    subject.procedure.with_parameters(adaboostclassifier__learning_rate=0.5)
    _answers(subject.procedure, CANCER.draw(N, Replicate()), 2.0)
    assert pickle.dumps(model) == before
    np.testing.assert_array_equal(state.get_state(legacy=False)["state"]["key"], drawn)
    np.testing.assert_array_equal(CANCER.draw(N, Replicate()).train_inputs, inputs)


@pytest.mark.usefixtures("unchecked")  # beartype draws which entries to check from Python's random numbers
def test_no_random_number_of_the_users_is_drawn():
    """The steps before a kernel are fitted to know its width: this one draws from NumPy's global state."""
    before = np.random.get_state(legacy=False)["state"]["pos"], random.getstate()  # noqa: NPY002
    subject = _of_cancer(make_pipeline(PCA(4, svd_solver="randomized"), SVC()))
    assert subject.size is not None
    after = np.random.get_state(legacy=False)["state"]["pos"], random.getstate()  # noqa: NPY002
    assert after == before


class TestOtherSettings:
    def test_they_are_another_training(self):
        procedure, split = from_estimator(Ridge(), size="features"), DIABETES.draw(N, Replicate())
        other = procedure.with_parameters(alpha=100.0)
        assert other.spec() != procedure.spec()
        expected = Ridge(alpha=100.0).fit(split.train_inputs, split.train_targets[:, 0]).predict(split.test_inputs)
        np.testing.assert_allclose(_answers(other, split, np.nan)[:, 0], expected)

    def test_shrinkage_of_discriminants_needs_another_solver(self):
        subject = _of_cancer(make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()))
        ((name, values),) = regularisation_of(subject)
        assert isinstance(subject.procedure, Estimator)
        split = CANCER.draw(N, Replicate())
        changed = subject.procedure.with_parameters(**{name: values[1]})
        assert changed.estimator[-1].solver == "lsqr"
        assert np.any(_answers(changed, split, np.nan) != _answers(subject.procedure, split, np.nan))

    def test_what_there_is_not(self):
        with pytest.raises(UnknownName, match="did you mean 'alpha'"):
            from_estimator(Ridge(), size="features").with_parameters(alpa=1.0)

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.parametrize(
        ("model", "name"),
        [
            (MLPClassifier(5, max_iter=3), "alpha"),
            (make_pipeline(StandardScaler(), SVC()), "svc__C"),
            (make_pipeline(RBFSampler(), RidgeClassifier(alpha=1e-8)), "ridgeclassifier__alpha"),
            (HistGradientBoostingClassifier(max_iter=3), "l2_regularization"),
            (GaussianNB(), "var_smoothing"),
        ],
    )
    def test_a_ridge_and_its_values_change_the_model(self, model, name):
        subject = _of_cancer(model)
        ((found, values),) = regularisation_of(subject)
        assert found == name
        split = CANCER.draw(N, Replicate())
        procedure = subject.procedure
        assert isinstance(procedure, Estimator)
        plain = _answers(procedure, split, np.nan)
        changed = [_answers(procedure.with_parameters(**{found: value}), split, np.nan) for value in values]
        assert all(np.any(one != plain) for one in changed[1:])

    @pytest.mark.parametrize("model", [Ridge(), LinearRegression(), DecisionTreeClassifier()])
    def test_none_where_it_is_the_size_or_there_is_none(self, model):
        source = CANCER if isinstance(model, DecisionTreeClassifier) else DIABETES
        assert regularisation_of(subject_of(model, source, samples=N)) == ()


class TestMemory:
    @pytest.mark.parametrize("interactions_alone", [False, True])
    @pytest.mark.parametrize(("columns", "degree"), [(1, 5), (4, 3), (6, 2), (3, 7)])
    def test_columns_are_counted_as_scikit_learn_does(self, columns, degree, interactions_alone):
        made = PolynomialFeatures(degree, interaction_only=interactions_alone).fit(np.ones((2, columns)))
        assert polynomial_columns(columns, degree, interactions_alone=interactions_alone) == made.n_output_features_

    def test_a_polynomial_of_a_high_degree_is_not_begun(self):
        pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(64), LogisticRegression())
        subject = _of_cancer(pipeline)
        needed = least_bytes(subject, N, 64.0)
        assert needed is not None
        assert needed == pytest.approx(8.0 * N * math.comb(94, 30))
        with pytest.raises(
            NotEnoughMemory, match=r"PolynomialFeatures, which makes 3.*e\+24 columns on 60 samples, needs"
        ):
            _answers(subject.procedure, CANCER.draw(N, Replicate()), 64)
        assert least_bytes(subject, N, 2.0) == 8.0 * N * 496

    @pytest.mark.parametrize(
        ("model", "expected"),
        [
            (make_pipeline(RBFSampler(), Ridge()), 8.0 * 1000 * 70),
            (KernelRidge(kernel="rbf"), 16.0 * 1000**2),
            (GaussianProcessRegressor(), 16.0 * 1000**2),
            (make_pipeline(PolynomialFeatures(1), KernelRidge(kernel="rbf")), 16.0 * 1000**2),
            (make_pipeline(FunctionTransformer(), PolynomialFeatures(3), Ridge()), None),  # it may make columns
            (Ridge(), None),
        ],
        ids=lambda value: repr(value)[:60],
    )
    def test_kernels_and_random_features(self, model, expected):
        assert least_bytes(_of_diabetes(model), 1000, 70.0 if "rbfsampler" in repr(model).lower() else None) == expected

    def test_a_procedure_that_knows_itself(self):
        subject = _of_cancer(RandomFourier(), size=30)
        assert least_bytes(subject, N, 1000.0) == RandomFourier().least_bytes(N, 0, 1000)
        own = from_callable(_zeros, name="zeros")
        assert least_bytes(_of_cancer(own, size=3), N, 3.0) is None


def _zeros(X, y, size, time, seed):
    del X, y, size, time, seed
    return lambda X: np.zeros((len(X), 2))


class TestColumns:
    def test_a_smaller_size_has_the_first_of_a_larger_one(self):
        """In a linear model on orthonormal columns, the coefficients stay."""
        inputs, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(80, 12)))
        source = sources.arrays(inputs, inputs @ np.arange(1.0, 13.0), name="orthonormal", test_samples=20)
        split = source.draw(60, Replicate())
        procedure = from_estimator(LinearRegression(), size="features")
        used = []
        for size in range(1, 13):
            answers = procedure.predict(split, np.concatenate([np.zeros((1, 12)), np.eye(12)]), np.array([size]), None)
            values = next(answers).values[:, 0]
            used.append(set(np.flatnonzero(np.abs(values[1:] - values[0]) > 1e-9).tolist()))
        assert [len(one) for one in used] == list(range(1, 13))
        assert all(first < second for first, second in pairwise(used))
        assert used[1] != {0, 1} or used[2] != {0, 1, 2} or used[3] != {0, 1, 2, 3}  # the order is not the inputs' own

    def test_draw_and_initialisation_decide_the_order(self):
        procedure = from_estimator(LinearRegression(), size="features")
        split = DIABETES.draw(N, Replicate())
        answers = [
            _answers(procedure, replace(split, replicate=replicate), 3)
            for replicate in (Replicate(), Replicate(noise=1), Replicate(draw=1), Replicate(initialisation=1))
        ]
        np.testing.assert_array_equal(answers[0], answers[1])
        assert np.any(answers[0] != answers[2])
        assert np.any(answers[0] != answers[3])

    def test_the_largest_is_the_number_of_columns(self):
        procedure = from_estimator(LinearRegression(), size="features")
        surface = benign.measure(procedure, DIABETES, samples=[20], replicates=2, workers=1)
        assert surface.dataset["size"].values.tolist() == list(range(1, 11))
        with pytest.raises(InvalidArgument, match="there are only 10"):
            benign.measure(procedure, DIABETES, sizes=[11], samples=[20], replicates=2, workers=1)

    def test_a_data_frame_keeps_its_names(self):
        source = sources.frame(load_diabetes(as_frame=True).frame, target="target", as_frame=True, test_samples=40)
        split = source.draw(N, Replicate())
        assert _answers(from_estimator(LinearRegression(), size="features"), split, 4).shape == (40, 1)

    def test_what_picks_columns_by_name_is_refused(self):
        model = make_pipeline(make_column_transformer((StandardScaler(), ["age"])), LinearRegression())
        with pytest.raises(
            InvalidArgument, match=r"cannot be \"features\" for a Pipeline whose ColumnTransformer picks"
        ):
            from_estimator(model, size="features")


class Uncloned(BaseEstimator):  # type: ignore[misc]
    """It changes what it is constructed with."""

    def __init__(self, depth=None):
        self.depth = [depth]

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_what_cannot_be_cloned_is_one_sentence():
    with pytest.raises(
        InvalidArgument, match=r"`estimator` cannot be cloned .* its constructor must do nothing but keep"
    ):
        _of_diabetes(Uncloned(), size_parameter="depth")


def test_hidden_layers_keep_their_shape():
    subject = _of_cancer(MLPClassifier((20, 10, 5), max_iter=3))
    model = subject.procedure.at_size(8)
    assert model.hidden_layer_sizes == (8, 4, 2)
    one = from_estimator(MLPClassifier((20,)), size="hidden_layer_sizes")
    assert "shape" not in one.spec()
    assert subject.procedure.spec() != _of_cancer(MLPClassifier((20, 5, 5), max_iter=3)).procedure.spec()


def test_extremely_randomised_trees_without_a_limit_fit_everything():
    subject = _of_cancer(ExtraTreesClassifier(5, bootstrap=False))
    split = CANCER.draw(N, Replicate())
    (found,) = subject.procedure.predict(split, split.train_inputs, np.array([math.inf]), None)
    np.testing.assert_array_equal(found.values, split.train_targets)
