"""Any scikit-learn estimator as a procedure: the contract's laws, each route along its time, and what it refuses."""

import json
import pickle
import random
from copy import deepcopy
from dataclasses import replace
from datetime import date

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import benign
from benign import schema, sources
from benign.foundation.errors import InvalidArgument, UnknownName
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split, class_indices
from benign.procedures import RandomFourier, from_estimator
from benign.procedures.estimator_times import Route, route_of
from benign.procedures.prediction_risks import PREDICTION_RISKS
from tests.procedures.cases import curve, digits

TIMES = np.array([1.0, 3.0, 6.0])
SIZES = np.array([2, 5, 9])


def _pipeline():
    return make_pipeline(PCA(8, svd_solver="randomized"), RandomForestClassifier())


def _plainly(estimator, split, **parameters):
    """One training by scikit-learn's own calls: class probabilities of all ten digits."""
    model = estimator.set_params(**parameters).fit(split.train_inputs, class_indices(split.train_targets))
    values = np.zeros((len(split.test_inputs), split.train_targets.shape[1]))
    values[:, model.classes_] = model.predict_proba(split.test_inputs)
    return values


def _seeded(procedure, split):
    """The estimator as the adapter seeds it."""
    return procedure._seeded(split.replicate)


@pytest.mark.parametrize(
    ("estimator", "size", "time", "route"),
    [
        (HistGradientBoostingClassifier(max_features=0.5), "max_leaf_nodes", "max_iter", Route.STAGES),
        (GradientBoostingClassifier(subsample=0.5), "max_leaf_nodes", "n_estimators", Route.STAGES),
        (AdaBoostClassifier(DecisionTreeClassifier()), "estimator__max_depth", "n_estimators", Route.STAGES),
        (RandomForestClassifier(), "max_leaf_nodes", "n_estimators", Route.WARM_START),
        (BaggingClassifier(), "max_features", "n_estimators", Route.WARM_START),
        (_pipeline(), "pca__n_components", "randomforestclassifier__n_estimators", Route.WARM_START),
        (RandomForestClassifier(class_weight="balanced"), "max_leaf_nodes", "n_estimators", Route.SEPARATE),
        (MLPClassifier(batch_size=20, shuffle=False), "hidden_layer_sizes", "max_iter", Route.PARTIAL_FIT),
        (LogisticRegression(solver="saga"), "C", "max_iter", Route.SEPARATE),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseEstimator) else str(value),
)
@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
def test_times_of_one_training_equal_separate_trainings(estimator, size, time, route):
    objective = "squared" if isinstance(estimator, AdaBoostClassifier) else None  # of probabilities, not of margins
    procedure, split = from_estimator(estimator, size=size, time=time, objective=objective), digits()
    assert route_of(_seeded(procedure, split), time) is route
    for one in procedure.predict(split, split.test_inputs, np.array([3]), TIMES):
        alone = _plainly(_seeded(procedure, split), split, **{size: 3, time: int(one.time)})
        np.testing.assert_allclose(one.values, alone, rtol=1e-12, atol=1e-14)


def test_passes_are_calls_of_partial_fit():
    squared = from_estimator(SGDClassifier(), size="n_iter_no_change", time="max_iter", objective="squared")
    procedure, split = squared, digits()
    *_, last = procedure.predict(split, split.test_inputs, np.array([3]), TIMES)
    sequence = np.random.RandomState(_seeded(procedure, split).random_state)  # one for all passes
    model = SGDClassifier(random_state=sequence)
    for _ in range(6):
        model.partial_fit(split.train_inputs, class_indices(split.train_targets), classes=np.arange(10))
    np.testing.assert_array_equal(last.values, np.eye(10)[model.predict(split.test_inputs)])


@pytest.mark.parametrize(
    ("estimator", "time"),
    [
        (MLPClassifier(early_stopping=True), "max_iter"),  # partial_fit refuses it
        (MLPClassifier(solver="lbfgs"), "max_iter"),  # has no partial_fit
        (GradientBoostingClassifier(), "max_depth"),  # stages are not counted by it
        (AdaBoostClassifier(RandomForestClassifier()), "estimator__n_estimators"),  # nor by a part's own
        (BaggingClassifier(oob_score=True), "n_estimators"),  # not with warm_start
    ],
)
def test_separate_trainings_where_nothing_shorter_is_right(estimator, time):
    assert route_of(estimator, time) is Route.SEPARATE


def _counted(monkeypatch, kind):
    fits, fit = [], kind.fit

    def counting(self, X, y):
        fits.append(self)
        return fit(self, X, y)

    monkeypatch.setattr(kind, "fit", counting)
    return fits


@pytest.mark.parametrize("kind", [GradientBoostingClassifier, HistGradientBoostingClassifier])
def test_a_boosting_has_its_whole_time_axis_from_one_training(kind, monkeypatch):
    time = "n_estimators" if kind is GradientBoostingClassifier else "max_iter"
    procedure, split = from_estimator(kind(), size="max_leaf_nodes", time=time), digits()
    procedure.measure([split], SIZES[:1], TIMES, PREDICTION_RISKS)  # with the check of the seed
    fits = _counted(monkeypatch, kind)
    procedure.measure([split], SIZES, np.arange(1.0, 7.0), PREDICTION_RISKS)
    assert len(fits) == len(SIZES)


class CountedTree(DecisionTreeClassifier):  # type: ignore[misc]
    """A tree that counts how many were fitted."""

    fitted = 0

    def fit(self, X, y, sample_weight=None, check_input=True):
        CountedTree.fitted += 1
        return super().fit(X, y, sample_weight=sample_weight, check_input=check_input)


def test_members_are_added_and_not_trained_again():
    procedure = from_estimator(BaggingClassifier(CountedTree()), size="estimator__max_depth", time="n_estimators")
    procedure.measure([digits()], SIZES[:1], TIMES, PREDICTION_RISKS)  # with the check of the seed
    before = CountedTree.fitted
    procedure.measure([digits()], SIZES, TIMES, PREDICTION_RISKS)
    assert CountedTree.fitted - before == len(SIZES) * TIMES[-1]


def test_a_boosting_that_stopped_early_keeps_its_last_stage():
    """A separate training to a later time would have stopped at the same stage."""
    estimator = AdaBoostClassifier(DecisionTreeClassifier())  # fits everything at once, then stops
    procedure, split = from_estimator(estimator, size="estimator__max_depth", time="n_estimators"), digits(noise=0.0)
    first, last = procedure.predict(split, split.test_inputs, np.array([30]), np.array([1.0, 20.0]))
    np.testing.assert_array_equal(first.values, last.values)


def test_the_end_of_training_is_the_estimator_as_it_stands():
    procedure, split = from_estimator(RandomForestClassifier(7), size="max_leaf_nodes", time="n_estimators"), digits()
    (end,) = procedure.predict(split, split.test_inputs, np.array([5]))
    assert end.time == np.inf
    np.testing.assert_allclose(end.values, _plainly(_seeded(procedure, split), split, max_leaf_nodes=5), rtol=1e-12)


class OurFeatures(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Our own random features behind scikit-learn's protocol."""

    def __init__(self, features=1, initialisation=0):
        self.features = features
        self.initialisation = initialisation

    def fit(self, X, Y):
        self.train_ = X, Y
        return self

    def predict(self, X):
        inputs, targets = self.train_
        split = Split(
            train_inputs=inputs, train_targets=targets, train_targets_clean=targets, test_inputs=X,
            test_targets=np.zeros((len(X), targets.shape[1])), test_targets_noisy=np.zeros((len(X), targets.shape[1])),
            pool=inputs, classes=None, replicate=Replicate(initialisation=self.initialisation),
        )  # fmt: skip
        (answer,) = RandomFourier(bandwidth=20.0).predict(split, X, np.array([self.features]))
        return answer.values


def test_our_random_features_behind_the_adapter_have_their_curve():
    split, sizes = digits(Replicate(initialisation=4)), np.array([1, 10, 35, 40, 45, 120])
    wrapped = from_estimator(OurFeatures(initialisation=4), size="features")
    metrics = frozenset({"train_loss", "test_loss", "test_error", "train_loss_clean", "test_loss_noisy"})
    block = wrapped.measure([split], sizes, None, metrics)
    own = RandomFourier(bandwidth=20.0).measure([split], sizes, None, metrics)
    for name in metrics:
        np.testing.assert_allclose(block.metrics[name], own.metrics[name], rtol=1e-8, atol=1e-12, err_msg=name)


def test_classes_that_training_has_not_seen_have_probability_zero():
    split = digits(samples=5)
    seen = np.unique(class_indices(split.train_targets))
    assert len(seen) < 10
    procedure = from_estimator(RandomForestClassifier(5), size="max_leaf_nodes")
    (one,) = procedure.predict(split, split.test_inputs, np.array([4]))
    np.testing.assert_allclose(one.values.sum(axis=1), 1.0)
    assert set(np.flatnonzero(one.values.sum(axis=0))) <= set(seen)


def test_without_probabilities_the_class_is_a_one_hot_row():
    procedure, split = from_estimator(SGDClassifier(), size="alpha", objective="squared"), digits()
    (one,) = procedure.predict(split, split.test_inputs, np.array([2]))
    model = _seeded(procedure, split).set_params(alpha=2.0)
    model.fit(split.train_inputs, class_indices(split.train_targets))
    np.testing.assert_array_equal(one.values, np.eye(10)[model.predict(split.test_inputs)])


@pytest.mark.parametrize(
    "estimator",
    [
        *(GradientBoostingClassifier(), GradientBoostingClassifier(loss="exponential"), LogisticRegression(), SVC()),
        *(LinearSVC(), AdaBoostClassifier(), RidgeClassifier(), LinearDiscriminantAnalysis(), SGDClassifier()),
    ],
    ids=repr,
)
def test_a_training_set_of_one_class_is_fitted_by_that_class(estimator):
    """Many classifiers refuse it, and there is nothing to learn."""
    split = digits()
    split = replace(split, train_targets=np.eye(10)[np.full(40, 3)])
    block = from_estimator(estimator, size="features").measure([split], SIZES, None, PREDICTION_RISKS)
    assert block.metrics["train_loss"].max() < 1e-12
    assert np.all(block.metrics["train_error"] == 0.0)
    np.testing.assert_array_equal(block.metrics["test_error"], np.mean(class_indices(split.test_targets) != 3))


def _global_states():
    return np.random.get_state(legacy=False)["state"]["key"].tolist(), random.getstate()  # noqa: NPY002 (it is meant)


@pytest.mark.usefixtures("unchecked")  # beartype draws which entries to check from Python's random numbers
def test_nothing_of_the_user_changes():
    state = np.random.RandomState(3)
    estimator = make_pipeline(StandardScaler(copy=False), RandomForestClassifier(4, random_state=state))
    parameters, attributes = repr(estimator.get_params()), sorted(vars(estimator))
    globally, own = _global_states(), state.get_state(legacy=False)["state"]["key"].copy()
    procedure = from_estimator(estimator, size="randomforestclassifier__max_leaf_nodes")
    split = digits()
    before = split.train_inputs.copy()
    procedure.measure([split], SIZES, None, PREDICTION_RISKS)
    list(procedure.predict(split, split.test_inputs, SIZES))
    assert repr(estimator.get_params()) == parameters
    assert sorted(vars(estimator)) == attributes
    assert not hasattr(estimator[-1], "estimators_")
    np.testing.assert_array_equal(split.train_inputs, before)
    np.testing.assert_array_equal(state.get_state(legacy=False)["state"]["key"], own)
    assert _global_states() == globally


def test_what_the_user_does_to_the_estimator_later_changes_nothing():
    estimator = RandomForestClassifier(3)
    procedure, split = from_estimator(estimator, size="max_leaf_nodes"), digits()
    before, spec = procedure.measure([split], SIZES, None, PREDICTION_RISKS), procedure.spec()
    estimator.set_params(n_estimators=1, max_depth=1)
    after = procedure.measure([split], SIZES, None, PREDICTION_RISKS)
    assert procedure.spec() == spec
    np.testing.assert_array_equal(after.metrics["test_loss"], before.metrics["test_loss"])


class Vandal(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The nearest neighbour; overwrites everything that it is given."""

    def __init__(self, depth=1, overwrite=True):
        self.depth = depth
        self.overwrite = overwrite

    def fit(self, X, y):
        self.model_ = KNeighborsClassifier(1).fit(X.copy(), y.copy())
        self.classes_ = self.model_.classes_
        if self.overwrite:
            X[:], y[:] = 0.0, 0
        return self

    def predict(self, X):
        answer = self.model_.predict(X.copy())
        if self.overwrite:
            X[:] = 0.0
        return answer


def test_an_estimator_that_overwrites_its_input_harms_nobody():
    split, losses = digits(), []
    for overwrite in (True, False):
        procedure = from_estimator(Vandal(overwrite=overwrite), size="depth")
        losses.append(procedure.measure([split], SIZES, None, PREDICTION_RISKS).metrics["test_loss"])
    np.testing.assert_array_equal(losses[0], losses[1])


class Moody(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts a random number from where ``origin`` says."""

    def __init__(self, size=1, origin="entropy"):
        self.size = size
        self.origin = origin

    def fit(self, X, y):
        if self.origin == "entropy":
            self.value_ = np.random.default_rng().random()
        else:
            self.value_ = np.random.random_sample() if self.origin == "numpy" else random.random()  # noqa: NPY002
        return self

    def predict(self, X):
        return np.full(len(X), self.value_)


def test_an_estimator_that_ignores_its_seed_is_refused():
    procedure = from_estimator(Moody(), size="size")
    for _ in range(2):  # not only at first
        with pytest.raises(InvalidArgument, match=r"Moody ignores its seed: two trainings .* differ at size 2"):
            procedure.measure([curve()], SIZES, None, PREDICTION_RISKS)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("origin", ["numpy", "python"])
def test_global_random_numbers_are_seeded_for_the_estimator_alone(origin):
    procedure = from_estimator(Moody(origin=origin), size="size")
    before = _global_states()
    first = procedure.measure([curve()], SIZES, None, PREDICTION_RISKS).metrics["test_loss"]
    assert _global_states() == before
    np.random.random(), random.random()  # noqa: NPY002
    second = procedure.measure([curve()], SIZES, None, PREDICTION_RISKS).metrics["test_loss"]
    other = procedure.measure([curve(Replicate(initialisation=1))], SIZES, None, PREDICTION_RISKS)
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, other.metrics["test_loss"])


@pytest.mark.parametrize("pickled", [pickle, cloudpickle])
def test_pickles(pickled):
    procedure, split = from_estimator(_pipeline(), size="pca__n_components"), digits()
    again = pickle.loads(pickled.dumps(procedure))
    assert again.spec() == procedure.spec()
    first, second = (one.measure([split], SIZES, None, PREDICTION_RISKS) for one in (procedure, again))
    np.testing.assert_array_equal(first.metrics["test_loss"], second.metrics["test_loss"])


def test_runs_in_worker_processes():
    procedure = from_estimator(RandomForestClassifier(), size="max_leaf_nodes", time="n_estimators")
    source = sources.digits(label_noise=0.2, test_samples=30)
    surfaces = [
        benign.measure(
            procedure, source, sizes=[2, 6], times=[1, 4], samples=[30], replicates=2, executor=executor, workers=1,
            metrics=["train_error_flipped", "validation_loss"],
        ).dataset
        for executor in ("here", "processes")
    ]  # fmt: skip
    assert surfaces[0].attrs["title"] == "RandomForestClassifier on digits"
    for name in surfaces[0].data_vars:
        np.testing.assert_array_equal(surfaces[0][name], surfaces[1][name], err_msg=str(name))


class Opaque:
    """A value that cannot be described."""

    def __reduce_ex__(self, protocol):
        raise TypeError("not to be pickled")

    def __deepcopy__(self, memo):
        return self


class TestSpec:
    def test_is_canonical(self):
        estimator = make_pipeline(
            FunctionTransformer(np.log1p, kw_args={"where": True}), RandomForestClassifier(max_samples=np.float32(0.5))
        )
        specs = [from_estimator(estimator, size="randomforestclassifier__max_leaf_nodes").spec() for _ in range(2)]
        assert specs[0] == specs[1] == json.loads(json.dumps(specs[0], allow_nan=False))
        assert "numpy.log1p" in json.dumps(specs[0])

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (RandomForestClassifier(max_leaf_nodes=5), RandomForestClassifier(max_leaf_nodes=9)),  # the size
            (RandomForestClassifier(random_state=1), RandomForestClassifier(random_state=2)),
            (RandomForestClassifier(n_jobs=2, verbose=0), RandomForestClassifier()),
        ],
    )
    def test_what_decides_no_number_is_left_out(self, first, second):
        specs = [from_estimator(one, size="max_leaf_nodes").spec() for one in (first, second)]
        assert specs[0] == specs[1]

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (RandomForestClassifier(10), RandomForestClassifier(11)),
            ({0: 1.0, 1: 2.0}, {0: 2.0, 1: 1.0}),
            ({0: 1.0}, {"0": 1.0}),
            (KFold(3), KFold(4)),
            (KFold(3, shuffle=True, random_state=1), KFold(3, shuffle=True, random_state=2)),
            (np.arange(3), np.arange(3.0)),
            (float("nan"), float("inf")),
            (Ridge(alpha=1.0), Ridge(alpha=2.0)),
            (lambda x: x, lambda x: 2 * x),
            (deepcopy, pickle.dumps),
            ({1, 2}, {1, 3}),
            (b"x", b"y"),
            (date(2020, 1, 1), date(2020, 1, 2)),
            (Opaque(), Opaque()),
        ],
    )  # fmt: skip
    def test_what_decides_is_told_apart(self, first, second):
        specs = [from_estimator(Vandal(overwrite=value), size="depth").spec() for value in (first, second)]
        assert specs[0] != specs[1]

    @pytest.mark.parametrize(
        "value",
        [KFold(3), np.arange(3), float("nan"), Ridge(), lambda x: x, {2, 1}, pickle.dumps, b"x", date(2020, 1, 1)],
    )
    def test_the_same_value_is_the_same_spec(self, value):
        specs = [from_estimator(Vandal(overwrite=deepcopy(value)), size="depth").spec() for _ in range(2)]
        assert json.dumps(specs[0], allow_nan=False) == json.dumps(specs[1], allow_nan=False)

    def test_what_cannot_be_described_is_never_met_again(self):
        procedure = from_estimator(Vandal(overwrite=Opaque()), size="depth")
        assert procedure.spec() == procedure.spec()
        assert procedure.spec() != from_estimator(Vandal(overwrite=Opaque()), size="depth").spec()

    def test_sizes_times_and_own_code_are_in_it(self):
        forest = RandomForestClassifier()
        plain = from_estimator(forest, size="max_leaf_nodes").spec()
        assert plain != from_estimator(forest, size="max_depth").spec()
        assert plain != from_estimator(forest, size="max_leaf_nodes", time="n_estimators").spec()
        own = from_estimator(Vandal(), size="depth").spec()
        assert '"source": "' in json.dumps(own["estimator"])


class Unclonable(BaseEstimator):  # type: ignore[misc]
    def __init__(self, size=1):
        self.size = [size]

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0]


class Answers(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts what ``make`` makes of the number of rows."""

    def __init__(self, size=1, make=None):
        self.size = size
        self.make = make

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.make(len(X))


@pytest.mark.usefixtures("unchecked")
class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "error", "sentence"),
        [
            (lambda: from_estimator(RandomForestClassifier(), size="max_leaf_node"), UnknownName,
             "`size` parameter of RandomForestClassifier 'max_leaf_node'; did you mean 'max_leaf_nodes'"),
            (lambda: from_estimator(_pipeline(), size="pca__components"), UnknownName,
             "of Pipeline 'pca__components'; did you mean 'pca__n_components'"),
            (lambda: from_estimator(RandomForestClassifier(), size="max_depth", time="n_estimator"), UnknownName,
             "`time` parameter of RandomForestClassifier 'n_estimator'; did you mean 'n_estimators'"),
            (lambda: from_estimator(RandomForestClassifier(), size="max_depth", time="max_depth"), InvalidArgument,
             "`size` and `time` must be different"),
            (lambda: from_estimator(RandomForestClassifier, size="max_depth"), InvalidArgument,
             r"got the class; write RandomForestClassifier\(\)"),
            (lambda: from_estimator(PCA(), size="n_components"), InvalidArgument,
             "the method predict, which PCA has not"),
            (lambda: from_estimator("forest", size="trees"), InvalidArgument, "the method fit, which str has not"),
            (lambda: from_estimator(Unclonable(), size="size"), InvalidArgument,
             r"cannot be cloned \(RuntimeError: .*size"),
            (lambda: from_estimator(Ridge(), size="alpha", revision=0), InvalidArgument,
             "`revision` must be a positive"),
        ],
    )  # fmt: skip
    def test_when_it_is_made(self, make, error, sentence):
        with pytest.raises(error, match=sentence):
            make()

    def test_a_size_that_raises(self):
        procedure = from_estimator(RandomForestClassifier(2), size="max_leaf_nodes")
        sentence = (
            r"RandomForestClassifier cannot be trained at size 1 on 40 samples \(InvalidParameterError: The 'max_"
        )
        with pytest.raises(InvalidArgument, match=sentence) as caught:
            procedure.measure([digits()], np.array([1, 4]), None, PREDICTION_RISKS)
        assert "\n" not in str(caught.value)
        with pytest.raises(InvalidArgument, match="at size 1 and time 3 on 40 samples "):
            _measure_times(RandomForestClassifier(), size=1, times=np.array([3.0]))

    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda m: np.full(m, np.nan), "Answers at size 2 on 20 samples predicts NaN or infinity"),
            (lambda m: np.full(m - 1, 1.0), r"predicts an array of shape \(19,\); it must be \(20,\)"),
            (lambda m: np.ones((m, 2)), r"predicts an array of shape \(20, 2\); it must be \(20,\)"),
            (lambda m: ["a"] * m, "predicts no array of real numbers but list"),
            (lambda _: None, "predicts no array of real numbers but NoneType"),
            (lambda _: [[1.0], [2.0, 3.0]], "predicts no array of real numbers but list"),
        ],
    )
    def test_predictions_that_are_none(self, make, sentence):
        with pytest.raises(InvalidArgument, match=sentence):
            from_estimator(Answers(make=make), size="size").measure([curve()], SIZES, None, PREDICTION_RISKS)

    def test_a_classifier_of_real_values(self):
        with pytest.raises(InvalidArgument, match="RidgeClassifier is a classifier, and the source has real values"):
            from_estimator(RidgeClassifier(), size="alpha").measure([curve()], SIZES, None, PREDICTION_RISKS)

    def test_classes_out_of_range(self):
        procedure = from_estimator(KMeans(12, n_init=1), size="n_clusters")
        with pytest.raises(InvalidArgument, match="predicts classes from 0 to 11; they must be from 0 to 9"):
            procedure.measure([digits()], np.array([12]), None, PREDICTION_RISKS)

    @pytest.mark.parametrize(
        "metric", ["leave_one_out_loss", "condition", "effective_rank", "test_loss_averaged", "norm_averaged"]
    )
    def test_metrics_of_other_models(self, metric):
        with pytest.raises(
            InvalidArgument, match=f"`metrics` asks for {metric}, which needs more than the predictions"
        ):
            from_estimator(Ridge(), size="alpha").measure([curve()], SIZES, None, frozenset({metric}))

    def test_times(self):
        sentence = "`times` must be whole numbers of n_estimators from 1 on, got "
        with pytest.raises(InvalidArgument, match=f"{sentence}0"):
            _measure_times(RandomForestClassifier(), times=np.array([0.0, 1.0]))
        with pytest.raises(InvalidArgument, match=f"{sentence}2.5"):
            benign.measure(
                from_estimator(RandomForestClassifier(), size="max_leaf_nodes", time="n_estimators"),
                sources.digits(), sizes=[2], times=[1, 2.5], samples=[20], replicates=1,
            )  # fmt: skip
        with pytest.raises(InvalidArgument, match="`times` must be None"):
            from_estimator(Ridge(), size="alpha").measure([curve()], SIZES, TIMES, PREDICTION_RISKS)

    def test_inputs_of_another_width(self):
        with pytest.raises(InvalidArgument, match="`inputs` must have 64 columns, as in training, got 3"):
            list(from_estimator(Ridge(), size="alpha").predict(digits(), np.ones((2, 3)), SIZES))


def _measure_times(estimator, *, times, size=3):
    procedure = from_estimator(estimator, size="max_leaf_nodes", time="n_estimators")
    return procedure.measure([digits()], np.array([size]), times, schema.DEFAULT_METRICS)


def test_golden_numbers():
    """Fails when the seeds that estimators get change: then every stored block of theirs is stale."""
    procedure = from_estimator(RandomForestClassifier(2), size="max_leaf_nodes")
    assert procedure.revision == 1
    assert _seeded(procedure, digits()).random_state == GOLDEN_STATE


GOLDEN_STATE = 1256574909
