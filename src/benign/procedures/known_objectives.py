"""What the common estimators minimise, by the names of their classes and the loss that they are set to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benign.procedures.nested_estimators import PIPELINES, SEARCHES, Part, inside, whole

Settings = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class KnownObjective:
    """What an estimator minimises.

    Attributes:
        name: in :data:`benign.procedures.objectives.NAMES`.
        note: a sentence where its losses are not what its training minimises; else "".
        is_of_scores: whether a squared loss is that of its decision function, moved from -1 and 1 to 0 and 1.
        answers: whether it must be asked for its classes, because they are not those that are most probable to it.
    """

    name: str
    note: str = ""
    is_of_scores: bool = False
    answers: bool = False


SQUARED = KnownObjective(name="squared")
_UNKNOWN = "What {} minimises is not known here: its squared loss is measured; say another with `objective`."
_LIKELIHOOD = "{} is fitted by the likelihood of inputs and labels together, not by a loss: the squared loss of its"
_LIKELIHOOD += " probabilities is measured."
_NO_LOSS = "{} minimises no loss that is known here: the squared loss of its predicted classes is measured."


def objective_of(estimator: Any) -> KnownObjective:
    """What an estimator, or the model inside a pipeline or a search, minimises; squared, with a note, if not known."""
    part = whole(estimator)
    while part.kind in PIPELINES | SEARCHES | {"TransformedTargetRegressor"} and (inner := inside(part)):
        part = inner
    found = _of(part)
    return found or KnownObjective(name="squared", note=_UNKNOWN.format(type(part.estimator).__name__))


def _of(part: Part) -> KnownObjective | None:
    name = type(part.estimator).__name__
    if part.kind in _LIKELIHOODS:
        return KnownObjective(name="squared", note=_LIKELIHOOD.format(name))
    if part.kind in _THRESHOLDS or part.settings.get("loss") == "modified_huber":
        return KnownObjective(name="squared", note=_NO_LOSS.format(name), answers=True)
    if part.kind in ("RidgeClassifier", "RidgeClassifierCV"):
        return KnownObjective(name="squared", is_of_scores=True)
    if part.kind in _ALWAYS:
        return KnownObjective(name=_ALWAYS[part.kind])
    if part.kind in _BY_SETTINGS:
        objective = _BY_SETTINGS[part.kind](part.settings)
        return None if objective is None else KnownObjective(name=objective)
    return None


def _by(parameter: str, names: Mapping[str | None, str]) -> Callable[[Settings], str | None]:
    """The objective that one parameter's value stands for."""
    return lambda settings: names.get(settings[parameter]) if _is_text(settings.get(parameter)) else names.get(None)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _with_number(parameter: str, number: str, names: Mapping[str | None, str]) -> Callable[[Settings], str | None]:
    """As :func:`_by`; ``{}`` in a name is the number that another parameter holds."""

    def found(settings: Settings) -> str | None:
        name = _by(parameter, names)(settings)
        return name if name is None else name.format(settings.get(number))

    return found


_GINI = _by("criterion", {"gini": "squared", "entropy": "cross-entropy", "log_loss": "cross-entropy"})
_OF_TREES = _by(
    "criterion",
    {
        "squared_error": "squared",
        "friedman_mse": "squared",
        "absolute_error": "absolute",
        "poisson": "poisson",
    },
)
_OF_DESCENT = _by("loss", {"hinge": "hinge", "log_loss": "cross-entropy", "squared_hinge": "squared hinge"})
_BAND: dict[str | None, str] = {
    "squared_error": "squared",
    "epsilon_insensitive": "epsilon-insensitive {}",
    "squared_epsilon_insensitive": "squared epsilon-insensitive {}",
}
_OF_BOOSTED_VALUES: dict[str | None, str] = {
    "squared_error": "squared",
    "absolute_error": "absolute",
    "poisson": "poisson",
    "gamma": "gamma",
}
_OF_XGBOOST = _by(
    "objective",
    {
        None: "squared",
        "reg:squarederror": "squared",
        "reg:absoluteerror": "absolute",
        "count:poisson": "poisson",
        "reg:gamma": "gamma",
    },
)
_OF_LIGHTGBM = _by(
    "objective",
    {
        None: "squared",
        "regression": "squared",
        "l2": "squared",
        "mse": "squared",
        "l1": "absolute",
        "mae": "absolute",
        "regression_l1": "absolute",
        "poisson": "poisson",
        "gamma": "gamma",
    },
)
_OF_CATBOOST = _by("loss_function", {None: "squared", "RMSE": "squared", "MAE": "absolute", "Poisson": "poisson"})


def _of_tweedie(settings: Settings) -> str | None:
    return {0: "squared", 1: "poisson", 2: "gamma"}.get(settings.get("power", 0.0))


def _of_stacking(settings: Settings) -> str | None:
    final = settings.get("final_estimator")
    found = None if final is None else _of(whole(final))
    return "cross-entropy" if final is None else found.name if found else None


_ALWAYS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("LogisticRegression", "LogisticRegressionCV", "MLPClassifier", "HistGradientBoostingClassifier"),
            *("GaussianProcessClassifier", "XGBClassifier", "XGBRFClassifier", "LGBMClassifier", "CatBoostClassifier"),
        ),
        "cross-entropy",
    ),
    **dict.fromkeys(
        (
            *(
                "LinearRegression",
                "Ridge",
                "RidgeCV",
                "Lasso",
                "LassoCV",
                "ElasticNet",
                "ElasticNetCV",
                "Lars",
                "LarsCV",
            ),
            *("LassoLars", "LassoLarsCV", "LassoLarsIC", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV"),
            *("MultiTaskLasso", "MultiTaskLassoCV", "MultiTaskElasticNet", "MultiTaskElasticNetCV", "BayesianRidge"),
            *("ARDRegression", "KernelRidge", "GaussianProcessRegressor", "PLSRegression", "IsotonicRegression"),
            *("KNeighborsClassifier", "KNeighborsRegressor", "RadiusNeighborsClassifier", "RadiusNeighborsRegressor"),
            *("BaggingRegressor", "VotingRegressor", "StackingRegressor"),
        ),
        "squared",
    ),
    "SVC": "pairwise hinge",
    "AdaBoostClassifier": "exponential",
    "PoissonRegressor": "poisson",
    "GammaRegressor": "gamma",
}
_BY_SETTINGS: Mapping[str, Callable[[Settings], str | None]] = {
    **dict.fromkeys(
        ("DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier"), _GINI
    ),
    **dict.fromkeys(
        ("DecisionTreeRegressor", "ExtraTreeRegressor", "RandomForestRegressor", "ExtraTreesRegressor"), _OF_TREES
    ),
    "GradientBoostingClassifier": _by("loss", {"log_loss": "cross-entropy", "exponential": "exponential"}),
    "GradientBoostingRegressor": _with_number("loss", "alpha", {**_OF_BOOSTED_VALUES, "quantile": "quantile {}"}),
    "HistGradientBoostingRegressor": _with_number(
        "loss", "quantile", {**_OF_BOOSTED_VALUES, "quantile": "quantile {}"}
    ),
    "LinearSVC": _by("loss", {"hinge": "hinge", "squared_hinge": "squared hinge"}),
    "LinearSVR": _with_number("loss", "epsilon", _BAND),
    "SVR": lambda settings: f"epsilon-insensitive {settings.get('epsilon')}",
    "SGDClassifier": _OF_DESCENT,
    "SGDRegressor": _with_number("loss", "epsilon", _BAND),
    "QuantileRegressor": lambda settings: f"quantile {settings.get('quantile')}",
    "MLPRegressor": _by("loss", {None: "squared", "squared_error": "squared", "poisson": "poisson"}),
    "TweedieRegressor": _of_tweedie,
    "StackingClassifier": _of_stacking,
    "XGBRegressor": _OF_XGBOOST,
    "XGBRFRegressor": _OF_XGBOOST,
    "LGBMRegressor": _OF_LIGHTGBM,
    "CatBoostRegressor": _OF_CATBOOST,
}
_LIKELIHOODS = frozenset(
    {
        *("LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis", "GaussianNB", "MultinomialNB", "BernoulliNB"),
        *("ComplementNB", "CategoricalNB"),
    }
)
# Their classes are not the most probable ones; nor are those of SGDClassifier's modified Huber loss.
_THRESHOLDS = frozenset({"FixedThresholdClassifier", "TunedThresholdClassifierCV"})
