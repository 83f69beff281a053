"""The table of sizes: each estimator has its parameter, and the training risk moves with it as the table says."""

from functools import cache

import numpy as np
import pytest
from sklearn.base import is_regressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.decomposition import PCA
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from benign import sources
from benign.foundation.replicate import Replicate
from benign.procedures import objectives
from benign.procedures.known_estimators import Subject, subject_of
from benign.procedures.known_sizes import _SIZES, _TIMES, largest_of, natural_size, sizes_of, time_of
from benign.procedures.nested_estimators import spelled_out, whole

ROWS = 120
# Values between which each parameter acts, smaller first, on 120 standardised rows.
BETWEEN = {
    "max_leaf_nodes": (3, 12), "max_depth": (1, 4), "min_samples_leaf": (3, 30), "min_samples_split": (4, 60),
    "ccp_alpha": (1e-3, 0.1), "n_neighbors": (2, 30), "hidden_layer_sizes": (1, 20), "C": (1e-4, 1.0),
    "alpha": (1e-3, 10.0), "gamma": (1e-3, 0.3), "nu": (0.2, 0.6), "n_nonzero_coefs": (1, 5), "degree": (1, 2),
    "n_knots": (2, 6), "n_bins": (2, 8), "k": (1, 8),
}  # fmt: skip
# They take no negative numbers, or another's output; what they count is tried by hand where it matters.
OTHER_INPUTS = frozenset(
    {*("NMF", "SkewedChi2Sampler", "BernoulliRBM", "SelectKBest", "MultiTaskLasso", "MultiTaskElasticNet"),
     *("PLSCanonical", "CCA", "RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "SparsePCA")}
)  # fmt: skip


@cache
def _classes():
    table = load_breast_cancer()
    return sources.arrays(
        StandardScaler().fit_transform(table.data), table.target, name="cancer", test_samples=50, task="classification"
    )


@cache
def _values(positive=False):
    table = load_diabetes()
    target = table.target / 100.0 if positive else (table.target - table.target.mean()) / table.target.std()
    return sources.arrays(StandardScaler().fit_transform(table.data), target, name="diabetes", test_samples=50)


ESTIMATORS = {name: kind for name, kind in all_estimators() if name in _SIZES or name in ("SVC", "SVR", "KernelRidge")}
OURS = {name for name in _SIZES if not name.startswith(("XGB", "LGBM", "CatBoost"))}


def _known():
    """Every estimator with each of its sizes, as far as the inputs of these tests suit it."""
    names = sorted(name for name in ESTIMATORS if name not in OTHER_INPUTS)
    return [(name, size) for name in names for size in sizes_of(whole(ESTIMATORS[name]()))]


def _parameters(known):
    return [pytest.param(name, size, id=f"{name}-{size.parameter}") for name, size in known]


KNOWN = _known()
BOUNDED_BY_DATA = [(name, size) for name, size in KNOWN if isinstance(size.largest, str)]


def test_every_estimator_of_the_table_is_scikit_learns():
    assert set(ESTIMATORS) >= OURS
    times = {name for name in _TIMES if not name.startswith(("XGB", "LGBM", "CatBoost"))}
    for name, kind in all_estimators():
        if name in times:
            assert _TIMES[name][0] in kind().get_params(), name
            times.discard(name)
    assert not times


def _made(name, parameter):
    """The estimator, a linear model behind it where it transforms."""
    kind = ESTIMATORS[name]
    model = kind()
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    if name in ("GammaRegressor", "TweedieRegressor", "PoissonRegressor"):
        return model, parameter, _values(positive=True)
    if hasattr(model, "predict"):
        return model, parameter, _values() if is_regressor(model) else _classes()
    return make_pipeline(model, LinearRegression()), f"{name.lower()}__{parameter}", _values()


def _risks(subject: Subject, source, values):
    split = source.draw(ROWS, Replicate())
    found = subject.procedure.predict(split, split.train_inputs, np.array(values), None)
    objective = subject.procedure.objective
    return [float(objectives.losses(objective, one.values, split.train_targets).mean()) for one in found]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "known"), _parameters(KNOWN))
def test_the_training_risk_moves_as_the_table_says(name, known):
    model, full, source = _made(name, known.parameter)
    subject = subject_of(model, source, samples=ROWS, size_parameter=full)
    size = subject.size_parameter
    assert size is not None
    assert size.name == full
    low, high = BETWEEN.get(known.parameter, (2, 8))
    assert size.least <= low
    assert size.largest >= high
    values = (float(low), float(high)) if size.is_real else (low, high)
    of_low, of_high = _risks(subject, source, values)
    assert (of_low < of_high) == size.is_inverse, (of_low, of_high)
    assert of_low != of_high


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:n_components > n_samples:UserWarning")
@pytest.mark.parametrize(("name", "known"), _parameters(BOUNDED_BY_DATA))
def test_the_largest_value_can_be_trained_where_rows_or_columns_bound_it(name, known):
    model, full, source = _made(name, known.parameter)
    subject = subject_of(model, source, samples=40, size_parameter=full)
    split = source.draw(40, Replicate())
    size = subject.size_parameter
    assert size is not None
    bound = largest_of(known, 40, split.train_inputs.shape[1])
    assert size.largest == max(bound, size.value if size.value and np.isfinite(size.value) else 0.0)
    for value in (size.least, bound):
        (found,) = subject.procedure.predict(split, split.test_inputs, np.array([int(value)]), None)
        assert np.isfinite(found.values).all()


class TestNaturalSize:
    @pytest.mark.parametrize(
        ("estimator", "name"),
        [
            (RandomForestClassifier(), "max_leaf_nodes"),
            (RandomForestClassifier(max_depth=3), "max_depth"),
            (RandomForestClassifier(max_depth=3, max_leaf_nodes=9), "max_leaf_nodes"),
            (DecisionTreeClassifier(min_samples_leaf=5), "min_samples_leaf"),
            (DecisionTreeClassifier(ccp_alpha=0.1), "ccp_alpha"),
            (GradientBoostingClassifier(), "max_depth"),
            (SVC(), "gamma"),
            (SVC(kernel="linear"), "C"),
            (SVC(kernel="poly"), "gamma"),
            (make_pipeline(StandardScaler(), SVC()), "svc__gamma"),
            (make_pipeline(StandardScaler(), LogisticRegression()), "logisticregression__C"),
            (make_pipeline(PolynomialFeatures(), LogisticRegression()), "polynomialfeatures__degree"),
            (make_pipeline(PolynomialFeatures(), PCA(3), Ridge()), "pca__n_components"),
            (make_pipeline(PCA(3), DecisionTreeClassifier()), "decisiontreeclassifier__max_leaf_nodes"),
            (make_pipeline(PCA(3), SVC()), "svc__gamma"),
            (spelled_out(AdaBoostClassifier()), "estimator__max_depth"),
        ],
        ids=lambda value: repr(value)[:70],
    )
    def test_what_limits_the_model_comes_first(self, estimator, name):
        found = natural_size(estimator)
        assert found is not None
        assert found[0].prefix + found[1].parameter == name

    @pytest.mark.parametrize(
        "estimator", [LinearRegression(), make_pipeline(StandardScaler(), LinearRegression()), GridSearchCV(SVC(), {})]
    )
    def test_others_have_none(self, estimator):
        assert natural_size(estimator) is None

    def test_a_search_has_no_time_either(self):
        assert time_of(GridSearchCV(RandomForestClassifier(), {})) is None
        assert time_of(SVC()) is None
        found = time_of(make_pipeline(StandardScaler(), RandomForestClassifier(7)))
        assert found is not None
        assert found[1:] == ("n_estimators", 7.0)
