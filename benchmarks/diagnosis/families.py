"""The families of procedures: how each is trained for the truth, and the same as a model to be diagnosed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

import numpy as np
from diagnosis.case import Case
from diagnosis.populations import POPULATIONS
from jaxtyping import Float

from benign.foundation.randomness import generator
from benign.linear.fourier import median_bandwidth
from benign.procedures import objectives
from benign.procedures.function_procedure import from_callable
from benign.procedures.random_fourier import RandomFourier
from diagnosis import features, network

Matrix = Float[np.ndarray, "rows columns"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """What one model is trained on and asked for.

    Attributes:
        inputs: n x d.
        targets: n x outputs, one-hot where there are classes.
        seed: of the model's own randomness.
        asked: inputs to predict on.
    """

    inputs: Matrix
    targets: Matrix
    seed: int
    asked: tuple[Matrix, ...]


Outputs = list[list[Matrix]]
"""Of one training: at each time, on each of the inputs asked."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of procedures.

    Attributes:
        name: what cases call it.
        train: many trainings of one size; ``times`` is ``[None]`` where there is no time.
        model: what a diagnosis is given for a case, with the arguments that say its size and time.
        objective: what its losses are.
        threshold: whether n over the threshold is counted in columns, or measured; None where no ratio is drawn.
        has_size: whether "bigger" means anything: the larger, the more can be fitted.
        has_time: whether "longer" does.
        largest: of its sizes.
    """

    name: str
    train: Callable[[Case, Sequence[Training], float | None, Sequence[float | None]], list[Outputs]]
    model: Callable[[Case], tuple[Any, dict[str, Any]]]
    objective: Literal["squared", "cross-entropy"] = "squared"
    threshold: Literal["columns", "measured"] | None = "columns"
    has_size: bool = True
    has_time: bool = False
    largest: float = math.inf


# ------------------------------------------------------------------------------------------- least squares in features


def _feature_map(case: Case) -> features.FeatureMap:
    name = str(case.settings["features"])
    if name == "fourier":
        return features.fourier(float(case.settings["bandwidth"]))
    return {"relu": features.relu, "columns": features.columns, "legendre": features.legendre}[name]


def _fit_of(case: Case) -> Callable[..., list[features.Predict]]:
    if case.time is not None:
        return features.descended(_feature_map(case))
    return features.solved(_feature_map(case), float(case.settings["ridge"]))


def _train_features(
    case: Case, trainings: Sequence[Training], size: float | None, times: Sequence[float | None]
) -> list[Outputs]:
    assert size is not None
    fit = _fit_of(case)
    answers = []
    for one in trainings:
        predictors = fit(one.inputs, one.targets, int(size), times, one.seed)
        answers.append([[predict(asked) for asked in one.asked] for predict in predictors])
    return answers


def _feature_model(case: Case) -> tuple[Any, dict[str, Any]]:
    """Our own random Fourier features where the case is that; elsewhere a function."""
    if case.family == "fourier":
        procedure = RandomFourier(bandwidth=float(case.settings["bandwidth"]), ridge=float(case.settings["ridge"]))
        return procedure, {"size": int(case.size or 0)}
    return _function_model(case, _fit_of(case))


def _function_model(case: Case, fit: Callable[..., list[features.Predict]]) -> tuple[Any, dict[str, Any]]:
    population = POPULATIONS[case.population]
    targets_of = _rows_of(population.classes)

    def train(X: Matrix, y: np.ndarray, size: float, time: float | None, seed: int) -> features.Predict:
        return fit(X, targets_of(y), int(size), [case.time if time is None else time], seed)[0]

    is_bounded = case.settings.get("features") == "columns"
    procedure = from_callable(
        train,
        name=f"{case.family} of {case.name}",
        revision=1,
        size_name="hidden units" if case.family == "mlp" else "features",
        time_name=None if case.time is None else "steps",
        max_size=population.columns if is_bounded else math.inf,
    )
    arguments: dict[str, Any] = {"size": int(case.size or 0)}
    return procedure, arguments if case.time is None else arguments | {"time": int(case.time)}


def _rows_of(classes: int) -> Callable[[np.ndarray], Matrix]:
    """Turns targets as functions are given them into rows."""
    return lambda y: np.eye(classes)[y] if classes else y.reshape(len(y), -1)


@lru_cache(maxsize=64)
def bandwidth_of(population: str) -> float:
    """The median distance between its inputs."""
    inputs, _ = POPULATIONS[population].make(generator(0, "bandwidth"), 500)
    return median_bandwidth(np.ascontiguousarray(inputs[generator(0, "rows").permutation(len(inputs))[:500]]))


# ------------------------------------------------------------------------------------------------------------ networks


def _train_networks(
    case: Case, trainings: Sequence[Training], size: float | None, times: Sequence[float | None]
) -> list[Outputs]:
    del case  # all are alike
    assert size is not None
    steps = [float(time) for time in times if time is not None]
    X, Y = np.stack([one.inputs for one in trainings]), np.stack([one.targets for one in trainings])
    kept = network.train(X, Y, int(size), steps, [one.seed for one in trainings])
    answers: list[Outputs] = [[] for _ in trainings]
    for weights in kept:
        for place in range(len(trainings[0].asked)):
            values = network.outputs(weights, np.stack([one.asked[place] for one in trainings]))
            for answer, value in zip(answers, values, strict=True):
                if place == 0:
                    answer.append([])
                answer[-1].append(value)
    return answers


def _network_model(case: Case) -> tuple[Any, dict[str, Any]]:
    def fit(X: Matrix, Y: Matrix, size: int, times: Sequence[float], seed: int) -> list[features.Predict]:
        kept = network.train(X[None], Y[None], size, times, [seed])
        return [_predicting(weights) for weights in kept]

    return _function_model(case, fit)


def _predicting(weights: list[Float[np.ndarray, "networks _ _"]]) -> features.Predict:
    return lambda asked: network.outputs(weights, asked[None])[0]


# ---------------------------------------------------------------------------------------------------------- estimators


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """Which estimator of a case."""

    case: Case
    size: int | None
    time: int
    seed: int

    def kind(self, classifier: str, regressor: str, module: str) -> Any:
        """The class for labels, or that for values."""
        is_classifier = POPULATIONS[self.case.population].classes > 0
        return getattr(import_module(f"sklearn.{module}"), classifier if is_classifier else regressor)


def estimator_of(case: Case, size: float | None = None, time: float | None = None, seed: int = 0) -> Any:
    """The case's estimator at a size and time, its own unless said."""
    size, time = case.size if size is None else size, case.time if time is None else time
    wanted = _Wanted(case=case, size=None if size is None else int(size), time=int(time or 0), seed=seed)
    return _ESTIMATORS[case.family](wanted)


def _neighbours(wanted: _Wanted) -> Any:
    kind = wanted.kind("KNeighborsClassifier", "KNeighborsRegressor", "neighbors")
    return kind(n_neighbors=int(wanted.case.settings["neighbours"]))


def _kernel(wanted: _Wanted) -> Any:
    from sklearn.kernel_ridge import KernelRidge

    settings, scale = wanted.case.settings, bandwidth_of(wanted.case.population)
    gamma = 0.5 / scale**2
    if settings["kernel"] == "laplacian":
        gamma = 1.0 / (scale * math.sqrt(POPULATIONS[wanted.case.population].columns))
    return KernelRidge(alpha=float(settings["ridge"]), kernel=settings["kernel"], gamma=gamma)


def _tree(wanted: _Wanted) -> Any:
    kind = wanted.kind("DecisionTreeClassifier", "DecisionTreeRegressor", "tree")
    return kind(max_leaf_nodes=wanted.size, random_state=wanted.seed)


def _forest(wanted: _Wanted) -> Any:
    kind = wanted.kind("RandomForestClassifier", "RandomForestRegressor", "ensemble")
    return kind(n_estimators=20, max_leaf_nodes=wanted.size, random_state=wanted.seed)


def _boosting(wanted: _Wanted) -> Any:
    kind = wanted.kind("GradientBoostingClassifier", "GradientBoostingRegressor", "ensemble")
    return kind(
        n_estimators=wanted.time,
        max_leaf_nodes=wanted.size,
        max_depth=None,
        learning_rate=0.2,
        random_state=wanted.seed,
    )


def _on_sampler(wanted: _Wanted, last: Any) -> Any:
    from sklearn.kernel_approximation import RBFSampler
    from sklearn.pipeline import make_pipeline

    gamma = 0.5 / bandwidth_of(wanted.case.population) ** 2
    return make_pipeline(RBFSampler(gamma=gamma, n_components=wanted.size, random_state=wanted.seed), last)


def _logistic(wanted: _Wanted) -> Any:
    from sklearn.linear_model import LogisticRegression

    return _on_sampler(wanted, LogisticRegression(C=float(wanted.case.settings["C"]), max_iter=200))


def _ridge_classifier(wanted: _Wanted) -> Any:
    from sklearn.linear_model import RidgeClassifier

    return _on_sampler(wanted, RidgeClassifier(alpha=float(wanted.case.settings["ridge"]), solver="svd"))


_ESTIMATORS: dict[str, Callable[[_Wanted], Any]] = {
    "neighbours": _neighbours,
    "kernel": _kernel,
    "tree": _tree,
    "forest": _forest,
    "boosting": _boosting,
    "logistic": _logistic,
    "ridge_classifier": _ridge_classifier,
}


def _train_estimators(
    case: Case, trainings: Sequence[Training], size: float | None, times: Sequence[float | None]
) -> list[Outputs]:
    return [list(_estimated(case, one, size, times)) for one in trainings]


def _estimated(case: Case, one: Training, size: float | None, times: Sequence[float | None]) -> Iterator[list[Matrix]]:
    last = times[-1]
    labels = np.flatnonzero(one.targets.any(axis=0))
    if POPULATIONS[case.population].classes and len(labels) == 1:  # nothing to learn: that label, always
        yield from (
            [np.eye(one.targets.shape[1])[np.full(len(asked), labels[0])] for asked in one.asked] for _ in times
        )
        return
    model = estimator_of(case, size, last, one.seed)
    targets = one.targets.argmax(axis=1) if _learns_labels(model) else one.targets
    targets = targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: the procedure is what it is
        model.fit(one.inputs, targets)
        stages = [_stages(model, asked, times) for asked in one.asked]
    outputs = one.targets.shape[1]
    for place in range(len(times)):
        yield [_spread(model, values[place], outputs) for values in stages]


def _learns_labels(model: Any) -> bool:
    from sklearn.base import is_classifier

    return bool(is_classifier(model))


def _stages(model: Any, asked: Matrix, times: Sequence[float | None]) -> list[np.ndarray]:
    """What a fitted model says of inputs, at each number of rounds."""
    if times[0] is not None:
        staged = model.staged_predict_proba if hasattr(model, "predict_proba") else model.staged_predict
        wanted = {int(time) for time in times if time is not None}
        return [values.copy() for step, values in enumerate(staged(asked), 1) if step in wanted]
    if hasattr(model, "predict_proba"):
        return [model.predict_proba(asked)]
    return [model.decision_function(asked) if hasattr(model, "decision_function") else model.predict(asked)]


def _spread(model: Any, values: np.ndarray, outputs: int) -> Matrix:
    """One column a class, 0 where training has not seen it; margins m as (m + 1) / 2."""
    if not hasattr(model, "classes_"):
        return values.reshape(len(values), -1)
    if not hasattr(model, "predict_proba"):
        scores = np.column_stack([-values, values]) if values.ndim == 1 else values
        values = (scores + 1) / 2
    spread = np.zeros((len(values), outputs))
    spread[:, np.asarray(model.classes_, int)] = values
    return spread


def _estimator_model(case: Case) -> tuple[Any, dict[str, Any]]:
    arguments = (
        {"size_parameter": "rbfsampler__n_components"} if case.family in ("logistic", "ridge_classifier") else {}
    )
    if case.time is not None:
        return estimator_of(case), arguments | {"time": int(case.time)}
    return estimator_of(case), arguments


# ----------------------------------------------------------------------------------------------------------- the table


def _in_features(name: str, **settings: Any) -> Family:
    return Family(name=name, train=_train_features, model=_feature_model, **settings)


def _estimator(name: str, **settings: Any) -> Family:
    return Family(name=name, train=_train_estimators, model=_estimator_model, **settings)


FAMILIES = {
    family.name: family
    for family in (
        _in_features("fourier"),
        _in_features("relu"),
        _in_features("ridge"),
        _in_features("linear"),
        _in_features("legendre"),
        _in_features("descent", has_time=True),
        _estimator("kernel", threshold=None, has_size=False),
        _estimator("neighbours", threshold=None, has_size=False),
        _estimator("tree", threshold="measured", largest=4096),
        _estimator("forest", threshold=None),
        _estimator("boosting", threshold=None, has_time=True),
        _estimator("logistic", threshold="measured", objective="cross-entropy", largest=512),
        _estimator("ridge_classifier"),
        Family(
            name="mlp", train=_train_networks, model=_network_model, threshold="measured", has_time=True, largest=64
        ),
    )
}


def objective_of(case: Case) -> str:
    """What the losses of a case are."""
    is_classifier = POPULATIONS[case.population].classes > 0
    if case.family == "boosting" and is_classifier:
        return "cross-entropy"
    return FAMILIES[case.family].objective


def losses(case: Case, outputs: Matrix, targets: Matrix) -> Float[np.ndarray, " rows"]:
    """The training objective of each row."""
    return objectives.losses(objective_of(case), outputs, targets)
